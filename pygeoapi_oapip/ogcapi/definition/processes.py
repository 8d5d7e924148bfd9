"""One execution path for each process, with the schemas of its inputs and an example that fits them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import quote

from ...model.process import JobControl, Output, Process
from ...ui.example import request_of
from .fragments import paths
from .values import input_schema

GENERIC = "/processes/{processID}/execution"
Schema = dict[str, Any]


def path_of(process: Process) -> str:
    """The path of its execution."""
    return f"/processes/{quote(process.id, safe='')}/execution"


def execution_of(process: Process) -> dict[str, Any]:
    """The path item of its execution; made once for each revision."""
    return _Revision(process).item()


class _Revision:
    """A key by which the path item of a process is kept: its description never changes within a revision."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.key = (process.id, process.revision, process.source, process.owner, process.updated, process.version)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Revision) and other.key == self.key

    def item(self) -> dict[str, Any]:
        # A process that no store has stamped has no identity beyond its value.
        return _item(self) if self.process.updated is not None else _made(self.process)


@lru_cache(maxsize=4096)
def _item(revision: _Revision) -> dict[str, Any]:
    return _made(revision.process)


def _made(process: Process) -> dict[str, Any]:
    generic = paths()[GENERIC]
    content = {"schema": _body(process), "example": _example(process)}
    body = {
        "required": any(item.min_occurs > 0 for item in process.inputs.values()),
        "content": {"application/json": content},
    }
    texts = {"tags": ["execution"], "summary": process.title or process.id, "description": _text(process)}
    posted = {**generic["post"], **texts, "operationId": f"execute.{process.id}", "requestBody": body}
    return {"post": posted, **by_query(process.id)}


def by_query(process_id: str) -> dict[str, Any]:
    """The GET operation of an execution path; nothing where there is none for any process."""
    generic = paths()[GENERIC].get("get")
    if generic is None:
        return {}
    return {
        "get": {**generic, "operationId": f"executeByQuery.{process_id}", "summary": f"Execute {process_id} by a query"}
    }


def _text(process: Process) -> str:
    modes = {
        JobControl.SYNC: "synchronously (`Prefer: wait=SECONDS`)",
        JobControl.ASYNC: "asynchronously (`Prefer: respond-async`)",
    }
    said = " or ".join(text for mode, text in modes.items() if mode in process.job_control)
    return "\n\n".join(part for part in (process.description, f"It runs {said}." if said else "") if part)


def _body(process: Process) -> Schema:
    required = [key for key, item in process.inputs.items() if item.min_occurs > 0 and not item.schema.get("nullable")]
    inputs: Schema = {
        "type": "object",
        **({} if required else {"nullable": True}),
        "properties": {key: input_schema(item) for key, item in process.inputs.items()},
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }
    outputs: Schema = {
        "type": "object",
        "nullable": True,
        "description": "The outputs that are wanted; all where this is left out.",
        "properties": {key: _output(item) for key, item in process.outputs.items()},
        "additionalProperties": False,
    }
    members = {"inputs": inputs, "outputs": outputs}
    shared = ("response", "subscriber")
    return {
        "type": "object",
        "properties": {**members, **{key: {"$ref": f"#/components/schemas/{key}"} for key in shared}},
        **({"required": ["inputs"]} if required else {}),
    }


def _output(item: Output) -> Schema:
    return {"allOf": [{"$ref": "#/components/schemas/outputRequest"}], "title": item.title or item.id}


def _example(process: Process) -> Schema:
    inputs = {
        key: {
            "schema": item.schema,
            "minOccurs": item.min_occurs,
            "maxOccurs": "unbounded" if item.max_occurs is None else item.max_occurs,
        }
        for key, item in process.inputs.items()
    }
    return request_of({"inputs": inputs})
