"""Whether the account of Calrissian's pod may do what Calrissian does, asked before anything is run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubernetes import client

NEEDED = (
    ("pods", ("create", "patch", "delete", "list", "watch"), "pod-manager-role"),
    ("pods/log", ("get", "list"), "log-reader-role"),
)
"""Resource, verbs, and the role in docker/kubernetes that gives them."""


def missing(namespace: str) -> Sequence[str]:
    """The rights that this pod's account lacks, for people. Raises ApiException."""
    api: Any = client.AuthorizationV1Api()
    status = api.create_self_subject_rules_review({"spec": {"namespace": namespace}}).status
    if status.incomplete:
        return []
    lacking = []
    for resource, verbs, role in NEEDED:
        given = {verb for rule in status.resource_rules if _covers(rule, resource) for verb in rule.verbs}
        without = [verb for verb in verbs if verb not in given and "*" not in given]
        if without:
            lacking.append(f"{resource}: {', '.join(without)} (role {role})")
    return lacking


def _covers(rule: Any, resource: str) -> bool:
    groups, resources = rule.api_groups or [], rule.resources or []
    return ("" in groups or "*" in groups) and (resource in resources or "*" in resources)
