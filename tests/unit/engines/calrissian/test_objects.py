"""The requests to a bucket, and what becomes of faults."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pygeoapi_oapip.engines.calrissian.inpod import objects
from pygeoapi_oapip.engines.calrissian.inpod.objects import Bucket, StorageFault

from .bucket import BucketServer


@pytest.fixture
def server() -> Iterator[BucketServer]:
    with BucketServer() as running:
        yield running


@pytest.fixture
def bucket(server: BucketServer) -> Bucket:
    return Bucket(server.access)


@pytest.mark.parametrize("key", ["a", "a b/ü+%&=?#~.txt", "line\nbreak\x01", "x/" + "y" * 200, "deep/" * 20 + "end"])
def test_an_object_comes_back_under_its_key(bucket: Bucket, key: str, tmp_path: Path) -> None:
    bucket.put(key, b"content")
    bucket.fetch(key, str(tmp_path / "new" / "file"))
    assert bucket.read(key) == (tmp_path / "new" / "file").read_bytes() == b"content"
    assert [row.key for row in bucket.list("")] == [key]
    bucket.delete(key)
    assert bucket.read(key) is None
    bucket.delete(key)


@pytest.mark.parametrize("answer", [b"", b"<a>", b"hello", b"<a>\x01</a>"])
def test_a_list_that_is_none_is_a_temporary_fault(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    monkeypatch.setattr(bucket, "_ask", lambda *_: answer)
    with pytest.raises(StorageFault, match="not one of S3") as error:
        list(bucket.list(""))
    assert error.value.temporary


def test_a_list_of_many_pages_is_whole(server: BucketServer, bucket: Bucket) -> None:
    server.page = 3
    server.objects = {f"some & other/{n}": b"x" * n for n in range(10)} | {"else": b""}
    assert [(row.key, row.size) for row in bucket.list("some &")] == [(f"some & other/{n}", n) for n in range(10)]


@pytest.mark.parametrize("fault", [500, 503, 429, "cut"])
def test_a_temporary_fault_is_met_with_patience(server: BucketServer, fault: int | str) -> None:
    server.objects["key"] = b"whole"
    server.faults = [fault, fault]
    assert Bucket(server.access, patience=60).read("key") == b"whole"


@pytest.mark.parametrize("fault", [500, 503, 429, "cut"])
def test_a_temporary_fault_is_told_as_such_without_patience(
    server: BucketServer, bucket: Bucket, fault: int | str
) -> None:
    server.faults = [fault]
    with pytest.raises(StorageFault) as error:
        bucket.read("key")
    assert error.value.temporary


@pytest.mark.parametrize("fault", [301, 307, 400, 403])
def test_a_permanent_fault_is_not_tried_again(server: BucketServer, fault: int) -> None:
    server.faults = [fault]
    with pytest.raises(StorageFault, match=f"the bucket answers {fault}") as error:
        Bucket(server.access, patience=60).put("key", b"")
    assert not error.value.temporary and len(server.asked) == 1


def test_a_server_that_is_away_is_a_temporary_fault_without_its_address() -> None:
    with BucketServer() as server:
        access = server.access
    with pytest.raises(StorageFault, match="cannot be reached") as error:
        Bucket(access).read("key")
    assert error.value.temporary and "127.0.0.1" not in str(error.value)


def test_an_object_that_is_gone_leaves_no_file(bucket: Bucket, tmp_path: Path) -> None:
    with pytest.raises(StorageFault, match="is gone"):
        bucket.fetch("key", str(tmp_path / "file"))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_breaks_off_does_not_take_the_place_of_a_whole_one(
    server: BucketServer, bucket: Bucket, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"old")
    server.faults = ["cut"]
    with pytest.raises(StorageFault):
        bucket.fetch("key", str(tmp_path / "file"))
    assert (tmp_path / "file").read_bytes() == b"old"


def test_links_that_lead_in_circles_end(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("")
        (tmp_path / name / "link").symlink_to(tmp_path / other)
        (tmp_path / name / "up").symlink_to("..")
        (tmp_path / name / "broken").symlink_to("nowhere")
    found = sorted(str(Path(path).relative_to(tmp_path)) for path in objects.below(str(tmp_path)))
    assert found == ["a/file", "a/link/file", "b/file", "b/link/file"]


def test_parts_that_fail_are_given_up(
    server: BucketServer, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "PART", 4)
    (tmp_path / "file").write_bytes(b"123456789")
    server.faults = [403]
    with pytest.raises(StorageFault, match="403"):
        bucket.send("key", str(tmp_path / "file"))
    assert server.objects == {}
