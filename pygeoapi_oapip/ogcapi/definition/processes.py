"""One execution path for each process, with the schemas of its inputs and an example that fits them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from ...model.process import Input, JobControl, Output, Process
from ...ui.example import request_of
from .fragments import paths
from .schemas30 import strict

GENERIC = "/processes/{processID}/execution"
Schema = dict[str, Any]

_LINK = {"$ref": "#/components/schemas/inputLink"}
_CONTENT = {"anyOf": [{"type": "string"}, {"type": "object"}]}
_CWL = frozenset({"binary", "uri"})


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
    generic = paths()[GENERIC]["post"]
    content = {"schema": _body(process), "example": _example(process)}
    return {
        "post": {
            **generic,
            "tags": ["execution"],
            "operationId": f"execute.{process.id}",
            "summary": process.title or process.id,
            "description": _text(process),
            "requestBody": {
                "required": any(item.min_occurs > 0 for item in process.inputs.values()),
                "content": {"application/json": content},
            },
        }
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
        "properties": {key: _input(item) for key, item in process.inputs.items()},
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }
    outputs: Schema = {
        "type": "object",
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


def _input(item: Input) -> Schema:
    """By value, by qualified value or by reference; once, or as an array where several are allowed."""
    single = _single(item.schema)
    if item.max_occurs is None or item.max_occurs > 1:
        single = [*single, _several(single, item)]
    texts = {"title": item.title or item.id, "description": item.description}
    kept: Schema = {"default": item.schema["default"]} if "default" in item.schema else {}
    return {**{key: text for key, text in texts.items() if text}, **kept, "anyOf": single}


def _several(single: list[Schema], item: Input) -> Schema:
    found: Schema = {"type": "array", "items": {"anyOf": single}}
    if item.min_occurs > 1:
        found["minItems"] = item.min_occurs
    if item.max_occurs is not None:
        found["maxItems"] = item.max_occurs
    return found


def _single(schema: Mapping[str, Any]) -> list[Schema]:
    plain = strict({key: value for key, value in schema.items() if key not in ("title", "description", "default")})
    value = _CONTENT if _is_content(schema) else plain
    qualified = {"type": "object", "required": ["value"], "properties": {"value": value, **_QUALIFIERS}}
    return [plain, {**qualified, "additionalProperties": False}, _LINK]


_QUALIFIERS: Mapping[str, Schema] = {
    "mediaType": {"type": "string"},
    "encoding": {"type": "string"},
    "schema": {},
    "format": {"type": "object"},
}


def _is_content(schema: Mapping[str, Any]) -> bool:
    """True where a value may be the content of a file, or stand for a directory."""
    own = bool(schema.get("contentMediaType") or schema.get("contentEncoding")) or schema.get("format") in _CWL
    branches = [part for key in ("oneOf", "anyOf", "allOf") for part in schema.get(key) or ()]
    return own or any(isinstance(part, Mapping) and _is_content(part) for part in branches)


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
