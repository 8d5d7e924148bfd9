"""The server runs in the cluster itself: by the manifests of docker/kubernetes/server, in images of docker/build."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from pygeoapi_oapip.testing.live_server import LiveServer

from .bench import provisioner
from .built_images import POSTGRES, RUNNER, SERVER, build
from .cluster import TestCluster
from .namespace import Namespace
from .service_addresses import service_addresses

MANIFESTS = Path(__file__).parents[3] / "docker" / "kubernetes" / "server"
READY = 420.0
TOOL = """
cwlVersion: v1.2
class: CommandLineTool
id: greet
requirements: {ResourceRequirement: {coresMin: 0.1, ramMin: 64}}
baseCommand: [sh, -c, 'echo ready >&2; sleep $1; cat "$0"']
arguments: [$(inputs.text.path), $(inputs.seconds)]
inputs: {text: File, seconds: int}
outputs: {said: stdout}
stdout: said.txt
"""


class Site(LiveServer):
    """The server that a Service leads to."""

    def __init__(self, url: str, namespace: Namespace) -> None:
        self.url = url
        self.namespace = namespace

    def pods(self) -> list[Any]:
        """Of the server."""
        return [
            row
            for row in self.namespace.cluster.items("pods", self.namespace.name)
            if row["metadata"]["labels"].get("app.kubernetes.io/name") == "oapip-server"
        ]


@pytest.fixture
def namespace(cluster: TestCluster) -> Iterator[Namespace]:
    """Of one test alone: its database begins empty."""
    made = Namespace(cluster, Path(tempfile.mkdtemp(prefix="volumes-", dir=cluster.folder)))
    made.folder.chmod(0o755)
    yield made
    made.remove()


@pytest.fixture(scope="module")
def images(cluster: TestCluster) -> dict[str, str]:
    """Names of the images, which the cluster has."""
    return {image: build(cluster, image) for image in (POSTGRES, RUNNER, SERVER)}


def manifests(namespace: Namespace, way: str, images: dict[str, str], folder: Path) -> list[Any]:
    """The objects, as an administrator's own overlay changes them: namespace and images."""
    environment = {"name": "OAPIP_CALRISSIAN_IMAGE", "value": images[RUNNER]}
    pod = {"containers": [{"name": "server", "env": [environment]}]}
    overlay = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": namespace.name,
        "resources": [os.path.relpath(MANIFESTS / way, folder.resolve())],
        "images": [
            {"name": "oapip-server", **_named(images[SERVER])},
            {"name": "postgres", **_named(images[POSTGRES])},
        ],
        "patches": [{"path": "image.yaml"}],
    }
    patch = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "oapip"},
        "spec": {"template": {"spec": pod}},
    }
    (folder / "image.yaml").write_text(yaml.safe_dump(patch), encoding="utf-8")
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay), encoding="utf-8")
    return list(yaml.safe_load_all(namespace.cluster.kubectl("kustomize", str(folder.resolve()))))


def _named(image: str) -> dict[str, str]:
    name, _, tag = image.rpartition(":")
    return {"newName": name, "newTag": tag}


def without_dns(namespace: Namespace, rows: list[Any]) -> list[Any]:
    """The cluster of the tests has no DNS: the pod of the server is told the address of the database."""
    services = [row for row in rows if row["kind"] == "Service"]
    namespace.cluster.apply(*services)
    for row in rows:
        if row["kind"] == "Deployment":
            alias = {"ip": _address(namespace, "oapip-db"), "hostnames": ["oapip-db"]}
            row["spec"]["template"]["spec"]["hostAliases"] = [alias]
    return rows


def _address(namespace: Namespace, service: str) -> str:
    get = ("get", "service", service, "-n", namespace.name, "-o", "jsonpath={.spec.clusterIP}")
    return namespace.cluster.kubectl(*get)


