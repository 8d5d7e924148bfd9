from __future__ import annotations

import pytest

from pygeoapi_oapip.errors import BadRequest, InvalidInputs
from pygeoapi_oapip.model.execution import ExecutionRequest, OutputRequest, ResponseForm, Transmission
from pygeoapi_oapip.model.json import JSON, JSONObject
from pygeoapi_oapip.model.process import Input, Output, Process
from pygeoapi_oapip.model.value import Inline, Many, Reference
from pygeoapi_oapip.validate import validate

FILE: JSONObject = {"type": "string", "format": "binary", "contentMediaType": "image/tiff"}


def process(**schemas: JSONObject) -> Process:
    inputs = {name: Input(name, name, schema) for name, schema in schemas.items()}
    return Process("p", "1", "P", "", inputs, {"out": Output("out", "Out", {})}, None)


def inputs_of(schema: JSONObject, value: JSON) -> ExecutionRequest:
    return validate({"inputs": {"x": value}}, process(x=schema))


def refusal(schema: JSONObject, value: JSON) -> str:
    with pytest.raises(InvalidInputs) as caught:
        inputs_of(schema, value)
    return caught.value.detail


@pytest.mark.requirement("part1/core/process-execute-input-validation")
@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "integer", "maximum": 100}, 250, "inputs.x: must be at most 100 (is 250)"),
        ({"type": "number", "minimum": 0, "exclusiveMinimum": True}, 0, "inputs.x: must be more than 0 (is 0)"),
        ({"type": "integer"}, "a", 'inputs.x: must be of type integer (is string: "a")'),
        ({"type": "integer"}, True, "inputs.x: must be of type integer (is boolean: true)"),
        ({"type": "string", "enum": ["a", "b"]}, "c", 'inputs.x: must be one of "a", "b" (is "c")'),
        (
            {"type": "array", "items": {"type": "number"}},
            [1, "q"],
            'inputs.x[1]: must be of type number (is string: "q")',
        ),
        ({"type": "array", "items": {}, "maxItems": 1}, [1, 2], "inputs.x: must have at most 1 items (has 2)"),
        (
            {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]},
            {},
            "inputs.x: needs the member a",
        ),
        (
            {"type": "object", "properties": {"a": {"type": "number"}}},
            {"a": "z"},
            'inputs.x.a: must be of type number (is string: "z")',
        ),
    ],
)
def test_refusal_names_input_and_rule(schema: JSONObject, value: JSON, message: str) -> None:
    assert refusal(schema, value) == message


def test_missing_and_unknown_inputs_are_told_together() -> None:
    with pytest.raises(InvalidInputs) as caught:
        validate({"inputs": {"y": 1}}, process(x={"type": "number"}))
    assert caught.value.detail == "inputs.y: the process has no such input (inputs: x); inputs.x: is required"


def test_optional_input_may_be_left_out_or_null() -> None:
    optional = Process("p", "1", "P", "", {"x": Input("x", "x", {"type": "number"}, min_occurs=0)}, {}, None)
    assert validate({"inputs": {"x": None}}, optional).inputs == {}
    assert validate({}, optional).inputs == {}


def test_nullable_schema_takes_null_inside_arrays() -> None:
    schema: JSONObject = {"type": "array", "items": {"type": "number", "nullable": True}}
    assert inputs_of(schema, [1, None]).inputs == {"x": Inline([1, None])}


@pytest.mark.requirement("part1/core/process-execute-input-inline-binary")
def test_qualified_value_keeps_media_type_and_encoding() -> None:
    given: JSON = {"value": "QUJD", "mediaType": "image/tiff", "encoding": "base64"}
    assert inputs_of(FILE, given).inputs == {"x": Inline("QUJD", "image/tiff", "base64")}


@pytest.mark.parametrize("member", ["mediaType", "encoding"])
@pytest.mark.parametrize("wrong", [{}, [], 0, None, False])
def test_the_format_of_a_qualified_value_is_text(member: str, wrong: JSON) -> None:
    with pytest.raises(InvalidInputs, match=rf"inputs\.x\.{member}: must be a string"):
        inputs_of({"type": "string"}, {"value": "a", member: wrong})


