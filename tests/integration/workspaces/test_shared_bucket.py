"""One bucket for all, with a folder for each user; links of each kind; what is left of failed and removed jobs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from pygeoapi_oapip.model.value import DirectoryOutput, FileOutput
from pygeoapi_oapip.settings_s3 import S3Storage
from pygeoapi_oapip.staging.s3_client import Clients
from pygeoapi_oapip.staging.s3_storage import S3ResultStorage
from pygeoapi_oapip.staging.storage import OWNER_NOTE
from pygeoapi_oapip.testing.live_server import LiveServer
from pygeoapi_oapip.testing.stac_packages import FILES, package
from tests.integration.s3.seaweed import SeaweedFS

BUCKET = "shared"
JOB = "0b5a5c1e-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def bucket(s3: SeaweedFS) -> str:
    return s3.bucket(BUCKET)


def storage(s3: SeaweedFS, home: Path, **settings: Any) -> S3ResultStorage:
    block = {"type": "s3", "bucket": BUCKET, "prefix": "p", **s3.access(), **settings}
    return S3ResultStorage(S3Storage.model_validate(block), Clients(), home / ".discard")


def folder_of(home: Path, owner: str, job_id: str = JOB) -> Path:
    folder = home / job_id
    (folder / "outputs").mkdir(parents=True)
    (folder / OWNER_NOTE).write_text(json.dumps({"owner": owner}))
    (folder / "outputs" / "a.txt").write_text("x")
    return folder


def until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.mark.parametrize(("owner", "user"), [("alice", "alice"), ("../bob", "=2E=2E=2Fbob"), ("Ä B", "=C3=84=20=42")])
def test_each_user_has_a_folder(s3: SeaweedFS, bucket: str, tmp_path: Path, owner: str, user: str) -> None:
    made = storage(s3, tmp_path, per_user=True)
    outputs = {"f": FileOutput("outputs/a.txt", "a.txt", "text/plain", 1)}
    [value] = made.publish(JOB, outputs, folder_of(tmp_path, owner), lambda: True).values()
    assert isinstance(value, FileOutput)
    key = f"p/{user}/{JOB}/a.txt"
    assert list(s3.keys(BUCKET, f"p/{user}/")) == [key]
    assert b"".join(made.content(value.href).pieces()) == b"x"
    made.discard(JOB)
    until(lambda: s3.keys(BUCKET, f"p/{user}/") == {}, "the objects are removed")


def test_removal_finds_the_folder_of_the_user_after_that_of_the_job_is_gone(
    s3: SeaweedFS, bucket: str, tmp_path: Path
) -> None:
    made = storage(s3, tmp_path, per_user=True)
    folder = folder_of(tmp_path, "dora")
    made.publish(JOB, {"f": FileOutput("outputs/a.txt", "a.txt", "", 1)}, folder, lambda: True)
    trash = tmp_path / ".discard"
    trash.mkdir()
    (trash / JOB).write_text("dora")  # as a process leaves it that is killed before the removal
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    storage(s3, tmp_path, per_user=True).sweep()
    assert s3.keys(BUCKET, "p/dora/") == {}


def test_what_a_stage_out_step_has_put_beside_the_folder_stays_where_it_is_and_goes_with_the_job(
    s3: SeaweedFS, bucket: str, tmp_path: Path
) -> None:
    made = storage(s3, tmp_path)
    for path, content in FILES.items():
        s3.client().put_object(Bucket=BUCKET, Key=f"p/{JOB}-x1/{path}", Body=content.encode())
    before = s3.keys(BUCKET, "p/")
    outputs = {"d": DirectoryOutput(f"s3://{BUCKET}/p/{JOB}-x1", "d")}
    assert made.publish(JOB, outputs, folder_of(tmp_path, "alice"), lambda: True) == outputs
    assert s3.keys(BUCKET, "p/") == before
    made.remove(JOB, "alice")
    assert s3.keys(BUCKET, "p/") == {}


@pytest.fixture(params=["presigned", "direct"])
def server(s3: SeaweedFS, bucket: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LiveServer]:
    block = {"type": "s3", "bucket": BUCKET, "prefix": "links", "links": request.param, "items": True, **s3.access()}
    with LiveServer(tmp_path / "server", {"storage": block}) as live:
        live.deploy(package())
        yield live


def test_addresses_in_the_catalogue_are_those_of_the_bucket(s3: SeaweedFS, server: LiveServer) -> None:
    job = server.submit("stac", {})
    assert server.ended(job)["status"] == "successful"
    items = server.get(f"/jobs/{job}/results/catalogue?f=items").json()["features"]
    href = items[0]["assets"]["data"]["href"]
    key = f"links/{job}/made/one/one.txt"
    if href.startswith("s3://"):
        assert href == f"s3://{BUCKET}/{key}"
        collection = server.get(f"/jobs/{job}/results").json()
        assert f"s3://{BUCKET}/links/{job}/made/catalog.json" in [link["href"] for link in collection["links"]]
    else:
        assert href.startswith(f"{s3.endpoint}/{BUCKET}/{key}?")
        assert requests.get(href, timeout=30).text == "first"
    requests.delete(f"{server.url}/jobs/{job}", timeout=30)
    until(lambda: s3.keys(BUCKET, f"links/{job}/") == {}, "the results of a removed job go")
