"""Results in a bucket: what is written, when, and how it is read and removed."""

from __future__ import annotations

import io
import os
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pygeoapi_oapip.errors import (
    JobFailed,
    OapipError,
    ResultNotAvailable,
    StorageUnavailable,
    VersionConflict,
)
from pygeoapi_oapip.model.value import DirectoryOutput, FileOutput, ListOutput, Literal, OutputValue, RecordOutput
from pygeoapi_oapip.staging import s3_trash
from pygeoapi_oapip.staging.s3_client import PART, Clients
from pygeoapi_oapip.staging.s3_storage import S3ResultStorage
from pygeoapi_oapip.staging.storage import MARK

from .small_s3 import SmallS3


def a_file(href: str, media_type: str = "text/plain", size: int = 1) -> FileOutput:
    return FileOutput(href, href.rpartition("/")[2], media_type, size)


class Bench:
    def __init__(self, s3: SmallS3, home: Path) -> None:
        self.s3 = s3
        self.home = home
        self.job = home / "j1"
        (self.job / "outputs").mkdir(parents=True)
        self.storage = self.restart()

    def restart(self) -> S3ResultStorage:
        self.storage = S3ResultStorage(self.s3.storage(), Clients((self.s3.source("runs"),)), self.home / ".discard")
        return self.storage

    def write(self, name: str, content: bytes = b"x") -> str:
        path = self.job / "outputs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return f"outputs/{name}"

    def publish(
        self, outputs: Mapping[str, OutputValue], wanted: Callable[[], bool] = lambda: True
    ) -> Mapping[str, OutputValue]:
        return self.storage.publish("j1", outputs, self.job, wanted)

    def stored(self) -> dict[str, bytes]:
        return {name.removeprefix("bucket/jobs/j1/"): body for name, body in self.s3.objects.items()}


@pytest.fixture
def bench(s3: SmallS3, tmp_path: Path) -> Bench:
    return Bench(s3, tmp_path)


def test_files_and_folders_get_addresses_in_the_bucket(bench: Bench) -> None:
    bench.write("cat/sub/b.tif", b"bb")
    (bench.job / "outputs" / "nothing").mkdir()
    made = bench.publish(
        {
            "n": Literal(3),
            "f": a_file(bench.write("ä b.txt", b"text")),
            "d": DirectoryOutput("outputs/cat", "cat"),
            "e": DirectoryOutput("outputs/nothing", "nothing"),
        }
    )
    assert made == {
        "n": Literal(3),
        "f": FileOutput("s3://bucket/jobs/j1/%C3%A4%20b.txt", "ä b.txt", "text/plain", 1),
        "d": DirectoryOutput("s3://bucket/jobs/j1/cat", "cat"),
        "e": DirectoryOutput("s3://bucket/jobs/j1/nothing", "nothing"),
    }
    assert bench.stored() == {"ä b.txt": b"text", "cat/sub/b.tif": b"bb", "nothing/": b""}
    assert (bench.job / MARK).exists()


def test_nested_values_and_secondary_files_are_stored_too(bench: Bench) -> None:
    side = a_file(bench.write("a.shx", b"2"))
    main = FileOutput(bench.write("a.shp", b"1"), "a.shp", "", 1, secondary=(side,))
    made = bench.publish({"x": ListOutput((Literal(1), RecordOutput({"f": main})))})
    assert bench.stored() == {"a.shp": b"1", "a.shx": b"2"}
    assert str(made).count("s3://bucket/jobs/j1/a.sh") == 2


def test_outputs_without_files_ask_nothing_of_s3(bench: Bench) -> None:
    assert bench.publish({"n": Literal(1)}) == {"n": Literal(1)}
    assert not bench.s3.calls


def test_what_is_there_is_not_written_again(bench: Bench) -> None:
    outputs = {"d": DirectoryOutput("outputs/d", "d")}
    for number in range(5):
        bench.write(f"d/{number}", b"content")
    first = bench.publish(outputs)
    assert set(bench.s3.puts().values()) == {1}
    for number in (1, 3):
        del bench.s3.objects[f"bucket/jobs/j1/d/{number}"]
    bench.restart()
    assert bench.publish(outputs) == first
    assert set(bench.stored()) == {f"d/{number}" for number in range(5)}
    assert [bench.s3.puts()[f"bucket/jobs/j1/d/{number}"] for number in range(5)] == [1, 2, 1, 2, 1]
    bench.restart()
    assert bench.publish(outputs) == first
    assert sum(bench.s3.puts().values()) == 7


