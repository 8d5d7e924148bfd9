"""What the records of a job folder say, as a RunReport."""

from __future__ import annotations

from datetime import datetime

from ...model.run import RunReport, RunState, StepReport
from .record import JobFolder, Record


def final(record: Record) -> RunReport:
    """The report of `exit.json`."""
    return RunReport(
        state=RunState(record["state"]),
        message=record["message"],
        progress=record["progress"],
        steps=tuple(_step(step) for step in record["steps"]),
        usage=record.get("usage", {}),
        started=_time(record["started"]),
        finished=_time(record["finished"]),
    )


def running(folder: JobFolder, started: Record) -> RunReport:
    """The report of a run that goes on."""
    progress = folder.read("progress") or {"message": "", "progress": 0, "steps": []}
    return RunReport(
        state=RunState.RUNNING,
        message=progress["message"],
        progress=progress["progress"],
        steps=tuple(_step(step) for step in progress["steps"]),
        started=_time(started["time"]),
    )


def queued() -> RunReport:
    """The report of a run that has not started."""
    return RunReport(RunState.QUEUED, "waiting for cores and memory")


def _step(record: Record) -> StepReport:
    return StepReport(
        name=record["name"],
        state=RunState(record["state"]),
        started=_time(record["started"]),
        finished=_time(record["finished"]),
        exit_code=record["exit_code"],
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
