"""Names and labels of what a job has in the cluster. All follow from the job's id, so that nothing is made twice."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

MANAGED_BY = "app.kubernetes.io/managed-by"
INSTANCE = "app.kubernetes.io/instance"
COMPONENT = "app.kubernetes.io/component"
JOB = "pygeoapi-oapip/job"
PROCESS = "pygeoapi-oapip/process"
LEADER, STEP = "leader", "step"
_PRODUCT = "pygeoapi-oapip"
_PLAIN = re.compile(r"[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?")
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


def safe_id(job_id: str) -> str:
    """A job id as a DNS label of at most 52 characters: itself where it is one, else a digest."""
    return job_id if _PLAIN.fullmatch(job_id) else hashlib.sha256(job_id.encode()).hexdigest()[:40]


def job_name(job_id: str) -> str:
    """Name of the Kubernetes Job, and of what belongs to it."""
    return f"oapip-{safe_id(job_id)}"


def label_value(text: str) -> str:
    """A text as a label value: at most 63 characters, without the ones that are not allowed."""
    return _UNSAFE.sub("_", text)[:63].strip("_.-")


def labels(job_id: str, process_id: str, instance: str) -> Mapping[str, str]:
    """Labels of everything that is made for a job."""
    return {
        MANAGED_BY: _PRODUCT,
        INSTANCE: instance,
        JOB: safe_id(job_id),
        PROCESS: label_value(process_id),
    }


def selector(instance: str) -> str:
    """Selects everything that servers of this instance have made."""
    return f"{MANAGED_BY}={_PRODUCT},{INSTANCE}={instance}"
