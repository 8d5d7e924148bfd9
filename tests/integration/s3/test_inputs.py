"""Inputs by s3:// through a real server: files, folders, names, limits and keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer

from .packages import READ
from .seaweed import SeaweedFS, credentials

SPACED = "names/ä b.txt"
ODD = "data/ä b/#?%41 c.txt"


@pytest.fixture(scope="module")
def filled(s3: SeaweedFS) -> SeaweedFS:
    client = s3.client()
    client.put_object(Bucket="inputs", Key=SPACED, Body=b"spaced")
    for bucket in ("inputs", "locked", "closed"):
        s3.bucket(bucket)
        for key, body in (("data/a.txt", b"alpha"), ("data/sub/b.txt", b"beta"), (ODD, b"odd"), ("big", b"x" * 3000)):
            client.put_object(Bucket=bucket, Key=key, Body=body)
    return s3


@pytest.fixture(scope="module")
def server(filled: SeaweedFS, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    home = tmp_path_factory.mktemp("inputs")
    wrong = {"endpoint": filled.endpoint, "credentials": credentials(home, ("reader-key", "wrong"))}
    sources = [
        {"buckets": ["inputs", "lock*"], **filled.reader_access()},
        {"buckets": ["none-*"], **filled.access()},
        {"buckets": ["closed"], **wrong},
        {"buckets": ["away"], "endpoint": "http://127.0.0.1:1", "credentials": wrong["credentials"]},
    ]
    with LiveServer(home, {"staging": {"s3": sources, "max_bytes": 2000}}, workers=1) as live:
        live.deploy(READ)
        yield live


def run(server: LiveServer, file: str, folder: str = "s3://inputs/data/sub/") -> Mapping[str, Any]:
    """The status of a job, or the problem of a request that was refused."""
    body = {"inputs": {"file": {"href": file}, "folder": {"href": folder}}}
    answer = server.post("/processes/read/execution", json=body, headers={"Prefer": "respond-async"})
    if answer.status_code != 201:
        return dict(answer.json())
    status = dict(server.ended(answer.json()["jobID"], 240))
    if status["status"] == "successful":
        status["said"] = server.get(f"/jobs/{status['jobID']}/results/said").text
    return status


def test_file_and_folder_are_read_with_the_keys_of_the_bucket(server: LiveServer) -> None:
    assert run(server, "s3://inputs/data/a.txt")["said"] == "alpha|beta|\n"


def test_folder_has_all_that_is_below_the_prefix(server: LiveServer) -> None:
    assert run(server, "s3://inputs/data/a.txt", "s3://inputs/data/")["said"] == "alpha|alphabetaodd|\n"


def test_folder_may_be_named_without_its_slash(server: LiveServer) -> None:
    assert run(server, "s3://inputs/data/a.txt", "s3://inputs/data/sub")["said"] == "alpha|beta|\n"


def test_keys_with_any_character_are_percent_encoded(server: LiveServer) -> None:
    found = run(server, f"s3://inputs/{quote(SPACED)}", f"s3://inputs/{quote('data/ä b/')}")
    assert found["status"] == "successful", found["message"]
    assert found["said"] == "spaced|odd|\n"


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("s3://inputs/none.txt", "does not exist"),
        ("s3://inputs/none/", "does not exist"),
        ("s3://none-such/a", "the bucket does not exist"),
        ("s3://locked/data/a.txt", "access is denied"),
        ("s3://closed/data/a.txt", "access is denied"),
        ("s3://other/data/a.txt", "the bucket other is not one that this server reads from (staging.s3)"),
        ("s3://Inputs/data/a.txt", "is not an address of the form s3://BUCKET/KEY"),
        ("s3:///data/a.txt", "is not an address of the form s3://BUCKET/KEY"),
        ("s3://user:pass@inputs/data/a.txt", "is not an address of the form s3://BUCKET/KEY"),
    ],
)
def test_what_cannot_be_read_is_refused_before_there_is_a_job(server: LiveServer, file: str, told: str) -> None:
    found = run(server, file)
    assert found.get("status") in (400, 403), found
    assert told in found["detail"]
    assert "inputs.file" in found["detail"]


def test_a_large_object_is_not_downloaded(server: LiveServer) -> None:
    found = run(server, "s3://inputs/big")
    assert found["status"] == "failed"
    assert "larger than 2000 bytes" in found["message"]
    assert "inputs.file" in found["message"]


def test_a_large_folder_is_not_downloaded(server: LiveServer) -> None:
    found = run(server, "s3://inputs/data/a.txt", "s3://inputs/")
    assert "larger than 2000 bytes" in found["message"]


def test_a_folder_for_a_file_is_refused(server: LiveServer) -> None:
    found = run(server, "s3://inputs/data/")
    assert found["status"] == "failed"
    assert "is a directory, a file is needed" in found["message"]


def test_a_server_that_is_away_is_tried_again_and_then_named(server: LiveServer) -> None:
    body = {"inputs": {"file": {"href": "s3://away/a"}, "folder": {"href": "s3://inputs/data/sub/"}}}
    answer = server.post("/processes/read/execution", json=body, headers={"Prefer": "respond-async"})
    assert answer.status_code == 201, answer.text
    job = answer.json()["jobID"]
    status = server.get(f"/jobs/{job}").json()
    assert status["status"] == "accepted"
    assert server.dismiss(job).status_code == 200
    assert server.ended(job)["status"] == "dismissed"
