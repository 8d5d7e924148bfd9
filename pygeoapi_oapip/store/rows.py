"""Jobs as rows, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from ..model.job import Goal, Job, Phase, result_bytes
from ..model.json import JSON, JSONObject
from ..model.quota import first_place, wanted_by
from ..model.run import RunRef, RunState, StepReport
from .tables import jobs

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Whole microseconds since 1970-01-01 UTC.

    Raises:
        ValueError: the moment has no time zone, so that nobody knows when it is.
    """
    if moment.tzinfo is None:
        raise ValueError("a time without time zone cannot be stored")
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The moment, in UTC; the inverse of `to_micros`."""
    return _EPOCH + timedelta(microseconds=micros)


def optional_micros(moment: datetime | None) -> int | None:
    """`to_micros`, where there is a moment."""
    return None if moment is None else to_micros(moment)


def optional_moment(micros: int | None) -> datetime | None:
    """`from_micros`, where there is a number."""
    return None if micros is None else from_micros(micros)


def to_text(value: JSON | Mapping[str, Any]) -> str:
    """Compact JSON in ASCII, so that NUL and lone surrogates, which PostgreSQL text cannot hold, are kept exactly."""
    return json.dumps(value, separators=(",", ":"), default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def storable(text: str) -> bool:
    """False for text that no key column can hold (NUL, lone surrogates): no row has it."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def job_changes(job: Job) -> dict[str, Any]:
    """The columns that `JobStore.save` writes, without goal, status, place, lease and version."""
    return {
        "engine": job.engine,
        "phase": job.phase.value,
        "ended": job.ended,
        "updated": to_micros(job.updated),
        "started": optional_micros(job.started),
        "finished": optional_micros(job.finished),
        "not_before": optional_micros(job.not_before),
        "progress": job.progress,
        "attempts": job.attempts,
        "kept": result_bytes(job),
        "state": to_text(_state(job)),
        "outputs": None if job.outputs is None else to_text(job.outputs),
    }


def job_row(job: Job) -> dict[str, Any]:
    """All columns of a job; `job_from_row` is its inverse."""
    wanted = wanted_by(job)
    return {
        "id": job.id,
        "process_id": job.process_id,
        "process_revision": job.process_revision,
        "owner": job.owner,
        "goal": job.goal.value,
        "status": job.status.value,
        "created": to_micros(job.created),
        "version": job.version,
        "lease_owner": job.lease_owner,
        "lease_until": optional_micros(job.lease_until),
        "place": first_place(job).value,
        "cores": wanted.cores,
        "memory": wanted.memory,
        "request": to_text(job.request),
        **job_changes(job),
    }


_VERSION = tuple(jobs.c.keys()).index("version")


def job_from_row(row: Sequence[Any]) -> Job:
    """The job of a row with all columns, in the order of the table."""
    *columns, outputs, request = row
    return _job(columns, json.loads(request), None if outputs is None else json.loads(outputs), columns[_VERSION])


def listed_job(row: Sequence[Any]) -> Job:
    """The job of a row of a list: request and outputs, which may be long, are left out. Its version is 0, so that
    saving it by mistake conflicts."""
    return _job(row, {}, None, 0)


def _job(row: Sequence[Any], request: JSONObject, outputs: JSONObject | None, version: int) -> Job:
    # by place, because a list may have thousands of rows: names take as long as all the rest
    (job_id, process_id, revision, owner, engine, phase, goal, _, _, created, updated, started, finished) = row[:13]
    (not_before, progress, attempts, _, lease_owner, lease_until, _, _, _, _, text) = row[13:]
    state = json.loads(text)
    run = state["run"]
    return Job(
        id=job_id,
        process_id=process_id,
        process_revision=revision,
        owner=owner,
        engine=engine,
        request=request,
        created=from_micros(created),
        updated=from_micros(updated),
        phase=Phase(phase),
        goal=Goal(goal),
        message=state["message"],
        progress=progress,
        started=optional_moment(started),
        finished=optional_moment(finished),
        steps=tuple(_step(step) for step in state["steps"]),
        usage=state["usage"],
        run=None if run is None else RunRef.from_json(run),
        outputs=outputs,
        problem=state["problem"],
        attempts=attempts,
        not_before=optional_moment(not_before),
        version=version,
        lease_owner=lease_owner,
        lease_until=optional_moment(lease_until),
    )


def _state(job: Job) -> JSONObject:
    return {
        "message": job.message,
        "problem": job.problem,
        "run": None if job.run is None else job.run.to_json(),
        "steps": [
            [step.name, step.state.value, optional_micros(step.started), optional_micros(step.finished), step.exit_code]
            for step in job.steps
        ],
        "usage": job.usage,
    }


def _step(stored: Sequence[Any]) -> StepReport:
    name, state, started, finished, exit_code = stored
    return StepReport(
        name, RunState(state), optional_moment(started), optional_moment(finished), cast("int | None", exit_code)
    )