def test_nested_format_of_older_clients_is_read() -> None:
    given: JSON = {"value": "QUJD", "format": {"mediaType": "image/tiff", "encoding": "base64"}}
    assert inputs_of(FILE, given).inputs == {"x": Inline("QUJD", "image/tiff", "base64")}


@pytest.mark.requirement("part1/core/process-execute-input-inline-object")
def test_object_with_a_property_called_value_is_not_qualified() -> None:
    schema: JSONObject = {"type": "object", "properties": {"value": {"type": "number"}}}
    assert inputs_of(schema, {"value": 3}).inputs == {"x": Inline({"value": 3})}


@pytest.mark.requirement("part1/core/process-execute-inputs")
def test_reference_is_kept_with_its_type() -> None:
    given: JSON = {"href": "https://example.org/a.tif", "type": "image/tiff"}
    assert inputs_of(FILE, given).inputs == {"x": Reference("https://example.org/a.tif", "image/tiff")}


def test_relative_reference_is_refused() -> None:
    assert "must be an absolute URL" in refusal(FILE, {"href": "a.tif"})


def test_array_of_files_takes_references_and_contents() -> None:
    given: JSON = [{"href": "https://example.org/a.tif"}, "text"]
    expected = Many((Reference("https://example.org/a.tif"), Inline("text")))
    assert inputs_of({"type": "array", "items": FILE}, given).inputs == {"x": expected}


@pytest.mark.requirement("part1/core/process-execute-input-array")
def test_several_occurrences_take_one_value_or_many() -> None:
    definition = Input("x", "x", {"type": "number"}, max_occurs=None)
    several = Process("p", "1", "P", "", {"x": definition}, {}, None)
    assert validate({"inputs": {"x": 1}}, several).inputs == {"x": Many((Inline(1),))}
    assert validate({"inputs": {"x": [1, 2]}}, several).inputs == {"x": Many((Inline(1), Inline(2)))}


def test_record_takes_files_in_every_form() -> None:
    schema: JSONObject = {"type": "object", "properties": {"f": FILE, "n": {"type": "integer"}}, "required": ["f"]}
    for form in ("text", {"href": "https://example.org/a"}, {"class": "File", "contents": "a"}):
        assert inputs_of(schema, {"f": form, "n": 1}).inputs == {"x": Inline({"f": form, "n": 1})}
    assert "must be of type integer" in refusal(schema, {"f": "text", "n": "one"})


def test_directory_takes_references_and_cwl_objects() -> None:
    schema: JSONObject = {"type": "string", "format": "uri"}
    assert inputs_of(schema, {"href": "s3://b/k/"}).inputs == {"x": Reference("s3://b/k/")}
    listing: JSON = {"class": "Directory", "listing": []}
    assert inputs_of(schema, listing).inputs == {"x": Inline(listing)}
    several: JSONObject = {"type": "array", "items": schema}
    assert inputs_of(several, [{"href": "s3://b/k/"}]).inputs == {"x": Many((Reference("s3://b/k/"),))}


@pytest.mark.requirement("part1/core/process-execute-input-mixed-type")
def test_several_formats_of_one_file_are_no_contradiction() -> None:
    formats: JSONObject = {"oneOf": [FILE, {**FILE, "contentMediaType": "application/json"}]}
    assert inputs_of(formats, {"a": 1}).inputs == {"x": Inline({"a": 1})}
    assert refusal(formats, 3).startswith("inputs.x: fits none of the allowed forms")


def test_required_array_may_be_empty() -> None:
    several = Process("p", "1", "P", "", {"x": Input("x", "x", {"type": "number"}, max_occurs=None)}, {}, None)
    assert validate({"inputs": {"x": []}}, several).inputs == {"x": Many(())}
    with pytest.raises(InvalidInputs, match="is required"):
        validate({"inputs": {}}, several)


@pytest.mark.parametrize("body", [[], "text", 3, None, {"inputs": []}, {"inputs": {}, "outputs": [1]}])
def test_body_of_another_shape_is_refused(body: JSON) -> None:
    with pytest.raises(BadRequest):
        validate(body, process())


