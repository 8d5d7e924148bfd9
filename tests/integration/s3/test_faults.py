"""S3 away, a bucket that is gone, keys that are wrong, and `kill -9` in the middle: no result lost, none made twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from pygeoapi_oapip.testing.live_server import LiveServer

from .packages import BIG, FILES
from .seaweed import SeaweedFS, credentials

BUCKET = "fault-results"


def until(condition: Callable[[], Any], what: str, seconds: float = 240.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def server(s3: SeaweedFS, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    storage = {"type": "s3", "bucket": s3.bucket(BUCKET), **s3.access()}
    with LiveServer(tmp_path_factory.mktemp("faults"), {"storage": storage}, workers=1) as live:
        live.deploy(FILES)
        live.deploy(BIG)
        yield live


@pytest.fixture
def away(s3: SeaweedFS) -> Iterator[SeaweedFS]:
    """The S3 server, which is there again after the test."""
    yield s3
    s3.stop()
    s3.start()


def of(job: str) -> str:
    return f"processing-results/{job}/"


def successful(server: LiveServer, job: str) -> None:
    status = server.ended(job)
    assert status["status"] == "successful", status["message"]


def waiting(server: LiveServer, job: str) -> str:
    """What a job that waits for S3 says, else ""."""
    message = str(server.get(f"/jobs/{job}").json().get("message"))
    return message if "cannot be reached" in message else ""


def test_job_waits_while_s3_is_away(server: LiveServer, away: SeaweedFS) -> None:
    away.stop()
    job = server.submit("files", {"count": 5})
    told = until(lambda: waiting(server, job), "the job tells what it waits for")
    assert server.get(f"/jobs/{job}").json()["status"] == "running"
    assert server.get(f"/jobs/{job}/results").status_code == 404
    assert str(server.home) not in told
    until(lambda: not server.get("/health").json()["parts"]["storage"]["ok"], "the health tells, too")
    away.start()
    successful(server, job)
    assert len(away.keys(BUCKET, of(job))) == 8
    assert server.get(f"/jobs/{job}/results/one").content == b"hello world"


def test_job_that_waits_for_s3_can_be_dismissed(server: LiveServer, away: SeaweedFS) -> None:
    away.stop()
    job = server.submit("files", {"count": 5})
    until(lambda: waiting(server, job), "the job waits")
    assert server.dismiss(job).status_code == 200
    assert server.ended(job)["status"] == "dismissed"
    away.start()
    until(lambda: not away.keys(BUCKET, of(job)), "nothing is left")


def over(server: LiveServer) -> bool:
    """Whether the newest job has ended."""
    return server.get("/jobs?limit=1").json()["jobs"][0]["status"] not in ("accepted", "running")


def test_s3_that_breaks_off_in_an_upload(server: LiveServer, away: SeaweedFS) -> None:
    uploads = away.client()
    for _ in range(5):  # the upload may be over before it is seen, or before S3 has ended
        job = server.submit("big", {"mebibytes": 300})
        until(lambda: uploads.list_multipart_uploads(Bucket=BUCKET).get("Uploads") or over(server), "the upload begins")
        away.stop()
        time.sleep(3)
        if not over(server):
            break
        away.start()
    assert server.get(f"/jobs/{job}").json()["status"] == "running"
    away.start()
    successful(server, job)
    assert away.keys(BUCKET, of(job)) == {f"{of(job)}big.bin": 300 * 1024**2}
    assert not away.client().list_multipart_uploads(Bucket=BUCKET).get("Uploads")


def test_reads_while_s3_is_away_are_503(server: LiveServer, away: SeaweedFS) -> None:
    job = server.submit("files", {"count": 1})
    successful(server, job)
    away.stop()
    for path in ("one", "many?f=json", "many?f=zip", "many/0.txt"):
        answer = requests.get(f"{server.url}/jobs/{job}/results/{path}", timeout=240)
        assert answer.status_code == 503, (path, answer.text)
        assert "cannot be reached" in answer.json()["detail"]
    assert server.get(f"/jobs/{job}/results").status_code == 200
    away.start()
    assert server.get(f"/jobs/{job}/results/many/0.txt").content == b"file 0"


def test_removal_is_made_up_for_when_s3_is_back(server: LiveServer, away: SeaweedFS) -> None:
    job = server.submit("files", {"count": 5})
    successful(server, job)
    away.stop()
    assert server.dismiss(job).status_code == 200
    assert server.get(f"/jobs/{job}").status_code == 404
    away.start()
    until(lambda: not away.keys(BUCKET, of(job)), "the objects are removed later")


def moments(s3: SeaweedFS, job: str) -> dict[str, Any]:
    """When each object of a job was written."""
    pages = s3.client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=of(job))
    return {item["Key"]: item["LastModified"] for page in pages for item in page["Contents"]}


def killed_in_an_upload(server: LiveServer, s3: SeaweedFS) -> tuple[str, dict[str, Any]]:
    """A job whose server was killed while it uploaded and is there again; the objects that were written."""
    job = server.submit("files", {"count": 1500})
    until(lambda: len(s3.keys(BUCKET, of(job))) > 20, "the upload begins")
    server.kill_all()
    before = moments(s3, job)
    server.start()
    return job, before


def test_kill_in_the_middle_of_an_upload(server: LiveServer, s3: SeaweedFS) -> None:
    for _ in range(5):  # the upload may be over before the server is killed
        job, before = killed_in_an_upload(server, s3)
        if len(before) < 1503:
            break
    assert len(before) < 1503
    successful(server, job)
    after = moments(s3, job)
    assert len(after) == 1503
    assert {key: after[key] for key in before} == before, "an object was written twice"
    assert server.get(f"/jobs/{job}/results/many/1499.txt").content == b"file 1499"


def test_two_servers_keep_their_results_in_one_bucket(
    server: LiveServer, s3: SeaweedFS, tmp_path_factory: pytest.TempPathFactory
) -> None:
    storage = {"type": "s3", "bucket": BUCKET, **s3.access()}
    with LiveServer(tmp_path_factory.mktemp("second"), {"storage": storage}, workers=1) as second:
        second.deploy(FILES)
        jobs = [(one, one.submit("files", {"count": 2})) for one in (server, second, server, second)]
        for one, job in jobs:
            successful(one, job)
            assert one.get(f"/jobs/{job}/results/many/1.txt").content == b"file 1"
        assert second.get(f"/jobs/{jobs[0][1]}/results/one").status_code == 404
        assert second.dismiss(jobs[1][1]).status_code == 200
        until(lambda: not s3.keys(BUCKET, of(jobs[1][1])), "removed")
        assert len(s3.keys(BUCKET, of(jobs[0][1]))) == 5


def failing(home: Path, storage: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What becomes of a job, and what the health says."""
    with LiveServer(home, {"storage": {"type": "s3", **storage}}, workers=1) as live:
        live.deploy(FILES)
        job = live.submit("files", {"count": 1})
        status = live.ended(job, 120)
        waits = "has not answered yet"
        until(lambda: waits not in live.get("/health").json()["parts"]["storage"]["detail"], "the health tells")
        assert not (live.home / "jobs" / job / "outputs").exists()
        return status, live.get("/health").json()["parts"]["storage"]


