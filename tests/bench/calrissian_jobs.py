"""Jobs on Kubernetes, against the bare Calrissian Job of the same package; API calls at rest while many jobs run."""

from __future__ import annotations

import json
import os
import statistics
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
import yaml

from pygeoapi_oapip.engines.calrissian import manifest
from pygeoapi_oapip.engines.calrissian.client import Cluster
from pygeoapi_oapip.engines.calrissian.places import places
from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.kubernetes.bench import shell
from tests.integration.kubernetes.call_counter import CallCounter
from tests.integration.kubernetes.cluster import ARCHIVE, CannotStart, TestCluster
from tests.integration.kubernetes.idle_node import IdleNode
from tests.integration.kubernetes.namespace import Namespace

from .figures import Figure

_ECHO = {**shell("echo hello", stdout="said.txt", outputs={"said": "stdout"}), "id": "hello"}
_LIMIT = 300.0
_MINUTE = 60.0


def on_kubernetes(folder: Path, quick: bool) -> list[Figure]:
    """Both figures; one row that says why, where there is no cluster."""
    try:
        cluster = TestCluster()
    except CannotStart as reason:
        said = f"{ARCHIVE} is not set" if ARCHIVE not in os.environ else str(reason).splitlines()[0]
        return [Figure("jobs on Kubernetes", "not measured", said)]
    volumes = cluster.folder / "bench-volumes"
    volumes.mkdir(exist_ok=True)
    namespace = Namespace(cluster, volumes)
    try:
        jobs = namespace.volume("jobs")
        return [_overhead(namespace, jobs, folder, 2 if quick else 5), _calls(namespace, jobs, folder, 200)]
    finally:
        namespace.remove()
        cluster.remove()


def _overhead(namespace: Namespace, jobs: Path, folder: Path, times: int) -> Figure:
    """By turns, so that other programs disturb both alike."""
    bare, ours = [], []
    with _server(namespace, jobs, folder / "kubernetes") as live:
        live.deploy(yaml.safe_dump(_ECHO))
        _by_api(live)
        for _ in range(times):
            bare.append(_bare(namespace, jobs))
            ours.append(_by_api(live))
    added = statistics.median(ours) - statistics.median(bare)
    return Figure(
        "a tool on Kubernetes: from request to result, median",
        f"{statistics.median(ours):.1f} s",
        f"bare Job of Calrissian, until its result is on the volume: {statistics.median(bare):.1f} s",
        statistics.median(ours) / statistics.median(bare),
        "at most 1.5 s more",
        added <= 1.5,
    )


def _server(namespace: Namespace, jobs: Path, home: Path, **settings: Any) -> LiveServer:
    block = namespace.settings(volumes={"claim": "jobs"}, **settings).model_dump(mode="json")
    manager = {"output_dir": str(jobs), "engines": {"cluster": block}, "default_engine": "cluster"}
    return LiveServer(home, manager, workers=1)


def _by_api(live: LiveServer) -> float:
    began = time.perf_counter()
    job = live.submit("hello", {})
    assert live.ended(job, _LIMIT)["status"] == "successful"
    assert requests.get(f"{live.url}/jobs/{job}/results/said", timeout=30).text == "hello\n"
    return time.perf_counter() - began


def _bare(namespace: Namespace, jobs: Path) -> float:
    """The pod that the engine would make, with the command `calrissian` alone, as its guide has it."""
    name = f"bare-{uuid4().hex[:8]}"
    work = jobs / name
    work.mkdir()
    work.chmod(0o777)
    (work / "app.cwl").write_text(json.dumps(_ECHO), encoding="utf-8")
    (work / "order.json").write_text("{}", encoding="utf-8")
    settings = namespace.settings(volumes={"claim": "jobs"})
    body = manifest.job(settings, name, "bare", places(settings.volumes, name, work))
    root = "/calrissian/job"
    arguments = ("--max-ram", "2G", "--max-cores", "2", "--outdir", f"{root}/out", "--stdout", f"{root}/out.json")
    folders = ("--tmpdir-prefix", f"{root}/tmp/", "--tmp-outdir-prefix", f"{root}/tmp/")
    command = ["calrissian", *arguments, *folders, "--default-container", settings.default_image]
    body["spec"]["template"]["spec"]["containers"][0]["command"] = [*command, f"{root}/app.cwl", f"{root}/order.json"]
    cluster, path = Cluster(settings), f"/apis/batch/v1/namespaces/{namespace.name}/jobs"
    began = time.perf_counter()
    made = cluster.create(path, body)["metadata"]["name"]
    while not cluster.get(f"{path}/{made}").get("status", {}).get("succeeded"):
        assert time.perf_counter() - began < _LIMIT, f"{made} does not end"
        time.sleep(0.1)
    assert (work / "out" / "said.txt").read_text() == "hello\n"
    took = time.perf_counter() - began
    cluster.delete(f"{path}/{made}")
    return took


def _calls(namespace: Namespace, jobs: Path, folder: Path, many: int) -> Figure:
    """Requests in a minute in which nothing happens, while a tenth of the jobs, and then all, run."""
    counts = []
    with CallCounter(namespace.cluster.folder) as counter, IdleNode(namespace.cluster) as node:
        settings = {
            "kubeconfig": counter.kubeconfig(folder),
            "node_selector": node.labels,
            "tolerations": node.tolerations,
        }
        with _server(namespace, jobs, folder / "at-rest", **settings) as live:
            live.deploy(yaml.safe_dump(_ECHO))
            started = 0
            for wanted in (many // 10, many):
                for _ in range(wanted - started):
                    live.submit("hello", {})
                started = wanted
                node.run(namespace, wanted)
                _until_running(live, wanted)
                before = counter.count
                time.sleep(_MINUTE)
                counts.append(counter.count - before)
            _dismiss_all(live)
        assert counter.count > many, "the server went past the counter"
    few, all_of_them = counts
    return Figure(
        f"requests to the Kubernetes API in a minute of rest, {many} running jobs (pods on a node without a kubelet)",
        f"{all_of_them}",
        f"{many // 10} running jobs: {few}",
        all_of_them / few if few else None,
        "at most two more",
        all_of_them <= few + 2,
    )


def _until_running(live: LiveServer, wanted: int) -> None:
    deadline = time.monotonic() + _LIMIT
    while len(live.get("/jobs", params={"status": "running", "limit": 1000}).json()["jobs"]) < wanted:
        assert time.monotonic() < deadline, f"{wanted} jobs do not run"
        time.sleep(1.0)
    time.sleep(5.0)


def _dismiss_all(live: LiveServer) -> None:
    for row in live.get("/jobs", params={"limit": 1000}).json()["jobs"]:
        live.dismiss(row["jobID"])
