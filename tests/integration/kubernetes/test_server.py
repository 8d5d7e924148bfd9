"""Packages run through a real server on Kubernetes, from the request to the results."""

from __future__ import annotations

import http.server
import json
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer

from .built_images import CONVERT, build
from .cluster import TestCluster
from .namespace import Namespace

PACKAGE = Path(__file__).parents[2] / "tools" / "clients" / "packages" / "convert-url-app.cwl"
"""The application package of EOEPCA's deployment guide, unchanged."""
IMAGE = "docker.io/eoepca/convert:latest"
SLEEP = """
cwlVersion: v1.2
class: CommandLineTool
id: sleeper
baseCommand: [sh, -c, 'echo ready >&2; sleep 300']
inputs: {}
outputs: {}
"""
FAIL = SLEEP.replace("sleeper", "failer").replace("echo ready >&2; sleep 300", "echo so sorry >&2; exit 42")


@pytest.fixture(scope="module")
def server(
    cluster: TestCluster, namespace: Namespace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    build(cluster, CONVERT, IMAGE)
    jobs = namespace.volume("jobs")
    # steps reach the file server of this test through the network of the machine
    settings = namespace.settings(volumes={"claim": "jobs"}, steps={"spec": {"hostNetwork": True}})
    block = settings.model_dump(mode="json")
    manager = {"output_dir": str(jobs), "engines": {"cluster": block}, "default_engine": "cluster"}
    with LiveServer(tmp_path_factory.mktemp("server"), manager, workers=1) as live:
        yield live


def png(width: int, height: int) -> bytes:
    """A red picture."""
    rows = (b"\0" + b"\xff\0\0" * width) * height
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    chunks = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("web")
    (folder / "logo.png").write_bytes(png(40, 20))
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{web.server_address[1]}/logo.png"
        web.shutdown()


def test_the_package_of_the_deployment_guide_runs(server: LiveServer, namespace: Namespace, picture: str) -> None:
    before = namespace.objects()
    name = server.deploy(PACKAGE.read_bytes())
    job = server.submit(name, {"url": picture, "size": "50%"})
    end = server.ended(job, 600)
    assert end["status"] == "successful", server.get(f"/jobs/{job}/logs", headers={"Accept": "text/plain"}).text
    results: Any = server.get(f"/jobs/{job}/results").json()
    assert results["type"] == "Collection" and "logo-resize" in json.dumps(results)  # the package makes a catalogue
    listed = server.get(f"/jobs/{job}/results/converted_image", headers={"Accept": "application/json"})
    assert "catalog.json" in listed.text and "logo-resize.png" in listed.text
    made = server.get(f"/jobs/{job}/results/converted_image/logo-resize.png")
    assert struct.unpack(">II", made.content[16:24]) == (20, 10)
    assert end["usage"]["tasks"] == 1
    wait_for(lambda: set(namespace.objects()) <= set(before))


def test_a_failure_is_told_with_the_words_of_the_tool(server: LiveServer) -> None:
    end = server.ended(server.submit(server.deploy(FAIL), {}), 600)
    assert end["status"] == "failed"
    assert end["message"] == "The tool ended with exit code 42:\nso sorry"


def test_a_dismissed_job_is_gone_from_the_cluster(server: LiveServer, namespace: Namespace) -> None:
    job = server.submit(server.deploy(SLEEP), {})
    wait_for(lambda: "ready" in server.get(f"/jobs/{job}/logs", headers={"Accept": "text/plain"}).text)
    server.dismiss(job)
    wait_for(lambda: not [row for row in namespace.objects() if row.startswith(("Pod/", "Job/"))])
    assert server.get(f"/jobs/{job}").json()["status"] == "dismissed"


def test_a_restarted_server_goes_on_with_its_jobs(server: LiveServer, picture: str) -> None:
    job = server.submit("convert-url", {"url": picture})
    wait_for(lambda: server.get(f"/jobs/{job}").json()["status"] == "running")
    server.stop()
    server.start()
    assert server.ended(job, 600)["status"] == "successful"


def test_too_large_a_job_is_refused_before_it_exists(server: LiveServer) -> None:
    package = SLEEP.replace("sleeper", "large") + "requirements: {ResourceRequirement: {coresMin: 100}}\n"
    answer = server.post(f"/processes/{server.deploy(package)}/execution", json={"inputs": {}})
    assert answer.status_code == 400 and "100 cores" in answer.json()["detail"]


def test_health_has_the_cluster(server: LiveServer, namespace: Namespace) -> None:
    found = {"ok": True, "detail": f"namespace {namespace.name} of the cluster answers"}
    wait_for(lambda: server.get("/health").json()["parts"]["engine cluster"] == found)


def wait_for(true: Any, limit: float = 600.0) -> None:
    deadline = time.monotonic() + limit
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.3)
