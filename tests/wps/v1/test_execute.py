"""Execute of WPS 1.0.0: inputs of every kind, and the forms of the answer."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from lxml import etree

from pygeoapi_oapip.model.identity import ANONYMOUS
from pygeoapi_oapip.store.base import JobQuery
from tests.wps.v1.conftest import BASE, Door, Host, content, given, literal

CRS84 = "urn:ogc:def:crs:OGC:1.3:CRS84"
DOCUMENT = "<wps:ResponseDocument {}>{}</wps:ResponseDocument>"


def wanted(name: str, attributes: str = "") -> str:
    return f"<wps:Output {attributes}><ows:Identifier>{name}</ows:Identifier></wps:Output>"


def raw(name: str, attributes: str = "") -> str:
    return f"<wps:RawDataOutput {attributes}><ows:Identifier>{name}</ows:Identifier></wps:RawDataOutput>"


def box(lower: str, upper: str, attributes: str = "") -> str:
    corners = f"<ows:LowerCorner>{lower}</ows:LowerCorner><ows:UpperCorner>{upper}</ows:UpperCorner>"
    return given("bbox", f"<wps:Data><wps:BoundingBoxData {attributes}>{corners}</wps:BoundingBoxData></wps:Data>")


def reference(name: str, url: str, attributes: str = "", inner: str = "") -> str:
    return given(name, f'<wps:Reference xlink:href="{url}" {attributes}>{inner}</wps:Reference>')


@pytest.mark.parametrize(
    ("name", "text", "kind", "back"),
    [
        ("message", "a &lt;b&gt; ä", "string", "a <b> ä"),
        ("message", "", "string", ""),
        ("number", " 2.50 ", "float", "2.5"),
        ("number", "-1e3", "float", "-1000.0"),
        ("cloudCover", "+7", "integer", "7"),
        ("cloudCover", "7.0", "integer", "7"),
        ("flag", "TRUE", "boolean", "true"),
        ("flag", "0", "boolean", "false"),
        ("resolution", "20", "integer", "20"),
        ("band", " nir ", "string", "nir"),
        ("time", "2024-06-21T10:30:00Z", "dateTime", "2024-06-21T10:30:00Z"),
    ],
)
def test_literals(door: Door, name: str, text: str, kind: str, back: str) -> None:
    got = door.execute(literal(name, text))
    assert got.state == "ProcessSucceeded"
    value = got.output(name)
    assert (value.text or "") == back
    assert value.get("dataType").endswith(f"#{kind}")


def test_repeated_inputs_are_an_array_in_their_order(door: Door) -> None:
    got = door.execute(literal("names", "b") + literal("message", "m") + literal("names", "a"))
    assert json.loads(got.output("names").text) == ["b", "a"]
    assert got.output("names").get("mimeType") == "application/json"


@pytest.mark.parametrize(
    ("attributes", "crs"),
    [
        ("", CRS84),
        ('crs="EPSG:4326"', "urn:ogc:def:crs:EPSG::4326"),
        ('crs="urn:ogc:def:crs:EPSG::4326" dimensions="2"', "urn:ogc:def:crs:EPSG::4326"),
        ('crs="http://www.opengis.net/def/crs/OGC/1.3/CRS84"', CRS84),
    ],
)
def test_bounding_boxes_keep_their_axis_order(door: Door, attributes: str, crs: str) -> None:
    got = door.execute(box("46.5 11", "47 12.25", attributes))
    made = got.output("bbox")
    assert (made.get("crs"), made.get("dimensions")) == (crs, "2")
    assert [child.text for child in made] == ["46.5 11", "47 12.25"]


def test_xml_content_is_an_element(door: Door) -> None:
    got = door.execute(
        content("document", '<a:scene xmlns:a="urn:a"><b at="1">&amp;</b></a:scene>', 'mimeType="text/xml"')
    )
    (root,) = got.output("document")
    assert etree.QName(root).text == "{urn:a}scene"
    assert root[0].text == "&"


def test_text_content_is_text(door: Door) -> None:
    got = door.execute(content("text", "<![CDATA[1 < 2 & <!DOCTYPE x>]]>", 'mimeType="text/plain"'))
    assert got.output("text").text == "1 < 2 & <!DOCTYPE x>"


def test_binary_content_is_base64(door: Door) -> None:
    encoded = base64.b64encode(b"II*\0\xff").decode()
    got = door.execute(content("image", encoded, 'mimeType="image/tiff; subtype=geotiff" encoding="base64"'))
    value = got.output("image")
    assert base64.b64decode(value.text) == b"II*\0\xff"
    assert (value.get("mimeType"), value.get("encoding")) == ("image/tiff", "base64")


def test_json_content_and_records(door: Door) -> None:
    place = {"name": "Bolzano", "height": 262.0}
    inputs = (
        content("place", json.dumps(place), 'mimeType="application/json"') + literal("many", "1") + literal("many", "2")
    )
    got = door.execute(inputs, process="report")
    assert json.loads(got.output("place").text) == place
    assert json.loads(got.output("many").text) == [1, 2]
    assert got.output("unit").text == "metre"
    assert "nothing" not in got.outputs
    assert got.output("note")[0].text == "of Bolzano"
    assert base64.b64decode(got.output("folder").text)[:2] == b"PK"


def test_one_item_of_an_array_is_an_array(door: Door) -> None:
    inputs = content("place", '{"name": "x", "height": 1}') + literal("many", "1")
    assert json.loads(door.execute(inputs, process="report").output("many").text) == [1]


def test_literals_by_reference(door: Door, host: Host) -> None:
    got = door.execute(
        reference("message", f"{host.url}/word.txt") + reference("cloudCover", f"{host.url}/number.txt", 'method="GET"')
    )
    assert (got.output("message").text, got.output("cloudCover").text) == ("word", "12")


def test_content_by_reference(door: Door, host: Host) -> None:
    got = door.execute(reference("text", f"{host.url}/note.txt", 'mimeType="text/plain"'))
    assert got.output("text").text == "a note"


def test_references_with_headers_and_a_body(door: Door, host: Host) -> None:
    header = '<wps:Header key="X-Token" value="abc"/>'
    body = "<wps:Body><q:query xmlns:q='urn:q'>all</q:query></wps:Body>"
    got = door.execute(reference("text", f"{host.url}/echo", 'method="POST" mimeType="text/plain"', header + body))
    assert got.output("text").text.startswith("posted: <q:query xmlns:q=")
    method, path, headers, sent = host.seen[-1]
    assert (method, path, headers["x-token"], headers["content-type"]) == ("POST", "/echo", "abc", "text/xml")
    assert b"xmlns:q=" in sent and b"all" in sent


def test_a_body_may_be_a_reference_itself(door: Door, host: Host) -> None:
    link = f'<wps:BodyReference xlink:href="{host.url}/word.txt"/>'
    got = door.execute(reference("text", f"{host.url}/echo", 'method="POST" mimeType="text/plain"', link))
    assert got.output("text").text == "posted: word\n"


def test_the_encoding_of_a_reference_is_undone(door: Door, host: Host) -> None:
    got = door.execute(reference("text", f"{host.url}/b64", 'encoding="base64" mimeType="text/plain"'))
    assert got.output("text").text == "abc"


def test_only_the_outputs_asked_for_are_told(door: Door) -> None:
    form = DOCUMENT.format("", wanted("number"))
    assert door.execute(literal("message", "m") + literal("number", "1"), form).outputs == ["number"]
    assert door.execute(literal("message", "m") + literal("number", "1")).outputs == ["message", "number"]
    assert door.execute(literal("message", "m"), DOCUMENT.format("", "")).outputs == ["message"]


def test_outputs_as_references_are_those_of_the_job(door: Door) -> None:
    form = DOCUMENT.format(
        'storeExecuteResponse="true"', wanted("text", 'asReference="true"') + wanted("number", 'asReference="true"')
    )
    got = door.execute(content("text", "hello") + literal("number", "2"), form)
    job = got.one("/wps:ExecuteResponse/@statusLocation").rpartition("/")[2]
    text, number = (got.output(name, "wps:Reference") for name in ("text", "number"))
    assert text.get("href") == f"{BASE}/jobs/{job}/results/text"
    assert text.get("mimeType") == "text/plain"
    assert number.get("href") == f"{BASE}/jobs/{job}/results/number?f=text"


def test_a_format_is_told_as_it_was_asked_for(door: Door) -> None:
    inputs = content("image", base64.b64encode(b"II*\0").decode(), 'mimeType="image/tiff"')
    got = door.execute(inputs, DOCUMENT.format("", wanted("image", 'mimeType="image/tiff" encoding="base64"')))
    assert got.output("image").get("mimeType") == "image/tiff"


def test_lineage_repeats_the_request(door: Door, host: Host) -> None:
    inputs = (
        literal("message", "m")
        + box("1 2", "3 4", 'crs="EPSG:4326"')
        + content("text", "t &lt; u", 'mimeType="text/plain"')
        + reference("document", f"{host.url}/note.txt", 'mimeType="text/xml"')
        + literal("names", "a")
        + literal("names", "b")
    )
    got = door.execute(
        inputs, DOCUMENT.format('lineage="true"', wanted("message") + wanted("names", 'asReference="true"'))
    )
    assert sorted(got.texts("//wps:DataInputs/wps:Input/ows:Identifier")) == [
        "bbox",
        "document",
        "message",
        "names",
        "names",
        "text",
    ]
    assert got.one("//wps:DataInputs//wps:ComplexData") == "t < u"
    assert got.one("//wps:DataInputs//wps:Reference/@xlink:href") == f"{host.url}/note.txt"
    assert got.one("//wps:DataInputs//wps:BoundingBoxData/ows:LowerCorner") == "1 2"
    assert got.texts("//wps:OutputDefinitions/wps:Output/@asReference") == ["false", "true"]
    assert door.execute(literal("message", "m")).find("//wps:DataInputs") == []


def test_raw_literals_and_files(door: Door) -> None:
    got = door.execute(literal("message", "ä m"), raw("message"))
    assert (got.status, got.response.content_type, got.text) == (200, "text/plain; charset=utf-8", "ä m")
    got = door.execute(content("document", "<a/>", 'mimeType="application/xml"'), raw("document"))
    assert (got.response.mimetype, got.text) == ("application/xml", "<a/>")
    assert "default-src" in got.response.headers["Content-Security-Policy"]
    assert got.response.headers["X-Content-Type-Options"] == "nosniff"
    image = content("image", base64.b64encode(b"II*\0\xfe").decode(), 'encoding="base64"')
    got = door.execute(image, raw("image"))
    assert (got.response.mimetype, got.response.data) == ("image/tiff", b"II*\0\xfe")
    assert got.response.headers["Content-Length"] == "5"


def test_raw_arrays_and_boxes_are_json(door: Door) -> None:
    assert json.loads(door.execute(literal("names", "a"), raw("names")).text) == ["a"]
    assert json.loads(door.execute(box("1 2", "3 4"), raw("bbox")).text)["bbox"] == [1, 2, 3, 4]


def test_a_raw_output_without_a_value_is_told(door: Door) -> None:
    got = door.execute(literal("message", "m"), raw("number"))
    assert got.failure[0] == 400


def test_kvp_values_are_split_before_they_are_decoded(door: Door) -> None:
    got = door.kvp(f"message={quote('a;b=c@d & 100%', safe='')};number=1.5;names=x;names=y")
    assert got.output("message").text == "a;b=c@d & 100%"
    assert json.loads(got.output("names").text) == ["x", "y"]


def test_kvp_that_is_escaped_as_a_whole(door: Door) -> None:
    inner = f"message={quote('a;b', safe='')};number=1.5"
    got = door.kvp(quote(inner, safe=""))
    assert (got.output("message").text, got.output("number").text) == ("a;b", "1.5")
    assert door.kvp(f"[message={quote('[x]')}]").output("message").text == "[x]"


def test_kvp_attributes(door: Door, host: Host) -> None:
    href = quote(f"{host.url}/note.txt", safe="")
    got = door.kvp(
        f"text=@xlink:href={href}@mimeType=text/plain;bbox=1,2,3,4,EPSG:4326;"
        f"document={quote('<a/>')}@mimeType=text/xml;message=who@example.org",
    )
    assert got.output("text").text == "a note"
    assert got.output("message").text == "who@example.org"
    assert got.output("bbox").get("crs") == "urn:ogc:def:crs:EPSG::4326"
    assert got.output("document")[0].tag == "a"
    got = door.kvp(
        "image=SUkqAA==@encoding=base64;message=m", "&ResponseDocument=image@asReference=true;message&lineage=true"
    )
    assert got.outputs == ["message", "image"]
    assert got.output("image", "wps:Reference").get("mimeType") == "image/tiff"
    assert got.find("//wps:DataInputs")


def test_kvp_raw(door: Door) -> None:
    assert door.kvp("message=m;number=2", "&RawDataOutput=number").text == "2"
    assert door.kvp("message=m", "&RawDataOutput=message;number").failure == (
        400,
        "InvalidParameterValue",
        "RawDataOutput",
    )


def test_kvp_as_a_form(door: Door) -> None:
    form = "service=WPS&version=1.0.0&request=Execute&Identifier=echo&DataInputs=message%3Dposted"
    assert door.post(form, kind="application/x-www-form-urlencoded").output("message").text == "posted"


def test_a_body_of_1_0_0_may_say_that_it_is_2_0_0(door: Door) -> None:
    body = (
        '<wps:Execute service="WPS" version="2.0.0" xmlns:wps="http://www.opengis.net/wps/1.0.0" '
        'xmlns:ows="http://www.opengis.net/ows/1.1"><ows:Identifier>echo</ows:Identifier><wps:DataInputs>'
        f"{literal('message', 'm')}</wps:DataInputs></wps:Execute>"
    )
    assert door.post(body, "/wps?service=WPS&version=2.0.0&request=Execute").output("message").text == "m"


def test_a_body_counts_as_xml_whatever_its_type(door: Door) -> None:
    body = "<wps:GetCapabilities service='WPS' xmlns:wps='http://www.opengis.net/wps/1.0.0'/>"
    for kind in ("application/xml", "text/plain", "", "application/x-www-form-urlencoded"):
        assert door.post(body, kind=kind).status == 200


WRONG: list[tuple[str, str, str, tuple[str, str]]] = [
    (literal("number", "many"), "", "echo", ("InvalidParameterValue", "number")),
    (literal("number", "nan"), "", "echo", ("InvalidParameterValue", "number")),
    (literal("number", "INF"), "", "echo", ("InvalidParameterValue", "number")),
    (literal("number", "9" * 5000), "", "echo", ("InvalidParameterValue", "number")),
    (literal("cloudCover", "101"), "", "echo", ("InvalidParameterValue", "cloudCover")),
    (literal("cloudCover", "1.5"), "", "echo", ("InvalidParameterValue", "cloudCover")),
    (literal("flag", "yes"), "", "echo", ("InvalidParameterValue", "flag")),
    (literal("band", "violet"), "", "echo", ("InvalidParameterValue", "band")),
    (literal("nomber", "1"), "", "echo", ("InvalidParameterValue", "nomber")),
    (literal("message", "a") + literal("message", "b"), "", "echo", ("InvalidParameterValue", "message")),
    ("".join(literal("names", str(n)) for n in range(11)), "", "echo", ("InvalidParameterValue", "names")),
    (literal("many", "1"), "", "report", ("MissingParameterValue", "place")),
    ("", "", "report", ("MissingParameterValue", "place")),
    ("", "", "echo", ("InvalidParameterValue", "inputs")),
    (content("place", "no json") + literal("many", "1"), "", "report", ("InvalidParameterValue", "place")),
    (content("place", '{"name": 1}') + literal("many", "1"), "", "report", ("InvalidParameterValue", "place")),
    (content("image", "%%%", 'encoding="base64"'), "", "echo", ("InvalidParameterValue", "image")),
    (content("image", "AAAA", 'encoding="gzip"'), "", "echo", ("InvalidParameterValue", "image")),
    (content("image", "AAAA", 'mimeType="video/mp4"'), "", "echo", ("InvalidParameterValue", "image")),
    (content("document", "<a/><b/>"), "", "echo", ("InvalidParameterValue", "document")),
    (box("1", "2"), "", "echo", ("InvalidParameterValue", "bbox")),
    (box("1 2", "3 4 5"), "", "echo", ("InvalidParameterValue", "bbox")),
    (box("1 x", "3 4"), "", "echo", ("InvalidParameterValue", "bbox")),
    (box("1 2", "3 4", 'dimensions="3"'), "", "echo", ("InvalidParameterValue", "bbox")),
    (box("1 2", "3 4", 'crs="somewhere"'), "", "echo", ("InvalidParameterValue", "bbox")),
    (box("1 2", "3 4").replace("bbox", "message"), "", "echo", ("InvalidParameterValue", "message")),
    (reference("text", ""), "", "echo", ("MissingParameterValue", "text")),
    (reference("text", "no-url"), "", "echo", ("InvalidParameterValue", "text")),
    (reference("text", "ftp://host/x"), "", "echo", ("InvalidParameterValue", "text")),
    (reference("text", "http://h/", 'method="PUT"'), "", "echo", ("InvalidParameterValue", "text")),
    (given("text", ""), "", "echo", ("InvalidParameterValue", "text")),
    (given("text", "<wps:Data/>"), "", "echo", ("InvalidParameterValue", "text")),
    (given("text", "<wps:Daten/>"), "", "echo", ("InvalidParameterValue", "text")),
    (given("", "<wps:Data/>"), "", "echo", ("MissingParameterValue", "Identifier")),
    (literal("message", "m"), "", "nope", ("InvalidParameterValue", "identifier")),
    (literal("message", "m"), "", "", ("MissingParameterValue", "Identifier")),
    (literal("message", "m"), raw("nope"), "echo", ("InvalidParameterValue", "nope")),
    (literal("message", "m"), DOCUMENT.format("", wanted("nope")), "echo", ("InvalidParameterValue", "nope")),
    (literal("message", "m"), DOCUMENT.format('lineage="maybe"', ""), "echo", ("InvalidParameterValue", "lineage")),
    (literal("message", "m"), DOCUMENT.format('status="true"', ""), "echo", ("InvalidParameterValue", "status")),
    (
        content("text", "t"),
        DOCUMENT.format("", wanted("text", 'mimeType="image/png"')),
        "echo",
        ("InvalidParameterValue", "text"),
    ),
]


def jobs(door: Door) -> list[str]:
    return [job.id for job in door.service.jobs(ANONYMOUS, JobQuery(limit=3)).jobs]


@pytest.mark.parametrize(("inputs", "form", "process", "failure"), WRONG)
def test_what_does_not_fit_is_named_and_makes_no_job(
    door: Door, inputs: str, form: str, process: str, failure: tuple[str, str]
) -> None:
    before = jobs(door)
    assert door.execute(inputs, form, process).failure == (400, *failure)
    assert jobs(door) == before


def test_a_reference_that_is_not_there(door: Door, host: Host) -> None:
    for name in ("message", "text"):
        got = door.execute(reference(name, f"{host.url}/missing"))
        assert got.failure == (400, "InvalidParameterValue", name)


@pytest.mark.parametrize("name", ["Host", "Content-Length", "Transfer-Encoding", "X Y", "X-Evil&#10;"])
def test_headers_that_a_client_may_not_set(door: Door, host: Host, name: str) -> None:
    seen = len(host.seen)
    header = f'<wps:Header key="{name}" value="x"/>'
    got = door.execute(reference("text", f"{host.url}/note.txt", "", header))
    assert got.failure == (400, "InvalidParameterValue", "text")
    assert len(host.seen) == seen


def test_a_failed_job_in_a_document_and_raw(door: Door) -> None:
    inputs = literal("message", "m") + literal("fail", "true")
    got = door.execute(inputs)
    assert (got.status, got.state) == (200, "ProcessFailed")
    assert "as it was asked to" in got.one("//wps:ProcessFailed//ows:ExceptionText")
    assert door.execute(inputs, raw("message")).failure == (400, "NoApplicableCode", "")
