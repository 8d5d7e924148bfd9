from __future__ import annotations

import pytest

from pygeoapi_oapip.ui import present


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "array", "items": {"type": "integer"}}, "array of integer"),
        ({"type": "string", "format": "date-time"}, "string date-time"),
        ({"type": "string", "contentMediaType": "image/tiff"}, "file (image/tiff)"),
        ({"type": "string", "contentMediaType": "application/octet-stream"}, "file"),
        ({"enum": [1, 2]}, "one of 1, 2"),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}, {"type": "string"}]}, "string or integer"),
        ({"type": "integer", "format": "int32"}, "integer"),
        ({"type": "string", "format": "uri", "contentMediaType": "inode/directory"}, "directory"),
        ({"allOf": [{"format": "ogc-bbox"}, {"type": "object"}]}, "bounding box"),
        ({"type": "object", "properties": {"bbox": {}, "crs": {}}}, "bounding box"),
        ({"type": "object", "properties": {"a": {}, "b": {}}}, "object (a, b)"),
        ({"oneOf": [{"type": "string", "format": "binary"}, {"type": "object", "title": "Link"}]}, "file"),
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


@pytest.mark.parametrize(
    ("schema", "rules"),
    [
        ({"minimum": 1, "maximum": 9}, ["at least 1", "at most 9"]),
        ({"minimum": 0, "exclusiveMinimum": True}, ["more than 0"]),
        ({"maximum": 1, "exclusiveMaximum": True, "multipleOf": 0.1}, ["less than 1", "a multiple of 0.1"]),
        ({"minLength": 2, "pattern": "^a", "default": "ab"}, ["at least 2 characters", "matches ^a", 'default "ab"']),
        ({"minItems": 1, "maxItems": 3, "default": None}, ["at least 1 items", "at most 3 items"]),
        (None, []),
    ],
)
def test_rules_are_told_in_words(schema: object, rules: list[str]) -> None:
    assert present.rules_of(schema) == rules


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1536, "1.5 KiB"),
        (200 * 1024, "200 KiB"),
        (3 * 2**40, "3.0 TiB"),
        (None, ""),
        (True, ""),
    ],
)
def test_sizes_are_readable(amount: object, words: str) -> None:
    assert present.size(amount) == words


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:01.25Z", "1.2 s"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:02:03Z", "2 min 3 s"),
        ("2026-01-01T00:00:00Z", "2026-01-01T03:05:00Z", "3 h 5 min"),
        ("2026-01-01T00:00:01Z", "2026-01-01T00:00:00Z", "0.0 s"),
        ("2026-01-01T00:00:00Z", None, ""),
        ("2026-01-01T00:00:00", "2026-01-01T00:00:00Z", ""),
    ],
)
def test_durations_are_readable(start: object, end: object, words: str) -> None:
    assert present.span(start, end) == words


@pytest.mark.parametrize(
    ("href", "ours"),
    [
        ("https://h/api/jobs/1/results/a", True),
        ("https://h/api/jobs/1/results/a/b%20c.txt", True),
        ("https://h/api/jobs/1", False),
        ("https://h/api/jobs/1/results/a?f=html", False),
        ("https://h/api/jobs/1/results/../../../processes/x/execution", False),
        ("https://h/api/jobs/1/results/%2e%2e/%2E%2E/%2e%2e/processes/x/execution", False),
        ("https://h/api/jobs/../processes/results/execution", False),
        ("https://h/api/jobs/1\\\\..\\\\x/results/a", False),
        ("https://h/api/processes/x/execution", False),
        ("https://h.evil/api/jobs/1/results/a", False),
        ("//h/api/jobs/1/results/a", False),
        (None, False),
    ],
)
def test_pages_load_results_and_nothing_else(href: object, ours: bool) -> None:
    assert present.is_result(href, "https://h/api") is ours


def test_a_directory_is_an_archive_of_unknown_length() -> None:
    assert present.is_directory({"href": "x", "type": "application/zip"})
    assert not present.is_directory({"href": "x", "type": "application/zip", "length": 3})
    assert not present.is_directory("x")
