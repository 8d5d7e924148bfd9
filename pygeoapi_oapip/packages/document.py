"""Reads CWL documents as plain JSON: processes, their ids, who uses whom, requirements. Knows nothing of cwltool."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import AmbiguousWorkflow, InvalidPackage, WorkflowNotFound
from ..model.json import JSON, JSONObject

VERSIONS = ("v1.0", "v1.1", "v1.2")
RUNNABLE = ("CommandLineTool", "ExpressionTool", "Workflow")
PROCESSES = (*RUNNABLE, "Operation")
_IMPORTS = ("$import", "$include", "$mixin")
_REMOTE = re.compile(r"(?:https?|s3)://")
_OTHER_DOCUMENT = re.compile(r"[^\s#$({:]+\.\w+#[^\s#]+")
"""What names a type of another document (`types.yml#box`)."""


def version_of(document: JSONObject) -> str:
    """The `cwlVersion` without prefix.

    Raises:
        InvalidPackage: missing, or not one of VERSIONS.
    """
    version = document.get("cwlVersion")
    known = ", ".join(VERSIONS)
    if version is None:
        raise InvalidPackage(f"This is not a CWL document: `cwlVersion` is missing (one of {known}).")
    short = str(version).rpartition("#")[2].removeprefix("cwl:")
    if short not in VERSIONS:
        raise InvalidPackage(f"cwlVersion {version!r} is not supported; one of {known} is.")
    return short


def as_list(value: JSON, key: str, main: str = "") -> list[Any]:
    """The list form of what CWL allows to write as a map.

    Args:
        value: a list, a map, or nothing.
        key: the member of each item that the map's keys stand for (`id`, `class`).
        main: the member that a value stands for which is no map (`type`, `source`); "" for none.
    """
    if isinstance(value, Mapping):
        return [{key: name, **_item(item, main)} for name, item in value.items()]
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []


def _item(item: JSON, main: str) -> JSONObject:
    """A map's value as an item: a mapping is the whole item, whatever it looks like (schema-salad's rule)."""
    if isinstance(item, Mapping):
        return item
    return {main: item} if main else {}


def items_by_class(value: JSON) -> dict[str, Any]:
    """Requirements or hints by class."""
    return {str(item.get("class", "")): item for item in as_list(value, "class") if isinstance(item, Mapping)}


def short_id(name: JSON) -> str:
    """The last part of an id: `main` of `#main`, `size` of `#main/size` or `file.cwl#main/size`."""
    return str(name).rpartition("#")[2].rpartition("/")[2] if name else ""


def process_id(process: JSONObject) -> str:
    """The id of a process without address: `main` of `#main`, "" where it has none."""
    return str(process.get("id") or "").rpartition("#")[2]


def processes(document: JSONObject) -> list[Any]:
    """The processes of a document: those of its `$graph`, or itself."""
    graph = document.get("$graph")
    if graph is None:
        return [document]
    if not isinstance(graph, Sequence) or isinstance(graph, str):
        raise InvalidPackage("`$graph` must be a list of processes.")
    return [item for item in graph if isinstance(item, Mapping) and item.get("class") in PROCESSES]


def find_process(document: JSONObject, entry: str) -> JSONObject:
    """The process that `entry` names in a document.

    Args:
        document: as in `Package.document`.
        entry: an id with or without `#`; "" where the document is one process.

    Raises:
        WorkflowNotFound: there is none of this id; the ids are listed.
    """
    wanted = entry.rpartition("#")[2]
    found = processes(document)
    for process in found:
        if process_id(process) == wanted or (not wanted and "$graph" not in document):
            return dict(process)
    ids = ", ".join(process_id(item) or "(one process without id)" for item in found)
    raise WorkflowNotFound(f"The package has no process {wanted!r}. It has: {ids}.", location="w")


def choose_entry(document: JSONObject, entry: str | None) -> str:
    """The entry point: the one asked for, else `main` (CWL's rule), else the only process that no other one uses,
    else the only Workflow among those.

    Returns:
        `#id` in a `$graph`, else "".

    Raises:
        WorkflowNotFound: no process is called `entry`; the ids are listed.
        AmbiguousWorkflow: there are several, and none was asked for; the ids are listed.
        InvalidPackage: it is no process, or one that cannot run.
    """
    found = processes(document)
    if not found or not any(item.get("class") in PROCESSES for item in found):
        raise InvalidPackage(f"The document has no process (`class`: one of {', '.join(RUNNABLE)}).")
    if entry is not None:
        process = find_process(document, entry)
    else:
        process = _default_entry(found)
    if process.get("class") == "Operation":
        raise InvalidPackage(
            f"The process {process_id(process)!r} is an Operation, which describes work and cannot run."
        )
    return "#" + process_id(process) if "$graph" in document else ""


def _default_entry(found: Sequence[Any]) -> JSONObject:
    if len(found) == 1:
        return dict(found[0])
    main = [item for item in found if process_id(item) == "main"]
    used = {name for item in found for name in _runs(item)}
    free = [item for item in found if process_id(item) not in used]
    workflows = [item for item in free if item.get("class") == "Workflow"]
    for candidates in (main, free, workflows):
        if len(candidates) == 1:
            return dict(candidates[0])
    ids = ", ".join(process_id(item) for item in (free or found))
    candidates = [process_id(item) for item in (workflows or free or found)]
    raise AmbiguousWorkflow(
        f"Which process is to be deployed? Choose one of: {ids}.", location="w", candidates=candidates
    )


def _runs(process: JSONObject) -> Iterator[str]:
    for step in as_list(process.get("steps"), "id"):
        run = step.get("run") if isinstance(step, Mapping) else None
        if isinstance(run, str):
            yield run.rpartition("#")[2]
        elif isinstance(run, Mapping):
            yield from _runs(run)


def refuse_cycles(document: JSONObject) -> None:
    """Refuse processes of a `$graph` that run themselves, before anything follows them.

    Raises:
        InvalidPackage: naming one of them.
    """
    runs = {process_id(item): set(_runs(item)) for item in processes(document)}
    while runs:
        leaves = [name for name, used in runs.items() if not used & runs.keys()]
        if not leaves:
            raise InvalidPackage(f"The process {next(iter(runs))!r} runs itself, directly or through others.")
        for name in leaves:
            del runs[name]


def reachable(document: JSONObject, entry: str) -> list[JSONObject]:
    """The process `entry` and all that it runs, nested ones and steps (whose requirements count too) included."""
    found: list[JSONObject] = []
    queue: list[Any] = [find_process(document, entry)]
    seen: set[str] = set()
    while queue:
        item = queue.pop()
        found.append(item)
        for step in as_list(item.get("steps"), "id"):
            if isinstance(step, Mapping):
                found.append(step)
        for run in (step.get("run") for step in as_list(item.get("steps"), "id") if isinstance(step, Mapping)):
            if isinstance(run, Mapping):
                queue.append(run)
            elif isinstance(run, str) and run not in seen:
                seen.add(run)
                queue.append(find_process(document, run))
    return found


def refers_by_address(value: JSON) -> bool:
    """True if a `run` below `value` names more than a fragment, so that it depends on where the document is."""
    if isinstance(value, Mapping):
        run = value.get("run")
        return (isinstance(run, str) and not run.startswith("#")) or any(map(refers_by_address, value.values()))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return any(map(refers_by_address, value))
    return False


def is_self_contained(value: JSON) -> bool:
    """True if nothing below `value` depends on where the document is: no imports, no `run` and no type of another
    document, no ontology, no File or Directory at a relative or local address."""
    if isinstance(value, Mapping):
        return not _refers_out(value) and all(map(is_self_contained, value.values()))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return all(map(is_self_contained, value))
    return not (isinstance(value, str) and _OTHER_DOCUMENT.fullmatch(value))


def _refers_out(value: JSONObject) -> bool:
    run = value.get("run")
    if (
        any(key in value for key in _IMPORTS)
        or value.get("$schemas")
        or (isinstance(run, str) and not run.startswith("#"))
    ):
        return True
    address = value.get("location") or value.get("path")
    return value.get("class") in ("File", "Directory") and isinstance(address, str) and not _REMOTE.match(address)


def needs_container(document: JSONObject, entry: str) -> bool:
    """True if something that runs has DockerRequirement under `requirements`."""
    return any("DockerRequirement" in items_by_class(item.get("requirements")) for item in reachable(document, entry))


def needs_javascript(document: JSONObject, entry: str) -> bool:
    """True if something that runs has InlineJavascriptRequirement, as requirement or hint."""
    return any(
        "InlineJavascriptRequirement" in items_by_class(item.get(kind))
        for item in reachable(document, entry)
        for kind in ("requirements", "hints")
    )