@pytest.mark.requirement("part1/core/process-execute-request")
def test_outputs_are_read_and_unknown_ones_refused() -> None:
    request = validate({"outputs": {"out": {"transmissionMode": "reference"}}, "response": "raw"}, process())
    assert request.outputs == {"out": OutputRequest(Transmission.REFERENCE)}
    assert request.response is ResponseForm.RAW
    with pytest.raises(InvalidInputs, match="no such output"):
        validate({"outputs": {"other": {}}}, process())


@pytest.mark.parametrize("body", [{"response": "both"}, {"subscriber": {"successUri": "ftp://x"}}, {"subscriber": 1}])
def test_wrong_response_and_subscriber_are_refused(body: JSON) -> None:
    with pytest.raises(BadRequest):
        validate(body, process())


def test_request_survives_storage() -> None:
    body: JSON = {
        "inputs": {"x": [{"href": "s3://b/k"}, {"value": "QUJD", "mediaType": "image/tiff"}]},
        "outputs": {"out": {"transmissionMode": "value", "format": {"mediaType": "text/csv"}}},
        "response": "document",
        "subscriber": {"successUri": "https://example.org/ok"},
    }
    request = validate(body, process(x={"type": "array", "items": FILE}))
    assert ExecutionRequest.from_json(request.to_json()) == request


@pytest.mark.requirement("part1/core/process-execute-input-array", "part1/core/process-execute-input-validation")
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1], "inputs.x: must have at least 2 values (has 1)"),
        ([1, 2, 3, 4], "inputs.x: must have at most 3 values (has 4)"),
        (1, "inputs.x: must have at least 2 values (has 1)"),
        ([1, "a"], 'inputs.x[1]: must be of type number (is string: "a")'),
    ],
)
def test_cardinality_counts_values(value: JSON, message: str) -> None:
    definition = Input("x", "x", {"type": "number"}, min_occurs=2, max_occurs=3)
    with pytest.raises(InvalidInputs) as caught:
        validate({"inputs": {"x": value}}, Process("p", "1", "P", "", {"x": definition}, {}, None))
    assert caught.value.detail == message


@pytest.mark.requirement("part1-2.0/core/process-execute-request")
@pytest.mark.parametrize("named", ["p", "https://example.org/processes/p", "/api/processes/p/", None])
def test_the_process_of_the_body_is_that_of_the_address(named: str | None) -> None:
    assert validate({"process": named}, process()).inputs == {}


@pytest.mark.parametrize("named", ["q", "https://example.org/processes/q", "http://[", "", 3, ["p"], {"id": "p"}])
def test_another_process_in_the_body_is_refused(named: JSON) -> None:
    with pytest.raises(InvalidInputs, match="^process: must be the process of this address, p "):
        validate({"process": named}, process())


@pytest.mark.requirement("part1-2.0/core/process-execute-request")
def test_the_format_of_an_output_may_stand_beside_its_mode() -> None:
    found = validate({"outputs": {"out": {"mediaType": "text/csv", "transmissionMode": "value"}}}, process())
    assert found.outputs == {"out": OutputRequest(Transmission.VALUE, "text/csv")}


def test_everything_wrong_is_told_with_place_and_rule() -> None:
    body: JSON = {
        "inputs": {"x": "a", "y": 1},
        "outputs": {"out": {"transmissionMode": 1, "format": {"mediaType": 2}}, "in": {}},
        "response": 3,
        "subscriber": {"failedUri": "ftp://x"},
    }
    with pytest.raises(InvalidInputs) as caught:
        validate(body, process(x={"type": "number"}))
    rows = caught.value.problem()["errors"]
    assert [(row["location"], row["rule"]) for row in rows] == [
        ("inputs.y", "unknown"),
        ("inputs.x", "type"),
        ("outputs.out.transmissionMode", "enum"),
        ("outputs.out.format.mediaType", "type"),
        ("outputs.in", "unknown"),
        ("response", "enum"),
        ("subscriber.failedUri", "format"),
    ]
    assert caught.value.location == "inputs.y"
    assert caught.value.detail == "; ".join(f"{row['location']}: {row['detail']}" for row in rows)


def test_many_violations_are_counted_and_not_all_told() -> None:
    with pytest.raises(InvalidInputs) as caught:
        validate({"inputs": {f"i{number}": 1 for number in range(80)}}, process())
    assert caught.value.detail.endswith("; and 30 more")
    assert len(caught.value.problem()["errors"]) == 50
