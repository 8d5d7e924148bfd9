from __future__ import annotations

import re
from typing import Any

import pytest

from pygeoapi_oapip.nested.fit import items_of, misfit

STRING: dict[str, Any] = {"type": "string"}
INTEGER: dict[str, Any] = {"type": "integer", "format": "int32"}
NUMBER: dict[str, Any] = {"type": "number"}
OBJECT: dict[str, Any] = {"type": "object"}
FOLDER: dict[str, Any] = {"type": "string", "format": "uri"}
FOLDER_INPUT: dict[str, Any] = {**FOLDER, "contentMediaType": "inode/directory"}
ANYTHING: dict[str, Any] = {"description": "Any JSON value."}


def file(media_type: str) -> dict[str, Any]:
    return {"type": "string", "format": "binary", "contentMediaType": media_type}


def array(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


@pytest.mark.parametrize(
    ("output", "wanted"),
    [
        (STRING, STRING),
        (INTEGER, NUMBER),
        (NUMBER, INTEGER),
        (file("image/tiff"), file("image/tiff")),
        (file("image/tiff; application=geotiff"), file("IMAGE/TIFF")),
        (file("application/octet-stream"), file("image/tiff")),
        (file("image/tiff"), file("application/octet-stream")),
        (file("application/geo+json"), file("application/json")),
        (file("application/json"), file("application/geo+json")),
        (STRING, file("text/plain")),
        (OBJECT, file("application/json")),
        (FOLDER, FOLDER_INPUT),
        (ANYTHING, INTEGER),
        (array(INTEGER), ANYTHING),
        (array(array(STRING)), array(array(STRING))),
        (STRING, {"oneOf": [INTEGER, STRING]}),
        ({"anyOf": [FOLDER, STRING]}, STRING),
        ({"type": "string", "contentEncoding": "base64"}, file("image/png")),
    ],
)
def test_what_fits(output: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert misfit(output, wanted) == ""


@pytest.mark.parametrize(
    ("output", "wanted", "reason"),
    [
        (STRING, INTEGER, "is a string, where an integer is needed"),
        (file("image/tiff"), file("image/png"), "is a file of type image/tiff, where a file of type image/png is"),
        (file("application/geo+json"), file("application/stac+json"), "application/stac\\+json is needed"),
        (file("text/csv"), STRING, "is a file of type text/csv, where a string is needed"),
        (INTEGER, file("text/plain"), "is an integer, where a file"),
        (FOLDER, file("text/plain"), "is a directory, where a file"),
        (file("text/plain"), FOLDER_INPUT, "where a directory is needed"),
        (array(STRING), STRING, "is an array of a string, where a string"),
        (array(STRING), array(INTEGER), "is an array of a string, where an array of an integer"),
        (STRING, {"oneOf": [INTEGER, OBJECT]}, "where an integer or an object is needed"),
    ],
)
def test_what_does_not_fit_is_explained(output: dict[str, Any], wanted: dict[str, Any], reason: str) -> None:
    assert re.search(reason, misfit(output, wanted))


def test_items_are_found_behind_alternatives() -> None:
    assert items_of({"oneOf": [STRING, array(INTEGER)]}) == INTEGER
    assert items_of(STRING) is None
    assert items_of({"type": "array"}) == {}


def test_a_schema_without_end_is_survived() -> None:
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(500):
        schema = {"oneOf": [schema]}
    assert misfit(schema, STRING) in ("", "is an integer, where a string is needed")
