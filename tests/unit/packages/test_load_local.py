"""packages.load: packages in the administrator's folders, with the files beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pygeoapi_oapip.errors import InvalidPackage, OapipError
from pygeoapi_oapip.packages.describe import describe
from pygeoapi_oapip.packages.load import load_local_package, load_package

TOOL = b"""
cwlVersion: v1.2
class: CommandLineTool
id: echo
baseCommand: echo
inputs: {message: {type: string, inputBinding: {}}}
outputs: {out: stdout}
"""


def test_a_local_package_carries_its_default_files(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("hello")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text("a")
    path = tmp_path / "count words.cwl"
    document = yaml.safe_load(TOOL)
    del document["id"]
    document["inputs"] = {
        "f": {"type": "File", "default": {"class": "File", "location": "words.txt"}},
        "d": {"type": "Directory", "default": {"class": "Directory", "path": "folder"}},
        "w": {"type": "File", "default": {"class": "File", "location": "https://example.com/a.tif"}},
    }
    path.write_text(json.dumps(document))
    found = load_local_package(path, root=tmp_path)
    inputs: Any = found.document["inputs"]
    assert inputs["f"]["default"] == {"class": "File", "basename": "words.txt", "contents": "hello", "size": 5}
    assert inputs["d"]["default"]["listing"] == [{"class": "File", "basename": "a.txt", "contents": "a", "size": 1}]
    assert inputs["w"]["default"]["location"] == "https://example.com/a.tif"
    assert describe(found, address=str(path)).id == "count-words"
    assert str(tmp_path) not in json.dumps(found.document)


def test_a_default_brings_the_secondary_files_that_are_beside_it(tmp_path: Path) -> None:
    for name in ("reads.bam", "reads.bam.bai", "reads.fa"):
        (tmp_path / name).write_text(name)
    (tmp_path / "reads.parts").mkdir()
    document = yaml.safe_load(TOOL)
    document["inputs"] = {
        "f": {
            "type": "File",
            "secondaryFiles": [".bai", "^.fa", "^.parts", {"pattern": ".none", "required": False}, "$(self.nameroot)"],
            "default": {"class": "File", "location": "reads.bam"},
        }
    }
    (tmp_path / "tool.cwl").write_text(json.dumps(document))
    inputs: Any = load_local_package(tmp_path / "tool.cwl", root=tmp_path).document["inputs"]
    found = [(part["class"], part["basename"]) for part in inputs["f"]["default"]["secondaryFiles"]]
    assert found == [("File", "reads.bam.bai"), ("File", "reads.fa"), ("Directory", "reads.parts")]


def test_a_package_without_id_may_name_its_types_from_the_top(tmp_path: Path) -> None:
    document = yaml.safe_load(TOOL)
    del document["id"]
    document["requirements"] = {"SchemaDefRequirement": {"types": [{"name": "box", "type": "enum", "symbols": ["a"]}]}}
    document["inputs"] = [{"id": "b", "type": {"type": "array", "items": "#box"}}]
    (tmp_path / "boxes.cwl").write_text(json.dumps(document))
    found = load_local_package(tmp_path / "boxes.cwl")
    assert load_package(json.dumps(found.document).encode(), "").document == found.document
    assert describe(found, address="boxes.cwl").inputs["b"].schema == {"type": "string", "enum": ["a"]}


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"x" * (1024 * 1024 + 1), "more than 1048576 bytes"), (b"\xff\x00", "not text"), (None, "No such file")],
)
def test_default_files_that_cannot_be_carried_are_refused(tmp_path: Path, content: bytes | None, text: str) -> None:
    if content is not None:
        (tmp_path / "data").write_bytes(content)
    path = tmp_path / "tool.cwl"
    path.write_bytes(TOOL.replace(b"{type: string", b"{type: File, default: {class: File, path: data}"))
    with pytest.raises(OapipError, match=text) as caught:
        load_local_package(path)
    assert str(tmp_path) not in caught.value.detail


def test_a_folder_package_stays_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    for reference in ("../secret.txt", "link.txt"):
        path = folder / "tool.cwl"
        path.write_bytes(TOOL + f"doc: {{$include: {reference}}}\n".encode())
        with pytest.raises(InvalidPackage, match="leaves the folder") as caught:
            load_local_package(path, root=folder)
        assert str(tmp_path) not in caught.value.detail
        assert load_local_package(path).document["$graph"]


def test_a_missing_local_package_is_reported_by_name(tmp_path: Path) -> None:
    with pytest.raises(OapipError, match="'none.cwl' cannot be read: No such file"):
        load_local_package(tmp_path / "none.cwl")


@pytest.mark.parametrize(
    ("own", "address", "derived"),
    [
        ("main", "/apps/slope.cwl", "slope"),
        ("main", "https://example.com/a%20b.cwl.yaml#main", "a-b"),
        ("main", "", "main"),
        ("other", "/apps/slope.cwl", "other"),
    ],
)
def test_the_name_of_the_file_says_more_than_main(own: str, address: str, derived: str) -> None:
    process = {**yaml.safe_load(TOOL), "id": own}
    package = load_package(json.dumps({"cwlVersion": "v1.2", "$graph": [process]}).encode(), "")
    assert describe(package, address=address).id == derived
    assert describe(package, "given", address=address).id == "given"
