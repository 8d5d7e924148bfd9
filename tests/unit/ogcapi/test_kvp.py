"""An execute request in a query."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, quote

import pytest
from werkzeug.datastructures import MultiDict

from pygeoapi_oapip.errors import InvalidQuery
from pygeoapi_oapip.model.json import JSON, JSONObject
from pygeoapi_oapip.model.process import Input, Output, Process
from pygeoapi_oapip.ogcapi.kvp import QueryRequest, read

FILE: JSONObject = {"type": "string", "format": "binary", "contentMediaType": "image/tiff"}
BOX: JSONObject = {"format": "ogc-bbox"}
POINT: JSONObject = {"type": "object", "properties": {"x": {"type": "number"}}}
INPUTS: dict[str, JSONObject] = {
    "text": {"type": "string"},
    "size": {"type": "integer"},
    "share": {"type": "number"},
    "flag": {"type": "boolean"},
    "file": FILE,
    "area": BOX,
    "point": POINT,
    "numbers": {"type": "array", "items": {"type": "number"}},
    "points": {"type": "array", "items": POINT},
    "rows": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
    "mixed": {"oneOf": [{"type": "integer"}, {"type": "string"}, {"type": "boolean"}]},
    "anything": {},
    "word": {"enum": ["a", "1"]},
}
ONE = quote('{"x": 1}')


def process(**schemas: JSONObject) -> Process:
    inputs = {name: Input(name, name, schema) for name, schema in (schemas or INPUTS).items()}
    inputs["many"] = Input("many", "many", {"type": "string"}, max_occurs=None)
    return Process("p", "1", "P", "", inputs, {name: Output(name, name, {}) for name in ("map", "text")}, None)


def parsed(query: str) -> QueryRequest:
    return read(MultiDict(parse_qsl(query, keep_blank_values=True)), process())


def inputs(query: str) -> JSON:
    return parsed(query).body["inputs"]


@pytest.mark.requirement(
    "part1-2.0/kvp-execute/input-query-parameters",
    "part1-2.0/kvp-execute/input-query-parameter-values",
    "part1-2.0/kvp-execute/string-input-value",
    "part1-2.0/kvp-execute/numeric-input-value",
    "part1-2.0/kvp-execute/boolean-input-value",
    "part1-2.0/kvp-execute/complex-input-value",
    "part1-2.0/kvp-execute/array-input-value",
    "part1-2.0/kvp-execute/input-cardinality",
    "part1-2.0/kvp-execute/bbox-input-value",
    "part1-2.0/kvp-execute/bbox-crs-input-value",
    "part1-2.0/kvp-execute/binary-input-value",
    "part1-2.0/kvp-execute/binary-input-value-qualified",
    "part1-2.0/kvp-execute/input-by-reference",
)
@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("text=a,b%20c", {"text": "a,b c"}),
        ("TEXT=42", {"text": "42"}),
        ("text=", {"text": ""}),
        ("size=3", {"size": 3}),
        ("size=-3e2", {"size": -3e2}),
        ("size=three", {"size": "three"}),
        ("size=", {"size": ""}),
        ("share=0.5", {"share": 0.5}),
        ("share=NaN", {"share": "NaN"}),
        ("flag=TRUE", {"flag": True}),
        ("flag=false", {"flag": False}),
        ("flag=1", {"flag": "1"}),
        ("file=QUJD", {"file": "QUJD"}),
        (
            "file[href]=https://e.org/a?b=1&file[type]=image/tiff",
            {"file": {"href": "https://e.org/a?b=1", "type": "image/tiff"}},
        ),
        (
            "file[value]=QUJD&file[mediaType]=image/tiff&file[encoding]=base64",
            {"file": {"value": "QUJD", "mediaType": "image/tiff", "encoding": "base64"}},
        ),
        ("file=QUJD&FILE[MEDIATYPE]=image/tiff", {"file": {"value": "QUJD", "mediaType": "image/tiff"}}),
        ("area=1,2,3.5,4", {"area": {"bbox": [1, 2, 3.5, 4]}}),
        ("area=1,2,3,4&area[crs]=http://x/4326", {"area": {"bbox": [1, 2, 3, 4], "crs": "http://x/4326"}}),
        ("area=1,2,a", {"area": {"bbox": [1, 2, "a"]}}),
        (f"area={quote(json.dumps({'bbox': [1, 2, 3, 4]}))}", {"area": {"bbox": [1, 2, 3, 4]}}),
        (f"point={ONE}", {"point": {"x": 1}}),
        (f"point={quote(ONE)}", {"point": {"x": 1}}),
        ("point=no", {"point": "no"}),
        ("numbers=1,2,3.5", {"numbers": [1, 2, 3.5]}),
        ("numbers=1", {"numbers": [1]}),
        ("numbers=[1,2]", {"numbers": [1, 2]}),
        ("numbers=1&numbers=2,3", {"numbers": [1, 2, 3]}),
        ("numbers=1,b", {"numbers": [1, "b"]}),
        (f"points={quote(ONE)},{quote(ONE)}", {"points": [{"x": 1}, {"x": 1}]}),
        (f"points={ONE}", {"points": [{"x": 1}]}),
        (f"rows={quote(quote('[1,2]'))},{quote(quote('[3]'))}", {"rows": [[1, 2], [3]]}),
        ("many=a,b&many=c", {"many": ["a", "b", "c"]}),
        ("many=a%252Cb", {"many": ["a,b"]}),
        ("mixed=3", {"mixed": 3}),
        ("mixed=x", {"mixed": "x"}),
        ("anything=true", {"anything": True}),
        ("anything=plain", {"anything": "plain"}),
        ("word=1", {"word": "1"}),
        ("word=z", {"word": "z"}),
        ("unknown=1&f=json&profile=x&[x]=1&a[b][c]=2&=3", {}),
    ],
)
def test_each_kind_of_input_is_read(query: str, value: JSON) -> None:
    assert inputs(query) == value


@pytest.mark.requirement("part1-2.0/kvp-execute/output")
@pytest.mark.parametrize(
    ("query", "outputs"),
    [
        ("map[include]=true", {"map": {}}),
        ("MAP[Include]=True&map[mediaType]=image/png", {"map": {"mediaType": "image/png"}}),
        ("map[include]=true&map[mediaType]=image/png", {"map": {"mediaType": "image/png"}}),
        ("map[include]=false", {}),
        ("map[include]=true&text[include]=false", {"map": {}}),
        ("size=1", None),
    ],
)
def test_outputs_are_those_that_are_included(query: str, outputs: JSON) -> None:
    assert parsed(query).body.get("outputs") == outputs


def test_one_name_may_be_an_input_and_an_output() -> None:
    found = parsed("text=hello&text[include]=true")
    assert found.body == {"inputs": {"text": "hello"}, "outputs": {"text": {}}}


@pytest.mark.requirement(
    "part1-2.0/kvp-execute/prefer-definition",
    "part1-2.0/kvp-execute/f-definition",
)
def test_response_parameters_stand_for_headers() -> None:
    found = parsed("response[f]=text/html&response[prefer]=respond-async%3Breturn=minimal&response=document")
    assert (found.form, found.prefer) == ("text/html", "respond-async;return=minimal")
    assert found.body == {"inputs": {}, "response": "document"}
    assert parsed("Response[Format]=json").form == "json"


def test_an_input_may_be_called_as_a_parameter_of_ours() -> None:
    named = process(f={"type": "string"}, response={"type": "string"}, profile={"type": "string"})
    found = read(MultiDict([("f", "zip"), ("response", "x"), ("profile", "y")]), named)
    assert found.body == {"inputs": {"f": "zip", "response": "x", "profile": "y"}}


@pytest.mark.parametrize(
    ("query", "location"),
    [
        ("map[include]=yes", "map[include]"),
        ("size=1&size=2", "size"),
        ("file[href]=a&file[href]=b", "file"),
        ("area=1,2,3,4&area=1,2,3,4", "area"),
        ("area=1,2,3,4&area[crs]=a&area[crs]=b", "area[crs]"),
    ],
)
def test_what_is_ambiguous_is_refused(query: str, location: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        parsed(query)
    assert caught.value.location == location
