"""The resources of WES as plain values; no I/O.

Source: GA4GH Workflow Execution Service 1.1.0 (and 1.0.0, which names the list of runs `workflows`),
https://github.com/ga4gh/workflow-execution-service-schemas, `openapi/workflow_execution_service.openapi.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from ...errors import EngineUnavailable
from ...model.answer import Answer
from ...model.json import JSON, JSONObject
from ...model.run import RunState

COMPLETE, CANCELING = "COMPLETE", "CANCELING"

STATES: Mapping[str, tuple[RunState, str]] = MappingProxyType(
    {
        "UNKNOWN": (RunState.RUNNING, "the WES server does not know the state of the run now"),
        "QUEUED": (RunState.QUEUED, "queued at the WES server"),
        "INITIALIZING": (RunState.QUEUED, "initializing at the WES server"),
        "RUNNING": (RunState.RUNNING, ""),
        "PAUSED": (RunState.RUNNING, "paused at the WES server"),
        COMPLETE: (RunState.SUCCEEDED, ""),
        "EXECUTOR_ERROR": (RunState.FAILED, "the workflow failed"),
        "SYSTEM_ERROR": (RunState.FAILED, "the WES server failed to run the workflow (SYSTEM_ERROR)"),
        "CANCELED": (RunState.CANCELLED, "the run was cancelled at the WES server"),
        CANCELING: (RunState.RUNNING, "being cancelled at the WES server"),
        "PREEMPTED": (RunState.LOST, "the system of the WES server took the resources away (PREEMPTED)"),
    }
)
"""WES `State` -> our state, and words for people. A word that is not here is taken as UNKNOWN."""

_LONGEST = 2000
"""Characters of a foreign text that a message repeats."""


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A row of the list of runs."""

    run_id: str
    state: str
    tags: Mapping[str, str] | None
    """None where the list has no tags (WES 1.0)."""


@dataclass(frozen=True, slots=True)
class RunPage:
    """A page of the list of runs."""

    runs: tuple[ListedRun, ...]
    next_token: str


@dataclass(frozen=True, slots=True)
class Task:
    """A row of the task logs."""

    name: str
    exit_code: int | None
    """None while it runs."""
    started: datetime | None
    finished: datetime | None
    stderr: str
    """Absolute or relative URL, or the text itself; "" where there is none."""


@dataclass(frozen=True, slots=True)
class RunLog:
    """The content of GET runs/{id}."""

    state: str
    request: Mapping[str, Any] | None
    """None where the server does not repeat it."""
    stdout: str
    stderr: str
    tasks: tuple[Task, ...]
    task_logs_url: str
    outputs: JSONObject
    exit_code: int | None
    begun: bool
    """True if the server says when it started the run."""


@dataclass(frozen=True, slots=True)
class ServiceInfo:
    """The content of GET service-info."""

    wes_versions: tuple[str, ...]
    workflow_types: Mapping[str, tuple[str, ...]]
    """Workflow type as the server spells it -> versions."""
    engines: Mapping[str, str] = field(default_factory=dict)
    """Name -> version of what runs the workflows."""

    def cwl(self) -> tuple[str, tuple[str, ...]] | None:
        """How the server spells CWL, and its versions; None where it does not run CWL."""
        return next(((name, found) for name, found in self.workflow_types.items() if name.upper() == "CWL"), None)

    def spelled(self, version: str) -> str:
        """A CWL version as the server spells it; "" where it does not run it."""
        known = (self.cwl() or ("", ()))[1]
        return next((item for item in known if item.lower().lstrip("v") == version.lower().lstrip("v")), "")


def object_of(answer: Answer) -> JSONObject:
    """The JSON object of a good answer.

    Raises:
        EngineUnavailable: another status, or no such object: a proxy, or half an answer.
    """
    if answer.status != 200:
        raise EngineUnavailable(f"the WES server answers {answer.status}: {problem_of(answer)}")
    body = answer.json()
    if not isinstance(body, Mapping):
        raise EngineUnavailable("the WES server answers with something that is no JSON object")
    return body


def run_id_of(answer: Answer) -> str:
    """The id in an answer to POST runs; "" where there is none."""
    body = answer.json()
    run_id = body.get("run_id") if isinstance(body, Mapping) else None
    return run_id if answer.status in (200, 201) and isinstance(run_id, str) else ""


def state_of(body: JSONObject) -> str:
    """The `state` of a status or run. Raises EngineUnavailable where there is none."""
    state = body.get("state")
    if not isinstance(state, str) or not state:
        raise EngineUnavailable("the WES server answers without the state of the run")
    return state.upper()


