"""Runs packages with the engine on the test cluster."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from pygeoapi_oapip.engines.calrissian.engine import CalrissianEngine
from pygeoapi_oapip.model.execution import Plan
from pygeoapi_oapip.model.json import JSONObject
from pygeoapi_oapip.model.process import Package
from pygeoapi_oapip.model.run import RunRef
from pygeoapi_oapip.settings import CalrissianEngine as Settings

from ...engine_runs import Runs
from ...engine_runs import shell as shell
from .cluster import CannotStart
from .namespace import Namespace

_GONE = 240.0
CLASS = "test-class"


class Bench(Runs[CalrissianEngine]):
    """An engine and the folder of its jobs.

    Args:
        settings: of the engine.
        jobs: the server's `output_dir`.
    """

    def __init__(self, settings: Settings, jobs: Path) -> None:
        self.settings = settings
        self.jobs = jobs
        super().__init__(CalrissianEngine("cluster", settings, jobs))

    def plan(self, document: JSONObject, order: JSONObject | None = None, process: str = "tested") -> Plan:
        """A plan with a new job id; its workspace is there."""
        job_id = str(uuid4())
        for part in ("inputs", "work", "outputs", "logs"):
            (self.jobs / job_id / part).mkdir(parents=True)
        package = Package(document, "", b"", "application/cwl+json")
        return Plan(job_id, process, package, order or {}, self.jobs / job_id, "anonymous")

    def rest(self, run: RunRef) -> None:
        """Wait until it may have changed."""
        self.engine.wait([run], 1.0)

    def until_gone(self, namespace: Namespace, before: list[str], limit: float = _GONE) -> None:
        """Wait until the namespace has no more objects than before."""
        deadline = time.monotonic() + limit
        while left := set(namespace.objects()) - set(before):
            assert time.monotonic() < deadline, f"left: {left}"
            namespace.drop_ended_pods()
            time.sleep(0.5)

    def log(self, run: RunRef) -> str:
        """The log so far, with the steps."""
        return "\n".join(f"{line.source}: {line.text}" for line in self.engine.logs(run))


@contextmanager
def provisioner(namespace: Namespace, storage_class: str = CLASS, anywhere: bool = False) -> Iterator[Path]:
    """Gives each pending claim of a class a folder of this machine, and removes it with its claim, as a class of a real
    cluster does.

    Args:
        namespace: where claims are served.
        storage_class: theirs.
        anywhere: serve claims of all namespaces; then the class must be of this test alone.
    """
    folder = namespace.folder / "provisioned"
    folder.mkdir(exist_ok=True)
    stop = threading.Event()

    def look() -> None:
        for claim in namespace.cluster.items("pvc", "" if anywhere else namespace.name):
            if claim["spec"].get("storageClassName") == storage_class and not claim["spec"].get("volumeName"):
                _provide(namespace, claim, folder, storage_class)
        for volume in namespace.cluster.items("pv", namespace.name):
            of = volume["spec"].get("claimRef") or {}
            ours = (
                volume["spec"].get("storageClassName") == storage_class
                if anywhere
                else of.get("namespace") == namespace.name
            )
            if ours and volume.get("status", {}).get("phase") == "Released":
                namespace.cluster.kubectl("delete", "pv", volume["metadata"]["name"], "--wait=false")

    def serve() -> None:
        while not stop.wait(0.3):
            with suppress(CannotStart):  # the API server may be away, or the claim gone
                look()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield folder
    finally:
        stop.set()
        thread.join()


def _provide(namespace: Namespace, claim: Any, folder: Path, storage_class: str) -> None:
    name = claim["metadata"]["name"]
    place = folder / name
    if place.exists():
        return
    place.mkdir()
    place.chmod(0o777)
    namespace.cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": f"{namespace.name}-{claim['metadata']['uid']}"},
            "spec": {
                "accessModes": claim["spec"]["accessModes"],
                "capacity": claim["spec"]["resources"]["requests"],
                "storageClassName": storage_class,
                "hostPath": {"path": str(place)},
                "claimRef": {key: claim["metadata"][key] for key in ("namespace", "name", "uid")},
            },
        }
    )


def large(document: JSONObject, size: int) -> JSONObject:
    """A document that is larger than `size` bytes."""
    return {**document, "doc": "x" * size, "label": json.dumps("é😀")}