def test_the_next_try_ends_what_a_fault_broke_off(bench: Bench) -> None:
    outputs = {"d": DirectoryOutput("outputs/d", "d")}
    for number in range(5):
        bench.write(f"d/{number}", b"content")
    bench.s3.faults.append(("PUT bucket/jobs/j1/d/3", 403, "AccessDenied"))
    with pytest.raises(JobFailed):
        bench.publish(outputs)
    # a slow answer makes the client send an object twice: what counts is that the next try sends none again
    bench.s3.settle()
    there, before = bench.stored(), bench.s3.puts()
    bench.publish(outputs)
    assert set(bench.stored()) == {f"d/{number}" for number in range(5)}
    assert all(bench.s3.puts()[key] == before[key] for key in (f"bucket/jobs/j1/{name}" for name in there))


def test_an_object_of_another_size_is_replaced(bench: Bench) -> None:
    bench.s3.objects["bucket/jobs/j1/a"] = b"half"
    bench.publish({"f": a_file(bench.write("a", b"the whole"))})
    assert bench.stored() == {"a": b"the whole"}


def test_large_files_go_in_parts_and_old_parts_are_removed(bench: Bench) -> None:
    bench.s3.parts["bucket/jobs/j1/big"] = {1: b"of a broken upload"}
    content = os.urandom(2 * PART + 17)
    bench.publish({"f": a_file(bench.write("big", content))})
    assert bench.stored() == {"big": content}
    assert bench.s3.parts == {}


