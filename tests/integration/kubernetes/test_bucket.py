"""The bucket of jobs with a real S3 server, which checks signatures; no cluster is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pygeoapi_oapip.engines.calrissian.inpod import objects
from pygeoapi_oapip.engines.calrissian.inpod.objects import Bucket, StorageFault

from ..s3.seaweed import OWNER, SeaweedFS
from .test_exchange import BUCKET
from .test_exchange import s3 as s3

KEYS = ("a b", "a+b", "a%20b", "é&<>\"'", "empty/", "deep/er/x", "~.-_", "a=b?c#d", "a,b;c:d@e!$(f)*")


def bucket_of(s3: SeaweedFS, secret: str = OWNER[1], name: str = BUCKET) -> Bucket:
    access = {"endpoint": s3.endpoint, "region": "us-east-1", "bucket": name}
    return Bucket({**access, "access_key": OWNER[0], "secret_key": secret}, patience=60.0)


def test_each_key_is_listed_as_it_was_written(s3: SeaweedFS) -> None:
    bucket = bucket_of(s3)
    for key in KEYS:
        bucket.put(f"keys/{key}", b"" if key.endswith("/") else key.encode())
    assert {row.key for row in bucket.list("keys/")} == {f"keys/{key}" for key in KEYS}
    for key in KEYS:
        assert bucket.read(f"keys/{key}") == (b"" if key.endswith("/") else key.encode())
        bucket.delete(f"keys/{key}")
    assert list(bucket.list("keys/")) == []


def test_a_file_in_parts_comes_back_whole(s3: SeaweedFS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "PART", 5 * 2**20)
    content = bytes(range(256)) * (12 * 4096) + b"end"
    (tmp_path / "sent").write_bytes(content)
    bucket = bucket_of(s3)
    bucket.send("parts", str(tmp_path / "sent"))
    bucket.fetch("parts", str(tmp_path / "got"))
    assert (tmp_path / "got").read_bytes() == content
    bucket.delete("parts")


def test_a_list_of_more_than_a_page_is_whole(s3: SeaweedFS) -> None:
    bucket = bucket_of(s3)
    for number in range(1005):
        bucket.put(f"many/{number:04}", b"")
    assert [row.key for row in bucket.list("many/")] == [f"many/{number:04}" for number in range(1005)]
    for row in list(bucket.list("many/")):
        bucket.delete(row.key)


def test_a_wrong_key_and_a_bucket_that_is_not_there_are_permanent_faults(s3: SeaweedFS) -> None:
    for bucket, told in ((bucket_of(s3, "wrong"), "403"), (bucket_of(s3, name="no-such-bucket"), "404")):
        with pytest.raises(StorageFault, match=f"the bucket answers {told}") as error:
            list(bucket.list(""))
        assert not error.value.temporary
