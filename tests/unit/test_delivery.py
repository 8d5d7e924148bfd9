from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from pygeoapi_oapip.delivery import list_directory, served_file
from pygeoapi_oapip.errors import NoSuchOutput, ResultNotAvailable
from pygeoapi_oapip.model.value import DirectoryOutput, FileOutput, ListOutput, Literal


def a_file(name: str, href: str) -> FileOutput:
    return FileOutput(href, name, "image/tiff", 3)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "job"
    (folder / "outputs" / "cat" / "sub").mkdir(parents=True)
    (folder / "outputs" / "a.tif").write_bytes(b"aaa")
    (folder / "outputs" / "cat" / "catalog.json").write_text("{}")
    (folder / "outputs" / "cat" / "sub" / "b.tif").write_bytes(b"bbbb")
    (tmp_path / "secret").write_text("no")
    return folder


DIRECTORY = DirectoryOutput("outputs/cat", "cat")


def test_file_is_found_with_its_name_and_type(workspace: Path) -> None:
    served = served_file(a_file("a.tif", "outputs/a.tif"), "x", "", workspace)
    assert (served.path.read_bytes(), served.name, served.media_type) == (b"aaa", "a.tif", "image/tiff")


def test_item_of_an_array_is_found_by_index_and_name(workspace: Path) -> None:
    value = ListOutput((Literal(1), a_file("a.tif", "outputs/a.tif")))
    assert served_file(value, "x", "1/a.tif", workspace).path.name == "a.tif"


def test_file_in_a_directory_is_found(workspace: Path) -> None:
    assert served_file(DIRECTORY, "x", "sub/b.tif", workspace).path.read_bytes() == b"bbbb"


def test_directory_is_served_as_an_archive_that_is_the_same_each_time(workspace: Path) -> None:
    served = served_file(DIRECTORY, "x", "", workspace)
    assert (served.name, served.media_type) == ("cat.zip", "application/zip")
    with zipfile.ZipFile(served.path) as archive:
        assert sorted(archive.namelist()) == ["cat/catalog.json", "cat/sub/b.tif"]
        assert archive.read("cat/sub/b.tif") == b"bbbb"
    first = served.path.read_bytes()
    served.path.unlink()
    assert served_file(DIRECTORY, "x", "", workspace).path.read_bytes() == first


def test_directory_lists_all_files_below_it(workspace: Path) -> None:
    entries = list_directory(DIRECTORY, "x", "", workspace)
    assert [(entry.path, entry.size) for entry in entries] == [("catalog.json", 2), ("sub/b.tif", 4)]
    assert [entry.path for entry in list_directory(DIRECTORY, "x", "sub", workspace)] == ["b.tif"]


@pytest.mark.parametrize(
    "path", ["../secret", "sub/../../../../secret", "nothing", "sub//b.tif", "/etc/passwd", "sub/\0"]
)
def test_other_paths_have_nothing(workspace: Path, path: str) -> None:
    with pytest.raises((NoSuchOutput, ResultNotAvailable)):
        served_file(DIRECTORY, "x", path, workspace)


def test_links_that_lead_out_are_not_served(workspace: Path) -> None:
    (workspace / "outputs" / "cat" / "link").symlink_to(workspace.parent / "secret")
    with pytest.raises(NoSuchOutput):
        served_file(DIRECTORY, "x", "link", workspace)
    assert "link" not in [entry.path for entry in list_directory(DIRECTORY, "x", "", workspace)]
    archive = served_file(DIRECTORY, "x", "", workspace).path
    assert "cat/link" not in zipfile.ZipFile(archive).namelist()


def test_removed_file_is_told_apart_from_an_unknown_one(workspace: Path) -> None:
    (workspace / "outputs" / "a.tif").unlink()
    with pytest.raises(ResultNotAvailable):
        served_file(a_file("a.tif", "outputs/a.tif"), "x", "", workspace)


def test_file_has_no_listing(workspace: Path) -> None:
    with pytest.raises(NoSuchOutput):
        list_directory(a_file("a.tif", "outputs/a.tif"), "x", "", workspace)
