"""Results on their way to where they are kept: STAC, Items beside files, sizes, registration."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.collecting import Collected, Collector, Options
from pygeoapi_oapip.errors import ResultNotAvailable, Unavailable
from pygeoapi_oapip.model.job import Job
from pygeoapi_oapip.model.json import JSONObject
from pygeoapi_oapip.model.value import (
    DirectoryOutput,
    FileOutput,
    ListOutput,
    Literal,
    OutputValue,
    RecordOutput,
    output_from_json,
    output_to_json,
)
from pygeoapi_oapip.settings_results import Registration
from pygeoapi_oapip.staging.base import Content, Entry
from pygeoapi_oapip.staging.registration import StacRegistrar
from pygeoapi_oapip.staging.router import SchemeRouter
from pygeoapi_oapip.staging.storage import LocalStorage
from pygeoapi_oapip.staging.workspace import LocalWorkspaces
from pygeoapi_oapip.testing.stac_packages import FILES

JOB = Job.new("p", 1, "alice", "local", {})


class Bench:
    def __init__(self, home: Path) -> None:
        self.workspaces = LocalWorkspaces(home, SchemeRouter([]))
        self.folder = self.workspaces.prepare(JOB.id)

    def write(self, path: str, content: str) -> None:
        target = self.folder / "outputs" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)

    def made(self, name: str) -> DirectoryOutput:
        for path, content in FILES.items():
            self.write(f"{name}/{path}", content)
        return DirectoryOutput(f"outputs/{name}", name)

    def file(self, name: str, *secondary: FileOutput) -> FileOutput:
        self.write(name, "x")
        return FileOutput(f"outputs/{name}", name, "text/plain", 1, secondary=secondary)

    def collect(self, outputs: Mapping[str, OutputValue], **options: Any) -> Collected:
        return Collector(self.workspaces, Options(**options)).collect(JOB, outputs, lambda: True)

    def document(self, name: str) -> JSONObject:
        found = self.workspaces.load(JOB.id, f"{name}.json")
        assert found is not None
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_only_catalogue_of_a_job_has_its_id(bench: Bench) -> None:
    [value] = bench.collect({"o": bench.made("a")}).outputs.values()
    assert isinstance(value, DirectoryOutput) and value.stac
    assert bench.document(value.stac)["id"] == JOB.id
    assert len(bench.document(f"{value.stac}-items")["features"]) == 2  # type: ignore[arg-type]


def test_several_catalogues_have_ids_of_their_own_at_any_depth(bench: Bench) -> None:
    first, second = bench.made("a"), bench.made("b")
    plain = DirectoryOutput("outputs/c", "c")
    bench.write("c/x.txt", "x")
    found = bench.collect({"many": ListOutput((Literal(1), first)), "deep": RecordOutput({"f": second, "g": plain})})
    many, deep = found.outputs["many"], found.outputs["deep"]
    assert isinstance(many, ListOutput) and isinstance(deep, RecordOutput)
    one, two, none = many.items[1], deep.fields["f"], deep.fields["g"]
    assert isinstance(one, DirectoryOutput) and isinstance(two, DirectoryOutput) and isinstance(none, DirectoryOutput)
    assert none.stac == ""
    assert {str(bench.document(leaf.stac)["id"]) for leaf in (one, two)} == {
        f"{JOB.id}-many-1-a",
        f"{JOB.id}-deep-f-b",
    }


def test_catalogue_survives_the_job_row(bench: Bench) -> None:
    [value] = bench.collect({"o": bench.made("a")}).outputs.values()
    assert output_from_json(json.loads(json.dumps(output_to_json(value)))) == value


def test_again_makes_no_difference(bench: Bench) -> None:
    outputs: Mapping[str, OutputValue] = {"o": bench.made("a"), "f": bench.file("x.txt")}
    first = bench.collect(outputs, items=True)
    before = {path: path.read_bytes() for path in bench.folder.rglob("*") if path.is_file()}
    assert bench.collect(outputs, items=True) == first
    assert {path: path.read_bytes() for path in bench.folder.rglob("*") if path.is_file()} == before


def test_reading_of_catalogues_can_be_switched_off(bench: Bench) -> None:
    outputs = {"o": bench.made("a")}
    assert bench.collect(outputs, collections=False).outputs == outputs


def test_link_out_of_the_job_is_not_followed(bench: Bench, tmp_path: Path) -> None:
    outside = tmp_path / "secret.json"
    outside.write_text(FILES["catalog.json"])
    (bench.folder / "outputs" / "d").mkdir()
    (bench.folder / "outputs" / "d" / "catalog.json").symlink_to(outside)
    outputs = {"o": DirectoryOutput("outputs/d", "d")}
    assert bench.collect(outputs).outputs == outputs


def test_size_is_that_of_all_files(bench: Bench) -> None:
    total = sum(len(content) for content in FILES.values())
    assert (
        bench.collect({"o": bench.made("a"), "f": bench.file("x", bench.file("y")), "n": Literal(5)}).size == total + 2
    )


def test_item_beside_a_file_names_it_and_its_companions(bench: Bench) -> None:
    main = bench.file("a b.tif", bench.file("a b.tfw"))
    [value] = bench.collect({"f": main}, items=True).outputs.values()
    assert isinstance(value, FileOutput)
    assert [part.name for part in value.secondary] == ["a b.tfw", "a b.tif.stac.json"]
    item = json.loads((bench.folder / "outputs" / "a b.tif.stac.json").read_text())
    assert (item["type"], item["id"], item["geometry"]) == ("Feature", f"{JOB.id}-a b.tif", None)
    assert item["assets"]["a b.tif"]["href"] == "./a%20b.tif"
    assert set(item["assets"]) == {"a b.tif", "a b.tfw"}
    assert "bbox" not in item


def test_file_of_that_name_that_the_tool_has_made_stays(bench: Bench) -> None:
    main = bench.file("a.tif")
    bench.write("a.tif.stac.json", "mine")
    [value] = bench.collect({"f": main}, items=True).outputs.values()
    assert value == main
    assert (bench.folder / "outputs" / "a.tif.stac.json").read_text() == "mine"


def test_without_the_setting_no_item_is_written(bench: Bench) -> None:
    main = bench.file("a.tif")
    assert bench.collect({"f": main}).outputs == {"f": main}


class Refusing(StacRegistrar):
    def __init__(self) -> None:
        super().__init__(Registration(type="stac", url="http://host"))

    def register(self, *given: object, **named: object) -> None:
        raise Unavailable("the catalogue is away")


def test_registration_that_fails_is_told_and_loses_nothing(bench: Bench) -> None:
    found = bench.collect({"o": bench.made("a")}, registrar=Refusing())
    assert found.message == "the results are stored, but could not be registered: the catalogue is away"
    assert found.outputs


def test_failed_job_leaves_no_catalogue(bench: Bench) -> None:
    bench.collect({"o": bench.made("a")})
    assert list(bench.folder.glob("stac-*"))
    bench.workspaces.free(JOB.id, outputs=True)
    assert [path.name for path in bench.folder.iterdir()] == ["logs"]


class Far(LocalStorage):
    """Knows a Directory that an engine has left in a bucket."""

    remote = True

    def entries(self, href: str) -> Sequence[Entry]:
        return [Entry(path, len(content)) for path, content in FILES.items()]

    def content(self, href: str) -> Content:
        content = FILES.get(href.removeprefix("s3://bucket/out/"))
        if content is None:
            raise ResultNotAvailable(href)
        return SmallContent(content.encode())

    def publish(self, job_id: str, outputs: Mapping[str, OutputValue], *_: object) -> Mapping[str, OutputValue]:
        return outputs

    def asset_fields(self, href: str) -> JSONObject:
        return {"storage:platform": "S3"}


class SmallContent:
    etag, modified = "", None

    def __init__(self, content: bytes) -> None:
        self.size = len(content)
        self._content = content

    def pieces(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        yield self._content


def test_what_an_engine_has_left_in_a_bucket_is_read_and_measured_there(tmp_path: Path) -> None:
    workspaces = LocalWorkspaces(tmp_path, SchemeRouter([]), Far())
    workspaces.prepare(JOB.id)
    outputs = {"o": DirectoryOutput("s3://bucket/out", "out")}
    found = Collector(workspaces).collect(JOB, outputs, lambda: True)
    [value] = found.outputs.values()
    assert isinstance(value, DirectoryOutput) and value.stac
    assert found.size == sum(map(len, FILES.values()))
    items: Any = workspaces.load(JOB.id, f"{value.stac}-items.json")
    assert items["features"][0]["assets"]["data"]["storage:platform"] == "S3"
