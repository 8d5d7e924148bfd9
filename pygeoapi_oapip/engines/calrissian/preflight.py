"""Whether the account of this server may do what it has to, asked by SelfSubjectAccessReview in the background.

docs/engines/calrissian.md has the same list, and docker/kubernetes the roles.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import EngineUnavailable
from ...settings import CalrissianEngine as Settings
from ..base import EngineHealth
from .client import Cluster, Refused
from .exchange import Exchange

FRESH = 60.0
"""Seconds for which an answer is believed."""
_PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(frozen=True, slots=True)
class Right:
    """Verbs for one kind of object."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    role: str
    """Name of the role in docker/kubernetes that gives it."""
    without: str = ""
    """What happens without it; "" where no job can run."""
    name: str = ""
    """Of the one object; "" for all."""
    namespace: str = ""
    """Where; "" in the namespace or namespaces of jobs."""


def rights(settings: Settings) -> Sequence[Right]:
    """What this server needs with these settings."""
    claims = "persistentvolumeclaims"
    found = [
        Right("batch", "jobs", ("create", "list", "get", "delete"), "job-manager-role"),
        Right("batch", "jobs", ("watch",), "job-watcher-role", "Jobs are listed every 2 s"),
        Right("", "pods", ("list", "watch"), "pod-watcher-role", "why a pod does not start is told late or not at all"),
        Right("", "events", ("list",), "event-reader-role", "why a Job has no pod is not told"),
    ]
    found += _of_namespaces(settings)
    if settings.volumes.exchange is not None:
        found.append(Right("", "secrets", ("create",), "exchange-role"))
    if settings.volumes.storage_class is not None:
        found.append(Right("", claims, ("create", "get"), "volume-manager-role"))
    else:
        found.append(Right("", claims, ("get",), "pvc-reader-role", "claims that are missing are not noticed"))
    return found


def _of_namespaces(settings: Settings) -> Sequence[Right]:
    """What it needs to make namespaces."""
    if not settings.everywhere or (settings.per_user and not settings.namespaces.make):
        return ()
    more, role = settings.namespaces, "namespace-manager-role"
    verbs = ("create", "get", "list", "delete") if settings.per_job else ("create", "get")
    rbac = "rbac.authorization.k8s.io"
    found = [
        Right("", "namespaces", verbs, role),
        Right(rbac, "rolebindings", ("create",), role),
        Right(rbac, "clusterroles", ("bind",), role, name=more.role),
    ]
    if settings.service_account != "default" or settings.step_service_account:
        found.append(Right("", "serviceaccounts", ("create",), role))
    if more.quota:
        found.append(Right("", "resourcequotas", ("create",), role))
    if more.secrets_from and settings.volumes.exchange is None:
        found.append(Right("", "secrets", ("create",), role))
    reader, place = "secret-reader-role", more.secrets_from
    for secret in (*settings.pull_secrets, *settings.env_from_secrets) if place else ():
        found.append(Right("", "secrets", ("get",), reader, name=secret, namespace=place))
    return found


class Preflight:
    """Asks the cluster now and then.

    Args:
        settings: of the engine.
        cluster: the one to ask.
        exchange: its bucket is tried, too.
    """

    def __init__(self, settings: Settings, cluster: Cluster, exchange: Exchange | None = None) -> None:
        self._settings, self._cluster, self._exchange = settings, cluster, exchange
        self._lock = threading.Lock()
        self._known = threading.Event()
        self._state = EngineHealth(True, "not asked yet")
        self._asked = float("-inf")

    def health(self, wait: float) -> EngineHealth:
        """The last known state. See Examined."""
        with self._lock:
            if time.monotonic() - self._asked > FRESH:
                self._asked = time.monotonic()
                threading.Thread(target=self._ask, name="oapip-calrissian-preflight", daemon=True).start()
        self._known.wait(wait)
        return self._state

    def _ask(self) -> None:
        try:
            self._state = self._examined()
        except EngineUnavailable as fault:
            self._state = EngineHealth(False, fault.detail)
        except Refused as refusal:
            self._state = EngineHealth(False, f"the cluster refuses to tell the rights of this server: {refusal}")
        self._known.set()

    def _examined(self) -> EngineHealth:
        missing = [
            (right, verb) for right in rights(self._settings) for verb in right.verbs if self._lacks(right, verb)
        ]
        wrong = [*_told(self._settings, [row for row in missing if not row[0].without])]
        if not any(right.resource == "persistentvolumeclaims" for right, _ in missing):
            wrong += self._claims()
        if self._exchange is not None:
            wrong += filter(None, [self._exchange.problem()])
        less = [f"{text}: {right.without}" for right, text in _grouped(missing) if right.without]
        if wrong:
            return EngineHealth(False, "; ".join([*wrong, *less]))
        detail = f"{_where(self._settings)} of the cluster {'answer' if self._settings.everywhere else 'answers'}"
        return EngineHealth(True, "; ".join([detail, *less]))

    def _lacks(self, right: Right, verb: str) -> bool:
        place = "" if self._settings.everywhere else self._settings.namespace
        asked = {
            "namespace": right.namespace or place,
            "name": right.name,
            "group": right.group,
            "resource": right.resource,
            "verb": verb,
        }
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked},
        }
        status: Mapping[str, Any] = self._cluster.create(_PATH, body).get("status") or {}
        return not status.get("allowed")

    def _claims(self) -> Iterator[str]:
        """What is wrong with the claims of the settings."""
        volumes, namespace = self._settings.volumes, self._settings.namespace
        if self._settings.everywhere:
            return
        for name in (volumes.claim, volumes.input_claim, volumes.output_claim, volumes.tmp_claim):
            if not name:
                continue
            try:
                found = self._cluster.get(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}")
            except Refused as refusal:
                if refusal.status != 404:
                    raise
                yield f"the claim {name} is not in the namespace {namespace}"
                continue
            phase = found.get("status", {}).get("phase")
            if phase == "Lost":
                yield f"the claim {name} has lost its volume"


def _grouped(missing: Sequence[tuple[Right, str]]) -> Iterator[tuple[Right, str]]:
    for right in dict.fromkeys(right for right, _ in missing):
        verbs = ", ".join(verb for other, verb in missing if other == right)
        thing = f"{right.resource}/{right.name}" if right.name else right.resource
        yield right, f"{thing}: {verbs} (role {right.role})"


def _told(settings: Settings, missing: Sequence[tuple[Right, str]]) -> Iterator[str]:
    for right, text in _grouped(missing):
        place = f"namespace {right.namespace}" if right.namespace else _where(settings)
        yield f"the account of this server may not do this in the {place}: {text}"


def _where(settings: Settings) -> str:
    return f"namespaces {settings.namespace}" if settings.everywhere else f"namespace {settings.namespace}"
