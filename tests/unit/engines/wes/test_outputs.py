"""Outputs: taken from where the administrator says, and from nowhere else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.engines.wes.outputs import NotYet, Origin, collect
from pygeoapi_oapip.errors import JobFailed
from pygeoapi_oapip.model.json import JSONObject
from pygeoapi_oapip.model.process import Package
from pygeoapi_oapip.model.value import DirectoryOutput, FileOutput, ListOutput, Literal, OutputValue

THERE = "/cluster/wes"
RUN = "run-1"


class Place:
    """A shared folder with the outputs of a run, as the cluster and as we see it."""

    def __init__(self, folder: Path) -> None:
        self.here = folder / "mnt"
        self.workspace = folder / "job"
        (self.here / RUN / "outputs").mkdir(parents=True)
        self.workspace.mkdir()

    def write(self, name: str, content: str = "x", run: str = RUN) -> str:
        """Make a file, and give its location as the server says it."""
        path = self.here / run / "outputs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return f"file://{THERE}/{run}/outputs/{name}"

    def collect(self, outputs: dict[str, Any], mapped: bool = True, bucket: str = "") -> dict[str, OutputValue]:
        """Collect an output object whose outputs have any type."""
        document: JSONObject = {
            "cwlVersion": "v1.2",
            "class": "CommandLineTool",
            "inputs": {},
            "outputs": {name: {"type": ["null", "File", "Directory", "Any"]} for name in outputs},
        }
        origin = Origin({THERE: str(self.here)} if mapped else {}, bucket, RUN)
        return dict(collect(outputs, Package(document, "", b"", ""), self.workspace, origin))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def file(location: str, **more: Any) -> dict[str, Any]:
    return {"class": "File", "location": location, **more}


def test_a_file_is_in_the_folder_of_the_job_with_all_that_is_known_of_it(place: Place) -> None:
    location = place.write("a.tif", "content")
    index = place.write("a.tif.idx")
    raw = file(location, basename="a.tif", size=7, checksum="sha1$00", path="/cluster/x", secondaryFiles=[file(index)])
    found = place.collect({"o": raw})["o"]
    assert isinstance(found, FileOutput)
    assert (found.href, found.name, found.size) == ("outputs/a.tif", "a.tif", 7)
    assert [part.href for part in found.secondary] == ["outputs/a.tif.idx"]
    assert (place.workspace / found.href).read_text() == "content"


def test_files_of_one_name_do_not_meet_and_one_file_is_taken_once(place: Place) -> None:
    one, two = place.write("1/a.txt", "one"), place.write("2/a.txt", "two")
    found = place.collect({"x": file(one), "y": file(two), "z": file(one)})
    hrefs = [value.href for value in found.values() if isinstance(value, FileOutput)]
    assert hrefs == ["outputs/a.txt", "outputs/2/a.txt", "outputs/a.txt"]
    assert (place.workspace / hrefs[1]).read_text() == "two"


def test_a_directory_keeps_its_name_and_its_files(place: Place) -> None:
    place.write("tmp-outab12/sub/b.txt", "b")
    location = place.write("tmp-outab12/c.txt").rpartition("/")[0]
    found = place.collect({"d": {"class": "Directory", "location": location, "basename": "tmp-outab12", "listing": []}})
    assert found["d"] == DirectoryOutput("outputs/tmp-outab12", "tmp-outab12")
    assert (place.workspace / "outputs/tmp-outab12/sub/b.txt").read_text() == "b"


def test_a_directory_that_is_only_a_listing_is_made(place: Place) -> None:
    listing = [file(place.write("q.txt", "q")), {"class": "File", "basename": "n.txt", "contents": "n"}]
    found = place.collect({"d": {"class": "Directory", "location": "_:1", "basename": "made", "listing": listing}})
    assert found["d"] == DirectoryOutput("outputs/made", "made")
    assert (place.workspace / "outputs/made/q.txt").read_text() == "q"


def test_lists_literals_and_nothing(place: Place) -> None:
    found = place.collect({"l": [file(place.write("a")), file(place.write("b"))], "n": 7, "null": None})
    assert isinstance(found["l"], ListOutput) and len(found["l"].items) == 2
    assert (found["n"], found["null"]) == (Literal(7), Literal(None))


@pytest.mark.parametrize("address", ["s3://bucket/wes/job/a.txt", "https://example.org/a.txt"])
def test_results_elsewhere_stay_there(place: Place, address: str) -> None:
    raw = file(address, size=3, secondaryFiles=[file(f"{address}.idx")])
    found = place.collect({"o": raw}, bucket="s3://bucket/wes/job/")["o"]
    assert isinstance(found, FileOutput) and (found.href, found.size) == (address, 3)
    assert [part.href for part in found.secondary] == [f"{address}.idx"]


@pytest.mark.parametrize("bucket", ["s3://bucket/wes/job/", ""])
@pytest.mark.parametrize(
    "address",
    [
        "s3://other/a",
        "s3://bucket/wes/other/a",
        "s3://bucket/wes/job/../other/a",
        "s3://bucket/wes/job",
        "S3://other/a",
    ],
)
def test_a_tool_cannot_name_what_is_not_of_its_job_in_s3(place: Place, address: str, bucket: str) -> None:
    for raw in (file(address), file(place.write("ok"), secondaryFiles=[file(address)])):
        with pytest.raises(JobFailed, match="not below the address"):
            place.collect({"o": [raw]}, bucket=bucket)


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/hostname",
        "/etc/hostname",
        f"file://{THERE}/../../etc/hostname",
        f"file://{THERE}/%2e%2e/secret",
        f"file://{THERE}elsewhere/a",
        f"file://{THERE}/{RUN}/outputs/../../run-2/outputs/secret",
    ],
)
def test_what_is_outside_of_the_mapped_folders_is_not_taken(place: Place, location: str) -> None:
    place.write("secret", run="run-2")
    (place.here.parent / "secret").write_text("secret")
    with pytest.raises(JobFailed, match="does not see"):
        place.collect({"o": file(location)})
    assert not list((place.workspace / "outputs").iterdir())


def test_the_mapped_folder_itself_is_no_result(place: Place) -> None:
    with pytest.raises(JobFailed, match="leads out"):
        place.collect({"o": {"class": "Directory", "location": f"file://{THERE}/"}})


def test_links_do_not_lead_to_other_runs_or_out(place: Place) -> None:
    place.write("secret", run="run-2")
    location = place.write("ok")
    outputs = place.here / RUN / "outputs"
    for name, target in (("other", place.here / "run-2/outputs/secret"), ("host", Path("/etc/hostname"))):
        os.symlink(target, outputs / name)
        with pytest.raises(JobFailed, match="leads out of the folder of the run"):
            place.collect({"o": file(location.replace("ok", name))})


def test_links_in_a_directory_that_lead_out_of_it_are_left_out(place: Place) -> None:
    place.write("d/inside.txt", "inside")
    folder = place.here / RUN / "outputs" / "d"
    os.symlink("/etc/hostname", folder / "host")
    os.symlink("/etc", folder / "etc")
    os.symlink("inside.txt", folder / "link.txt")
    place.collect({"d": {"class": "Directory", "location": f"file://{THERE}/{RUN}/outputs/d"}})
    taken = place.workspace / "outputs" / "d"
    assert sorted(path.name for path in taken.iterdir()) == ["inside.txt", "link.txt"]
    assert (taken / "link.txt").read_text() == "inside" and not (taken / "link.txt").is_symlink()


@pytest.mark.parametrize("name", ["../../x", "a/../../x", "/etc/x", "..", "."])
def test_a_name_is_a_name_and_no_path(place: Place, name: str) -> None:
    location = place.write("a.txt")
    place.collect({"o": file(location, basename=name)})
    assert all(path.is_relative_to(place.workspace / "outputs") for path in place.workspace.rglob("*.txt"))
    assert sorted(path.name for path in place.workspace.parent.iterdir()) == ["job", "mnt"]


def test_a_file_that_is_not_there_may_come(place: Place) -> None:
    with pytest.raises(NotYet, match=r"gone\.txt is not there"):
        place.collect({"o": file(f"file://{THERE}/{RUN}/outputs/gone.txt")})


def test_without_a_mapped_folder_the_setting_is_named(place: Place) -> None:
    with pytest.raises(JobFailed, match="setting `outputs`"):
        place.collect({"o": file(place.write("a"))}, mapped=False)
