"""Files that are kept for further jobs: the same bytes as the server has, for whoever may read them, within a limit."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.errors import UnresolvableReference
from pygeoapi_oapip.settings import Staging
from pygeoapi_oapip.settings_staging import InputCache
from pygeoapi_oapip.staging import cache as module
from pygeoapi_oapip.staging.cache import FileCache, key_of
from pygeoapi_oapip.staging.router import SchemeRouter, make_stager
from pygeoapi_oapip.staging.s3 import S3Stager

from .site import Site
from .small_s3 import SmallS3


def stager(folder: Path, **settings: Any) -> SchemeRouter:
    cache = {"folder": folder / "cache", "max_bytes": 10_000_000, **settings.pop("cache", {})}
    return make_stager(Staging.model_validate({"allow_internal": True, "timeout": 20, "cache": cache, **settings}))


def read(stager: SchemeRouter, url: str, folder: Path) -> bytes:
    folder.mkdir(exist_ok=True)
    return stager.stage(url, folder).path.read_bytes()


@pytest.mark.parametrize("share", ["copy", "link"])
def test_a_file_that_did_not_change_is_not_sent_again(site: Site, tmp_path: Path, share: str) -> None:
    site.files["/a.tif"] = b"alpha" * 1000
    for name in ("one", "two", "three"):
        # as in another process
        assert read(stager(tmp_path, cache={"share": share}), f"{site.url}/a.tif", tmp_path / name) == b"alpha" * 1000
    assert site.sent["/a.tif"] == 5000
    assert [("If-None-Match" in headers) for headers in site.asked("/a.tif")] == [False, True, True]
    assert os.listdir(tmp_path / "two") == ["a.tif"]
    links = (tmp_path / "two" / "a.tif").stat().st_nlink
    assert links == (1 if share == "copy" else 4)


def test_a_job_that_writes_to_its_copy_changes_no_other(site: Site, tmp_path: Path) -> None:
    site.files["/a.tif"] = b"alpha"
    for name in ("one", "two"):
        assert read(stager(tmp_path), f"{site.url}/a.tif", tmp_path / name) == b"alpha"
        (tmp_path / name / "a.tif").write_bytes(b"evil!")


def test_a_file_that_changed_is_sent_again(site: Site, tmp_path: Path) -> None:
    site.files["/a.tif"] = b"alpha"
    read(stager(tmp_path), f"{site.url}/a.tif", tmp_path / "one")
    site.files["/a.tif"] = b"gamma"
    assert read(stager(tmp_path), f"{site.url}/a.tif", tmp_path / "two") == b"gamma"


def test_last_modified_is_enough(site: Site, tmp_path: Path) -> None:
    site.files["/a.tif"] = b"alpha"
    site.headers["/a.tif"] = {"ETag": "", "Last-Modified": "Sat, 01 Jun 2024 10:00:00 GMT"}
    read(stager(tmp_path), f"{site.url}/a.tif", tmp_path / "one")
    read(stager(tmp_path), f"{site.url}/a.tif", tmp_path / "two")
    assert site.asked("/a.tif")[1]["If-Modified-Since"] == "Sat, 01 Jun 2024 10:00:00 GMT"


@pytest.mark.parametrize(
    "headers", [{"Cache-Control": "private"}, {"Cache-Control": "max-age=9, no-store"}, {"ETag": ""}]
)
def test_what_may_not_be_shared_is_not_kept(site: Site, tmp_path: Path, headers: dict[str, str]) -> None:
    site.files["/a.tif"], site.headers["/a.tif"] = b"alpha", headers
    for name in ("one", "two"):
        read(stager(tmp_path), f"{site.url}/a.tif", tmp_path / name)
    assert site.sent["/a.tif"] == 10
    assert not list((tmp_path / "cache").rglob("*.*"))


def test_who_may_not_read_it_does_not_get_it_from_here(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE_TOKEN", "s3cret")
    site.files["/a.tif"], site.secrets["/a.tif"] = b"alpha", "Bearer s3cret"
    access = [{"hosts": [site.host], "token": {"env": "SITE_TOKEN"}, "insecure": True}]
    read(stager(tmp_path, http=access), f"{site.url}/a.tif", tmp_path / "one")
    with pytest.raises(UnresolvableReference, match="401"):
        read(stager(tmp_path), f"{site.url}/a.tif", tmp_path / "two")
    site.secrets["/a.tif"] = "Bearer another"
    with pytest.raises(UnresolvableReference, match="401"):
        read(stager(tmp_path, http=access), f"{site.url}/a.tif", tmp_path / "two")
    assert "s3cret" not in "".join(str(path) + path.read_text() for path in (tmp_path / "cache").rglob("*.*"))


def test_a_damaged_entry_is_not_used(site: Site, tmp_path: Path) -> None:
    site.files["/a.tif"] = b"alpha"
    read(stager(tmp_path), f"{site.url}/a.tif", tmp_path / "one")
    for path in (tmp_path / "cache").rglob("*.5"):
        path.write_bytes(b"al")
    assert read(stager(tmp_path), f"{site.url}/a.tif", tmp_path / "two") == b"alpha"
    for path in (tmp_path / "cache").rglob("*.json"):
        path.write_bytes(b'{"etag": ')
    assert read(stager(tmp_path), f"{site.url}/a.tif", tmp_path / "three") == b"alpha"


def test_objects_are_kept_by_their_etag(s3: SmallS3, tmp_path: Path) -> None:
    s3.objects.update({"bucket/f/a": b"alpha", "bucket/f/b": b"beta"})
    settings = Staging.model_construct(s3=(s3.source("bucket"),), max_bytes=10_000)
    cache = FileCache(InputCache(folder=tmp_path / "cache", max_bytes=1_000_000))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        found = S3Stager(settings, cache=cache).stage("s3://bucket/f/", tmp_path / name)
        assert {path.name: path.read_bytes() for path in found.path.iterdir()} == {"a": b"alpha", "b": b"beta"}
    assert s3.calls["GET bucket/f/a"] == s3.calls["GET bucket/f/b"] == 1
    s3.objects["bucket/f/a"] = b"other"
    (tmp_path / "three").mkdir()
    found = S3Stager(settings, cache=cache).stage("s3://bucket/f/a", tmp_path / "three")
    assert found.path.read_bytes() == b"other"


@pytest.fixture
def small(tmp_path: Path) -> FileCache:
    return FileCache(InputCache(folder=tmp_path / "cache", max_bytes=1000))


def put(cache: FileCache, name: str, size: int, folder: Path) -> None:
    (folder / "source").write_bytes(b"x" * size)
    cache.put(key_of(name), "1", folder / "source", {"name": name})


def kept(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "cache").rglob("*.*.*"))


def test_what_was_not_used_for_the_longest_time_goes_first(small: FileCache, tmp_path: Path) -> None:
    for number in range(4):
        put(small, f"f{number}", 300, tmp_path)
        if number < 3:
            # f0 is used again and again
            assert small.take(key_of("f0"), "1", 300, tmp_path / "out")
        assert kept(tmp_path) <= 1000
    found = [small.take(key_of(f"f{number}"), "1", 300, tmp_path / "out") for number in range(4)]
    assert found == [True, False, True, True]
    assert small.told(key_of("f1")) is None and small.told(key_of("f2")) == {"name": "f2"}


def test_what_is_larger_than_the_cache_is_not_kept(small: FileCache, tmp_path: Path) -> None:
    put(small, "big", 1001, tmp_path)
    assert not small.take(key_of("big"), "1", 1001, tmp_path / "out")


def test_what_a_dead_process_left_is_removed(small: FileCache, tmp_path: Path) -> None:
    put(small, "a", 10, tmp_path)
    left = tmp_path / "cache" / "new" / "left"
    left.write_bytes(b"x" * 5000)
    small.make_room()
    assert left.exists()
    os.utime(left, (time.time(), time.time() - module.ABANDONED - 1))
    small.make_room()
    assert not left.exists()


def test_a_folder_that_cannot_be_written_is_no_reason_to_fail(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("a file")
    site.files["/a.tif"] = b"alpha"
    assert read(stager(tmp_path), f"{site.url}/a.tif", tmp_path / "one") == b"alpha"
    assert "is not kept in staging.cache" in caplog.text


def test_many_at_once_get_whole_files(tmp_path: Path) -> None:
    """Each in a cache of its own, as processes have; there is room for few of the files."""
    wrong: list[str] = []

    def use(worker: int) -> None:
        cache = FileCache(InputCache(folder=tmp_path / "cache", max_bytes=50_000))
        source, out = tmp_path / f"source{worker}", tmp_path / f"out{worker}"
        for turn in range(60):
            name = f"f{(turn * 7 + worker) % 12}"
            source.write_bytes(name.encode() * 4000)
            cache.put(key_of(name), "1", source, {})
            size = len(name) * 4000
            if cache.take(key_of(name), "1", size, out) and out.read_bytes() != name.encode() * 4000:
                wrong.append(name)

    threads = [threading.Thread(target=use, args=(worker,)) for worker in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert kept(tmp_path) <= 2 * 50_000


PROCESS = """
import sys
from pathlib import Path
from pygeoapi_oapip.settings_staging import InputCache
from pygeoapi_oapip.staging.cache import FileCache, key_of
folder, worker = Path(sys.argv[1]), int(sys.argv[2])
cache = FileCache(InputCache(folder=folder / "cache", max_bytes=50_000))
source, out = folder / f"source{worker}", folder / f"out{worker}"
for turn in range(60):
    content = f"f{(turn * 7 + worker) % 12:02}".encode() * 4000
    source.write_bytes(content)
    cache.put(key_of(content.hex()[:6]), "1", source, {})
    if cache.take(key_of(content.hex()[:6]), "1", len(content), out):
        assert out.read_bytes() == content
source.write_bytes(b"own" * 100)
cache.put(key_of(str(worker)), "1", source, {})
"""


def test_processes_share_a_cache(tmp_path: Path) -> None:
    """What any of them has kept is there for all; none sees a part of a file of another."""
    commands = [[sys.executable, "-c", PROCESS, str(tmp_path), str(worker)] for worker in range(4)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for command in commands]
    ends = [one.communicate()[1] for one in running]
    assert [(one.returncode, text) for one, text in zip(running, ends, strict=True)] == [(0, "")] * 4
    cache = FileCache(InputCache(folder=tmp_path / "cache", max_bytes=50_000))
    assert any(cache.take(key_of(str(worker)), "1", 300, tmp_path / "got") for worker in range(4))
    assert (tmp_path / "got").read_bytes() == b"own" * 100
