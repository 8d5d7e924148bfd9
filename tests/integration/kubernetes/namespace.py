"""A namespace of the test cluster: accounts, rights, volumes on this machine, and settings that fit."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from pygeoapi_oapip.settings import CalrissianEngine as Settings

from .cluster import TestCluster
from .images import HOST

USER = 1000
_API = ("KUBERNETES_SERVICE_HOST", "127.0.0.1"), ("KUBERNETES_SERVICE_PORT", "16443")
PODS = {
    "apiGroups": [""],
    "resources": ["pods"],
    "verbs": ["create", "patch", "delete", "list", "watch"],
}
LOGS = {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get", "list"]}


class Namespace:
    """Made here with everything that jobs need; `remove` takes all of it away.

    Args:
        cluster: where.
        folder: of this machine, for volumes; it must exist.
    """

    def __init__(self, cluster: TestCluster, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder
        self.name = f"test-{uuid4().hex[:8]}"
        self._volumes: list[str] = []
        meta = {"namespace": self.name}
        cluster.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.name}},
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "calrissian", **meta}},
            self.role("calrissian-steps", [PODS, LOGS]),
            self.binding("calrissian-steps", "calrissian"),
        )

    def role(self, name: str, rules: list[Mapping[str, Any]]) -> Mapping[str, Any]:
        """A Role."""
        return {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": name, "namespace": self.name},
            "rules": rules,
        }

    def binding(self, role: str, account: str) -> Mapping[str, Any]:
        """A RoleBinding for an account of this namespace."""
        return {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": f"{role}-{account}", "namespace": self.name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": self.name}],
        }

    def volume(self, claim: str, mode: str = "ReadWriteMany") -> Path:
        """Make a claim with a volume on this machine; gives its folder."""
        folder = self.provide(claim, "1Gi", mode)
        self.cluster.apply(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": claim, "namespace": self.name},
                "spec": {
                    "accessModes": [mode],
                    "resources": {"requests": {"storage": "1Gi"}},
                    "storageClassName": "",
                    "volumeName": f"{self.name}-{claim}",
                },
            },
        )
        deadline = time.monotonic() + 600
        while self.cluster.kubectl("get", "pvc", claim, "-n", self.name, "-o", "jsonpath={.status.phase}") != "Bound":
            assert time.monotonic() < deadline, "the claim is not bound"
            time.sleep(0.3)
        return folder

    def provide(self, claim: str, size: str, mode: str = "ReadWriteMany") -> Path:
        """Make a volume on this machine for a claim; gives its folder."""
        folder = self.folder / claim
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
        name = f"{self.name}-{claim}"
        self._volumes.append(name)
        self.cluster.apply(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {"name": name},
                "spec": {
                    "accessModes": [mode],
                    "capacity": {"storage": size},
                    "storageClassName": "",
                    "hostPath": {"path": str(folder)},
                    "claimRef": {"namespace": self.name, "name": claim},
                },
            }
        )
        return folder

    def drop(self, claims: Iterable[str]) -> None:
        """Remove the volumes of claims."""
        for claim in claims:
            name = f"{self.name}-{claim}"
            self._volumes.remove(name)
            self.cluster.kubectl("delete", "pv", name, "--wait=true", "--timeout=280s")

    def settings(self, **more: Any) -> Settings:
        """Settings for this namespace. The leader has the network of the machine, as its pod could not reach the API
        server of the test cluster otherwise, and the programs of this machine."""
        block = {
            "namespace": self.name,
            "kubeconfig": self.cluster.kubeconfig,
            "image": HOST,
            "service_account": "calrissian",
            "leader": leader_of_this_machine(self.cluster.venv),
            "stop_grace": 2,
            **more,
        }
        return Settings.model_validate(block)

    def quota(self, name: str, hard: Mapping[str, str]) -> None:
        """Make a ResourceQuota, and wait until the cluster keeps to it."""
        meta = {"name": name, "namespace": self.name}
        self.cluster.apply(
            {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta, "spec": {"hard": dict(hard)}}
        )
        deadline = time.monotonic() + 600
        while not any(row.get("status", {}).get("hard") for row in self.cluster.items("resourcequotas", self.name)):
            assert time.monotonic() < deadline, "the quota is not kept"
            time.sleep(0.3)

    def objects(self) -> list[str]:
        """What jobs have left: Jobs, pods, claims, Secrets and ConfigMaps, as KIND/NAME."""
        found = self.cluster.items("jobs,pods,persistentvolumeclaims,secrets,configmaps", self.name)
        return sorted(f"{row['kind']}/{row['metadata']['name']}" for row in found)

    def drop_ended_pods(self) -> None:
        """Remove the pods that are being removed and do not run (any more): the kubelet lets go of them up to 12 s
        after their end, and up to a minute late where their image could not be had."""
        rows = self.cluster.items("pods", self.name)
        leaving = [row for row in rows if row["metadata"].get("deletionTimestamp") and not _runs(row)]
        names = [row["metadata"]["name"] for row in leaving]
        if names:
            force = ("--force", "--grace-period=0", "--ignore-not-found")
            self.cluster.kubectl("delete", "pods", *names, "-n", self.name, *force)

    def secrets(self) -> list[str]:
        """The tokens of accounts, which the cluster makes by itself."""
        return [row for row in self.objects() if row.startswith("Secret/") and "-token-" in row]

    def remove(self) -> None:
        """Remove the namespace and its volumes; the cluster does it in the meantime."""
        self.drop_ended_pods()
        self.cluster.kubectl("delete", "namespace", self.name, "--wait=false")
        if self._volumes:
            self.cluster.kubectl("delete", "pv", *self._volumes, "--wait=false", "--ignore-not-found")
        shutil.rmtree(self.folder, ignore_errors=True)


def _runs(pod: Mapping[str, Any]) -> bool:
    status = pod.get("status", {})
    rows = (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))
    return any("running" in row.get("state", {}) for row in rows)


def leader_of_this_machine(venv: Path) -> Mapping[str, Any]:
    """The part of a pod template that lets Calrissian run from an environment of this machine."""
    real = Path(os.path.realpath(venv / "bin" / "python")).parents[1]
    folders = {"usr": Path("/usr"), "venv": venv, **({} if real == Path("/usr") else {"python": real})}
    path = f"{venv}/bin:/usr/bin:/bin"
    return {
        "spec": {
            "hostNetwork": True,
            "containers": [
                {
                    "name": "calrissian",
                    "env": [*({"name": k, "value": v} for k, v in _API), {"name": "PATH", "value": path}],
                    "volumeMounts": [
                        {"name": f"host-{name}", "mountPath": str(folder), "readOnly": True}
                        for name, folder in folders.items()
                    ],
                }
            ],
            "volumes": [
                {"name": f"host-{name}", "hostPath": {"path": str(folder)}} for name, folder in folders.items()
            ],
        }
    }
