"""Inputs by reference through a real server, from a real S3 server and a web server."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.s3.seaweed import SeaweedFS, credentials
from tests.unit.staging.site import Site

from .leftovers import nothing_left
from .packages import CATALOGUE, LISTING, SIZES
from .references import all_alike, offer


@pytest.fixture(scope="module")
def web() -> Iterator[Site]:
    with Site() as made:
        yield made


@pytest.fixture(scope="module")
def server(s3: SeaweedFS, web: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    home = tmp_path_factory.mktemp("inputs")
    (home / "token").write_text("s3cret-token")
    sources = [
        {"buckets": ["inputs"], **s3.access()},
        {"buckets": ["expired"], "endpoint": s3.endpoint, "credentials": credentials(home, ("owner-key", "old"))},
        {"buckets": ["gone"], **s3.access()},
    ]
    staging = {
        "allow_internal": True,
        "s3": sources,
        "http": [{"hosts": [web.host], "token": {"file": str(home / "token")}, "insecure": True}],
        "cache": {"folder": str(home / "cache"), "max_bytes": "100MB"},
        "max_bytes": "60MB",
    }
    with LiveServer(home, {"staging": staging}, workers=1) as live:
        for package in (LISTING, CATALOGUE, SIZES):
            live.deploy(package)
        yield live


def run(server: LiveServer, process: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The status of a job, with what it said; or the problem of a request that was refused."""
    answer = server.post(
        f"/processes/{process}/execution", json={"inputs": inputs}, headers={"Prefer": "respond-async"}
    )
    if answer.status_code != 201:
        return dict(answer.json())
    status = dict(server.ended(answer.json()["jobID"], 240))
    if status["status"] == "successful":
        status["said"] = server.get(f"/jobs/{status['jobID']}/results/said").text
    return status


def item(**assets: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "S2A_1",
        "geometry": None,
        "properties": {"datetime": "2024-01-01T00:00:00Z"},
        "links": [],
        "assets": assets,
    }


def test_a_stac_item_in_s3_becomes_a_directory(server: LiveServer, s3: SeaweedFS, web: Site) -> None:
    checksum = "1220" + hashlib.sha256(b"red").hexdigest()
    web.files["/nir.tif"], web.secrets["/nir.tif"] = b"nir", "Bearer s3cret-token"
    document = item(
        red={"href": "../bands/red.tif", "roles": ["data"], "file:checksum": checksum, "file:size": 3},
        nir={"href": f"{web.url}/nir.tif", "roles": ["data"]},
        preview={"href": "gs://elsewhere/preview.png", "roles": ["thumbnail"]},
    )
    client = s3.client()
    client.put_object(Bucket="inputs", Key="stac/items/1.json", Body=json.dumps(document).encode())
    client.put_object(Bucket="inputs", Key="stac/bands/red.tif", Body=b"red")
    href = "s3://inputs/stac/items/1.json"
    found = run(server, "listing", {"folder": {"href": f"{href}#role=data"}})
    assert found["said"] == "./S2A_1/nir.tif=nir\n./S2A_1/red.tif=red\n"
    root = json.loads(run(server, "catalogue", {"folder": {"href": f"{href}#asset=red"}})["said"])
    assert (root["type"], [link["href"] for link in root["links"]][1]) == ("Catalog", "./S2A_1/S2A_1.json")
    failed = run(server, "listing", {"folder": {"href": href}})
    assert failed["status"] == "failed"
    assert "inputs.folder: the asset preview of the item S2A_1: 'gs://elsewhere/preview.png'" in failed["message"]
    assert nothing_left(server, failed["jobID"])


def test_an_archive_becomes_a_directory(server: LiveServer, web: Site) -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as target:
        info = tarfile.TarInfo("scene/a.txt")
        info.size = 5
        target.addfile(info, io.BytesIO(b"alpha"))
    web.files["/scene.tar.gz"] = made.getvalue()
    found = run(server, "listing", {"folder": {"href": f"{web.url}/scene.tar.gz", "type": "application/gzip"}})
    assert found["said"] == "./scene/a.txt=alpha\n"


