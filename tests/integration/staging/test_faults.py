"""What happens to inputs when the server is killed, or the disk is full, in the middle."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.faults.disk import small_disk
from tests.integration.s3.seaweed import OWNER, credentials
from tests.unit.staging.site import Site
from tests.unit.staging.small_s3 import SmallS3, small_s3

from .leftovers import nothing_left
from .packages import LISTING, SIZES

SETTINGS: dict[str, Any] = {"staging": {"allow_internal": True}}


def submitted(server: LiveServer, href: str) -> str:
    body = {"inputs": {"files": [{"href": href}]}}
    answer = server.post("/processes/sizes/execution", json=body, headers={"Prefer": "respond-async"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["jobID"])


def said(server: LiveServer, job: str) -> str:
    status = server.ended(job, 240)
    assert status["status"] == "successful", status
    return server.get(f"/jobs/{job}/results/said").text


def test_a_server_that_is_killed_goes_on_where_it_was(site: Site, tmp_path: Path) -> None:
    size = 12_000_000
    site.files["/big.bin"], site.pauses["/big.bin"] = bytes(size), 0.05
    with LiveServer(tmp_path / "server", SETTINGS, workers=1) as server:
        server.deploy(SIZES)
        job = submitted(server, f"{site.url}/big.bin")
        deadline = time.monotonic() + 60
        while site.sent["/big.bin"] < 3_000_000:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        server.kill_all()
        site.pauses.clear()
        server.start()
        assert said(server, job) == f"{size}\n"
    assert "Range" in site.asked("/big.bin")[-1]
    # what was under way when the process died was sent for nothing
    assert site.sent["/big.bin"] < 2 * size - 1_000_000


@pytest.mark.parametrize("lengths", [True, False])
def test_a_disk_that_becomes_full_is_told_and_nothing_is_left(site: Site, tmp_path: Path, lengths: bool) -> None:
    site.files["/big.bin"], site.lengths = bytes(60_000_000), lengths
    with small_disk(tmp_path / "disk", megabytes=32) as disk:
        settings = {**SETTINGS, "output_dir": str(disk.folder / "jobs")}
        with LiveServer(tmp_path / "server", settings, workers=1) as server:
            server.deploy(SIZES)
            job = submitted(server, f"{site.url}/big.bin")
            deadline = time.monotonic() + 60
            while "has no room for" not in (status := server.get(f"/jobs/{job}").json()).get("message", ""):
                assert time.monotonic() < deadline and status["status"] == "accepted", status
                time.sleep(0.05)
            assert status["message"].startswith("inputs.files: ")
            assert str(disk.folder) not in str(status)
            # until the next try
            folder = disk.folder / "jobs" / job / "inputs"
            assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 60_000_000
            site.files["/big.bin"] = bytes(1000)
            assert said(server, job) == "1000\n"


def test_a_hostile_document_costs_the_server_nothing(site: Site, tmp_path: Path) -> None:
    """100,000 assets, one file too many; a circle; nesting without end: other requests are answered meanwhile."""
    assets = {f"a{number}": {"href": f"{number}.tif"} for number in range(100_001)}
    item: dict[str, Any] = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "many",
        "geometry": None,
        "properties": {},
        "links": [],
    }
    links = [{"rel": "child", "href": "circle.json"}, {"rel": "child", "href": "./circle.json#x"}]
    hostile: dict[str, Any] = {
        "/many.json": {**item, "assets": assets},
        "/circle.json": {"type": "Catalog", "stac_version": "1.0.0", "id": "c", "links": links},
    }
    for path, document in hostile.items():
        site.put(path, document)
    site.files["/deep.json"] = b'{"a":' * 1_000_000
    told = {
        "/many.json": "more than 100000 files",
        "/circle.json": "has no STAC items",
        "/deep.json": "is a file, a directory is needed",
    }
    with LiveServer(tmp_path / "server", SETTINGS, workers=1) as server:
        server.deploy(LISTING)
        for path, text in told.items():
            body = {"inputs": {"folder": {"href": site.url + path}}}
            job = server.post("/processes/listing/execution", json=body, headers={"Prefer": "respond-async"}).json()
            assert server.get("/processes").status_code == 200
            status = server.ended(job["jobID"], 240)
            assert status["status"] == "failed" and text in status["message"], status
            assert status["message"].startswith("inputs.folder: ")


def test_what_ends_in_the_middle_fails_the_job_and_leaves_nothing(site: Site, tmp_path: Path) -> None:
    """Keys that expire and a bucket that goes between the look and the download, an object and a file that are always
    cut short."""
    with small_s3() as s3:
        told = {**_ending_objects(s3), **_cut_file(site)}
        source = {"buckets": ["bucket"], "endpoint": s3.endpoint, "credentials": credentials(tmp_path, OWNER)}
        staging = {"allow_internal": True, "s3": [source]}
        with LiveServer(tmp_path / "server", {"staging": staging}, workers=1) as server:
            server.deploy(SIZES)
            jobs = {href: submitted(server, href) for href in told}
            for href, job in jobs.items():
                status = server.ended(job, 600)
                assert status["status"] == "failed" and told[href] in status["message"], status
                assert status["message"].startswith("inputs.files: ") and href in status["message"], status
                assert nothing_left(server, job), href


def _ending_objects(s3: SmallS3) -> dict[str, str]:
    for name in ("expires", "goes"):
        s3.objects[f"bucket/{name}"] = bytes(1000)
    s3.faults += [("GET bucket/expires", 400, "ExpiredToken"), ("GET bucket/goes", 404, "NoSuchBucket")]
    return {
        "s3://bucket/expires": "the keys of this server have expired",
        "s3://bucket/goes": "the bucket does not exist",
    }


def _cut_file(site: Site) -> dict[str, str]:
    site.files["/cut.bin"], site.breaks["/cut.bin"] = bytes(100_000), [50_000] * 1000
    site.ranges = False
    return {f"{site.url}/cut.bin": "(tried 8 times)"}
