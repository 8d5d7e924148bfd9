"""Makes and removes namespaces of users and of jobs, with all that pods need there. Each call may be repeated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import EngineUnavailable, PlanRejected
from ...model.execution import Plan
from ...settings import CalrissianEngine as Settings
from .client import Cluster, Refused, make_once
from .names import INSTANCE, JOB, MANAGED_BY, PRODUCT, labels, namespace_of

PATH = "/api/v1/namespaces"
_RBAC = "rbac.authorization.k8s.io"
_CONFLICT, _NOT_FOUND = 409, 404


def ensure(settings: Settings, cluster: Cluster, plan: Plan) -> None:
    """Make the namespace of a plan's user or job; a shared one has to be there.

    Raises:
        Refused: the cluster does not allow it.
        EngineUnavailable: the cluster is away, or the namespace is just being removed.
        PlanRejected: a namespace of this name belongs to something else.
    """
    name = namespace_of(settings.namespace, plan.owner, plan.job_id)
    if not settings.everywhere or (settings.per_user and not settings.namespaces.make):
        return
    try:
        cluster.create(PATH, _namespace(settings, name, plan))
    except Refused as refusal:
        if refusal.status != _CONFLICT:
            raise
        _require_ours(cluster.get(f"{PATH}/{name}"))
    for path, body in _content(settings, cluster, name):
        make_once(cluster, path, body)


def remove(cluster: Cluster, name: str) -> None:
    """Remove the namespace of a job, with all that is in it. Raises Refused, EngineUnavailable."""
    try:
        cluster.delete(f"{PATH}/{name}")
    except Refused as refusal:
        if refusal.status != _CONFLICT:  # it is being removed
            raise


def of_jobs(cluster: Cluster, selector: str) -> Iterator[tuple[str, str]]:
    """Name and job id of the namespaces that were made for one job each. Raises Refused, EngineUnavailable."""
    for row in cluster.get(PATH, labelSelector=selector)["items"]:
        job_id = (row["metadata"].get("annotations") or {}).get(JOB)
        if job_id and not row["metadata"].get("deletionTimestamp"):
            yield str(row["metadata"]["name"]), str(job_id)


def _namespace(settings: Settings, name: str, plan: Plan) -> Mapping[str, Any]:
    meta: dict[str, Any] = {"name": name, "labels": {MANAGED_BY: PRODUCT, INSTANCE: settings.instance}}
    if settings.per_job:
        meta["labels"] = labels(plan.job_id, plan.process_id, settings.instance)
        meta["annotations"] = {JOB: plan.job_id}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {**meta, "labels": {**settings.labels, **meta["labels"]}},
    }


def _require_ours(found: Mapping[str, Any]) -> None:
    meta = found["metadata"]
    if meta.get("deletionTimestamp"):
        raise EngineUnavailable(f"the namespace {meta['name']} is being removed")
    if (meta.get("labels") or {}).get(MANAGED_BY) != PRODUCT:
        raise PlanRejected(f"The namespace {meta['name']} is there without the label {MANAGED_BY}={PRODUCT}.")


def _content(settings: Settings, cluster: Cluster, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    more, account = settings.namespaces, settings.service_account
    core, meta = f"{PATH}/{name}", {"namespace": name}
    for other in dict.fromkeys((account, settings.step_service_account)):
        if other not in ("", "default"):
            body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": other, **meta}}
            yield f"{core}/serviceaccounts", body
    yield (
        f"/apis/{_RBAC}/v1/namespaces/{name}/rolebindings",
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": more.role, **meta},
            "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": more.role},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": name}],
        },
    )
    if more.quota:
        hard = {key: str(value) for key, value in more.quota.items()}
        quota = {"metadata": {"name": "oapip", **meta}, "spec": {"hard": hard}}
        yield f"{core}/resourcequotas", {"apiVersion": "v1", "kind": "ResourceQuota", **quota}
    for secret in (*settings.pull_secrets, *settings.env_from_secrets) if more.secrets_from else ():
        found = cluster.get(f"{PATH}/{more.secrets_from}/secrets/{secret}")
        kept = {key: found[key] for key in ("type", "data") if key in found}
        yield f"{core}/secrets", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": secret, **meta}, **kept}
