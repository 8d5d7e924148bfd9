"""Several CWL documents in one request: a main one, and those that it runs or imports by name.

Part 2 /per/cwl/multipart-cwl-body, and application packages with a list of CWL units (Weaver).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..errors import InvalidPackage, WorkflowNotFound
from ..model.process import Package
from .document import process_id, processes
from .fetch import NOWHERE, Fetch
from .guard import parse_mapping
from .load import load_named

MAX_DOCUMENTS = 100
_REFERENCES = ("run", "$import", "$include")


@dataclass(frozen=True, slots=True)
class Member:
    """One document of a bundle."""

    source: bytes
    names: tuple[str, ...] = ()
    """What others may call it by: file name, Content-ID, Content-Location; its process ids are added."""
    address: str = ""
    """URL that its relative references are resolved against; "" if there is none."""


def load_bundle(members: Sequence[Member], start: str, entry: str | None, fetch: Fetch, max_bytes: int) -> Package:
    """The package of several documents.

    Args:
        members: the documents.
        start: name of the main one (RFC 2387 `start`); "": `entry` or the documents themselves tell.
        entry: id of the process to run; None: that of the main document.
        fetch: reads what they refer to and is not among them.
        max_bytes: largest document.

    Raises:
        WorkflowNotFound: none of them has the process `entry`.
        InvalidPackage, TooLarge, OapipError: as `load_package`.
    """
    if len(members) > MAX_DOCUMENTS:
        raise InvalidPackage(f"There are more than {MAX_DOCUMENTS} documents.")
    parsed = [parse_mapping(member.source, max_bytes=max_bytes) for member in members]
    ids = [[process_id(item) for item in processes(document)] for document in parsed]
    names = [_names(member, own) for member, own in zip(members, ids, strict=True)]
    main = _main(parsed, names, ids, start, entry)
    chosen = entry if entry is not None and entry.rpartition("#")[2] in ids[main] else None
    known: dict[str, bytes] = {}
    for number, own in enumerate(names):
        if number != main:
            known |= dict.fromkeys(map(_address, own), _source(members[number], parsed[number]))
    base = members[main].address or NOWHERE + quote(names[main][0] if names[main] else "package.cwl")
    return load_named(_source(members[main], parsed[main]), chosen, base, known, fetch)


def _names(member: Member, ids: Sequence[str]) -> list[str]:
    given = [name.strip().strip("<>") for name in member.names]
    own = [name for item in ids if item for name in (item, f"{item}.cwl")]
    return list(dict.fromkeys([name for name in given if name] + own))


def _source(member: Member, parsed: dict[str, Any]) -> bytes:
    """The text of a document; references by Content-ID (RFC 2392 `cid:`), which CWL tools do not know, as addresses."""
    if b"cid:" not in member.source:
        return member.source
    return json.dumps(_readdressed(parsed), ensure_ascii=False).encode("utf-8", "replace")


def _readdressed(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _readdressed(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_readdressed(item) for item in value]
    by_id = key in _REFERENCES and isinstance(value, str) and value.startswith("cid:")
    return _address(value.removeprefix("cid:")) if by_id else value


def _address(name: str) -> str:
    if name.startswith(("http://", "https://")):
        return name
    return NOWHERE + quote(name.removeprefix("./"))


def _main(
    parsed: Sequence[dict[str, Any]],
    names: Sequence[Sequence[str]],
    ids: Sequence[Sequence[str]],
    start: str,
    entry: str | None,
) -> int:
    """The number of the main document: by `start`, by the process asked for, by the name `main`, else the only one
    that no other mentions, else the first Workflow, else the first."""
    wanted = start.strip().strip("<>")
    if wanted:
        found = [number for number, own in enumerate(names) if wanted in own]
        if not found:
            raise InvalidPackage(f"`start` names {wanted[:100]!r}, which no part has as its Content-ID.")
        return found[0]
    if entry is not None:
        process = entry.rpartition("#")[2]
        for number, own in enumerate(ids):
            if process in own:
                return number
        every = ", ".join(item for own in ids for item in own if item)
        raise WorkflowNotFound(f"The package has no process {process!r}. It has: {every}.", location="w")
    called = [number for number, own in enumerate(names) if {"main", "#main"} & set(own)]
    mentioned = {name for document in parsed for name in _mentions(document)}
    free = [number for number, own in enumerate(names) if not mentioned & {*own, *(f"cid:{name}" for name in own)}]
    workflows = [number for number in free or range(len(parsed)) if parsed[number].get("class") == "Workflow"]
    return [*called[:1], *(free if len(free) == 1 else []), *workflows, 0][0]


def _mentions(value: Any) -> set[str]:
    """What `run` and the imports below a value name, without fragment."""
    found: set[str] = set()
    queue = [value]
    while queue:
        item = queue.pop()
        if isinstance(item, dict):
            found |= {
                str(item[key]).partition("#")[0].removeprefix("./")
                for key in _REFERENCES
                if isinstance(item.get(key), str)
            }
            queue.extend(item.values())
        elif isinstance(item, list):
            queue.extend(item)
    return found
