"""How a job that is dismissed leaves the cluster: steps.py calls this after SIGTERM, when the pods are being removed.

A kubelet says up to ten seconds late that a pod which is being removed has ended; only then it is gone, and its claims
after it. The pod of the job may remove pods, so it removes those of its steps as soon as their containers have ended,
and itself as its last act.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from typing import Any

from calrissian import k8s

RESERVE = 3.0
"""Seconds that a pod gets to end after its grace; the pod of the job has 5 more than its steps (`manifest.py`)."""
_FAULTS = (k8s.ApiException, k8s.HTTPError)


def leave(plan: dict[str, Any]) -> None:
    """Remove the pods of the steps, then this pod if it is being removed. What fails here is left to the cluster.

    Args:
        plan: what the server wrote.
    """
    client = k8s.KubernetesClient()
    try:
        _until_steps_ended(client, plan["selector"], time.monotonic() + plan["stop_grace"] + RESERVE)
        shutil.rmtree(plan["tmp"], ignore_errors=True)
        name = os.environ["CALRISSIAN_POD_NAME"]
        if any(_leaves(pod) for pod in _pods(client, field_selector="metadata.name=" + name)):
            _drop(client, name)
    except _FAULTS as fault:
        print(f"the cluster removes what is left: {type(fault).__name__}", file=sys.stderr)


def _until_steps_ended(client: Any, selector: str, deadline: float) -> None:
    while time.monotonic() < deadline:
        pods = _pods(client, label_selector=selector)
        for pod in pods:
            if not _leaves(pod):
                client.delete_pod_name(pod.metadata.name)
            elif not _runs(pod):
                _drop(client, pod.metadata.name)
        if not pods:
            return
        time.sleep(0.3)


def _pods(client: Any, **which: str) -> Any:
    api = client.core_api_instance
    return api.list_namespaced_pod(client.namespace, _request_timeout=(5, 10), **which).items


def _leaves(pod: Any) -> bool:
    return pod.metadata.deletion_timestamp is not None


def _runs(pod: Any) -> bool:
    statuses = (pod.status.init_container_statuses or []) + (pod.status.container_statuses or [])
    return any(status.state.running for status in statuses)


def _drop(client: Any, name: str) -> None:
    try:
        client.core_api_instance.delete_namespaced_pod(
            name, client.namespace, grace_period_seconds=0, _request_timeout=(5, 10)
        )
    except k8s.ApiException as fault:
        if fault.status != 404:
            raise
