"""The status of a job as JSON (Part 1 statusInfo.yaml) without links: the same for the door and for call-backs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from .model.job import Job, JobStatus
from .model.run import StepReport


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds and `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def status_members(job: Job) -> dict[str, Any]:
    """The members of 1.0 (jobID, status, type) and of 2.0 (id, processingEntityType) in one, without `links`."""
    moments = {key: getattr(job, key) for key in ("created", "started", "finished", "updated")}
    return {
        "jobID": job.id,
        "id": job.id,
        "processID": job.process_id,
        "type": "process",
        "processingEntityType": "ogc-api-processes",
        "status": job.status.value,
        **({"message": job.message} if job.message else {}),
        "progress": job.progress,
        **{key: timestamp(moment) for key, moment in moments.items() if moment is not None},
        **({"steps": [_step(step) for step in job.steps]} if job.steps else {}),
        **({"usage": dict(job.usage)} if job.usage else {}),
        **({"exception": job.problem} if job.status is JobStatus.FAILED and job.problem else {}),
    }


def _step(step: StepReport) -> dict[str, Any]:
    moments = (("started", step.started), ("finished", step.finished))
    return {
        "name": step.name,
        "state": step.state.value,
        **{key: timestamp(moment) for key, moment in moments if moment is not None},
        **({"exitCode": step.exit_code} if step.exit_code is not None else {}),
    }
