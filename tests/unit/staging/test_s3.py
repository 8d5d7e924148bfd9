"""Inputs by s3://, with a server that can give any answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from pygeoapi_oapip.errors import AddressForbidden, OapipError, TooLarge, Unavailable, UnresolvableReference
from pygeoapi_oapip.settings import Staging
from pygeoapi_oapip.settings_s3 import LocalStorage
from pygeoapi_oapip.settings_workspace import WorkspaceStorage
from pygeoapi_oapip.staging.s3 import S3Stager

from .small_s3 import SmallS3


def stager(s3: SmallS3, max_bytes: int = 10_000, buckets: tuple[str, ...] = ("bucket",)) -> S3Stager:
    settings = Staging.model_construct(s3=(s3.source(*buckets),), max_bytes=max_bytes)
    return S3Stager(settings, s3.storage(bucket="results"))


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_file_comes_with_its_name_and_type(s3: SmallS3, tmp_path: Path) -> None:
    s3.objects["bucket/a/map 1.tif"] = b"tiff"
    found = stager(s3).stage("s3://bucket/a/map%201.tif", tmp_path)
    assert (found.path, found.path.read_bytes()) == (tmp_path / "map 1.tif", b"tiff")
    assert not found.is_directory
    assert names(tmp_path) == ["map 1.tif"]


def test_folder_comes_with_all_below_it_and_no_more(s3: SmallS3, tmp_path: Path) -> None:
    s3.objects.update({f"bucket/{key}": key.encode() for key in ("f/a", "f/b/c", "f/empty/", "fg", "g/x")})
    found = stager(s3).stage("s3://bucket/f/", tmp_path)
    assert found.is_directory
    assert names(found.path) == ["a", "b/c"]
    assert (found.path / "empty").is_dir()


def test_what_an_earlier_try_finished_is_not_read_again(s3: SmallS3, tmp_path: Path) -> None:
    s3.objects.update({"bucket/f/a": b"a", "bucket/f/b": b"bb"})
    s3.faults.append(("GET bucket/f/b", 403, "AccessDenied"))
    with pytest.raises(UnresolvableReference, match="access is denied"):
        stager(s3).stage("s3://bucket/f/", tmp_path)
    found = stager(s3).stage("s3://bucket/f/", tmp_path)
    assert names(found.path) == ["a", "b"]
    assert s3.calls["GET bucket/f/b"] == 2
    stager(s3).stage("s3://bucket/f/", tmp_path)
    assert s3.calls["GET bucket/f/a"] <= 2
    assert s3.calls["GET bucket/f/b"] == 2


def test_a_file_that_changed_since_then_is_read_again(s3: SmallS3, tmp_path: Path) -> None:
    s3.objects["bucket/a"] = b"one"
    stager(s3).stage("s3://bucket/a", tmp_path)
    s3.objects["bucket/a"] = b"three"
    assert stager(s3).stage("s3://bucket/a", tmp_path).path.read_bytes() == b"three"


@pytest.mark.parametrize("key", ["f/../../etc/passwd", "f/a/../b", "f//a", "f/./a", "f/" + "x" * 300])
def test_keys_that_lead_out_of_the_folder_are_refused(s3: SmallS3, tmp_path: Path, key: str) -> None:
    s3.objects.update({"bucket/f/ok": b"", f"bucket/{key}": b"evil"})
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(UnresolvableReference, match="cannot be the name of a file"):
        stager(s3).stage("s3://bucket/f/", tmp_path / "a" / "b")
    assert names(tmp_path) == []


def test_a_file_that_is_a_folder_too_is_refused(s3: SmallS3, tmp_path: Path) -> None:
    s3.objects.update({"bucket/f/a": b"file", "bucket/f/a/b": b"below"})
    with pytest.raises(UnresolvableReference, match="a file and a folder at the same time"):
        stager(s3).stage("s3://bucket/f/", tmp_path)


@pytest.mark.parametrize("url", ["s3://bucket/big", "s3://bucket/f/", "s3://bucket/"])
def test_too_much_is_refused_before_it_is_read(s3: SmallS3, tmp_path: Path, url: str) -> None:
    s3.objects.update({"bucket/big": b"x" * 101, "bucket/f/a": b"x" * 60, "bucket/f/b": b"x" * 60})
    with pytest.raises(TooLarge):
        stager(s3, 100).stage(url, tmp_path)
    assert names(tmp_path) == []


def test_document_is_read_into_memory_up_to_its_limit(s3: SmallS3) -> None:
    s3.objects["bucket/a.json"] = b"{}"
    assert stager(s3).fetch("s3://bucket/a.json", 2).content == b"{}"
    with pytest.raises(TooLarge):
        stager(s3).fetch("s3://bucket/a.json", 1)


@pytest.mark.parametrize(
    ("status", "code", "kind", "told"),
    [
        (403, "AccessDenied", UnresolvableReference, "access is denied"),
        (403, "InvalidAccessKeyId", UnresolvableReference, "keys of this server are not accepted"),
        (403, "SignatureDoesNotMatch", UnresolvableReference, "keys of this server are not accepted"),
        (400, "ExpiredToken", UnresolvableReference, "keys of this server have expired"),
        (404, "NoSuchKey", UnresolvableReference, "does not exist"),
        (404, "NoSuchBucket", UnresolvableReference, "the bucket does not exist"),
        (400, "WhatIsThis", UnresolvableReference, "refuses the request (WhatIsThis)"),
    ],
)
def test_each_failure_is_named(s3: SmallS3, status: int, code: str, kind: type[OapipError], told: str) -> None:
    s3.faults.append(("GET bucket/a", status, code))
    with pytest.raises(kind) as caught:
        stager(s3).fetch("s3://bucket/a", 10)
    assert told in caught.value.detail
    assert "s3://bucket/a" in caught.value.detail
    assert "SK" not in caught.value.detail.replace("ASK", "")


def test_a_passing_fault_is_tried_again(s3: SmallS3) -> None:
    s3.objects["bucket/a"] = b"a"
    s3.faults += [("GET bucket/a", 503, "SlowDown"), ("GET bucket/a", 0, "")]
    assert stager(s3).fetch("s3://bucket/a", 10).content == b"a"


def test_a_server_that_stays_away_is_temporary(s3: SmallS3) -> None:
    s3.faults += [("GET bucket/a", 500, "InternalError")] * 8
    with pytest.raises(Unavailable, match="cannot answer now"):
        stager(s3).fetch("s3://bucket/a", 10)


def test_other_buckets_and_results_are_forbidden(s3: SmallS3) -> None:
    reader = stager(s3, buckets=("data-*", "results"))
    reader.check("s3://data-1/a")
    reader.check("s3://results/other/a")
    for url in ("s3://bucket/a", "s3://data/a", "s3://xdata-1/a"):
        with pytest.raises(AddressForbidden, match="staging.s3"):
            reader.check(url)
    for url in ("s3://results/jobs/x/a", "s3://results/jobs", "s3://results/", "s3://results"):
        with pytest.raises(AddressForbidden, match="among the results"):
            reader.check(url)
    assert not s3.calls


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("s3://ws-alice/a", "workspace of a user"),
        ("s3://ws-bob", "workspace of a user"),
        ("s3://ws-bob/processing-results/j/a", "workspace of a user"),
        ("s3://other/processing-results/j/a", "among the results"),
        ("s3://other/processing-results/", "among the results"),
        ("s3://other/processing-results", "among the results"),
    ],
)
def test_workspaces_of_users_are_forbidden_whatever_the_settings_name(s3: SmallS3, url: str, reason: str) -> None:
    settings = Staging.model_construct(s3=(s3.source("*"),), max_bytes=10_000)
    reader = S3Stager(settings, WorkspaceStorage.model_validate({"api": "http://workspaces.example"}))
    with pytest.raises(AddressForbidden, match=reason):
        reader.fetch(url, 10)
    with pytest.raises(AddressForbidden, match=reason):
        reader.probe(url, 5)
    assert not s3.calls


@pytest.mark.parametrize("prefix", ["ws", "", "w"])
def test_other_buckets_are_read_where_there_are_workspaces(s3: SmallS3, prefix: str) -> None:
    settings = Staging.model_construct(s3=(s3.source("*"),), max_bytes=10_000)
    reader = S3Stager(settings, WorkspaceStorage.model_validate({"api": "http://workspaces.example", "prefix": prefix}))
    s3.buckets.add("wsx")
    s3.objects["wsx/processing-results-2/a"] = b"a"
    assert reader.fetch("s3://wsx/processing-results-2/a", 10).content == b"a"


def test_results_on_this_server_are_in_no_bucket(s3: SmallS3) -> None:
    settings = Staging.model_construct(s3=(s3.source("*"),), max_bytes=10_000)
    s3.buckets.add("ws-a")
    s3.objects["ws-a/processing-results/a"] = b"a"
    assert S3Stager(settings, LocalStorage()).fetch("s3://ws-a/processing-results/a", 10).content == b"a"


@pytest.mark.parametrize("url", ["s3://bucket/a", "s3://bucket/f/", "s3://bucket/f"])
def test_probe_finds_what_is_there(s3: SmallS3, url: str) -> None:
    s3.objects.update({"bucket/a": b"a", "bucket/f/b": b"b"})
    stager(s3).probe(url, 5)


@pytest.mark.parametrize("url", ["s3://bucket/none", "s3://bucket/none/"])
def test_probe_refuses_what_is_not_there(s3: SmallS3, url: str) -> None:
    with pytest.raises(UnresolvableReference, match="does not exist"):
        stager(s3).probe(url, 5)


def test_probe_says_nothing_of_a_server_that_is_away(s3: SmallS3) -> None:
    s3.faults += [("HEAD bucket/a", 503, "SlowDown"), ("HEAD bucket/b", 0, "")]
    stager(s3).probe("s3://bucket/a", 5)
    stager(s3).probe("s3://bucket/b", 5)
