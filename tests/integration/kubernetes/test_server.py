"""Packages run through a real server on Kubernetes, from the request to the results."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer

from .cluster import TestCluster
from .images import busybox_tree
from .namespace import Namespace

CONVERT = "docker.io/eoepca/convert:latest"
_SCRIPT = """#!/bin/sh
# stands in for the image of EOEPCA: fetches the picture and describes it, as that one does
set -e
operation=$1; url=$3; size=$4
wget -q -O logo-$operation.png "$url"
cat > logo-$operation.json <<ITEM
{"type": "Feature", "stac_version": "1.0.0", "id": "logo", "geometry": null, "properties": {"size": "$size"},
 "links": [], "assets": {"image": {"href": "logo-$operation.png", "type": "image/png"}}}
ITEM
cat > catalog.json <<CATALOG
{"type": "Catalog", "stac_version": "1.0.0", "id": "catalog", "description": "Root",
 "links": [{"rel": "item", "href": "logo-$operation.json"}]}
CATALOG
"""
PACKAGE = """
cwlVersion: v1.0
$graph:
- class: Workflow
  id: convert-url
  label: convert url app
  inputs:
    fn: {type: string, default: resize}
    url: {type: string}
    size: {type: string, default: 50%}
  outputs:
  - {id: converted_image, type: Directory, outputSource: [convert/results]}
  steps:
    convert: {run: '#convert', in: {fn: fn, url: url, size: size}, out: [results]}
- class: CommandLineTool
  id: convert
  requirements: {ResourceRequirement: {coresMax: 1, ramMax: 512}}
  hints: {DockerRequirement: {dockerPull: 'eoepca/convert:latest'}}
  baseCommand: convert.sh
  inputs:
    fn: {type: string, inputBinding: {position: 1}}
    url: {type: string, inputBinding: {position: 2, prefix: --url}}
    size: {type: string, inputBinding: {position: 3}}
  outputs:
    results: {type: Directory, outputBinding: {glob: .}}
"""
SLEEP = """
cwlVersion: v1.2
class: CommandLineTool
id: sleeper
baseCommand: [sh, -c, 'echo ready >&2; sleep 300']
inputs: {}
outputs: {}
"""
FAIL = SLEEP.replace("sleeper", "failer").replace("echo ready >&2; sleep 300", "echo so sorry >&2; exit 42")


def convert_tree(folder: Path) -> None:
    busybox_tree(folder)
    script = folder / "bin" / "convert.sh"
    script.write_text(_SCRIPT, encoding="utf-8")
    script.chmod(0o755)


@pytest.fixture(scope="module")
def server(
    cluster: TestCluster, namespace: Namespace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    cluster.add_image(CONVERT, convert_tree)
    jobs = namespace.volume("jobs")
    # steps reach the file server of this test through the network of the machine
    settings = namespace.settings(volumes={"claim": "jobs"}, steps={"spec": {"hostNetwork": True}})
    block = settings.model_dump(mode="json")
    manager = {"output_dir": str(jobs), "engines": {"cluster": block}, "default_engine": "cluster"}
    with LiveServer(tmp_path_factory.mktemp("server"), manager, workers=1) as live:
        yield live


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("web")
    (folder / "logo.png").write_bytes(b"\x89PNG picture")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{web.server_address[1]}/logo.png"
        web.shutdown()


def test_the_package_of_the_deployment_guide_runs(server: LiveServer, namespace: Namespace, picture: str) -> None:
    before = namespace.objects()
    name = server.deploy(PACKAGE)
    job = server.submit(name, {"url": picture, "size": "50%"})
    end = server.ended(job, 120)
    assert end["status"] == "successful", end
    results: Any = server.get(f"/jobs/{job}/results").json()
    assert "converted_image" in results
    listed = server.get(f"/jobs/{job}/results/converted_image", headers={"Accept": "application/json"})
    assert "catalog.json" in listed.text and "logo-resize.png" in listed.text
    assert end["usage"]["tasks"] == 1
    left = set(namespace.objects()) - set(before)
    assert not {row for row in left if not row.startswith("Pod/")}


def test_a_failure_is_told_with_the_words_of_the_tool(server: LiveServer) -> None:
    end = server.ended(server.submit(server.deploy(FAIL), {}), 120)
    assert end["status"] == "failed"
    assert end["message"] == "The tool ended with exit code 42:\nso sorry"


def test_a_dismissed_job_is_gone_from_the_cluster(server: LiveServer, namespace: Namespace) -> None:
    job = server.submit(server.deploy(SLEEP), {})
    wait_for(lambda: "ready" in server.get(f"/jobs/{job}/logs", headers={"Accept": "text/plain"}).text)
    server.dismiss(job)
    wait_for(lambda: not [row for row in namespace.objects() if row.startswith(("Pod/", "Job/"))], 30)
    assert server.get(f"/jobs/{job}").json()["status"] == "dismissed"


def test_a_restarted_server_goes_on_with_its_jobs(server: LiveServer, picture: str) -> None:
    job = server.submit("convert-url", {"url": picture})
    wait_for(lambda: server.get(f"/jobs/{job}").json()["status"] == "running")
    server.stop()
    server.start()
    assert server.ended(job, 120)["status"] == "successful"


def test_too_large_a_job_is_refused_before_it_exists(server: LiveServer) -> None:
    package = SLEEP.replace("sleeper", "large") + "requirements: {ResourceRequirement: {coresMin: 100}}\n"
    answer = server.post(f"/processes/{server.deploy(package)}/execution", json={"inputs": {}})
    assert answer.status_code == 400 and "100 cores" in answer.json()["detail"]


def test_health_has_the_cluster(server: LiveServer, namespace: Namespace) -> None:
    found = {"ok": True, "detail": f"namespace {namespace.name} of the cluster answers"}
    wait_for(lambda: server.get("/health").json()["parts"]["engine cluster"] == found)


def wait_for(true: Any, limit: float = 60.0) -> None:
    deadline = time.monotonic() + limit
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.3)
