from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from pygeoapi_oapip.model.process import Package
from pygeoapi_oapip.packages import wrap as wrapping
from pygeoapi_oapip.packages import wrap_cache
from pygeoapi_oapip.packages.wrap import Tools, wrap
from pygeoapi_oapip.packages.wrap_cache import WrapCache, key_of

from .test_wrap import package
from .test_wrap import tools as tools

PACKAGE = Package({"class": "Workflow", "steps": []}, "#main", b"source", "application/cwl")


def test_what_was_put_is_found_without_its_source(tmp_path: Path) -> None:
    WrapCache(tmp_path / "made").put("key", PACKAGE)
    assert WrapCache(tmp_path / "made").get("key") == replace(PACKAGE, source=b"")
    assert WrapCache(tmp_path / "made").get("other") is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"unknown": 1}', b"\xff"])
def test_a_broken_file_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key.json").write_bytes(content)
    assert WrapCache(tmp_path).get("key") is None


def test_a_folder_that_cannot_be_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = WrapCache(tmp_path / "file" / "below")
    cache.put("key", PACKAGE)
    assert cache.get("key") is None


def test_the_oldest_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wrap_cache, "MOST", 2)
    cache = WrapCache(tmp_path)
    for age, key in enumerate("abc"):
        cache.put(key, PACKAGE)
        os.utime(tmp_path / f"{key}.json", (age, age))
    cache.put("d", PACKAGE)
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["c", "d"]


def test_the_key_knows_names_contents_and_where_one_ends() -> None:
    keys = [{"a": b"bc"}, {"ab": b"c"}, {"a": b"b", "c": b""}, {"a": b"bd"}, {}]
    assert len({key_of(documents) for documents in keys}) == len(keys)


def test_another_process_gets_the_same_without_cwltool(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = package({"a": "Directory", "n": "int"}, {"x": "Directory[]?"})
    first = wrap(given, tools, cache=WrapCache(tmp_path))
    assert first is not None
    monkeypatch.setattr(wrapping, "load_package", None)
    second = wrap(given, tools, cache=WrapCache(tmp_path))
    assert second == replace(first, package=replace(first.package, source=b""))


def test_other_tools_or_inputs_are_another_package(tools: Tools, tmp_path: Path) -> None:
    cache = WrapCache(tmp_path)
    wrap(package({"a": "Directory"}, {}), tools, cache=cache)
    wrap(package({"a": "Directory"}, {"x": "Directory"}), tools, cache=cache)
    fewer = {role: tool for role, tool in tools.items() if role.fetches}
    wrap(package({"a": "Directory"}, {"x": "Directory"}), fewer, cache=cache)
    assert len(list(tmp_path.iterdir())) == 3
