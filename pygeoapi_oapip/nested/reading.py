"""Nested processes in an execute body -> values: all of them are checked before any job exists."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, cast

from ..errors import InvalidInputs, NoSuchProcess, OapipError, Unavailable
from ..model.execution import ExecutionRequest
from ..model.identity import Principal
from ..model.json import JSON, JSONObject
from ..model.process import Process
from ..model.value import Nested, NestedArray
from ..packages.remote import asking_for, is_remote
from ..validation.shapes import item_schema, properties
from .addresses import OwnAddresses, resolve
from .fit import items_of, misfit

MOST = 32
"""Nested processes in one request, those inside others included."""
DEEPEST = 8
"""Nested processes inside each other."""
PATIENCE = 20.0
"""Seconds after which no further server is asked for a description while a client waits for the answer."""

_MEMBERS = frozenset({"process", "inputs", "outputs"})
_UNSUPPORTED = frozenset({"filter", "properties", "sortBy", "response", "subscriber", "mode"})
"""Further members that an execute request or the draft has; told apart from a plain object with a member `process`."""


class Elsewhere(Protocol):
    """Processes of other servers."""

    def process(self, address: str) -> Process:
        """The process at an absolute URL, with the package that runs it there. Raises OapipError."""
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """What the service does with every request before a job exists."""

    find: Callable[[Principal, str], Process]
    """The process of an id, with its package. Raises NoSuchProcess."""
    admit: Callable[[Principal, Process, JSON], ExecutionRequest]
    """Validates a body that has no nested processes any more, its references, and whether the process can run."""
    engine: Callable[[Process], str]
    """Name of the engine that runs a process."""
    stored: Callable[[Process, ExecutionRequest], JSONObject]
    """The stored form of a request."""


@dataclass(frozen=True, slots=True)
class NestedSources:
    """Where the processes are that an input may name."""

    own: OwnAddresses
    elsewhere: Elsewhere


class NestedReader:
    """Reads the nested processes of execute requests.

    Args:
        sources: here and elsewhere.
        rules: of the service.
    """

    def __init__(self, sources: NestedSources, rules: Rules) -> None:
        self.own = sources.own
        self.elsewhere = sources.elsewhere
        self.rules = rules

    def replaced(self, principal: Principal, process: Process, body: JSON) -> JSON:
        """The body with a `Nested` in place of each nested process; the body itself where there is none.

        Args:
            principal: who asks; has to see the nested processes of this server.
            process: the process that the body is for.
            body: the parsed execute request.

        Raises:
            InvalidInputs: a nested process is not there, its inputs do not fit, or its output does not. The place
                is told as in `inputs.a.inputs.size`.
            OapipError: what `Rules.admit` and `Elsewhere.process` raise.
        """
        if not isinstance(body, Mapping) or not isinstance(body.get("inputs"), Mapping):
            return body
        return _Reading(self, principal).body(body, process, self.own.description(process.id), "", 0)


class _Reading:
    """The reading of one request."""

    def __init__(self, reader: NestedReader, principal: Principal) -> None:
        self.reader = reader
        self.principal = principal
        self.count = 0
        self.deadline = time.monotonic() + PATIENCE

    def body(self, body: JSONObject, process: Process, address: str, place: str, depth: int) -> JSONObject:
        given = body["inputs"]
        assert isinstance(given, Mapping)
        values: dict[str, JSON] = {}
        for name, value in given.items():
            definition = process.inputs.get(name)
            if definition is not None and _may_hold_form(value):
                several = definition.max_occurs != 1
                at = _Place(f"{place}inputs.{name}", address, depth, in_array=several, of_items=several)
                values[name] = self.value(value, definition.schema, at)
        changed = any(value is not given[name] for name, value in values.items())
        return {**body, "inputs": {**given, **values}} if changed else body

    def value(self, value: JSON, schema: JSONObject, at: _Place) -> JSON:
        if isinstance(value, Mapping):
            return self.nested(value, schema, at) if _is_form(value, schema) else value
        if not isinstance(value, Sequence) or isinstance(value, str):
            return value
        inner = schema if at.of_items else item_schema(schema)
        items = [self.value(item, inner, at.item(index)) for index, item in enumerate(value)]
        same = all(new is old for new, old in zip(items, value, strict=True))
        return value if same else NestedArray(items)

    def nested(self, form: JSONObject, schema: JSONObject, at: _Place) -> JSON:
        self.limit(form, at)
        address = _address(form, at)
        process = self.find(address, at)
        output = _chosen(form, process, at)
        if process.package is not None and is_remote(process.package):
            process = replace(process, package=asking_for(process.package, output))
        given = form.get("inputs")
        body = {"inputs": {} if given is None else given, "outputs": {output: _wanted(form, output)}}
        request = self.request(body, process, address, at)
        spread = _check_fit(process, output, schema, at)
        found = Nested(
            process=str(form["process"]),
            process_id=process.id,
            revision=process.revision,
            engine=self.reader.rules.engine(process),
            output=output,
            request=self.reader.rules.stored(process, request),
            spread=spread,
        )
        return cast(JSON, found)

    def limit(self, form: JSONObject, at: _Place) -> None:
        self.count += 1
        if self.count > MOST:
            raise at.refuse("", f"is one nested process too many (at most {MOST} in a request)")
        if at.depth >= DEEPEST:
            raise at.refuse("", f"is nested too deep (at most {DEEPEST} processes inside each other)")
        unsupported = sorted(_UNSUPPORTED & set(form))
        if unsupported:
            raise at.refuse(f".{unsupported[0]}", "is not supported for a nested process")

    def find(self, address: str, at: _Place) -> Process:
        own = self.reader.own.process_id(address)
        try:
            if own is not None:
                return self.reader.rules.find(self.principal, own)
            if time.monotonic() > self.deadline:
                raise Unavailable(f"other servers took more than {PATIENCE:.0f} s to describe their processes")
            return self.reader.elsewhere.process(address)
        except NoSuchProcess as error:
            raise at.refuse(".process", error.detail) from None
        except OapipError as error:
            raise at.told(error, ".process: ") from None

    def request(self, body: JSONObject, process: Process, address: str, at: _Place) -> ExecutionRequest:
        if not isinstance(body["inputs"], Mapping):
            raise at.refuse(".inputs", "must be an object")
        inner = self.body(body, process, address, f"{at.name}.", at.depth + 1)
        try:
            return self.reader.rules.admit(self.principal, process, inner)
        except OapipError as error:
            inside = error.location.startswith(("inputs", "outputs"))
            raise at.told(error, "." if inside else ": ") from None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands."""

    name: str
    address: str
    """Address of the process description that the value is for."""
    depth: int
    in_array: bool
    """True: in an array, or alone for an input that takes several values."""
    of_items: bool = False
    """True: the schema is that of one of the values that the input takes."""

    def item(self, index: int) -> _Place:
        return _Place(f"{self.name}[{index}]", self.address, self.depth, in_array=True)

    def refuse(self, below: str, text: str) -> InvalidInputs:
        return InvalidInputs(f"{self.name}{below}: {text}", location=f"{self.name}{below}")

    def told(self, error: OapipError, joint: str) -> OapipError:
        """The same error, told of this place."""
        detail, members = f"{self.name}{joint}{error.detail}", dict(error.members)
        if isinstance(rows := members.get("errors"), list):
            rows = [{**row, "location": f"{self.name}.{row['location']}"} for row in rows]
            detail = "; ".join(f"{row['location']}: {row['detail']}" for row in rows)
            members["errors"] = rows
        location = f"{self.name}.{error.location}" if error.location else self.name
        return type(error)(detail, location=location, **members)


