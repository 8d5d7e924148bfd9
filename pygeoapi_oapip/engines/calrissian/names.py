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
USER = "pygeoapi-oapip/user"
GROUPS = "pygeoapi-oapip/groups"
LEADER, STEP = "leader", "step"
PRODUCT = "pygeoapi-oapip"
_PLAIN = re.compile(r"[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?")
_DIGESTED = re.compile(r"(.*-)?[0-9a-f]{32}")
_LONGEST_USER = 43
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


def safe_id(job_id: str) -> str:
    """A job id as a DNS label of at most 52 characters: itself where it is one, else a digest."""
    return job_id if _PLAIN.fullmatch(job_id) else hashlib.sha256(job_id.encode()).hexdigest()[:40]


def job_name(job_id: str) -> str:
    """Name of the Kubernetes Job, and of what belongs to it."""
    return f"oapip-{safe_id(job_id)}"


def safe_user(user: str) -> str:
    """A user as part of a DNS label of at most 43 characters: itself where it is one, else a part of it with a digest.

    No two users have the same: what looks like one with a digest gets a digest of its own.
    """
    plain = _PLAIN.fullmatch(user) and len(user) <= _LONGEST_USER and "--" not in user
    if plain and not _DIGESTED.fullmatch(user):
        return user
    start = re.sub("[^a-z0-9]+", "-", user.lower()).strip("-")[:10].strip("-")
    return "-".join(filter(None, [start, hashlib.sha256(user.encode()).hexdigest()[:32]]))


def namespace_of(template: str, user: str, job_id: str) -> str:
    """The namespace of a job.

    Args:
        template: a name, or one that ends with `{user}` or `{job}`.
        user: who owns the job.
        job_id: as the server has it.
    """
    short = safe_id(job_id)
    if len(short) > _LONGEST_USER:
        short = hashlib.sha256(job_id.encode()).hexdigest()[:40]
    return template.replace("{user}", safe_user(user)).replace("{job}", short)


def label_value(text: str) -> str:
    """A text as a label value: at most 63 characters, without the ones that are not allowed."""
    return _UNSAFE.sub("_", text)[:63].strip("_.-")


def labels(job_id: str, process_id: str, instance: str) -> Mapping[str, str]:
    """Labels of everything that is made for a job."""
    return {
        MANAGED_BY: PRODUCT,
        INSTANCE: instance,
        JOB: safe_id(job_id),
        PROCESS: label_value(process_id),
    }


def selector(instance: str) -> str:
    """Selects everything that servers of this instance have made."""
    return f"{MANAGED_BY}={PRODUCT},{INSTANCE}={instance}"
