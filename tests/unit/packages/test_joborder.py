"""packages.joborder: values of requests as CWL inputs."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from pygeoapi_oapip.errors import InvalidInputs
from pygeoapi_oapip.model.json import JSON
from pygeoapi_oapip.model.process import Package
from pygeoapi_oapip.model.value import Inline, InputValue, Many, Reference
from pygeoapi_oapip.packages.joborder import build_job_order

Make = Callable[..., Package]
URL = "https://example.com/a.tif"
RECORD = {"type": "record", "fields": {"name": "string", "data": "File?", "n": "int?"}}


def order(package: Make, shelf: Any, cwl: Any, value: InputValue, **members: Any) -> Any:
    return build_job_order(package({"x": {"type": cwl, **members}}), {"x": value}, shelf)["x"]


@pytest.mark.parametrize(
    ("cwl", "value", "made"),
    [
        ("string", Inline("a"), "a"),
        ("int", Inline(5), 5),
        ("int", Inline(5.0), 5),
        ("double", Inline(5), 5),
        ("boolean", Inline(False), False),
        ({"type": "enum", "symbols": ["a", "b"]}, Inline("b"), "b"),
        ("string[]", Many((Inline("a"), Inline("b"))), ["a", "b"]),
        ("string[]", Inline("a"), ["a"]),
        ("string[]", Inline([]), []),
        ({"type": "array", "items": "int[]"}, Many((Inline([1, 2]), Inline([]))), [[1, 2], []]),
        ("File", Reference(URL), {"class": "File", "location": URL}),
        ("File[]", Many((Reference(URL),)), [{"class": "File", "location": URL}]),
        ("Directory", Reference(URL), {"class": "Directory", "location": URL}),
        ("Directory", Inline("s3://b/k"), {"class": "Directory", "location": "s3://b/k"}),
        (["int", "string"], Inline("5"), "5"),
        (["int", "string"], Inline(5), 5),
        (["string", "File"], Reference(URL), {"class": "File", "location": URL}),
        (["string", "File"], Inline("text"), "text"),
        (["string", "string[]"], Many((Inline("a"),)), ["a"]),
        (["null", "int"], Inline(7), 7),
        ("Any", Inline({"bbox": [1, 2, 3, 4], "crs": "x"}), {"bbox": [1, 2, 3, 4], "crs": "x"}),
        (RECORD, Inline({"name": "a"}), {"name": "a", "data": None, "n": None}),
        (
            RECORD,
            Inline({"name": "a", "data": {"href": URL}, "n": 1}),
            {"name": "a", "data": {"class": "File", "location": URL}, "n": 1},
        ),
    ],
)
def test_values_become_cwl_inputs(package: Make, shelf: Any, cwl: Any, value: InputValue, made: Any) -> None:
    found = order(package, shelf, cwl, value)
    assert found == made
    assert type(found) is type(made)


@pytest.mark.parametrize(
    ("value", "content"),
    [
        (Inline("text"), b"text"),
        (Inline("aGk=", encoding="base64"), b"hi"),
        (Inline("aGk=", "image/png"), b"hi"),
        (Inline("aGk=", "text/plain"), b"aGk="),
        (Inline({"type": "Point", "coordinates": [1, 2]}), b'{"type": "Point", "coordinates": [1, 2]}'),
        (Inline([1, 2]), b"[1, 2]"),
        (Many((Inline(1), Inline(2))), b"[1, 2]"),
        (Inline({"class": "File", "contents": "é"}), "é".encode()),
    ],
)
def test_inline_content_becomes_a_file(package: Make, shelf: Any, value: InputValue, content: bytes) -> None:
    assert order(package, shelf, "File", value) == {"class": "File", "location": "file:///job/x-0"}
    assert shelf.contents == {"file:///job/x-0": content}


def test_a_cwl_file_keeps_its_name_and_its_companions(package: Make, shelf: Any) -> None:
    given: JSON = {
        "class": "File",
        "location": URL,
        "basename": "b.tif",
        "secondaryFiles": [{"class": "File", "location": URL + ".idx"}, {"class": "Directory", "listing": []}],
    }
    found = order(package, shelf, "File", Inline(given))
    assert found["basename"] == "b.tif"
    assert [part["class"] for part in found["secondaryFiles"]] == ["File", "Directory"]


def test_files_get_the_format_that_cwl_asks_for(package: Make, shelf: Any) -> None:
    csv, png = "http://edamontology.org/format_3752", "http://edamontology.org/format_3603"
    assert order(package, shelf, "File", Reference(URL), format=csv)["format"] == csv
    assert order(package, shelf, "File", Reference(URL, "image/png"), format=[csv, png])["format"] == png
    own = Inline({"class": "File", "location": URL, "format": "http://x/y"})
    assert order(package, shelf, "File", own, format=csv)["format"] == "http://x/y"


def test_defaults_and_optional_inputs_are_left_to_cwl(package: Make, shelf: Any) -> None:
    made = package({"a": "string?", "b": {"type": "int", "default": 0}})
    assert build_job_order(made, {}, shelf) == {}
    assert build_job_order(made, {"b": Inline(None)}, shelf) == {}


@pytest.mark.parametrize(
    ("cwl", "value", "text"),
    [
        ("int", Inline("5"), 'inputs.x: must be of type int (is "5")'),
        ("int", Inline(True), "must be of type int"),
        ("int", Inline(5.5), "must be of type int"),
        ("int", Inline(2**31), "must be of type int"),
        ("string", Inline(5), "must be of type string"),
        ("string", Reference(URL), "must be of type string"),
        ("double", Inline("1"), "must be of type double"),
        ({"type": "enum", "symbols": ["a"]}, Inline("b"), "one of a"),
        ("int[]", Many((Inline(1), Inline("b"))), "inputs.x[1]: must be of type int"),
        (["int", "boolean"], Inline("b"), "must be of type int | boolean"),
        ("File", Inline("%%%", encoding="base64"), "must be base64"),
        ("File", Inline("no", "image/png"), "content of type image/png must be base64"),
        ("File", Inline("x", encoding="rot13"), "'rot13' is not supported"),
        ("File", Inline({"class": "Directory", "location": URL}), "must be a File"),
        ("File", Inline({"class": "File"}), "needs `location` or `contents`"),
        ("File", Inline({"class": "File", "location": "a.txt"}), "absolute URL"),
        ("File", Inline({"class": "File", "location": URL, "basename": "../a"}), "must be a file name"),
        ("File", Inline({"class": "File", "location": URL, "secondaryFiles": "a"}), "must be a list"),
        ("File", Inline({"class": "File", "location": URL, "secondaryFiles": [1]}), "secondaryFiles[0]"),
        ("Directory", Inline("folder"), "absolute URL"),
        ("Directory", Inline(1), "reference to a directory"),
        ("Directory", Inline({"class": "Directory"}), "needs `location` or `listing`"),
        (RECORD, Inline("a"), "must be an object"),
        (RECORD, Inline({}), "inputs.x.name: is required"),
        (RECORD, Inline({"name": "a", "z": 1}), "inputs.x.z: no such field"),
        (RECORD, Inline({"name": "a", "n": "1"}), "inputs.x.n: must be of type int"),
        ("string", Inline(None), "is required"),
    ],
)
def test_values_that_do_not_fit_are_refused(package: Make, shelf: Any, cwl: Any, value: InputValue, text: str) -> None:
    with pytest.raises(InvalidInputs) as caught:
        order(package, shelf, cwl, value)
    assert text in caught.value.detail
    assert caught.value.location == "inputs.x"


def test_unknown_and_missing_inputs_are_refused(package: Make, shelf: Any) -> None:
    with pytest.raises(InvalidInputs, match=r"inputs\.z: the process has no such input \(inputs: x\)"):
        build_job_order(package({"x": "string"}), {"z": Inline(1)}, shelf)
    with pytest.raises(InvalidInputs, match=r"inputs\.x: is required"):
        build_job_order(package({"x": "string"}), {}, shelf)


def test_the_order_is_json(package: Make, shelf: Any) -> None:
    made = package({"x": "Any", "y": "File"})
    found = build_job_order(made, {"x": Inline([{"a": None}]), "y": Inline(base64.b64encode(b"a").decode())}, shelf)
    assert json.loads(json.dumps(found)) == found
