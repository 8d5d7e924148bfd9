"""Processes, inputs and outputs in the terms of WPS, both ways, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from pygeoapi_oapip.engines.builtin.echo_description import DESCRIPTION as ECHO
from pygeoapi_oapip.errors import OapipError, TooLarge, UnresolvableReference
from pygeoapi_oapip.model.execution import ExecutionRequest
from pygeoapi_oapip.model.json import JSON, JSONObject
from pygeoapi_oapip.model.process import Input, Output, Process
from pygeoapi_oapip.validate import validate
from pygeoapi_oapip.wps import reference_systems
from pygeoapi_oapip.wps.describe import describe, domain_of, xml_text
from pygeoapi_oapip.wps.faults import V1, V2, report
from pygeoapi_oapip.wps.inputs import execute_body, given_inputs
from pygeoapi_oapip.wps.literals import NotALiteral, value_of
from pygeoapi_oapip.wps.media_types import formats_of, own_name, wps_name
from pygeoapi_oapip.wps.outputs import complex_made
from pygeoapi_oapip.wps.terms import (
    BoundingBoxCRS,
    BoxGiven,
    Closure,
    ComplexFormats,
    ComplexGiven,
    ExecuteAsked,
    Given,
    LiteralDomain,
    LiteralGiven,
    OutputAsked,
    Range,
    ReferenceGiven,
)

FILE: JSONObject = {"type": "string", "format": "binary", "contentMediaType": "text/plain"}
BYTES: JSONObject = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
TIFF: JSONObject = {"type": "string", "format": "binary", "contentMediaType": "image/tiff; application=geotiff"}
FOLDER: JSONObject = {"type": "string", "format": "uri", "contentMediaType": "inode/directory"}
PLACE: JSONObject = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def process(schema: JSONObject, **options: Any) -> Process:
    """A process with the one input `x`, and an output of the same kind."""
    return Process("p", "1", "P", "", {"x": Input("x", "X", schema, **options)}, {"y": Output("y", "Y", schema)}, None)


def refuse(reference: ReferenceGiven) -> bytes:
    raise AssertionError(f"{reference.href} should not be read")


def body(schema: JSONObject, *given: Given, **options: Any) -> Any:
    asked = ExecuteAsked("p", tuple(("x", item) for item in given))
    found: Any = execute_body(asked, process(schema, **options), refuse)
    return found["inputs"].get("x")


@pytest.mark.parametrize(
    ("schema", "domain"),
    [
        ({"type": "string"}, LiteralDomain("string")),
        ({"type": "string", "format": "date-time"}, LiteralDomain("dateTime")),
        ({"type": "integer", "default": 3}, LiteralDomain("integer", default="3")),
        ({"type": "number", "format": "double", "default": 0.1}, LiteralDomain("float", default="0.1")),
        ({"type": "boolean", "default": True}, LiteralDomain("boolean", default="true")),
        ({"type": "string", "enum": ["a", "b"]}, LiteralDomain("string", ("a", "b"))),
        ({"enum": [1, 2]}, LiteralDomain("integer", ("1", "2"))),
        ({"type": "string", "enum": [None], "nullable": True}, LiteralDomain("string")),
        ({"type": "number", "minimum": 0}, LiteralDomain("float", ranges=(Range("0", ""),))),
        (
            {"type": "integer", "minimum": 1, "maximum": 9, "exclusiveMaximum": True},
            LiteralDomain("integer", ranges=(Range("1", "9", Closure.CLOSED_OPEN),)),
        ),
        ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, LiteralDomain("string")),
        ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, LiteralDomain("float")),
    ],
)
def test_literal_domains(schema: JSONObject, domain: LiteralDomain) -> None:
    assert domain_of(schema) == domain


@pytest.mark.parametrize(
    ("schema", "names"),
    [
        (FILE, ["text/plain"]),
        (TIFF, ["image/tiff; subtype=geotiff", "image/tiff; application=geotiff", "image/tiff"]),
        ({"oneOf": [FILE, {"type": "object"}]}, ["text/plain", "application/json"]),
        ({"type": "array", "items": {"type": "string"}}, ["application/json"]),
        (PLACE, ["application/json"]),
        ({"description": "Any JSON value."}, ["application/json", "text/plain"]),
        (FOLDER, ["application/x-directory", "application/json"]),
        ({"oneOf": [{"type": "string"}, {"type": "array", "items": {}}]}, ["application/json"]),
        ({**FILE, "contentMediaType": "chemical/x-pdb"}, ["application/x-chemical-x-pdb"]),
    ],
)
def test_complex_domains(schema: JSONObject, names: list[str]) -> None:
    domain = domain_of(schema)
    assert isinstance(domain, ComplexFormats)
    assert list(dict.fromkeys(item.media_type for item in domain.supported)) == names
    assert domain.default == domain.supported[0]


def test_a_folder_that_is_produced_is_an_archive() -> None:
    domain = domain_of({"type": "string", "format": "uri"}, produced=True)
    assert isinstance(domain, ComplexFormats)
    assert domain.default.media_type == "application/zip"


def test_boxes_name_their_systems() -> None:
    crs = {"type": "string", "enum": ["http://www.opengis.net/def/crs/EPSG/0/3857"]}
    domain = domain_of({"type": "object", "properties": {"bbox": {}, "crs": crs}})
    assert domain == BoundingBoxCRS("urn:ogc:def:crs:EPSG::3857", ("urn:ogc:def:crs:EPSG::3857",))


def test_titles_and_abstracts_are_never_empty() -> None:
    found = describe(Process("id", "", "", " ", {"x": Input("x", "", {})}, {"y": Output("y", "", {})}, None))
    assert (found.title, found.abstract, found.version) == ("id", "id", "1.0.0")
    assert [(item.title, item.abstract) for item in found.inputs] == [("x", "x")]
    assert [(item.title, item.abstract) for item in found.outputs] == [("y", "y")]


def test_texts_are_such_as_xml_can_hold() -> None:
    assert xml_text("a\0b\x1b\ud800\uffff\tc\U0001f600") == "a?b???\tc\U0001f600"
    assert describe(Process("p", "1", "a\x01", "", {}, {}, None)).title == "a?"


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        (" 1 ", {"type": "integer"}, 1),
        ("1e2", {"type": "integer"}, 100),
        (".5", {"type": "number"}, 0.5),
        ("5", {"type": "number"}, 5),
        (" x ", {"type": "string"}, " x "),
        ("True", {"type": "boolean"}, True),
        ("12", {"oneOf": [{"type": "integer"}, {"type": "string"}]}, 12),
        ("12m", {"oneOf": [{"type": "integer"}, {"type": "string"}]}, "12m"),
        ("true", {"oneOf": [{"type": "boolean"}, {"type": "integer", "maximum": 3}]}, True),
        ("2", {"oneOf": [{"type": "boolean"}, {"type": "integer"}]}, 2),
    ],
)
def test_literals(text: str, schema: JSONObject, value: JSON) -> None:
    found = value_of(text, schema)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "integer"),
        ("1.5", "integer"),
        ("1e400", "integer"),
        ("١", "integer"),
        ("0x10", "number"),
        ("nan", "number"),
        ("1e999", "number"),
        ("1_000", "number"),
        ("2", "boolean"),
    ],
)
def test_what_is_no_literal(text: str, kind: str) -> None:
    with pytest.raises(NotALiteral):
        value_of(text, {"type": kind})


@pytest.mark.parametrize(
    ("schema", "given", "value"),
    [
        (FILE, ComplexGiven("t"), {"value": "t", "mediaType": "text/plain"}),
        (FILE, LiteralGiven("t"), {"value": "t", "mediaType": "text/plain"}),
        (BYTES, ComplexGiven("t"), {"value": "t"}),
        (
            BYTES,
            ComplexGiven("t", "application/octet-stream"),
            {"value": "t", "mediaType": "application/octet-stream", "encoding": "utf-8"},
        ),
        (
            TIFF,
            ComplexGiven("SUk=", "image/tiff;subtype=geotiff", "BASE64"),
            {"value": "SUk=", "mediaType": "image/tiff; application=geotiff", "encoding": "base64"},
        ),
        (FILE, ReferenceGiven("http://h/x", "text/plain"), {"href": "http://h/x", "type": "text/plain"}),
        (TIFF, ReferenceGiven("http://h/x", "image/tiff"), {"href": "http://h/x", "type": TIFF["contentMediaType"]}),
        (FOLDER, ComplexGiven('{"class": "Directory"}', "application/json"), {"class": "Directory"}),
        (PLACE, ComplexGiven(' {"name": "n"}', "application/geo+json"), {"name": "n"}),
        (PLACE, ComplexGiven("eyJuYW1lIjogIm4ifQ==", "", "base64"), {"name": "n"}),
        ({}, ComplexGiven("no json"), "no json"),
        ({}, LiteralGiven("[1]"), [1]),
    ],
)
def test_complex_values(schema: JSONObject, given: Given, value: JSON) -> None:
    assert body(schema, given) == value


def test_repetition_is_an_array() -> None:
    options = {"min_occurs": 0, "max_occurs": None}
    assert body({"type": "integer"}, LiteralGiven("1"), LiteralGiven("2"), **options) == [1, 2]
    assert body({"type": "integer"}, LiteralGiven("1"), **options) == [1]
    assert body({"type": "integer"}, **options) is None


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (BoxGiven((1, 2), (3, 4)), {"bbox": [1, 2, 3, 4]}),
        (
            BoxGiven((1, 2, 0), (3, 4, 9), "urn:ogc:def:crs:EPSG::4979", 3),
            {"bbox": [1, 2, 0, 3, 4, 9], "crs": "http://www.opengis.net/def/crs/EPSG/0/4979"},
        ),
        (LiteralGiven("1,2,3,4"), {"bbox": [1, 2, 3, 4]}),
        (LiteralGiven("1,2,0,3,4,9"), {"bbox": [1, 2, 0, 3, 4, 9]}),
        (
            LiteralGiven("1, 2, 3, 4, EPSG:4326, 2"),
            {"bbox": [1, 2, 3, 4], "crs": "http://www.opengis.net/def/crs/EPSG/0/4326"},
        ),
        (ComplexGiven('{"bbox": [1]}'), {"bbox": [1]}),
    ],
)
def test_boxes(given: Given, value: JSON) -> None:
    assert body(ECHO.inputs["bbox"].schema, given) == value


@pytest.mark.parametrize(
    ("content", "reference", "schema", "value"),
    [
        (b"12\n", ReferenceGiven("http://h/x"), {"type": "integer"}, 12),
        (b"a\n\n", ReferenceGiven("http://h/x"), {"type": "string"}, "a\n"),
        (
            b"posted",
            ReferenceGiven("http://h/x", "text/plain", method="POST", body="q"),
            FILE,
            {"value": "posted", "mediaType": "text/plain", "encoding": "utf-8"},
        ),
        (
            b"II\xff",
            ReferenceGiven("http://h/x", "image/tiff", headers=(("A", "b"),)),
            TIFF,
            {"value": "SUn/", "mediaType": "image/tiff; application=geotiff", "encoding": "base64"},
        ),
        (b'{"name": "n"}', ReferenceGiven("http://h/x", method="POST"), PLACE, {"name": "n"}),
    ],
)
def test_references_that_are_read_at_once(
    content: bytes, reference: ReferenceGiven, schema: JSONObject, value: JSON
) -> None:
    found = execute_body(ExecuteAsked("p", (("x", reference),)), process(schema), lambda _: content)
    assert found["inputs"] == {"x": value}


def test_a_reference_that_cannot_be_read_names_its_input() -> None:
    def read(reference: ReferenceGiven) -> bytes:
        raise UnresolvableReference("it is not there")

    with pytest.raises(UnresolvableReference, match=r"inputs\.x: it is not there") as caught:
        execute_body(ExecuteAsked("p", (("x", ReferenceGiven("http://h/x")),)), process({"type": "string"}), read)
    assert report(caught.value, V1).locator == "x"
    assert report(caught.value, V2).code == "DataNotAccessible"


@pytest.mark.parametrize(
    ("asked", "codes"),
    [
        (ExecuteAsked("p"), ("MissingParameterValue", "MissingParameterValue")),
        (ExecuteAsked("p", (("z", LiteralGiven("1")),)), ("InvalidParameterValue", "NoSuchInput")),
        (ExecuteAsked("p", (("x", LiteralGiven("1")),) * 2), ("InvalidParameterValue", "TooManyInputs")),
        (ExecuteAsked("p", (("x", LiteralGiven("one")),)), ("InvalidParameterValue", "WrongInputData")),
        (ExecuteAsked("p", (("x", BoxGiven((1, 2), (3, 4))),)), ("InvalidParameterValue", "WrongInputData")),
        (
            ExecuteAsked("p", (("x", LiteralGiven("1", uom="m")),)),
            ("InvalidParameterValue", "WrongInputData"),
        ),
        (
            ExecuteAsked("p", (("x", LiteralGiven("1")),), outputs=(OutputAsked("z"),)),
            ("InvalidParameterValue", "NoSuchOutput"),
        ),
    ],
)
def test_refusals_have_codes_of_each_version(asked: ExecuteAsked, codes: tuple[str, str]) -> None:
    with pytest.raises(OapipError) as caught:
        execute_body(asked, process({"type": "integer"}), refuse)
    assert (report(caught.value, V1).code, report(caught.value, V2).code) == codes


def test_codes_of_other_errors() -> None:
    assert (report(TooLarge("x"), V1).code, report(TooLarge("x"), V2).code) == ("FileSizeExceeded", "SizeExceeded")
    unknown = OapipError("x")
    unknown.code = "AccessDenied"
    assert (report(unknown, V1).code, report(unknown, V2).code) == ("NoApplicableCode", "NoApplicableCode")


GIVEN: tuple[tuple[str, Given], ...] = (
    ("message", LiteralGiven("m", "string")),
    ("number", LiteralGiven("0.1", "float")),
    ("flag", LiteralGiven("false", "boolean")),
    ("numbers", ComplexGiven("[1, 2]", "application/json")),
    ("names", LiteralGiven("a", "string")),
    ("names", LiteralGiven("b", "string")),
    ("bbox", BoxGiven((1.0, 2.0), (3.0, 4.0), "urn:ogc:def:crs:EPSG::4326", 2)),
    ("text", ComplexGiven("t", "text/plain")),
    ("document", ReferenceGiven("http://h/x.xml", "application/xml")),
    ("image", ComplexGiven("SUk=", "image/tiff", "base64")),
)


def test_a_request_comes_back_as_it_was_given() -> None:
    made = validate(execute_body(ExecuteAsked("echo", GIVEN), ECHO, refuse), ECHO)
    stored = ExecutionRequest.from_json(made.to_json())
    assert given_inputs(stored, ECHO) == GIVEN


def test_content_is_written_so_that_it_comes_back() -> None:
    assert complex_made(b"<a/>", "text/xml").is_xml
    assert not complex_made(b"<a", "text/xml").is_xml
    assert not complex_made(b"<!DOCTYPE a><a/>", "text/xml").is_xml
    assert complex_made(b"<a", "text/xml").encoding == ""
    for content in (b"\xff", b"a\0", b"a\r\n", "\ufffe".encode()):
        assert complex_made(content, "text/plain").encoding == "base64"
    assert complex_made(b"II", "image/tiff").encoding == "base64"
    assert complex_made(b"t", "text/plain", OutputAsked("y", encoding="base64")).encoding == "base64"


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("EPSG:4326", "http://www.opengis.net/def/crs/EPSG/0/4326"),
        ("epsg::3857", "http://www.opengis.net/def/crs/EPSG/0/3857"),
        ("urn:ogc:def:crs:EPSG:6.9:4326", "http://www.opengis.net/def/crs/EPSG/0/4326"),
        ("urn:x-ogc:def:crs:EPSG:4326", "urn:x-ogc:def:crs:EPSG:4326"),
        ("CRS:84", reference_systems.CRS84),
        ("OGC:CRS84", reference_systems.CRS84),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", reference_systems.CRS84),
        ("https://www.opengis.net/def/crs/OGC/1.3/CRS84", reference_systems.CRS84),
        ("somewhere", "somewhere"),
    ],
)
def test_names_of_reference_systems(name: str, uri: str) -> None:
    assert reference_systems.uri_of(name) == uri
    assert reference_systems.same(name, uri)
    assert reference_systems.uri_of(reference_systems.urn_of(uri)) == uri


def test_names_of_formats_go_both_ways() -> None:
    for kind in ("image/tiff; application=geotiff", "text/csv", "application/geo+json", "chemical/x-pdb", "text/plain"):
        assert wps_name(kind) == formats_of(kind)[0].media_type
        for each in formats_of(kind):
            assert own_name(each.media_type.upper(), (kind,)) == kind
    assert own_name("video/mp4", ("text/csv",)) == "video/mp4"


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1,2,3,x"])
def test_what_is_no_box(text: str) -> None:
    with pytest.raises(OapipError) as caught:
        body(ECHO.inputs["bbox"].schema, LiteralGiven(text))
    assert report(caught.value, V1).locator == "x"