def page_of(body: JSONObject) -> RunPage:
    """A page of the list of runs. Raises EngineUnavailable where it is none."""
    rows = body.get("runs", body.get("workflows"))
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        raise EngineUnavailable("the WES server answers with something that is no list of runs")
    runs = tuple(
        ListedRun(str(row["run_id"]), str(row.get("state") or "UNKNOWN").upper(), _tags(row.get("tags")))
        for row in rows
        if isinstance(row, Mapping) and row.get("run_id")
    )
    return RunPage(runs, _text(body.get("next_page_token")))


def run_log_of(body: JSONObject) -> RunLog:
    """A whole run. Raises EngineUnavailable where it has no state."""
    log, request = _mapping(body.get("run_log")), body.get("request")
    return RunLog(
        state=state_of(body),
        request=request if isinstance(request, Mapping) and request else None,
        stdout=_text(log.get("stdout")),
        stderr=_text(log.get("stderr")),
        tasks=tasks_of(body.get("task_logs")),
        task_logs_url=_text(body.get("task_logs_url")),
        outputs=_mapping(body.get("outputs")),
        exit_code=_integer(log.get("exit_code")),
        begun=bool(log.get("start_time")),
    )


def tasks_of(rows: JSON) -> tuple[Task, ...]:
    """The task logs of a run."""
    found = rows if isinstance(rows, Sequence) and not isinstance(rows, str) else ()
    return tuple(
        Task(
            name=_text(row.get("name"))[:200],
            exit_code=None if _integer(row.get("exit_code")) == -1 else _integer(row.get("exit_code")),
            started=_time(row.get("start_time")),
            finished=_time(row.get("end_time")),
            stderr=_text(row.get("stderr")),
        )
        for row in found
        if isinstance(row, Mapping)
    )


def service_info_of(answer: Answer) -> ServiceInfo:
    """What the server says of itself.

    Raises:
        EngineUnavailable: it is no WES server, refuses the credentials, or has a fault; says which.
    """
    if answer.status in (401, 403):
        raise EngineUnavailable(f"the WES server refuses the credentials ({answer.status})")
    if answer.status == 404:
        raise EngineUnavailable("no WES server is at this address (404 at service-info): check the engine's `url`")
    if answer.status != 200:
        raise EngineUnavailable(f"the WES server answers {answer.status}: {problem_of(answer)}")
    body = answer.json()
    types = body.get("workflow_type_versions") if isinstance(body, Mapping) else None
    if not isinstance(body, Mapping) or not isinstance(types, Mapping):
        kind = answer.media_type or "no content type"
        raise EngineUnavailable(f"what answers at this address is no WES server ({kind}): check the engine's `url`")
    return ServiceInfo(
        wes_versions=tuple(map(str, _list(body.get("supported_wes_versions")))),
        workflow_types={
            str(name): tuple(map(str, _list(_mapping(value).get("workflow_type_version"))))
            for name, value in types.items()
        },
        engines={str(name): _version(found) for name, found in _mapping(body.get("workflow_engine_versions")).items()},
    )


def problem_of(answer: Answer) -> str:
    """What an error answer says (WES `ErrorResponse.msg`), in words."""
    body = answer.json()
    for name in ("msg", "detail", "message", "title") if isinstance(body, Mapping) else ():
        if isinstance(body, Mapping) and isinstance(body.get(name), str) and body[name]:
            return str(body[name])[:_LONGEST]
    return f"no reason ({answer.media_type or 'empty'})"


def is_error_response(answer: Answer) -> bool:
    """True for an answer of a WES server itself, and not of something before it."""
    body = answer.json()
    return isinstance(body, Mapping) and ("msg" in body or "status_code" in body)


def _version(value: JSON) -> str:
    """WES 1.1: {workflow_engine_version: [...]}; Toil: the version itself."""
    if isinstance(value, Mapping):
        return ", ".join(map(str, _list(value.get("workflow_engine_version"))))
    return str(value)


def _tags(value: JSON) -> Mapping[str, str] | None:
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, Mapping) else None


def _mapping(value: JSON) -> JSONObject:
    return value if isinstance(value, Mapping) else {}


def _list(value: JSON) -> Sequence[JSON]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else ""


def _integer(value: JSON) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _time(value: JSON) -> datetime | None:
    """A time with its zone; None for one without: nobody knows what it means."""
    text = re.sub(r"\.(\d{6})\d+", r".\1", _text(value))
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
