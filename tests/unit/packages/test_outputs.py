"""packages.outputs: what a run left, as values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.errors import JobFailed
from pygeoapi_oapip.model.process import Package
from pygeoapi_oapip.model.value import (
    DirectoryOutput,
    FileOutput,
    ListOutput,
    Literal,
    RecordOutput,
    output_from_json,
    output_to_json,
)
from pygeoapi_oapip.packages.outputs import read_outputs

Make = Callable[..., Package]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "job"
    (folder / "outputs" / "d").mkdir(parents=True)
    (folder / "outputs" / "a b.tif").write_bytes(b"12345")
    (tmp_path / "secret").write_text("x")
    return folder


def read(package: Make, workspace: Path, raw: Any, cwl: Any = "Any", **members: Any) -> Any:
    return read_outputs({"x": raw}, package(outputs={"x": {"type": cwl, **members}}), workspace)["x"]


def test_files_are_relative_to_the_workspace(package: Make, workspace: Path) -> None:
    uri = (workspace / "outputs" / "a b.tif").as_uri()
    made = FileOutput("outputs/a b.tif", "a b.tif", "image/tiff; application=geotiff", 5)
    for raw in ({"location": uri}, {"path": str(workspace / "outputs/a b.tif")}, {"location": "a b.tif"}):
        assert read(package, workspace, {"class": "File", "checksum": "sha1$1", **raw}) == made


@pytest.mark.parametrize(
    ("declared", "own", "media_type"),
    [
        ("text/csv", "image/png", "text/csv"),
        (None, "http://edamontology.org/format_3603", "image/png"),
        ("$(inputs.f)", None, "image/tiff; application=geotiff"),
        ("http://edamontology.org/format_2333", None, "image/tiff; application=geotiff"),
    ],
)
def test_media_types(package: Make, workspace: Path, declared: Any, own: Any, media_type: str) -> None:
    raw = {"class": "File", "location": "a b.tif", "format": own}
    assert read(package, workspace, raw, "File", format=declared).media_type == media_type


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.nc", "application/x-netcdf"),
        ("a.GEOJSON", "application/geo+json"),
        ("a.parquet", "application/vnd.apache.parquet"),
        ("a.jp2", "image/jp2"),
        ("tif", "application/octet-stream"),
        ("a.unknown", "application/octet-stream"),
    ],
)
def test_media_types_by_extension(package: Make, workspace: Path, name: str, media_type: str) -> None:
    found = read(package, workspace, {"class": "File", "location": f"s3://b/{name}", "size": 3})
    assert found == FileOutput(f"s3://b/{name}", name, media_type, 3)


def test_structures(package: Make, workspace: Path) -> None:
    file = {"class": "File", "location": "a b.tif", "secondaryFiles": [{"class": "Directory", "location": "d"}]}
    found = read(package, workspace, {"f": [file], "n": 1})
    assert isinstance(found, RecordOutput)
    assert found.fields["n"] == Literal(1)
    items = found.fields["f"]
    assert isinstance(items, ListOutput)
    first = items.items[0]
    assert isinstance(first, FileOutput)
    assert first.secondary == (DirectoryOutput("outputs/d", "d"),)


@pytest.mark.parametrize("raw", [None, 0, "a", [1, [2]], {"a": {"b": None}}, []])
def test_values_without_files_stay(package: Make, workspace: Path, raw: Any) -> None:
    assert read(package, workspace, raw) == Literal(raw)


def test_a_missing_output_is_null_and_others_are_left_out(package: Make, workspace: Path) -> None:
    assert read_outputs({"z": 1}, package(outputs={"x": "int?"}), workspace) == {"x": Literal(None)}


def test_literals_are_written_under_free_names(package: Make, workspace: Path) -> None:
    raw = [{"class": "File", "basename": "n.txt", "contents": text} for text in "ab"]
    found = read(package, workspace, raw)
    assert [item.href for item in found.items] == ["outputs/n.txt", "outputs/2-n.txt"]
    assert [(workspace / item.href).read_text() for item in found.items] == ["a", "b"]


@pytest.mark.parametrize("basename", ["../../evil", "/evil", ".."])
def test_literals_stay_in_the_workspace(package: Make, workspace: Path, basename: str) -> None:
    found = read(package, workspace, {"class": "File", "basename": basename, "contents": "a"})
    assert found.href.startswith("outputs/")
    assert (workspace / found.href).resolve().is_relative_to(workspace)


@pytest.mark.parametrize("kind", ["File", "Directory"])
@pytest.mark.parametrize("location", ["file:///etc/passwd", "/etc", "../../secret", "link", "..", "."])
def test_what_is_outside_the_workspace_is_not_served(package: Make, workspace: Path, kind: str, location: str) -> None:
    (workspace / "outputs" / "link").symlink_to("/etc/passwd")
    raw = {"class": kind, "location": location}
    if kind == "Directory" and location == ".":
        assert read(package, workspace, raw).href == "outputs"
        return
    with pytest.raises(JobFailed) as caught:
        read(package, workspace, raw)
    assert str(workspace) not in caught.value.detail


@pytest.mark.parametrize("kind", ["File", "Directory"])
def test_what_does_not_exist_fails_the_job(package: Make, workspace: Path, kind: str) -> None:
    with pytest.raises(JobFailed, match=r"outputs\.x: the run names a \w+ that does not exist: none"):
        read(package, workspace, {"class": kind, "location": "none"})


def test_the_format_of_a_file_is_kept_in_its_stored_form(package: Make, workspace: Path) -> None:
    edam = "http://edamontology.org/format_1929"
    found = read(package, workspace, {"class": "File", "location": "a b.tif", "format": edam})
    assert found.format == edam
    assert output_from_json(output_to_json(found)) == found
