from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pygeoapi_oapip.engines.calrissian import diagnosis

MADE = "2026-11-22T14:00:00Z"


def pod(phase: str = "Pending", **status: Any) -> dict[str, Any]:
    return {"metadata": {"creationTimestamp": MADE}, "status": {"phase": phase, **status}}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"containerStatuses": [{"state": {"waiting": {"reason": reason, "message": message}}}]}


UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        ({}, ""),
        ({"containerStatuses": None, "conditions": None}, ""),
        (waiting("ContainerCreating"), ""),
        (waiting("PodInitializing"), ""),
        (waiting("ErrImagePull", "no such image"), "ErrImagePull: no such image"),
        (
            waiting("CreateContainerConfigError", 'secret "s3" not found'),
            'CreateContainerConfigError: secret "s3" not found',
        ),
        ({"conditions": [UNSCHEDULABLE]}, "Unschedulable: 0/1 nodes"),
        ({"conditions": [{**UNSCHEDULABLE, "status": "True"}]}, ""),
        ({"initContainerStatuses": waiting("ImagePullBackOff")["containerStatuses"]}, "ImagePullBackOff"),
    ],
)
def test_what_keeps_a_pod_from_starting(status: dict[str, Any], problem: str) -> None:
    assert diagnosis.problem(pod(**status)) == problem


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (pod("Running"), ""),
        (pod("Failed", reason="Evicted", message="low on memory"), "Evicted: low on memory"),
        (
            pod("Failed", containerStatuses=[{"state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}]),
            "Calrissian's own pod ran out of memory (OOMKilled)",
        ),
        (
            pod("Failed", containerStatuses=[{"state": {"terminated": {"exitCode": 1, "message": "no bucket"}}}]),
            "no bucket",
        ),
        (
            pod("Failed", containerStatuses=[{"state": {"terminated": {"reason": "Error", "exitCode": 2}}}]),
            "Calrissian's pod ended with exit code 2",
        ),
        (pod("Failed"), ""),
    ],
)
def test_why_a_pod_has_failed(found: dict[str, Any], why: str) -> None:
    assert diagnosis.ended(found) == why


def test_a_pod_has_the_chance_to_start_from_when_it_is_on_a_node() -> None:
    later = "2026-11-22T14:05:00Z"
    placed = {"type": "PodScheduled", "status": "True", "lastTransitionTime": later}
    assert diagnosis.since(pod()) == datetime(2026, 11, 22, 14, tzinfo=UTC)
    assert diagnosis.since(pod(conditions=[placed])) == datetime(2026, 11, 22, 14, 5, tzinfo=UTC)


def test_the_start_is_that_of_the_container() -> None:
    at = {"startedAt": MADE}
    for state in ({"running": at}, {"terminated": at}):
        assert diagnosis.started(pod(containerStatuses=[{"state": state}])) == datetime(2026, 11, 22, 14, tzinfo=UTC)
    assert diagnosis.started(pod(**waiting("ErrImagePull"))) is None
