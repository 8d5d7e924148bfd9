"""The Kubernetes objects of a job. Pure: settings and a plan in, JSON out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...model.execution import Plan
from ...settings import CalrissianEngine as Settings
from .inpod.overlay import overlaid
from .names import COMPONENT, GROUPS, JOB, LEADER, STEP, USER, job_name, labels, safe_id, safe_user
from .places import Places

_CONTAINER = "calrissian"
_SECRET = "/exchange-secret"
SEALED = "/job-secrets"
"""Where the pod of a job finds the secrets of its package and tools."""
_LEADER_ENV = {
    "RETRY_MULTIPLIER": "1",
    "RETRY_MIN": "1",
    "RETRY_MAX": "30",
    "RETRY_ATTEMPTS": "20",
    "HOME": "/tmp",
    "PYTHONDONTWRITEBYTECODE": "1",
}
_LEADER_RESOURCES = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}


def naming_user(settings: Settings, plan: Plan) -> Settings:
    """The settings for one job: all its objects tell by a label, and its pods by annotations, whose it is."""
    labelled = {**settings.labels, USER: safe_user(plan.owner)}
    told = {USER: plan.owner, **({GROUPS: ",".join(plan.groups)} if plan.groups else {})}
    return settings.model_copy(update={"labels": labelled, "annotations": {**settings.annotations, **told}})


def job(settings: Settings, job_id: str, process_id: str, where: Places, sealed: bool = False) -> dict[str, Any]:
    """The Job whose pod runs Calrissian. Its pod has one container, `calrissian`, which is the first one (Calrissian
    reads the claims of its first container).

    Args:
        settings: of the engine.
        job_id: as the server has it.
        process_id: for its labels.
        where: its files are.
        sealed: True: the Secret of the job has secrets of its package or tools.
    """
    own = {**settings.labels, **labels(job_id, process_id, settings.instance)}
    template = {
        "metadata": {"labels": {**own, COMPONENT: LEADER}, "annotations": dict(settings.annotations)},
        "spec": _leader(settings, where, job_name(job_id) if sealed else ""),
    }
    spec: dict[str, Any] = {
        "backoffLimit": settings.retries,
        "ttlSecondsAfterFinished": round(settings.ttl),
        "template": overlaid(template, settings.leader),
    }
    if settings.deadline:
        spec["activeDeadlineSeconds"] = max(1, round(settings.deadline))
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": job_name(job_id), "labels": own, "annotations": {JOB: job_id}},
        "spec": spec,
    }


def claim(settings: Settings, job_id: str, process_id: str, owner: Mapping[str, Any], size: int) -> dict[str, Any]:
    """The claim of a job's own volume.

    Args:
        settings: of the engine.
        job_id: whose it is.
        process_id: for its labels.
        owner: the Job, as the cluster has it: the claim goes with it.
        size: bytes.
    """
    volumes = settings.volumes
    spec: dict[str, Any] = {
        "accessModes": [volumes.access_mode],
        "resources": {"requests": {"storage": str(size)}},
    }
    if volumes.storage_class:
        spec["storageClassName"] = volumes.storage_class
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": _owned(settings, job_id, process_id, owner),
        "spec": spec,
    }


def _owned(settings: Settings, job_id: str, process_id: str, owner: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": job_name(job_id),
        "labels": {**settings.labels, **labels(job_id, process_id, settings.instance)},
        "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": owner["name"], "uid": owner["uid"]}],
    }


def secret(
    settings: Settings, job_id: str, process_id: str, owner: Mapping[str, Any], content: Mapping[str, str]
) -> Any:
    """The Secret of a job, by which the leader's pod exchanges files, and steps get secrets; it goes with its owner,
    the Job."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": _owned(settings, job_id, process_id, owner),
        "stringData": dict(content),
    }


def step_selector(job_id: str) -> str:
    """Selects the pods of a job's steps."""
    return f"{JOB}={safe_id(job_id)},{COMPONENT}={STEP}"


