"""All references of a job at once: in parallel, watched, stopped, and by their places in the order."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.errors import AddressForbidden, OapipError, Unavailable, UnresolvableReference, VersionConflict
from pygeoapi_oapip.model.json import JSON
from pygeoapi_oapip.model.process import Package
from pygeoapi_oapip.model.value import Inline, InputValue, Many, Reference
from pygeoapi_oapip.packages.joborder import build_job_order
from pygeoapi_oapip.settings import Staging
from pygeoapi_oapip.staging import arrivals
from pygeoapi_oapip.staging.base import JobFiles
from pygeoapi_oapip.staging.router import make_stager
from pygeoapi_oapip.staging.workspace import LocalWorkspaces

from .site import Site

DOCUMENT: Mapping[str, Any] = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "baseCommand": "true",
    "inputs": {"files": "File[]?", "folder": "Directory?", "any": "Any?", "one": "File?"},
    "outputs": {},
}
PACKAGE = Package(DOCUMENT, "", b"", "application/cwl")


def files(folder: Path, reads: tuple[str, ...] = (), **settings: Any) -> JobFiles:
    staging = Staging.model_validate({"allow_internal": True, "timeout": 20, **settings})
    made = LocalWorkspaces(folder, make_stager(staging), staging=staging)
    made.prepare("j")
    return made.inputs("j", frozenset(reads))


def staged(folder: Path, inputs: Mapping[str, InputValue], watch: Any = None, **settings: Any) -> Mapping[str, Any]:
    own = files(folder, **settings)
    return own.complete(build_job_order(PACKAGE, inputs, own), watch)


def content(value: Mapping[str, Any]) -> bytes:
    return Path(value["location"].removeprefix("file://")).read_bytes()


def many(site: Site, count: int) -> Many:
    for number in range(count):
        site.files[f"/{number}.txt"] = str(number).encode() * 100
    return Many(tuple(Reference(f"{site.url}/{number}.txt") for number in range(count)))


class Watcher:
    """Wants the inputs until `enough` is true."""

    def __init__(self, enough: Any = lambda: False) -> None:
        self.enough = enough
        self.told: list[str] = []

    def wanted(self) -> bool:
        return not self.enough()

    def tell(self, message: str) -> None:
        self.told.append(message)


def test_each_file_comes_to_its_place_in_the_order(site: Site, tmp_path: Path) -> None:
    order = staged(tmp_path, {"files": many(site, 30)}, parallel=5)
    assert [content(value) for value in order["files"]] == [str(number).encode() * 100 for number in range(30)]
    assert [value["basename"] for value in order["files"]] == [f"{number}.txt" for number in range(30)]
    assert 1 < site.most <= 5


def test_one_after_the_other_where_the_administrator_says_so(site: Site, tmp_path: Path) -> None:
    staged(tmp_path, {"files": many(site, 10)}, parallel=1)
    assert site.most == 1


def test_references_inside_of_objects_are_read_too(site: Site, tmp_path: Path) -> None:
    site.files.update({"/a": b"a", "/b": b"b", "/c": b"c"})
    listing: list[JSON] = [
        {"class": "File", "location": f"{site.url}/a", "basename": "renamed"},
        {"class": "Directory", "basename": "sub", "listing": [{"class": "File", "location": f"{site.url}/b"}]},
    ]
    one: JSON = {
        "class": "File",
        "location": f"{site.url}/a",
        "secondaryFiles": [{"class": "File", "path": f"{site.url}/c"}],
    }
    order = staged(
        tmp_path,
        {"folder": Inline({"class": "Directory", "listing": listing}), "one": Inline(one)},
    )
    first, sub = order["folder"]["listing"]
    assert (content(first), first["basename"]) == (b"a", "renamed")
    assert (content(sub["listing"][0]), sub["listing"][0]["basename"]) == (b"b", "b")
    assert content(order["one"]["secondaryFiles"][0]) == b"c"


def test_the_input_of_an_error_is_named_and_the_others_end(site: Site, tmp_path: Path) -> None:
    inputs: dict[str, InputValue] = {"files": many(site, 3), "one": Reference(f"{site.url}/none")}
    with pytest.raises(UnresolvableReference, match="^inputs.one: .*/none answers 404$") as caught:
        staged(tmp_path, inputs)
    assert caught.value.location == "inputs.one"


def test_what_an_earlier_try_has_read_is_not_read_again(site: Site, tmp_path: Path) -> None:
    inputs: dict[str, InputValue] = {"files": many(site, 5), "one": Reference(f"{site.url}/late")}
    site.files["/late"], site.statuses["/late"] = b"late", [503]
    site.pauses["/late"] = 0.5
    with pytest.raises(Unavailable, match="inputs.one: .*/late answers 503 now"):
        staged(tmp_path, inputs, parallel=1)
    order = staged(tmp_path, inputs, parallel=1)
    assert content(order["one"]) == b"late"
    assert [len(site.asked(f"/{number}.txt")) for number in range(5)] == [1] * 5
    assert [content(value) for value in order["files"]] == [str(number).encode() * 100 for number in range(5)]


def test_a_job_that_is_not_wanted_any_more_stops_its_downloads(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "LOOK", 0.05)
    site.files["/big"] = bytes(50_000_000)
    site.pauses["/big"] = 0.02
    with pytest.raises(VersionConflict):
        staged(tmp_path, {"one": Reference(f"{site.url}/big")}, Watcher(lambda: site.sent["/big"] > 300_000))
    assert site.sent["/big"] < 50_000_000
    assert [path.name for path in tmp_path.rglob("big")] == []


def test_the_user_is_told_how_far_it_is(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "LOOK", 0.01)
    monkeypatch.setattr(arrivals, "TELL", 0.0)
    inputs: dict[str, InputValue] = {"files": many(site, 3)}
    site.files["/2.txt"], site.pauses["/2.txt"] = bytes(1_000_000), 0.05
    watcher = Watcher()
    staged(tmp_path, inputs, watcher)
    assert any(
        text.startswith("reading inputs: 2 of 3 are there, ") and text.endswith(" MB so far") for text in watcher.told
    )


def test_nothing_is_left_of_an_input_for_which_there_was_no_room(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.files["/big"] = bytes(1_000_000)

    def full(self: object, what: str, count: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pygeoapi_oapip.staging.transfer.Intake.moved", full)
    with pytest.raises(Unavailable, match="^inputs.one: the disk of this server has no room for it$"):
        staged(tmp_path, {"one": Reference(f"{site.url}/big")})
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("href", "is_directory", "untouched"),
    [
        ("s3://b/a.tif", False, True),
        ("s3://b/item.json", False, True),
        ("s3://b/scenes/", True, True),
        ("s3://b/scenes", True, True),
        ("s3://b/item.json", True, False),
        ("s3://b/scene.tar.gz", True, False),
        ("s3://b/item.json#asset=B04", False, False),
        ("https://example.org/a.tif", False, True),
        ("https://example.org/search?x", True, False),
        ("file:///a", False, False),
    ],
)
def test_an_engine_gets_what_it_can_read_as_it_is(
    tmp_path: Path, href: str, is_directory: bool, untouched: bool
) -> None:
    own = files(tmp_path, ("s3", "https"))
    found = own.reference("i", href, "", is_directory)
    assert (found["location"] == href) is untouched


def test_a_token_that_a_user_writes_is_no_place(site: Site, tmp_path: Path) -> None:
    site.files["/a"] = b"a"
    given = {"class": "thing", "location": "pending:1"}
    order = staged(tmp_path, {"one": Reference(f"{site.url}/a"), "any": Inline(given)})
    assert order["any"] == given


def test_an_address_inside_is_refused_wherever_it_comes_from(site: Site, tmp_path: Path) -> None:
    for inputs in ({"one": Reference(f"{site.url}/a")}, {"folder": Reference(f"{site.url}/item.json")}):
        with pytest.raises(AddressForbidden):
            staged(tmp_path, inputs, allow_internal=False)
    assert not site.seen


def test_all_that_failed_is_an_error_of_ours(site: Site, tmp_path: Path) -> None:
    site.statuses["/a"] = [418]
    with pytest.raises(OapipError, match="inputs.one"):
        staged(tmp_path, {"one": Reference(f"{site.url}/a")})