def test_a_bucket_that_does_not_exist_fails_the_job(s3: SeaweedFS, tmp_path: Path) -> None:
    status, health = failing(tmp_path, {"bucket": "never-made", **s3.access()})
    assert status["status"] == "failed"
    assert "bucket does not exist" in status["message"]
    assert "never-made" in str(health["detail"])


def test_wrong_keys_fail_the_job_and_are_not_told(s3: SeaweedFS, tmp_path: Path) -> None:
    keys = credentials(tmp_path, ("owner-key", "not-the-secret"))
    block = {"bucket": s3.bucket(BUCKET), "endpoint": s3.endpoint, "credentials": keys}
    status, health = failing(tmp_path / "server", block)
    assert status["status"] == "failed"
    assert "keys of this server are not accepted" in status["message"]
    assert "not-the-secret" not in f"{status}{health}"


@pytest.mark.slow
def test_a_gibibyte_passes_in_flat_memory(server: LiveServer, s3: SeaweedFS) -> None:
    successful(server, server.submit("big", {"mebibytes": 32}))
    before = largest(server)
    job = server.submit("big", {"mebibytes": 1024})
    successful(server, job)
    assert s3.keys(BUCKET, of(job)) == {f"{of(job)}big.bin": 1024**3}
    size = 0
    with requests.get(f"{server.url}/jobs/{job}/results/big", timeout=60, stream=True) as answer:
        for piece in answer.iter_content(1 << 20):
            size += len(piece)
    assert size == 1024**3
    grown = largest(server) - before
    print(f"largest process: {before / 2**20:.0f} MiB, grown by {grown / 2**20:.0f} MiB")
    assert grown < 400 * 1024**2
    assert server.dismiss(job).status_code == 200


def largest(server: LiveServer) -> int:
    """Bytes of the peak memory of the largest process of the server."""
    sizes = [0]
    for pid in server.processes():
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            continue
        sizes += [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")]
    return max(sizes)
