"""The steps of a run, out of its task logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...model.json import JSON, JSONObject
from ...model.run import RunState, StepReport
from .api import RunLog, Task
from .logs import step_name
from .quirks import Quirks
from .record import stored_step


def progress_of(log: RunLog, document: JSONObject, quirks: Quirks) -> tuple[list[JSONObject], int]:
    """The steps as `State.steps` keeps them, and the share of those that are done, 0-99.

    Args:
        log: the run as its server gives it.
        document: the packed CWL document; its first process, or `main`, is the entry.
        quirks: of the server.
    """
    internal = quirks.internal_task
    tasks: dict[str, list[Task]] = {}
    for task in log.tasks:
        if task.name and (internal is None or not internal.fullmatch(task.name)):
            tasks.setdefault(step_name(task.name, quirks), []).append(task)
    steps = [_step(name, found) for name, found in tasks.items()]
    done = sum(step.state is RunState.SUCCEEDED for step in steps)
    return [stored_step(step) for step in steps], 99 * done // max(len(steps), _number_of_steps(document))


def _number_of_steps(document: JSONObject) -> int:
    graph = document.get("$graph")
    processes = [item for item in _list(graph) if isinstance(item, Mapping)] or [document]
    main = next((item for item in processes if str(item.get("id", "")).lstrip("#") == "main"), processes[0])
    steps = main.get("steps")
    return max(1, len(steps) if isinstance(steps, Mapping) else len(_list(steps)))


def _list(value: JSON) -> Sequence[JSON]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _step(name: str, tasks: list[Task]) -> StepReport:
    codes = [task.exit_code for task in tasks]
    failed = next((code for code in codes if code), None)
    if failed is not None:
        found, code = RunState.FAILED, failed
    elif None in codes:
        found, code = RunState.RUNNING, None
    else:
        found, code = RunState.SUCCEEDED, 0
    starts = [task.started for task in tasks if task.started]
    ends = [task.finished for task in tasks if task.finished]
    return StepReport(name, found, min(starts, default=None), max(ends, default=None), code)
