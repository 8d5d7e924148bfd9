"""What the files of a job and the objects of the cluster say, as a RunReport. Pure but for reading the files.

States of a Job: https://kubernetes.io/docs/concepts/workloads/controllers/job/#terminal-job-conditions
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ...model.json import JSONObject
from ...model.run import RunReport, RunState, StepReport
from . import diagnosis
from .folder import JobFolder

REPORT_GRACE = timedelta(seconds=15)
"""Between the end of a Job and the moment where its report must be visible in the volume."""
_TAIL = 10
_LONGEST_MESSAGE = 4000

_USAGE = {
    "elapsed_seconds": "wall_seconds",
    "total_cpu_hours": "requested_cpu_hours",
    "total_ram_megabyte_hours": "requested_ram_megabyte_hours",
    "total_disk_megabytes": "output_megabytes",
    "total_tasks": "tasks",
    "max_parallel_tasks": "max_parallel_tasks",
    "max_parallel_cpus": "max_parallel_cpus",
    "max_parallel_ram_megabytes": "max_parallel_ram_megabytes",
}
"""Names in Calrissian's usage report, and ours. It knows what was requested, not what was used."""

Row = Mapping[str, Any]


def final(folder: JobFolder) -> RunReport | None:
    """The report of a run that has ended by itself; None where it has not."""
    found = folder.told("exit")
    if found is None:
        return None
    events = list(folder.events())
    steps = steps_of(events)
    well = found.get("exit_code") == 0 and isinstance(found.get("outputs"), dict)
    return RunReport(
        RunState.SUCCEEDED if well else RunState.FAILED,
        "" if well else _cause(folder, found, events),
        100 if well else _progress(folder, steps),
        steps,
        usage(folder),
        _time(found.get("started")),
        _time(found.get("finished")),
    )


def decided(folder: JobFolder) -> RunReport | None:
    """The report of a run that this server has given up; None where it has not."""
    found = folder.decided("verdict")
    if found is None:
        return None
    return RunReport(
        RunState(str(found["state"])),
        str(found["message"]),
        steps=steps_of(folder.events()),
        usage=usage(folder),
        finished=_time(found["time"]),
    )


def cancelled(folder: JobFolder) -> RunReport:
    """The report of a run that was cancelled, and is gone."""
    return RunReport(RunState.CANCELLED, "The job was dismissed.", steps=steps_of(folder.events()), usage=usage(folder))


def going_on(folder: JobFolder, pods: Sequence[Row]) -> RunReport:
    """The report of a run that has not ended.

    Args:
        folder: its files.
        pods: of the leader, as far as they are known.
    """
    events = list(folder.events())
    steps = steps_of(events)
    began = next(filter(None, map(diagnosis.started, pods)), None)
    if began is None and not steps:
        problem = next(filter(None, map(diagnosis.problem, pods)), "")
        return RunReport(RunState.QUEUED, problem or "waiting for its pod")
    return RunReport(RunState.RUNNING, _present(events), _progress(folder, steps), steps, started=began)


def job_end(job: Row) -> tuple[str, datetime, str] | None:
    """`Complete` or `Failed`, when, and why; None while a Job goes on."""
    for condition in job.get("status", {}).get("conditions") or ():
        if condition.get("type") in ("Complete", "Failed") and condition.get("status") == "True":
            at = condition.get("lastTransitionTime") or job["metadata"]["creationTimestamp"]
            return str(condition["type"]), diagnosis.time_of(at), diagnosis.words(condition)
    return None


def steps_of(events: Iterable[Row]) -> tuple[StepReport, ...]:
    """The steps, in the order in which they began."""
    found: dict[str, StepReport] = {}
    for event in events:
        name, at = event["step"], _time(event.get("time"))
        before = found.get(name, StepReport(name, RunState.QUEUED))
        if event.get("event") == "wait":
            found[name] = before
        elif event.get("event") == "run":
            found[name] = StepReport(name, RunState.RUNNING, at)
        elif event.get("event") == "end":
            code = event.get("exit_code")
            state = RunState.SUCCEEDED if code == 0 else RunState.FAILED
            found[name] = StepReport(name, state, before.started or at, at, code if isinstance(code, int) else None)
    return tuple(found.values())


def usage(folder: JobFolder) -> Mapping[str, float]:
    """Calrissian's usage report in our names; empty where there is none."""
    found = folder.told("usage") or {}
    numbers = {ours: found.get(theirs) for theirs, ours in _USAGE.items()}
    return {name: float(value) for name, value in numbers.items() if isinstance(value, int | float)}


def _present(events: Sequence[Row]) -> str:
    """Which steps run, and what the others wait for."""
    last: dict[str, Row] = {event["step"]: event for event in events}
    running = [name for name, event in last.items() if event.get("event") == "run"]
    waiting = [f"{name} waits: {event['reason']}" for name, event in last.items() if _waits(event)]
    return "; ".join([*([f"running {', '.join(running)}"] if running else []), *waiting])[:_LONGEST_MESSAGE]


def _waits(event: Row) -> bool:
    return event.get("event") == "wait" and bool(event.get("reason"))


def _progress(folder: JobFolder, steps: Sequence[StepReport]) -> int:
    """Share of the steps that have ended, of those that the package has (0 where it is one tool)."""
    planned = (folder.decided("planned") or {}).get("steps")
    total = max(planned if isinstance(planned, int) else 0, len(steps))
    done = sum(step.state is RunState.SUCCEEDED for step in steps)
    return min(99, 100 * done // total) if total else 0


def _cause(folder: JobFolder, found: JSONObject, events: Sequence[Row]) -> str:
    if found.get("message"):
        return str(found["message"])
    steps = steps_of(events)
    failed = next((step for step in steps if step.state is RunState.FAILED), None)
    if failed is None:
        return _text("Calrissian could not run the package", _errors(folder))
    reasons = {event["step"]: str(event.get("reason") or "") for event in events if event["event"] == "end"}
    where = f"Step {failed.name}: the tool" if len(steps) > 1 else "The tool"
    reason = reasons.get(failed.name, "")
    code = f" ended with exit code {failed.exit_code}" if failed.exit_code is not None else " did not end"
    return _text(f"{where}{code}{f' ({reason})' if reason else ''}", _said(folder, failed.name))


def _said(folder: JobFolder, step: str) -> list[str]:
    for name, path in folder.logs():
        if name == step:
            return [line.partition(" ")[2] for line in _tail(path)]
    return []


def _errors(folder: JobFolder) -> list[str]:
    """The last words of Calrissian's log, from its last ERROR on."""
    lines = next(([line.partition(" ")[2] for line in _tail(path)] for name, path in folder.logs() if not name), [])
    starts = [index for index, line in enumerate(lines) if "ERROR" in line]
    return lines[starts[0] :] if starts else lines


def _tail(path: Path) -> list[str]:
    with path.open(encoding="utf-8", errors="replace") as file:
        return [line.rstrip("\n") for line in deque(file, _TAIL)]


def _text(head: str, lines: Sequence[str]) -> str:
    said = "".join(f"\n{line}" for line in lines)
    return f"{head}{':' if said else '.'}{said}"[:_LONGEST_MESSAGE]


def _time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (TypeError, ValueError):
        return None