def steps(settings: Settings, job_id: str, process_id: str) -> dict[str, Any]:
    """What is laid over the pod of each step."""
    own = {**settings.labels, **labels(job_id, process_id, settings.instance), COMPONENT: STEP}
    container: dict[str, Any] = {
        "imagePullPolicy": settings.pull_policy,
        "env": [{"name": name, "value": value} for name, value in settings.env.items()],
        "securityContext": _container_security(settings),
    }
    if settings.env_from_secrets:
        container["envFrom"] = [{"secretRef": {"name": name}} for name in settings.env_from_secrets]
    spec = {
        **_everywhere(settings),
        "securityContext": _pod_security(settings),
        "terminationGracePeriodSeconds": round(settings.stop_grace),
        "containers": [container],
    }
    if settings.step_service_account:
        spec["serviceAccountName"] = settings.step_service_account
    else:
        spec["automountServiceAccountToken"] = False
    if settings.volumes.storage_class is not None and settings.volumes.access_mode == "ReadWriteOnce":
        spec["affinity"] = overlaid(spec.get("affinity", {}), _beside_leader(job_id))
    part = {"metadata": {"labels": own, "annotations": dict(settings.annotations)}, "spec": spec}
    merged: dict[str, Any] = overlaid(part, settings.steps)
    return merged


def _leader(settings: Settings, where: Places, sealed: str) -> dict[str, Any]:
    container = {
        "name": _CONTAINER,
        "image": settings.image,
        "imagePullPolicy": settings.pull_policy,
        "command": _command(where),
        "env": [
            {"name": "CALRISSIAN_POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "CALRISSIAN_INIT_IMAGE", "value": settings.init_image},
            *({"name": name, "value": value} for name, value in _LEADER_ENV.items()),
        ],
        "resources": _LEADER_RESOURCES,
        "securityContext": _container_security(settings),
        "volumeMounts": [
            *(mount.mount() for mount in where.mounts),
            {"name": "tmp", "mountPath": "/tmp"},
            *([{"name": "exchange", "mountPath": _SECRET, "readOnly": True}] if where.secret else []),
            *([{"name": "secrets", "mountPath": SEALED, "readOnly": True}] if sealed else []),
        ],
    }
    secrets = [
        {"name": name, "secret": {"secretName": secret, "defaultMode": 0o440}}
        for name, secret in (("exchange", where.secret), ("secrets", sealed))
        if secret
    ]
    return {
        **_everywhere(settings),
        "serviceAccountName": settings.service_account,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": round(settings.stop_grace) + 5,
        "securityContext": _pod_security(settings),
        "containers": [container],
        "volumes": [
            *(mount.volume() for mount in where.mounts),
            {"name": "tmp", "emptyDir": {}},
            *secrets,
        ],
    }


def _command(where: Places) -> list[str]:
    if where.secret:
        return ["python3", f"{_SECRET}/carrier.py", f"{_SECRET}/exchange.json"]
    return ["python3", f"{where.pod_in}/run/runner.py", f"{where.pod_in}/run/plan.json"]


def _everywhere(settings: Settings) -> dict[str, Any]:
    given: dict[str, Any] = {
        "nodeSelector": dict(settings.node_selector),
        "tolerations": [dict(row) for row in settings.tolerations],
        "affinity": dict(settings.affinity),
        "priorityClassName": settings.priority_class,
        "imagePullSecrets": [{"name": name} for name in settings.pull_secrets],
    }
    return {key: value for key, value in given.items() if value}


def _pod_security(settings: Settings) -> dict[str, Any]:
    return {
        "runAsUser": settings.run_as_user,
        "runAsGroup": settings.run_as_group,
        "fsGroup": settings.run_as_group,
        "runAsNonRoot": settings.run_as_user != 0,
    }


def _container_security(settings: Settings) -> dict[str, Any]:
    context: dict[str, Any] = {"allowPrivilegeEscalation": False}
    if settings.run_as_user != 0:
        context["capabilities"] = {"drop": ["ALL"]}
    return context


def _beside_leader(job_id: str) -> dict[str, Any]:
    """Keeps the steps on the node of the leader: a ReadWriteOnce volume can be on one node only."""
    term = {
        "labelSelector": {"matchLabels": {JOB: safe_id(job_id), COMPONENT: LEADER}},
        "topologyKey": "kubernetes.io/hostname",
    }
    return {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
