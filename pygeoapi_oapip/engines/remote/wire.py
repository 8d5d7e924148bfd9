"""What is sent to another server and what its answers mean; no I/O.

Both versions of Part 1 are understood: 1.0 (`jobID`, `response`, `transmissionMode`) and the 2.0 draft (`id`).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from ...errors import JobFailed
from ...model.answer import Answer
from ...model.json import JSON, JSONObject
from ...model.process import Package
from ...model.run import RunState

RESULTS = ("http://www.opengis.net/def/rel/ogc/1.0/results", "results")
STATES: Mapping[str, RunState] = {
    "accepted": RunState.QUEUED,
    "created": RunState.QUEUED,
    "running": RunState.RUNNING,
    "successful": RunState.SUCCEEDED,
    "failed": RunState.FAILED,
    "dismissed": RunState.CANCELLED,
}
"""Part 1 statusCode.yaml, with `created` of Part 4. A word that is not here is taken as RUNNING."""

_LONGEST = 2000
"""Characters of a foreign text that a message repeats."""

ReadFile = Callable[[str], bytes]
"""The content of a staged input by its `file:` URL."""


@dataclass(frozen=True, slots=True)
class Status:
    """A statusInfo document."""

    state: RunState
    message: str
    progress: int
    results: str
    """Absolute URL of the results."""


def execute_body(package: Package, order: JSONObject, read: ReadFile) -> JSONObject:
    """Part 1 execute.yaml for a job order (`packages.plainorder`).

    Args:
        package: of a remote process (`packages.remote`).
        order: values and files by input id.
        read: reads staged files, which are sent by value.
    """
    schemas: Any = package.document["outputs"]
    by_reference = package.document.get("byReference") is True
    outputs = {
        name: {"transmissionMode": "reference" if by_reference and is_content(schema) else "value"}
        for name, schema in schemas.items()
    }
    inputs = {name: _input(entry, read) for name, entry in order.items()}
    return {"inputs": inputs, "outputs": outputs, "response": "document"}


def _input(entry: Any, read: ReadFile) -> JSON:
    if "many" in entry:
        return [_input(item, read) for item in entry["many"]]
    if "file" in entry:
        return _file(entry["file"], str(entry.get("type") or ""), read)
    form = {"mediaType": entry.get("type"), "encoding": entry.get("encoding")}
    given = {key: text for key, text in form.items() if text}
    value: JSON = entry["value"]
    return {"value": value, **given} if given or isinstance(value, Mapping) else value


def _file(file: JSONObject, media_type: str, read: ReadFile) -> JSON:
    location = str(file.get("location"))
    if file.get("class") == "Directory":
        raise JobFailed("a folder cannot be sent to another server")
    if not location.startswith("file:"):
        return {"href": location, **({"type": media_type} if media_type else {})}
    content = read(location)
    kind = media_type or "application/octet-stream"
    if kind.startswith("text/") or kind.endswith(("json", "xml", "yaml")):
        try:
            return {"value": content.decode("utf-8"), "mediaType": kind}
        except UnicodeDecodeError:
            pass  # the type promises text, the bytes are something else: they go as bytes
    return {"value": base64.b64encode(content).decode("ascii"), "mediaType": kind, "encoding": "base64"}


def job_address(answer: Answer, execution: str) -> str:
    """Absolute URL of the job that an answer to an execute request tells of; "" where it tells of none."""
    body = answer.json()
    known = body if isinstance(body, Mapping) else {}
    job_id = known.get("jobID") or known.get("id")
    if answer.status == 201 and answer.headers.get("location"):
        return _joined(execution, answer.headers["location"])
    if isinstance(job_id, str) and isinstance(known.get("status"), str):
        return f"{execution.rpartition('/processes/')[0]}/jobs/{job_id}"
    return ""


def status_of(answer: Answer, address: str) -> Status | None:
    """The status in an answer; None where it is no statusInfo."""
    body = answer.json()
    if not isinstance(body, Mapping) or not isinstance(body.get("status"), str):
        return None
    progress = body.get("progress")
    return Status(
        state=STATES.get(str(body["status"]).lower(), RunState.RUNNING),
        message=str(body.get("message") or "")[:_LONGEST],
        progress=max(0, min(100, progress)) if isinstance(progress, int) else 0,
        results=_link(body, address) or f"{address.partition('?')[0].rstrip('/')}/results",
    )


def _link(body: JSONObject, address: str) -> str:
    links = body.get("links")
    for item in links if isinstance(links, Sequence) and not isinstance(links, str) else ():
        wanted = isinstance(item, Mapping) and item.get("rel") in RESULTS and isinstance(item.get("href"), str)
        if wanted and isinstance(item, Mapping) and item.get("type") in (None, "", "application/json"):
            return _joined(address, str(item["href"]))
    return ""


def _joined(base: str, reference: str) -> str:
    """The absolute URL; "" where it is none."""
    try:
        return urljoin(base, reference)
    except ValueError:
        return ""


def problem_of(answer: Answer) -> str:
    """What an error answer says, in words."""
    body = answer.json()
    if isinstance(body, Mapping):
        for name in ("detail", "description", "message", "title"):
            if isinstance(body.get(name), str) and body[name]:
                return str(body[name])[:_LONGEST]
    return f"status {answer.status}"


def retry_after(answer: Answer) -> float:
    """Seconds of Retry-After, at most ten minutes; 0 where it does not say."""
    text = answer.headers.get("retry-after", "").strip()
    return min(600.0, float(text)) if text.isascii() and text.isdigit() else 0.0


def is_content(schema: JSONObject) -> bool:
    """True for the schema of a file."""
    branches: Any = [schema, *(schema.get("oneOf") or ()), *(schema.get("anyOf") or ())]  # type: ignore[misc]
    return any(
        branch.get("contentMediaType") or branch.get("contentEncoding") or branch.get("format") in ("binary", "byte")
        for branch in branches
        if isinstance(branch, Mapping)
    )
