from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pygeoapi_oapip.delivery import list_directory, served_file
from pygeoapi_oapip.errors import NoSuchOutput, ResultNotAvailable
from pygeoapi_oapip.model.value import DirectoryOutput, FileOutput, ListOutput, Literal
from pygeoapi_oapip.operations import ServedFile
from pygeoapi_oapip.staging.base import Entry
from pygeoapi_oapip.staging.storage import LocalStorage


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


def path_of(served: ServedFile) -> Path:
    assert served.path is not None
    return served.path


def test_file_is_found_with_its_name_and_type(workspace: Path) -> None:
    served = served_file(a_file("a.tif", "outputs/a.tif"), "x", "", workspace)
    assert (served.read(), served.name, served.media_type) == (b"aaa", "a.tif", "image/tiff")


def test_item_of_an_array_is_found_by_index_and_name(workspace: Path) -> None:
    value = ListOutput((Literal(1), a_file("a.tif", "outputs/a.tif")))
    assert path_of(served_file(value, "x", "1/a.tif", workspace)).name == "a.tif"


def test_file_in_a_directory_is_found(workspace: Path) -> None:
    assert served_file(DIRECTORY, "x", "sub/b.tif", workspace).read() == b"bbbb"


def test_directory_is_served_as_an_archive_that_is_the_same_each_time(workspace: Path) -> None:
    served = served_file(DIRECTORY, "x", "", workspace)
    assert (served.name, served.media_type) == ("cat.zip", "application/zip")
    with zipfile.ZipFile(path_of(served)) as archive:
        assert sorted(archive.namelist()) == ["cat/catalog.json", "cat/sub/b.tif"]
        assert archive.read("cat/sub/b.tif") == b"bbbb"
    first = served.read()
    path_of(served).unlink()
    assert served_file(DIRECTORY, "x", "", workspace).read() == first


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
    archive = path_of(served_file(DIRECTORY, "x", "", workspace))
    assert "cat/link" not in zipfile.ZipFile(archive).namelist()


def test_removed_file_is_told_apart_from_an_unknown_one(workspace: Path) -> None:
    (workspace / "outputs" / "a.tif").unlink()
    with pytest.raises(ResultNotAvailable):
        served_file(a_file("a.tif", "outputs/a.tif"), "x", "", workspace)


def test_file_has_no_listing(workspace: Path) -> None:
    with pytest.raises(NoSuchOutput):
        list_directory(a_file("a.tif", "outputs/a.tif"), "x", "", workspace)


class Far(LocalStorage):
    """Holds what a test puts into it."""

    remote = True

    def __init__(self, held: Mapping[str, bytes]) -> None:
        super().__init__()
        self.held = held

    def content(self, href: str) -> Held:
        if href not in self.held:
            raise ResultNotAvailable("gone")
        return Held(self.held[href])

    def entries(self, href: str) -> list[Entry]:
        found = [(name, body) for name, body in self.held.items() if name.startswith(f"{href}/")]
        if not found:
            raise ResultNotAvailable("gone")
        return [Entry(name.removeprefix(f"{href}/"), len(body)) for name, body in found]

    def archive(self, href: str, name: str) -> Held:
        return Held(b"".join(body for key, body in self.held.items() if key.startswith(href)))


@dataclass(frozen=True)
class Held:
    body: bytes
    etag: str = ""
    modified: None = None

    @property
    def size(self) -> int:
        return len(self.body)

    def pieces(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        yield self.body


FAR = Far({"s3://b/j/a.tif": b"aaa", "s3://b/j/cat/catalog.json": b"{}", "s3://b/j/cat/s%20b/b.tif": b"bbbb"})
FAR_FOLDER = DirectoryOutput("s3://b/j/cat", "cat")


def test_stored_file_is_served_without_a_path(workspace: Path) -> None:
    served = served_file(a_file("a.tif", "s3://b/j/a.tif"), "x", "", workspace, FAR)
    assert (served.path, served.size, served.read()) == (None, 3, b"aaa")
    assert (served.name, served.media_type) == ("a.tif", "image/tiff")


def test_stored_directory_is_listed_and_served(workspace: Path) -> None:
    file = served_file(FAR_FOLDER, "x", "s b/b.tif", workspace, FAR)
    assert (file.read(), file.name, file.media_type) == (b"bbbb", "b.tif", "image/tiff; application=geotiff")
    archive = served_file(FAR_FOLDER, "x", "", workspace, FAR)
    assert (archive.name, archive.media_type, archive.read()) == ("cat.zip", "application/zip", b"{}bbbb")
    entries = list_directory(FAR_FOLDER, "x", "", workspace, FAR)
    assert [(entry.path, entry.size) for entry in entries] == [("catalog.json", 2), ("s%20b/b.tif", 4)]


@pytest.mark.parametrize("path", ["none", "s b", "../a.tif", "s b/../catalog.json"])
def test_what_is_not_in_a_stored_directory_is_no_output(workspace: Path, path: str) -> None:
    with pytest.raises(NoSuchOutput):
        served_file(FAR_FOLDER, "x", path, workspace, FAR)
    with pytest.raises(NoSuchOutput):
        list_directory(FAR_FOLDER, "x", "none", workspace, FAR)


def test_stored_results_that_are_gone_are_not_available(workspace: Path) -> None:
    with pytest.raises(ResultNotAvailable):
        served_file(a_file("a.tif", "s3://b/j/none"), "x", "", workspace, FAR)
    with pytest.raises(ResultNotAvailable):
        list_directory(DirectoryOutput("s3://b/j/none", "none"), "x", "", workspace, FAR)


def test_results_in_the_folder_are_served_after_a_change_of_the_storage(workspace: Path) -> None:
    assert served_file(a_file("a.tif", "outputs/a.tif"), "x", "", workspace, FAR).read() == b"aaa"
