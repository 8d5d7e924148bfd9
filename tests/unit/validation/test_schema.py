from __future__ import annotations

import pytest

from pygeoapi_oapip.model.json import JSON, JSONObject
from pygeoapi_oapip.validation.schema import violations


def told(value: JSON, schema: JSONObject) -> list[str]:
    return [f"{item.location} {item.rule}: {item.detail}" for item in violations(value, schema, "x")]


@pytest.mark.requirement("part1/core/process-execute-input-validation")
@pytest.mark.parametrize(
    ("schema", "value", "messages"),
    [
        ({"type": "integer", "format": "int32"}, 2**31, ["x maximum: must be at most 2147483647 (is 2147483648)"]),
        ({"type": "integer", "format": "int64"}, -(2**63) - 1, 1),
        ({"type": "integer"}, 10**300, []),
        ({"type": "integer"}, 3.0, []),
        ({"type": "integer"}, 3.5, ["x type: must be of type integer (is number: 3.5)"]),
        ({"type": "integer"}, False, ["x type: must be of type integer (is boolean: false)"]),
        ({"type": "number", "maximum": 1, "exclusiveMaximum": True}, 1, ["x maximum: must be less than 1 (is 1)"]),
        ({"type": "string", "minLength": 2}, "a", ['x minLength: must have at least 2 characters (is "a")']),
        ({"type": "string", "maxLength": 2}, "abc", ['x maxLength: must have at most 2 characters (is "abc")']),
        ({"type": "string", "pattern": "^a+$"}, "b", ['x pattern: must match ^a+$ (is "b")']),
        ({"type": "number", "multipleOf": 0.5}, 0.7, ["x multipleOf: must be a multiple of 0.5 (is 0.7)"]),
        ({"type": "array", "minItems": 2}, [1], ["x minItems: must have at least 2 items (has 1)"]),
        ({"type": "array", "uniqueItems": True}, [1, 1], ["x uniqueItems: must have no item twice"]),
        ({"type": "object", "minProperties": 1}, {}, ["x minProperties: must have at least 1 members (has 0)"]),
        ({"not": {"type": "string"}}, "a", ['x not: is not allowed (is "a")']),
        (
            {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
            {"a": 1, "b": 2},
            ["x additionalProperties: has no member b (members: a)"],
        ),
        ({"type": "object", "required": ["a", "b"]}, {}, ["x required: needs the member a, b"]),
        ({"enum": [1, 2]}, True, ["x enum: must be one of 1, 2 (is true)"]),
        ({"type": "string", "format": "date"}, "2026-01-31", []),
        (
            {"type": "string", "format": "date"},
            "2026-02-31",
            ['x format: must be a date such as 2026-01-31 (is "2026-02-31")'],
        ),
        ({"type": "string", "format": "date-time"}, "2026-01-31T12:00:00.5+02:00", []),
        ({"type": "string", "format": "date-time"}, "2026-01-31t12:00:00z", []),
        ({"type": "string", "format": "date-time"}, "2026-01-31T12:00:00", []),
        ({"type": "string", "format": "date-time"}, "2026-01-31", 1),
        ({"type": "string", "format": "date-time"}, "noon", 1),
        ({"type": "string", "format": "uuid"}, "123e4567-e89b-12d3-a456-42661417400", 1),
        ({"type": "string", "format": "colour"}, "green", []),
    ],
)
def test_each_rule_is_told_in_words(schema: JSONObject, value: JSON, messages: list[str] | int) -> None:
    found = told(value, schema)
    assert len(found) == messages if isinstance(messages, int) else found == messages


@pytest.mark.requirement(
    "part1/core/process-execute-input-mixed-type", "part1-2.0/core/process-execute-input-multiple-types"
)
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (300, "x maximum: must be at most 100 (is 300)"),
        ("c", 'x enum: must be one of "a", "b" (is "c")'),
        ([1], 'x anyOf: fits none of the allowed forms: integer or one of "a", "b" (is array: [1])'),
    ],
)
def test_the_form_that_a_value_comes_near_explains_it(value: JSON, message: str) -> None:
    mixed: JSONObject = {"oneOf": [{"type": "integer", "maximum": 100}, {"type": "string", "enum": ["a", "b"]}]}
    assert told(value, mixed) == [message]


def test_places_lead_into_arrays_and_objects() -> None:
    schema: JSONObject = {
        "type": "array",
        "items": {"type": "object", "properties": {"p": {"type": "array", "items": {"type": "boolean"}}}},
    }
    assert told([{"p": [True]}, {"p": [True, 1]}], schema) == ["x[1].p[1] type: must be of type boolean (is number: 1)"]


@pytest.mark.parametrize("value", [None, 1])
def test_nullable_takes_null(value: JSON) -> None:
    assert told(value, {"type": "integer", "nullable": True, "enum": [1, None]}) == []


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://example.org/schema.json"},
        {"allOf": [{"$ref": "#/components/schemas/none"}]},
        {"pattern": "("},
        {"type": "nonsense"},
        {"minimum": "three"},
    ],
)
def test_schemas_that_say_nothing_refuse_nothing_and_read_nothing(schema: JSONObject) -> None:
    assert told("value", schema) == []


def test_huge_numbers_are_no_defect() -> None:
    assert told(10**4000, {"type": "number", "multipleOf": 0.1}) == ["x multipleOf: is a number that is too large"]
    assert "many digits" in told(10**4000, {"type": "integer", "maximum": 5})[0]


def test_a_property_may_have_the_name_of_a_schema_word() -> None:
    schema: JSONObject = {"type": "object", "properties": {"pattern": {"type": "string"}, "$ref": {"type": "number"}}}
    assert told({"pattern": "(", "$ref": 1}, schema) == []
    assert told({"$ref": "x"}, schema) == ['x.$ref type: must be of type number (is string: "x")']