def test_a_directory_may_be_listed(server: LiveServer, web: Site, s3: SeaweedFS) -> None:
    web.files["/a.txt"] = b"alpha"
    s3.client().put_object(Bucket="inputs", Key="b.txt", Body=b"beta")
    listing = [
        {"class": "File", "location": f"{web.url}/a.txt"},
        {"class": "File", "location": "s3://inputs/b.txt", "basename": "c.txt"},
    ]
    found = run(server, "listing", {"folder": {"class": "Directory", "listing": listing}})
    assert found["said"] == "./a.txt=alpha\n./c.txt=beta\n"


def test_a_break_a_redirect_and_a_second_job(server: LiveServer, web: Site) -> None:
    body = bytes(range(256)) * 20_000
    web.files["/broken.bin"], web.breaks["/broken.bin"] = body, [1_500_000, 2_000_000]
    web.redirects["/moved"] = "/broken.bin"
    for _ in range(2):
        assert run(server, "sizes", {"files": [{"href": f"{web.url}/moved"}]})["said"] == f"{len(body)}\n"
    assert web.sent["/broken.bin"] == len(body)


def test_progress_is_told_and_a_dismissal_ends_the_downloads(server: LiveServer, web: Site) -> None:
    web.files["/slow.bin"], web.pauses["/slow.bin"] = bytes(40_000_000), 0.1
    answer = server.post(
        "/processes/sizes/execution",
        json={"inputs": {"files": [{"href": f"{web.url}/slow.bin"}]}},
        headers={"Prefer": "respond-async"},
    )
    job = answer.json()["jobID"]
    deadline = time.monotonic() + 60
    while "reading inputs: 0 of 1 are there" not in server.get(f"/jobs/{job}").json().get("message", ""):
        assert time.monotonic() < deadline, server.get(f"/jobs/{job}").json()
        time.sleep(0.1)
    assert server.dismiss(job).status_code == 200
    assert server.ended(job, 60)["status"] == "dismissed"
    assert nothing_left(server, job)
    while web.now:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert web.sent["/slow.bin"] < 40_000_000


@pytest.mark.parametrize(
    ("href", "told"),
    [
        ("s3://gone/scenes/", "the bucket does not exist"),
        ("s3://expired/a", "access is denied"),
        ("s3://inputs/none.json", "does not exist"),
    ],
)
def test_what_s3_refuses_is_told_before_there_is_a_job(server: LiveServer, href: str, told: str) -> None:
    found = run(server, "listing", {"folder": {"href": href}})
    assert told in found["detail"] and "inputs.folder" in found["detail"]


@pytest.mark.parametrize(
    ("href", "told"),
    [
        ("file:///etc/passwd", "is a file of this server"),
        ("s3://inputs/../secrets/a", "a key with the part . or .. is not read"),
        ("s3://closed/a", "the bucket closed is not one that this server reads from"),
    ],
)
def test_a_document_leads_nowhere_that_a_reference_may_not(server: LiveServer, web: Site, href: str, told: str) -> None:
    url = web.put("/hostile.json", item(A={"href": href}))
    found = run(server, "listing", {"folder": {"href": url}})
    assert found["status"] == "failed" and told in found["message"], found
    assert "inputs.folder: the asset A of the item S2A_1" in found["message"]
    assert nothing_left(server, found["jobID"])


def test_no_secret_is_left(server: LiveServer) -> None:
    for path in server.home.rglob("*"):
        if path.is_file() and path.name != "token" and ".secret_key" not in path.name:
            assert b"s3cret-token" not in path.read_bytes(), path
            assert b"owner-secret" not in path.read_bytes(), path


def test_stac_and_archives_become_folders(server: LiveServer, web: Site) -> None:
    all_alike(server, offer(web), 240)
