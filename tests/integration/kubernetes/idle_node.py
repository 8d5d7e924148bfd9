"""A node of the test cluster without a machine: pods on it are said to run, and do nothing, so there may be many."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import requests

from .cluster import TestCluster
from .namespace import Namespace

_NAME = "idle"
_LIMIT = 300.0


class IdleNode:
    """A FAKE node: the API server, the controllers and the scheduler are real, the kubelet of this node is this class.

    Args:
        cluster: where.
    """

    labels: Mapping[str, str] = {"oapip-test": _NAME}
    tolerations: Sequence[Mapping[str, str]] = ({"operator": "Exists"},)

    def __init__(self, cluster: TestCluster) -> None:
        pki = cluster.folder / "pki"
        self._cluster = cluster
        self._session = requests.Session()
        self._session.trust_env = False  # other certificates that the machine names
        self._session.cert = (str(pki / "admin.crt"), str(pki / "admin.key"))
        self._session.verify = str(pki / "ca.crt")
        self._namespaces: set[str] = set()

    def __enter__(self) -> IdleNode:
        room = {"cpu": "1000", "memory": "1Ti", "pods": "1000"}
        metadata = {"name": _NAME, "labels": dict(self.labels)}
        taint = {"key": "oapip-test", "value": _NAME, "effect": "NoSchedule"}
        self._cluster.apply({"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {"taints": [taint]}})
        self._status(f"/api/v1/nodes/{_NAME}", {"capacity": room, "allocatable": room, "conditions": [_condition()]})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for namespace in self._namespaces:
            self._cluster.kubectl("delete", "jobs", "--all", "-n", namespace, "--wait=false")
            self._cluster.kubectl("delete", "pods", "--all", "-n", namespace, "--force", "--grace-period=0")
        self._cluster.kubectl("delete", "node", _NAME)
        self._session.close()

    def run(self, namespace: Namespace, wanted: int) -> None:
        """Let the pods of a namespace that are on this node run as they come, until so many do."""
        self._namespaces.add(namespace.name)
        deadline = time.monotonic() + _LIMIT
        running: set[str] = set()
        while len(running) < wanted:
            assert time.monotonic() < deadline, f"{len(running)} of {wanted} pods run on the node"
            for pod in self._pods(namespace):
                name = pod["metadata"]["name"]
                if name not in running:
                    self._status(f"/api/v1/namespaces/{namespace.name}/pods/{name}", _running(pod))
                    running.add(name)
            time.sleep(1.0)

    def _pods(self, namespace: Namespace) -> list[Any]:
        rows = namespace.cluster.items("pods", namespace.name)
        return [row for row in rows if row["spec"].get("nodeName") == _NAME]

    def _status(self, path: str, status: Mapping[str, Any]) -> None:
        answer = self._session.patch(
            f"https://127.0.0.1:16443{path}/status",
            json={"status": status},
            headers={"Content-Type": "application/strategic-merge-patch+json"},
            timeout=30,
        )
        assert answer.status_code == 200, answer.text


def _condition() -> Mapping[str, str]:
    now = _now()
    return {"type": "Ready", "status": "True", "reason": "Idle", "lastHeartbeatTime": now, "lastTransitionTime": now}


def _running(pod: Any) -> Mapping[str, Any]:
    container = pod["spec"]["containers"][0]
    state = {"running": {"startedAt": _now()}}
    shape = {"name": container["name"], "image": container["image"], "imageID": "", "restartCount": 0, "ready": True}
    return {"phase": "Running", "startTime": _now(), "containerStatuses": [{**shape, "state": state}]}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
