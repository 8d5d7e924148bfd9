"""What was asked for (`ExecutionRequest`) and what an engine gets (`Plan`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import cast

from .json import JSON, JSONObject
from .process import Package
from .run import JobID
from .value import InputValue, input_from_json, input_to_json, nested_of

HAS_NESTED = "nested"
"""Member of a stored request: an input has to be made by a nested process first."""
PARENT = "parent"
"""Member of a stored request: id of the job that needs the result of this one."""

GROUPS = "groups"
"""Member of a stored request: the groups of the job's owner when he asked."""
MOST_GROUPS = 100
"""Groups that are kept with a job."""

SECRET_INPUTS = "secretInputs"
"""Member of a stored request: names of the inputs whose texts are secret (`sealing`)."""
DEFINITION = "definition"
"""Member of a stored request with the body that a job was created or last changed with (Part 4)."""

PROCESS_OWNER = "processOwner"
"""Member of a stored request: whose process the job runs, where it is not that of `anonymous`."""


class ResponseForm(StrEnum):
    """Part 1 1.0 `response`."""

    RAW = "raw"
    DOCUMENT = "document"


class Transmission(StrEnum):
    """Part 1 1.0 `transmissionMode`."""

    VALUE = "value"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class OutputRequest:
    """How one output is wanted."""

    transmission: Transmission | None = None
    media_type: str = ""
    encoding: str = ""
    """`base64` where the client wants it so, also of text; only WPS documents can say it."""

    def to_json(self) -> list[JSON]:
        """The stored form: transmission, media type, and the encoding where there is one."""
        found: list[JSON] = [self.transmission and self.transmission.value, self.media_type]
        return [*found, self.encoding] if self.encoding else found


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Part 1 callback class: addresses that are told about the job; "" where not given."""

    success: str = ""
    in_progress: str = ""
    failed: str = ""

    def addresses(self) -> Mapping[str, str]:
        """Those that are given, by their names in an execute request."""
        names = {"successUri": self.success, "inProgressUri": self.in_progress, "failedUri": self.failed}
        return {name: address for name, address in names.items() if address}


@dataclass(frozen=True, slots=True)
class ExecutionRequest:
    """A validated execute request."""

    inputs: Mapping[str, InputValue]
    outputs: Mapping[str, OutputRequest] | None = None
    """None: all outputs; empty: none."""
    response: ResponseForm | None = None
    """None: not said in the request."""
    subscriber: Subscriber | None = None

    def to_json(self) -> JSONObject:
        """The stored form; `from_json` is its inverse."""
        outputs: JSON = None
        if self.outputs is not None:
            outputs = {key: o.to_json() for key, o in self.outputs.items()}
        subscriber = self.subscriber
        nested = any(True for value in self.inputs.values() for _ in nested_of(value))
        return {
            "inputs": {key: input_to_json(value) for key, value in self.inputs.items()},
            "outputs": outputs,
            "response": self.response and self.response.value,
            "subscriber": None
            if subscriber is None
            else [subscriber.success, subscriber.in_progress, subscriber.failed],
            **({HAS_NESTED: True} if nested else {}),
        }

    @staticmethod
    def from_json(stored: JSONObject) -> ExecutionRequest:
        """Read what `to_json` wrote."""
        inputs = cast(JSONObject, stored["inputs"])
        outputs = cast("dict[str, list[str | None]] | None", stored["outputs"])
        subscriber = cast("list[str] | None", stored["subscriber"])
        return ExecutionRequest(
            inputs={key: input_from_json(value) for key, value in inputs.items()},
            outputs=None
            if outputs is None
            else {
                k: OutputRequest(Transmission(mode) if mode else None, kind or "", *(part or "" for part in rest))
                for k, (mode, kind, *rest) in outputs.items()
            },
            response=ResponseForm(str(stored["response"])) if stored["response"] else None,
            subscriber=Subscriber(*subscriber) if subscriber else None,
        )


def with_groups(request: JSONObject, groups: Iterable[str]) -> JSONObject:
    """A stored request with the groups of the owner of its job."""
    known = sorted(groups)[:MOST_GROUPS]
    return {**request, GROUPS: known} if known else request


def groups_of(request: JSONObject) -> tuple[str, ...]:
    """What `with_groups` put into a stored request."""
    found = request.get(GROUPS)
    return tuple(map(str, found)) if isinstance(found, list | tuple) else ()


@dataclass(frozen=True, slots=True)
class Plan:
    """All that an engine needs for one run."""

    job_id: JobID
    process_id: str
    package: Package
    """`NO_PACKAGE` for a process that is built into the server."""
    job_order: JSONObject
    """The CWL input object; File and Directory locations are `file:///` URLs in the workspace or an allowed
    root, or URLs of a scheme that the engine reads itself (`Traits.reads`). For `NO_PACKAGE`: `packages.plainorder`."""
    workspace: Path
    """The job's folder (design 7): `inputs`, `work`, `outputs`, `logs`. It exists."""
    owner: str
    groups: tuple[str, ...] = ()
    """Of the owner, when he asked."""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Text in `job_order` -> what it stands for. Only for engines with `Traits.secrets`, which write it nowhere that
    others can read, and put it in where a tool is started."""
    options: JSONObject = field(default_factory=dict)
    """Per-process options of the administrator for this engine."""
