"""Results in S3 through a real server: made, read in every way, handed over, removed."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests

from pygeoapi_oapip.testing.live_server import LiveServer
from pygeoapi_oapip.testing.receiver import Receiver
from pygeoapi_oapip.testing.traces import files_with

from .packages import FILES, READ, inner
from .seaweed import SeaweedFS

BUCKET = "made-results"
ODD = "ä b/#?%41 c.txt"


@pytest.fixture(scope="module")
def server(s3: SeaweedFS, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    storage = {"type": "s3", "bucket": BUCKET, "prefix": "results", "create_bucket": True, **s3.access()}
    manager = {"storage": storage, "callbacks": {"allow_internal": True}}
    with LiveServer(tmp_path_factory.mktemp("server"), manager) as live:
        live.deploy(FILES)
        live.deploy(READ)
        yield live


def made(server: LiveServer, count: int = 3) -> str:
    job = server.submit("files", {"count": count})
    status = server.ended(job)
    assert status["status"] == "successful", status["message"]
    return job


@pytest.fixture(scope="module")
def job(server: LiveServer) -> str:
    return made(server)


def until(condition: Callable[[], Any], what: str, seconds: float = 240.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def test_all_results_are_in_the_bucket_and_none_on_this_machine(server: LiveServer, s3: SeaweedFS, job: str) -> None:
    names = ("one.txt", "many/0.txt", "many/1.txt", "many/2.txt", f"many/{ODD}", "nothing/")
    assert set(s3.keys(BUCKET, f"results/{job}/")) == {f"results/{job}/{name}" for name in names}
    folder = server.home / "jobs" / job
    until(lambda: not (folder / "outputs").exists(), "the local copies are freed")
    assert (folder / "logs").exists()


def test_objects_have_the_type_of_the_output(s3: SeaweedFS, job: str) -> None:
    head = s3.client().head_object(Bucket=BUCKET, Key=f"results/{job}/one.txt")
    assert (head["ContentType"], head["ContentLength"]) == ("text/plain", 11)


def test_document_links_to_this_server(server: LiveServer, job: str) -> None:
    document = server.get(f"/jobs/{job}/results").json()
    assert document["number"] == 3
    assert document["one"] == {
        "href": f"{server.url}/jobs/{job}/results/one",
        "type": "text/plain",
        "title": "one.txt",
        "length": 11,
    }
    assert requests.get(document["one"]["href"], timeout=240).content == b"hello world"


def test_value_is_read_through(server: LiveServer) -> None:
    body = {"inputs": {"count": 1}, "outputs": {"one": {"transmissionMode": "value"}}}
    answer = server.post("/processes/files/execution", json=body, headers={"Prefer": "wait=100"})
    assert answer.status_code == 200, answer.text
    assert answer.content == b"hello world"


def test_head_tells_what_get_sends(server: LiveServer, job: str) -> None:
    address = f"{server.url}/jobs/{job}/results/one"
    head, get = requests.head(address, timeout=240), requests.get(address, timeout=240)
    assert head.content == b""
    for name in ("Content-Length", "Content-Type", "ETag", "Last-Modified", "Accept-Ranges", "Content-Disposition"):
        assert head.headers[name] == get.headers[name]
    assert get.headers["Content-Length"] == "11"
    assert get.headers["Content-Disposition"].startswith('inline; filename="one.txt"')


@pytest.mark.parametrize(
    ("asked", "status", "content", "told"),
    [
        ("bytes=0-4", 206, b"hello", "bytes 0-4/11"),
        ("bytes=6-", 206, b"world", "bytes 6-10/11"),
        ("bytes=-3", 206, b"rld", "bytes 8-10/11"),
        ("bytes=8-99", 206, b"rld", "bytes 8-10/11"),
        ("bytes=11-", 416, b"", "bytes */11"),
        ("bytes=0-1,3-4", 200, b"hello world", None),
        ("lines=1-2", 200, b"hello world", None),
    ],
)
def test_ranges(server: LiveServer, job: str, asked: str, status: int, content: bytes, told: str | None) -> None:
    answer = server.get(f"/jobs/{job}/results/one", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (status, content)
    assert answer.headers.get("Content-Range") == told


def test_range_counts_only_for_the_bytes_that_the_client_has(server: LiveServer, job: str) -> None:
    path = f"/jobs/{job}/results/one"
    etag = server.get(path).headers["ETag"]
    same = server.get(path, headers={"Range": "bytes=0-4", "If-Range": etag})
    other = server.get(path, headers={"Range": "bytes=0-4", "If-Range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)


def test_what_the_client_has_is_not_sent_again(server: LiveServer, job: str) -> None:
    path = f"/jobs/{job}/results/one"
    answer = server.get(path, headers={"If-None-Match": server.get(path).headers["ETag"]})
    assert (answer.status_code, answer.content) == (304, b"")


def test_directory_is_listed_and_each_file_served(server: LiveServer, job: str) -> None:
    listing = server.get(f"/jobs/{job}/results/many?f=json").json()
    assert {row["name"]: row["size"] for row in listing["files"]} == {"0.txt": 6, "1.txt": 6, "2.txt": 6, ODD: 3}
    [odd] = [row["href"] for row in listing["files"] if row["name"] == ODD]
    assert odd.endswith(quote(ODD))
    assert requests.get(odd, timeout=240).content == b"odd"
    below = server.get(f"/jobs/{job}/results/many/{quote('ä b')}?f=json").json()
    assert [row["name"] for row in below["files"]] == ["#?%41 c.txt"]
    assert server.get(f"/jobs/{job}/results/nothing?f=json").json()["files"] == []


def test_directory_as_archive_is_made_while_it_is_sent(server: LiveServer, job: str) -> None:
    answer = server.get(f"/jobs/{job}/results/many?f=zip")
    assert answer.headers["Content-Type"] == "application/zip"
    assert "Content-Length" not in answer.headers
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == ["many/0.txt", "many/1.txt", "many/2.txt", f"many/{ODD}"]
        assert archive.read(f"many/{ODD}") == b"odd"
    assert server.get(f"/jobs/{job}/results/many?f=zip").content == answer.content
    assert not (server.home / "jobs" / job / "archives").exists()


@pytest.mark.parametrize("path", ["many/none.txt", "many/../one.txt", "many/%2e%2e/one.txt", "many/a%2f..%2f0.txt"])
def test_what_is_not_there_is_404(server: LiveServer, job: str, path: str) -> None:
    answer = requests.Request("GET", f"{server.url}/jobs/{job}/results/").prepare()
    answer.url = f"{server.url}/jobs/{job}/results/{path}"
    with requests.Session() as session:
        got = session.send(answer, timeout=240)
    assert got.status_code == 404, got.text
    assert got.json()["title"]


def test_all_outputs_as_parts(server: LiveServer) -> None:
    body = {"inputs": {"count": 1}, "response": "raw"}
    answer = server.post("/processes/files/execution", json=body, headers={"Prefer": "wait=100"})
    assert answer.headers["Content-Type"].startswith("multipart/related")
    assert b"hello world" in answer.content


def test_results_of_a_nested_process_become_inputs(server: LiveServer) -> None:
    body = {"inputs": {"file": inner("one"), "folder": inner("many")}}
    answer = server.post("/processes/read/execution", json=body, headers={"Prefer": "respond-async"})
    assert answer.status_code == 201, answer.text
    job = answer.json()["jobID"]
    status = server.ended(job)
    assert status["status"] == "successful", status["message"]
    said = server.get(f"/jobs/{job}/results/said").text
    assert said == "hello world|file 0file 1odd|\n"


def test_subscriber_is_told_values_and_links(server: LiveServer) -> None:
    outputs = {"one": {"transmissionMode": "value"}, "many": {}}
    with Receiver() as receiver:
        body = {"inputs": {"count": 1}, "outputs": outputs, "subscriber": receiver.subscriber()}
        answer = server.post("/processes/files/execution", json=body, headers={"Prefer": "respond-async"})
        assert answer.status_code == 201, answer.text
        receiver.wait(lambda r: bool(r.accepted("success")))
        [message] = receiver.accepted("success")
    told = message.document
    assert told["one"]["value"] == "hello world"
    assert told["many"]["href"].endswith(f"/jobs/{answer.json()['jobID']}/results/many")


def test_another_job_cannot_read_results_by_their_s3_address(server: LiveServer, job: str) -> None:
    body = {"inputs": {"file": {"href": f"s3://{BUCKET}/results/{job}/one.txt"}, "folder": {"href": "s3://x-y/z/"}}}
    answer = server.post("/processes/read/execution", json=body)
    assert answer.status_code in (400, 403), answer.text


def test_dismissed_results_are_gone_from_the_bucket(server: LiveServer, s3: SeaweedFS) -> None:
    gone, stays = made(server), made(server)
    assert server.dismiss(gone).status_code == 200
    until(lambda: not s3.keys(BUCKET, f"results/{gone}/"), "the objects are removed")
    assert len(s3.keys(BUCKET, f"results/{stays}/")) == 6
    assert server.get(f"/jobs/{gone}/results").status_code == 404


def test_a_removed_object_is_404_and_says_so(server: LiveServer, s3: SeaweedFS) -> None:
    job = made(server)
    s3.client().delete_object(Bucket=BUCKET, Key=f"results/{job}/one.txt")
    answer = server.get(f"/jobs/{job}/results/one")
    assert answer.status_code == 404
    assert "not there any more" in answer.json()["detail"]


def test_health_names_the_bucket(server: LiveServer) -> None:
    until(lambda: server.get("/health").json()["parts"]["storage"]["ok"], "the bucket is fine")
    assert BUCKET in server.get("/health").json()["parts"]["storage"]["detail"]


def test_a_thousand_small_files(server: LiveServer, s3: SeaweedFS) -> None:
    job = server.submit("files", {"count": 1000})
    assert server.ended(job, 240)["status"] == "successful"
    assert len(s3.keys(BUCKET, f"results/{job}/")) == 1003
    listing = server.get(f"/jobs/{job}/results/many?f=json").json()["files"]
    assert len(listing) == 1001
    with zipfile.ZipFile(io.BytesIO(server.get(f"/jobs/{job}/results/many?f=zip").content)) as archive:
        assert archive.read("many/999.txt") == b"file 999"


def test_keys_of_the_storage_are_nowhere(server: LiveServer, job: str) -> None:
    from .seaweed import OWNER

    # the configuration names files, whose names begin with the id of the key
    assert files_with(server.home, *OWNER) == [str(server.configuration.relative_to(server.home))]
    assert OWNER[1] not in server.configuration.read_text()
    assert OWNER[1] not in server.output()


@pytest.fixture(scope="module")
def presigning(s3: SeaweedFS, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    storage = {"type": "s3", "bucket": s3.bucket("presigned"), "links": "presigned", "presign": "15s", **s3.access()}
    with LiveServer(tmp_path_factory.mktemp("presigning"), {"storage": storage}, workers=1) as live:
        live.deploy(FILES)
        yield live


def test_presigned_links_work_until_they_expire(presigning: LiveServer, s3: SeaweedFS) -> None:
    job = made(presigning)
    document = presigning.get(f"/jobs/{job}/results").json()
    address = document["one"]["href"]
    assert address.startswith(f"{s3.endpoint}/presigned/processing-results/{job}/one.txt?")
    answer = requests.get(address, timeout=240, headers={"Range": "bytes=0-4"})
    assert (answer.status_code, answer.content) == (206, b"hello")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert requests.get(address.replace("one.txt", "many/0.txt"), timeout=240).status_code == 403
    # an archive is made here, so its link stays
    assert urlsplit(document["many"]["href"]).path == f"/jobs/{job}/results/many"
    until(lambda: requests.get(address, timeout=240).status_code == 403, "the link expires")
    fresh = presigning.get(f"/jobs/{job}/results").json()["one"]["href"]
    assert requests.get(fresh, timeout=240).content == b"hello world"


def test_presigned_links_are_not_stored(presigning: LiveServer) -> None:
    job = made(presigning)
    assert "X-Amz" in presigning.get(f"/jobs/{job}/results").text
    assert b"X-Amz" not in (presigning.home / "oapip.db").read_bytes()


def test_reference_without_a_body_is_presigned_too(presigning: LiveServer) -> None:
    body = {
        "inputs": {"count": 1},
        "outputs": {"one": {"transmissionMode": "reference"}},
        "response": "raw",
    }
    answer = presigning.post("/processes/files/execution", json=body, headers={"Prefer": "wait=100"})
    assert answer.status_code == 204
    [address] = [link["url"] for link in answer.links.values() if "X-Amz" in link["url"]]
    assert requests.get(address, timeout=240).content == b"hello world"