def _may_hold_form(value: JSON) -> bool:
    """A quick look, because arrays may be long."""
    unseen = [value]
    while unseen:
        item = unseen.pop()
        if isinstance(item, list):
            unseen.extend([inner for inner in item if isinstance(inner, list | dict)])
        elif isinstance(item, dict) and "process" in item:
            return True
    return False


def _is_form(value: JSONObject, schema: JSONObject) -> bool:
    if not isinstance(value.get("process"), str) or "process" in properties(schema):
        return False
    return set(value) <= _MEMBERS | _UNSUPPORTED


def _address(form: JSONObject, at: _Place) -> str:
    try:
        return resolve(str(form["process"]), at.address)
    except ValueError as error:
        raise at.refuse(".process", str(error)) from None


def _chosen(form: JSONObject, process: Process, at: _Place) -> str:
    """The output that becomes the value: the one that is asked for, else the only or first one."""
    asked = form.get("outputs")
    if asked is not None and not isinstance(asked, Mapping):
        raise at.refuse(".outputs", "must be an object")
    if asked:
        if len(asked) > 1:
            raise at.refuse(".outputs", f"must name one output (names {len(asked)})")
        name = next(iter(asked))
        if name not in process.outputs:
            known = ", ".join(process.outputs) or "none"
            raise at.refuse(f".outputs.{name}", f"the process has no such output (outputs: {known})")
        return name
    if not process.outputs:
        raise at.refuse(".process", f"{process.id} has no output")
    return next(iter(process.outputs))


def _wanted(form: JSONObject, output: str) -> JSON:
    asked = form.get("outputs")
    return (asked.get(output) or {}) if isinstance(asked, Mapping) else {}


def _check_fit(process: Process, output: str, schema: JSONObject, at: _Place) -> bool:
    """Whether the items of the output become items of the array around it. Raises InvalidInputs."""
    made = process.outputs[output].schema
    reason = misfit(made, schema)
    items = items_of(made)
    if reason and at.in_array and items is not None and not misfit(items, schema):
        return True
    if reason:
        raise at.refuse("", f"the output {output} of {process.id} {reason}")
    return False
