from __future__ import annotations

from typing import Any

import pytest

from pygeoapi_oapip.ui import present


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, "text"),
        ({"type": "integer"}, "number"),
        ({"type": "number", "minimum": 0}, "number"),
        ({"type": "boolean"}, "boolean"),
        ({"type": "string", "enum": ["a", "b"]}, "select"),
        ({"type": "string", "contentMediaType": "image/tiff"}, "file"),
        ({"type": "string", "format": "binary"}, "file"),
        ({"oneOf": [{"type": "string", "contentEncoding": "binary", "contentMediaType": "image/tiff"}]}, "file"),
        ({"type": "array", "items": {"type": "string"}}, "json"),
        ({"type": "object"}, "json"),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, "json"),
        ({}, "json"),
    ],
)
def test_each_kind_of_schema_gets_a_control_that_can_express_it(schema: dict[str, Any], kind: str) -> None:
    assert present.field_of({"schema": schema}).kind == kind


@pytest.mark.parametrize("most", [2, "unbounded"])
def test_an_input_that_may_be_given_several_times_is_written_as_json(most: object) -> None:
    field = present.field_of({"schema": {"type": "integer"}, "maxOccurs": most})
    assert field.kind == "json"
    assert "array" in field.hint


def test_a_default_is_shown_as_json_and_a_null_default_is_none() -> None:
    assert present.field_of({"schema": {"type": "string", "default": "é"}}).default == '"é"'
    assert present.field_of({"schema": {"type": "boolean", "default": False}}).default == "false"
    assert present.field_of({"schema": {"type": "string", "default": None}}).default == ""


def test_whole_numbers_step_by_one() -> None:
    assert present.field_of({"schema": {"type": "integer"}}).step == "1"
    assert present.field_of({"schema": {"type": "number"}}).step == "any"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "array", "items": {"type": "integer"}}, "array of integer"),
        ({"type": "string", "format": "date-time"}, "string date-time"),
        ({"type": "string", "contentMediaType": "image/tiff"}, "file (image/tiff)"),
        ({"type": "string", "contentMediaType": "application/octet-stream"}, "file"),
        ({"enum": [1, 2]}, "one of 1, 2"),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}, {"type": "string"}]}, "string or integer"),
        ({}, "any"),
        (True, "any"),
    ],
)
def test_a_schema_is_told_in_a_few_words(schema: object, words: str) -> None:
    assert present.type_of(schema) == words


@pytest.mark.parametrize(
    ("least", "most", "words"),
    [(1, 1, "required"), (0, 1, "optional"), (1, "unbounded", "1 or more"), (0, 3, "0 to 3")],
)
def test_occurrence_is_told_in_words(least: int, most: object, words: str) -> None:
    assert present.occurs({"minOccurs": least, "maxOccurs": most}) == words


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "http://[", "file:///etc"]
)
def test_an_address_that_a_browser_would_run_is_no_link(href: str) -> None:
    assert present.safe_href(href) == "#"


@pytest.mark.parametrize("href", ["https://a/b?c=d#e", "/jobs", "mailto:a@b", "s3://bucket/key"])
def test_ordinary_addresses_stay_as_they_are(href: str) -> None:
    assert present.safe_href(href) == href


def test_times_are_readable_and_wrong_ones_are_shown_as_they_are() -> None:
    assert present.moment("2026-11-22T07:12:27.123Z") == "2026-11-22 07:12:27 UTC"
    assert present.moment("yesterday") == "yesterday"
    assert present.moment(None) == ""


def test_a_link_is_found_by_short_and_by_registered_relation() -> None:
    document = {"links": [{"rel": "http://www.opengis.net/def/rel/ogc/1.0/results", "href": "/r"}, {"rel": "next"}]}
    assert present.link_of(document, "results") == "/r"
    assert present.link_of(document, "next") == ""
    assert present.link_of(document, "prev") == ""
    assert present.link_of([], "prev") == ""


def test_an_array_of_flat_objects_is_a_table_and_others_are_not() -> None:
    assert present.columns([{"a": 1}, {"a": 2, "b": 3}]) == ["a", "b"]
    assert present.columns([{"a": [1]}]) == []
    assert present.columns([{"href": "x"}]) == []
    assert present.columns([1, 2]) == []
    assert present.columns([]) == []


def test_nested_json_without_links_is_a_tree() -> None:
    assert present.is_tree({"a": {"b": 1}})
    assert not present.is_tree({"a": 1})
    assert not present.is_tree({"a": {"href": "x"}})
    assert not present.is_tree([{"href": "x"}])


def test_a_qualified_value_is_unwrapped_and_other_objects_are_not() -> None:
    assert present.unwrap({"value": 1, "mediaType": "application/json"}) == 1
    assert present.unwrap({"value": 1, "unit": "m"}) == {"value": 1, "unit": "m"}