@contextmanager
def site(namespace: Namespace, way: str, images: dict[str, str], folder: Path) -> Iterator[Site]:
    """Applied to the namespace, and ready."""
    cluster = namespace.cluster
    rows = without_dns(namespace, manifests(namespace, way, images, folder))
    claims = [row for row in rows if row["kind"] == "PersistentVolumeClaim"]
    modes = {row["metadata"]["name"]: row["spec"]["accessModes"][0] for row in claims}
    for claim, mode in {**modes, "data-oapip-db-0": "ReadWriteOnce"}.items():
        namespace.provide(claim, "1Ti", mode)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "oapip-db", "namespace": namespace.name}}
    with service_addresses(cluster.folder), provisioner(namespace, "standard"):
        cluster.apply({**secret, "stringData": {"password": "chosen here"}}, *rows)
        made = Site(f"http://{_address(namespace, 'oapip')}", namespace)
        until_ready(made)
        yield made


def until_ready(made: Site) -> None:
    """Wait for the probes of the cluster, and then for the Service."""
    deadline = time.monotonic() + READY
    while not any(row.get("ready") for pod in made.pods() for row in pod["status"].get("containerStatuses", ())):
        assert time.monotonic() < deadline, said(made)
        time.sleep(1.0)
    while not answers(made):
        assert time.monotonic() < deadline, said(made)
        time.sleep(0.5)


def answers(made: Site) -> bool:
    try:
        return requests.get(f"{made.url}/health", timeout=10).status_code == 200
    except requests.RequestException:
        return False


def said(made: Site) -> str:
    """Why the server is not ready."""
    where = ("-n", made.namespace.name)
    kubectl = made.namespace.cluster.kubectl
    pods = kubectl("get", "pods", *where) + kubectl("get", "events", *where, "--sort-by=.lastTimestamp")[-3000:]
    logs = [kubectl("logs", pod["metadata"]["name"], *where, "--tail=30") for pod in made.pods()[:1]]
    return "\n".join([pods, *logs])


@pytest.mark.parametrize("way", ["volume-per-job", "three-claims", "shared-volume"])
def test_the_manifests_give_a_server_that_runs_packages(
    namespace: Namespace, images: dict[str, str], way: str, tmp_path: Path
) -> None:
    with site(namespace, way, images, tmp_path) as server:
        parts = server.get("/health").json()["parts"]
        detail = f"namespace {namespace.name} of the cluster answers"
        assert parts["engine cluster"] == {"ok": True, "detail": detail}, said(server)
        name = server.deploy(TOOL)
        job = server.submit(name, {"text": {"value": "hello"}, "seconds": 0})
        assert server.ended(job, 240)["status"] == "successful", server.get(f"/jobs/{job}/logs").text
        assert server.get(f"/jobs/{job}/results/said").text == "hello"
        if way == "volume-per-job":
            a_job_survives_its_server(server, name)


def a_job_survives_its_server(server: Site, name: str) -> None:
    """The pod of the server is killed while a job runs: another one goes on with the job, which runs once."""
    kubectl, where = server.namespace.cluster.kubectl, ("-n", server.namespace.name)
    job = server.submit(name, {"text": {"value": "once"}, "seconds": 25})
    until(lambda: "ready" in server.get(f"/jobs/{job}/logs", headers={"Accept": "text/plain"}).text)
    [old] = server.pods()
    kubectl("delete", "pod", old["metadata"]["name"], *where, "--force", "--grace-period=0")
    until(lambda: [pod["metadata"]["uid"] for pod in server.pods()] not in ([], [old["metadata"]["uid"]]))
    until_ready(server)
    assert server.ended(job, 240)["status"] == "successful", said(server)
    assert server.get(f"/jobs/{job}/results/said").text == "once"
    log = server.get(f"/jobs/{job}/logs", headers={"Accept": "text/plain"}).text
    assert log.count("ready") == 1, log
    until(lambda: server.namespace.cluster.items("jobs", server.namespace.name) == [])


def until(true: Any) -> None:
    deadline = time.monotonic() + READY
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.5)
