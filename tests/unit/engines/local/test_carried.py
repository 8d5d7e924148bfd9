"""engines.local.carried: files of a package, and numbers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from cwltool.builder import Builder

from pygeoapi_oapip.engines.local.carried import Carried, as_read


def literal(name: Any, contents: str = "é\n", **members: Any) -> dict[str, Any]:
    return {"class": "File", "basename": name, "contents": contents, **members}


def text_at(file: dict[str, Any]) -> str:
    return Path(unquote(urlsplit(file["location"]).path)).read_bytes().decode()


def test_default_files_become_files_with_their_size_beside_nothing_else(tmp_path: Path) -> None:
    document = {"inputs": [{"default": literal("a b.txt")}, {"default": {"part": [literal("a b.txt", "2")]}}]}
    first, second = Carried(tmp_path / "new").settle(document)["inputs"]
    assert (text_at(first["default"]), first["default"]["size"]) == ("é\n", 3)
    assert text_at(second["default"]["part"][0]) == "2"
    assert first["default"]["contents"] == "é\n"
    assert "location" not in document["inputs"][0]["default"]


def test_secondary_files_and_listings_become_files(tmp_path: Path) -> None:
    folder = {"class": "Directory", "basename": "d", "listing": [literal("c")]}
    settled = Carried(tmp_path).settle({"default": literal("a", secondaryFiles=[literal("b"), folder])})["default"]
    beside, listing = settled["secondaryFiles"]
    assert text_at(beside) == text_at(listing["listing"][0]) == "é\n"
    assert "location" not in listing


@pytest.mark.parametrize(
    "value",
    [
        literal("../out"),
        literal("/etc/x"),
        literal(""),
        literal(".."),
        literal(5),
        literal("a", location="https://example.com/a"),
        {"class": "File", "contents": "no name"},
        {"class": "Directory", "basename": "d"},
    ],
)
def test_other_objects_stay_as_they_are(value: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "new"
    assert Carried(folder).settle({"default": value}) == {"default": value}
    assert Carried(folder).settle({"expression": literal("a")}) == {"expression": literal("a")}
    assert not folder.exists()


@pytest.mark.parametrize(
    ("number", "written"),
    [(1e-05, "0.00001"), (1e22, "1" + 22 * "0"), (-2.5e-07, "-0.00000025"), (1.5, "1.5"), (7, "7"), (True, "True")],
)
def test_numbers_are_written_as_decimals(number: float, written: str) -> None:
    found = as_read({"a": [number]})["a"][0]
    assert found == number
    assert type(found) is type(number) or isinstance(found, float)
    assert Builder.tostr(None, found) == written  # type: ignore[arg-type]


def test_the_limits_of_numbers_survive() -> None:
    for number in (5e-324, 1.7976931348623157e308, -1e300):
        assert math.isclose(float(Builder.tostr(None, as_read(number))), number, rel_tol=0)  # type: ignore[arg-type]
