"""Why a pod does not run, or ended: from its status, for people. Pure.

Words: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

Row = Mapping[str, Any]

_BUSY = frozenset({"", "ContainerCreating", "PodInitializing"})


def problem(pod: Row) -> str:
    """What keeps a pod from starting; "" while that is only a matter of time."""
    for status in _statuses(pod):
        waiting = status.get("state", {}).get("waiting") or {}
        if waiting.get("reason", "") not in _BUSY:
            return words(waiting)
    for condition in pod.get("status", {}).get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return words(condition)
    return ""


def since(pod: Row) -> datetime:
    """From when on the pod has had the chance to start: when it was put on a node, else when it was made."""
    for condition in pod.get("status", {}).get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("lastTransitionTime"):
            return time_of(condition["lastTransitionTime"])
    return time_of(pod["metadata"]["creationTimestamp"])


def ended(pod: Row) -> str:
    """Why a pod that has failed did so; "" where that is not known, or it has not."""
    status = pod.get("status", {})
    if status.get("phase") != "Failed":
        return ""
    if status.get("reason"):
        return words(status)
    for container in _statuses(pod):
        end = container.get("state", {}).get("terminated") or {}
        if end.get("reason") == "OOMKilled":
            return "Calrissian's own pod ran out of memory (OOMKilled)"
        if end.get("exitCode") and end.get("message"):
            return str(end["message"])
        if end.get("exitCode"):
            return f"Calrissian's pod ended with exit code {end['exitCode']}"
    return ""


def over(pod: Row) -> bool:
    """True if no container of a pod runs or will run."""
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def started(pod: Row) -> datetime | None:
    """When the first container of a pod began to run; None where it has not."""
    for status in pod.get("status", {}).get("containerStatuses") or ():
        state = status.get("state", {})
        at = (state.get("running") or state.get("terminated") or {}).get("startedAt")
        if at:
            return time_of(at)
    return None


def words(row: Row) -> str:
    """Reason and message of a status or condition, as far as it has them."""
    return ": ".join(str(row[key]) for key in ("reason", "message") if row.get(key))


def time_of(text: str) -> datetime:
    """A Kubernetes time."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def _statuses(pod: Row) -> Iterator[Row]:
    status = pod.get("status", {})
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()
