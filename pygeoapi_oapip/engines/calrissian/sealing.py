"""Secrets of a run: their values in the Secret of the job, and in its plan where they are (read by inpod/sealed.py)."""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import PlanRejected
from ...model.json import JSON, JSONObject
from .client import Cluster
from .manifest import SEALED
from .names import job_name

_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def content(secrets: Mapping[str, str]) -> Mapping[str, str]:
    """What the Secret of a job has.

    Args:
        secrets: placeholder -> value.
    """
    return {key: secrets[mark] for mark, key in _keys(secrets).items()}


def planned(job_id: str, secrets: Mapping[str, str]) -> JSONObject:
    """The member of a plan that tells where the secrets are; none where there are none."""
    if not secrets:
        return {}
    keys: dict[str, JSON] = {**_keys(secrets)}
    return {"secret": {"name": job_name(job_id), "folder": SEALED, "keys": keys}}


def require_right(cluster: Cluster, namespace: str) -> None:
    """Asked before anything is made.

    Raises:
        PlanRejected: this server may not make Secrets.
        Refused, EngineUnavailable: the cluster does not tell.
    """
    asked: JSONObject = {"namespace": namespace, "group": "", "resource": "secrets", "verb": "create"}
    body: JSONObject = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": asked},
    }
    status = cluster.create(_REVIEW, body).get("status") or {}
    if not status.get("allowed"):
        raise PlanRejected(
            "The job has secrets, and this server may not make Secrets in the cluster, so it was not started: its "
            f"account needs the right secrets: create in the namespace {namespace} (role secret-role)."
        )


def _keys(secrets: Mapping[str, str]) -> dict[str, str]:
    return {mark: f"secret-{index}" for index, mark in enumerate(sorted(secrets))}