def test_an_object_that_is_not_whole_is_a_temporary_fault(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pygeoapi_oapip.staging.s3_upload.Upload._sizes", lambda self: {"jobs/j1/a": 1}, raising=True)
    with pytest.raises(StorageUnavailable, match="not whole"):
        bench.publish({"f": a_file(bench.write("a", b"12"))})


@pytest.mark.parametrize(
    ("status", "code", "kind", "told"),
    [
        (403, "AccessDenied", JobFailed, "access is denied"),
        (403, "InvalidAccessKeyId", JobFailed, "keys of this server are not accepted"),
        (404, "NoSuchBucket", JobFailed, "the bucket does not exist"),
        (400, "KeyTooLongError", JobFailed, "refuses the request"),
        (400, "ExpiredToken", StorageUnavailable, "have expired"),
        (403, "QuotaExceeded", StorageUnavailable, "has no room"),
        (507, "507", StorageUnavailable, "has no room"),
    ],
)
def test_permanent_faults_fail_the_job_and_others_do_not(
    bench: Bench, status: int, code: str, kind: type[OapipError], told: str
) -> None:
    bench.s3.faults.append(("PUT bucket/jobs/j1/a", status, code))
    with pytest.raises(kind, match=told):
        bench.publish({"f": a_file(bench.write("a"))})


def test_a_short_break_is_not_seen(bench: Bench) -> None:
    bench.s3.faults += [("PUT bucket/jobs/j1/a", 503, "SlowDown"), ("PUT bucket/jobs/j1/a", 0, "")]
    bench.publish({"f": a_file(bench.write("a"))})
    assert bench.stored() == {"a": b"x"}


def test_a_long_break_is_temporary(bench: Bench) -> None:
    bench.s3.faults += [("GET bucket", 500, "InternalError")] * 8
    with pytest.raises(StorageUnavailable):
        bench.publish({"f": a_file(bench.write("a"))})


def test_nothing_is_written_for_a_job_that_is_not_wanted(bench: Bench) -> None:
    with pytest.raises(VersionConflict):
        bench.publish({"f": a_file(bench.write("a"))}, lambda: False)
    assert bench.stored() == {}


@pytest.mark.parametrize("href", ["outputs/none", "outputs", "..", "../other", "/etc/passwd", ""])
def test_outputs_that_are_not_in_the_folder_fail(bench: Bench, href: str) -> None:
    if href == "outputs":
        (bench.job / "outputs").rmdir()
    with pytest.raises(JobFailed, match=r"outputs\.f"):
        bench.publish({"f": a_file(href)})
    assert bench.stored() == {}


def test_links_that_lead_out_are_left_out(bench: Bench) -> None:
    (bench.home / "secret").write_text("no")
    bench.write("d/a")
    (bench.job / "outputs" / "d" / "link").symlink_to(bench.home / "secret")
    (bench.job / "outputs" / "d" / "inner").symlink_to("a")
    bench.publish({"d": DirectoryOutput("outputs/d", "d")})
    assert bench.stored() == {"d/a": b"x", "d/inner": b"x"}


def test_names_that_are_not_utf8_are_stored_with_their_bytes(bench: Bench) -> None:
    folder = bench.job / "outputs" / "d"
    folder.mkdir()
    with open(os.fsencode(folder) + b"/a\xff.txt", "wb") as file:
        file.write(b"x")
    bench.publish({"d": DirectoryOutput("outputs/d", "d")})
    assert bench.stored() == {"d/a%FF.txt": b"x"}


def test_outputs_of_an_engine_in_another_bucket_are_copied_there(bench: Bench) -> None:
    bench.s3.buckets.add("runs")
    bench.s3.objects.update({"runs/7/a b.tif": b"tiff", "runs/7/d/x": b"1", "runs/7/d/y/z": b"2"})
    made = bench.publish(
        {
            "f": FileOutput("s3://runs/7/a%20b.tif", "a b.tif", "image/tiff", 0),
            "d": DirectoryOutput("s3://runs/7/d/", "d"),
        }
    )
    assert made["f"] == FileOutput("s3://bucket/jobs/j1/run/1/a%20b.tif", "a b.tif", "image/tiff", 4)
    assert made["d"] == DirectoryOutput("s3://bucket/jobs/j1/run/1/d", "d")
    own = {name: body for name, body in bench.s3.objects.items() if name.startswith("bucket/")}
    assert own == {
        "bucket/jobs/j1/run/1/a b.tif": b"tiff",
        "bucket/jobs/j1/run/1/d/x": b"1",
        "bucket/jobs/j1/run/1/d/y/z": b"2",
    }
    assert not any(call.startswith("GET runs/") for call in bench.s3.calls), "copied by the server itself"


def test_outputs_of_an_engine_in_the_jobs_own_folder_stay(bench: Bench) -> None:
    bench.s3.objects["bucket/jobs/j1/out/a"] = b"abc"
    made = bench.publish({"f": FileOutput("s3://bucket/jobs/j1/out/a", "a", "", 0)})
    assert made == {"f": FileOutput("s3://bucket/jobs/j1/out/a", "a", "", 3)}
    assert not bench.s3.puts()


def test_addresses_of_other_schemes_stay(bench: Bench) -> None:
    output = FileOutput("https://example.org/a", "a", "", 0)
    assert bench.publish({"f": output}) == {"f": output}
    with pytest.raises(ResultNotAvailable):
        bench.storage.content(output.href)


def test_an_output_that_the_engine_did_not_write_fails_the_job(bench: Bench) -> None:
    bench.s3.buckets.add("runs")
    with pytest.raises(JobFailed, match="s3://runs/none is not there"):
        bench.publish({"f": FileOutput("s3://runs/none", "none", "", 0)})


def test_content_is_read_in_ranges_and_breaks_are_mended(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pygeoapi_oapip.staging.s3_content.CHUNK", 4)
    [made] = bench.publish({"f": a_file(bench.write("a", b"0123456789"))}).values()
    assert isinstance(made, FileOutput)
    content = bench.storage.content(made.href)
    assert content.size == 10
    assert b"".join(content.pieces()) == b"0123456789"
    assert b"".join(content.pieces(3, 4)) == b"3456"
    assert b"".join(content.pieces(8, 100)) == b"89"
    pieces = content.pieces()
    assert next(pieces) == b"0123"


def test_reading_what_is_gone_or_away(bench: Bench) -> None:
    [made] = bench.publish({"f": a_file(bench.write("a"))}).values()
    assert isinstance(made, FileOutput)
    content = bench.storage.content(made.href)
    bench.s3.faults += [("GET bucket/jobs/j1/a", 500, "InternalError")] * 4
    with pytest.raises(StorageUnavailable):
        next(content.pieces())
    bench.s3.faults.clear()
    bench.s3.objects.clear()
    with pytest.raises(ResultNotAvailable):
        next(content.pieces())
    for ask in (bench.storage.content, bench.storage.entries, lambda href: bench.storage.archive(href, "a")):
        with pytest.raises(ResultNotAvailable):
            ask(made.href)


@pytest.mark.parametrize("href", ["s3://other/jobs/j1/a", "s3://bucket/elsewhere/a", "s3://bucket", "https://x/a"])
def test_only_objects_below_the_prefix_are_served(bench: Bench, href: str) -> None:
    with pytest.raises(ResultNotAvailable):
        bench.storage.content(href)
    assert not bench.s3.calls


def test_archive_holds_all_files_and_is_the_same_each_time(bench: Bench) -> None:
    bench.write("d/a", b"aa")
    bench.write("d/ä/b", b"b" * 100_000)
    [made] = bench.publish({"d": DirectoryOutput("outputs/d", "d")}).values()
    assert isinstance(made, DirectoryOutput)
    archive = bench.storage.archive(made.href, "d")
    content = b"".join(archive.pieces())
    assert archive.size is None
    assert content == b"".join(archive.pieces())
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        assert opened.testzip() is None
        assert {name: len(opened.read(name)) for name in opened.namelist()} == {"d/a": 2, "d/ä/b": 100_000}
    assert [(entry.path, entry.size) for entry in bench.storage.entries(made.href)] == [("a", 2), ("ä/b", 100_000)]


def test_links_are_presigned_only_where_the_settings_say_so(bench: Bench) -> None:
    leaf = FileOutput("s3://bucket/jobs/j1/a%20b", 'a "b"', "text/plain", 1)
    assert bench.storage.link(leaf) == ""
    changes = {"links": "presigned", "presign": "90s", "public_endpoint": "https://files.example.org"}
    storage = S3ResultStorage(bench.s3.storage(**changes), Clients(), bench.home)
    address = storage.link(leaf)
    assert address.startswith("https://files.example.org/bucket/jobs/j1/a%20b?")
    assert "X-Amz-Expires=90" in address
    assert "SK" not in address
    assert storage.link(DirectoryOutput("s3://bucket/jobs/j1/d", "d")) == ""
    assert storage.link(FileOutput("outputs/of/before", "before", "", 1)) == ""


def test_stored_results_become_inputs(bench: Bench) -> None:
    bench.write("d/a", b"aa")
    made = bench.publish({"f": a_file(bench.write("f", b"f")), "d": DirectoryOutput("outputs/d", "d")})
    file, folder = made["f"], made["d"]
    assert isinstance(file, FileOutput)
    assert isinstance(folder, DirectoryOutput)
    bench.storage.fetch(file.href, bench.home / "got", is_directory=False)
    bench.storage.fetch(folder.href, bench.home / "folder", is_directory=True)
    assert (bench.home / "got").read_bytes() == b"f"
    assert (bench.home / "folder" / "a").read_bytes() == b"aa"
    with pytest.raises(ResultNotAvailable):
        bench.storage.fetch("s3://bucket/jobs/j1/none", bench.home / "x", is_directory=False)


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_discard_removes_the_objects_of_the_job_and_no_others(bench: Bench) -> None:
    bench.publish({"f": a_file(bench.write("a"))})
    bench.s3.parts["bucket/jobs/j1/big"] = {1: b"x"}
    others = {"bucket/jobs/j10/a": b"x", "bucket/other": b"y", "bucket/jobs/j/a": b"z"}
    bench.s3.objects.update(others)
    bench.storage.discard("j1")
    eventually(lambda: bench.s3.objects == others and not bench.s3.parts)


def test_discard_is_made_up_for_later(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.publish({"f": a_file(bench.write("a"))})
    bench.s3.faults += [("GET bucket", 403, "AccessDenied")]
    bench.storage.discard("j1")
    eventually(lambda: not bench.s3.faults)
    assert bench.stored()
    bench.restart().sweep()
    assert not bench.stored()
    # once more after a while: another process may have gone on with its upload
    bench.s3.objects["bucket/jobs/j1/late"] = b"x"
    bench.storage.sweep()
    assert bench.stored()
    monkeypatch.setattr(s3_trash, "LATE", 0.0)
    bench.storage.sweep()
    assert not bench.stored()
    assert list((bench.home / ".discard").iterdir()) == []


def test_health_tells_what_is_wrong_with_the_bucket(s3: SmallS3, tmp_path: Path) -> None:
    def health(**changes: object) -> Mapping[str, bool | str]:
        storage = S3ResultStorage(s3.storage(**changes), Clients(), tmp_path)
        storage.start()
        return storage.health()

    assert health()["ok"] is True
    missing = health(bucket="none")
    assert (missing["ok"], "none" in str(missing["detail"])) == (False, True)
    assert health(bucket="made", create_bucket=True)["ok"] is True
    assert "made" in s3.buckets
    s3.faults.append(("PUT bucket/jobs/.writable", 403, "AccessDenied"))
    assert "access is denied" in str(health()["detail"])
    assert health(endpoint="http://127.0.0.1:1")["ok"] is False
