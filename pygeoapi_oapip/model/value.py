"""Values that go into an execution and come out of it.

Both trees are JSON-safe through `to_json` and `*_from_json`, so that they live in the job row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

from .json import JSON, JSONObject


@dataclass(frozen=True, slots=True)
class Inline:
    """An input given by value."""

    value: JSON
    media_type: str = ""
    encoding: str = ""
    """`base64` where `value` is a string that holds bytes."""


@dataclass(frozen=True, slots=True)
class Reference:
    """An input given by `href` (Part 1 link.yaml)."""

    href: str
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class Many:
    """An input given as an array of values (Part 1 process-execute-input-array)."""

    items: tuple[InputValue, ...]


@dataclass(frozen=True, slots=True)
class Nested:
    """An input that is an output of another process (Part 3 nested processes): a job of its own makes it first."""

    process: str
    """The process as the client named it."""
    process_id: str
    """Process of the job that is made."""
    revision: int
    engine: str
    output: str
    """Id of the output that becomes the value."""
    request: JSONObject
    """`ExecutionRequest.to_json()` of that job, validated."""
    spread: bool = False
    """True: the output is an array, and its items become items of the array that this value stands in."""


class NestedArray(tuple[JSON, ...]):
    """In an execute body: an array with at least one `Nested` somewhere in it."""


InputValue = Inline | Reference | Many | Nested


def nested_of(value: InputValue, place: str = "") -> Iterator[tuple[str, Nested]]:
    """Each nested process in an input value, with its place (`[0]` in an array; "" for the value itself)."""
    if isinstance(value, Nested):
        yield place, value
    elif isinstance(value, Many):
        for index, item in enumerate(value.items):
            yield from nested_of(item, f"{place}[{index}]")


def references_of(value: InputValue) -> Iterator[Reference]:
    """Each reference in an input value."""
    if isinstance(value, Reference):
        yield value
    elif isinstance(value, Many):
        for item in value.items:
            yield from references_of(item)


def input_to_json(value: InputValue) -> JSON:
    """The stored form of an input value; `input_from_json` is its inverse."""
    if isinstance(value, Many):
        return {"many": [input_to_json(item) for item in value.items]}
    if isinstance(value, Reference):
        return {"href": value.href, "type": value.media_type}
    if isinstance(value, Nested):
        return {"nested": asdict(value)}
    return {"value": value.value, "type": value.media_type, "encoding": value.encoding}


def input_from_json(stored: JSON) -> InputValue:
    """Read what `input_to_json` wrote."""
    row = cast(JSONObject, stored)
    if "many" in row:
        return Many(tuple(input_from_json(item) for item in cast("list[JSON]", row["many"])))
    if "href" in row:
        return Reference(str(row["href"]), str(row["type"]))
    if "nested" in row:
        return Nested(**cast("dict[str, Any]", row["nested"]))
    return Inline(row["value"], str(row["type"]), str(row["encoding"]))


@dataclass(frozen=True, slots=True)
class Literal:
    """An output that is a JSON value (CWL null, boolean, number, string, and arrays and records of only these)."""

    value: JSON


@dataclass(frozen=True, slots=True)
class FileOutput:
    """An output that is a file (CWL File)."""

    href: str
    """Path relative to the job's workspace, with `/` (`outputs/a.tif`), or an absolute URL (`s3://...`)."""
    name: str
    media_type: str
    size: int
    """Bytes."""
    secondary: tuple[FileOutput | DirectoryOutput, ...] = ()
    format: str = ""
    """IRI of its CWL `format`, or ""."""


@dataclass(frozen=True, slots=True)
class DirectoryOutput:
    """An output that is a directory (CWL Directory)."""

    href: str
    """Path relative to the job's workspace, with `/`, without a `/` at its end; or an absolute URL."""
    name: str
    stac: str = ""
    """Name of the documents of the STAC catalogue that it holds (`staging.stac_output`), or ""."""


@dataclass(frozen=True, slots=True)
class ListOutput:
    """An array with at least one file or directory somewhere below it."""

    items: tuple[OutputValue, ...]


@dataclass(frozen=True, slots=True)
class RecordOutput:
    """A record with at least one file or directory somewhere below it."""

    fields: Mapping[str, OutputValue]


OutputValue = Literal | FileOutput | DirectoryOutput | ListOutput | RecordOutput


def files_of(value: OutputValue) -> Iterator[FileOutput | DirectoryOutput]:
    """Each file and directory below an output value, secondary files included, in order."""
    if isinstance(value, FileOutput):
        yield value
        for part in value.secondary:
            yield from files_of(part)
    elif isinstance(value, DirectoryOutput):
        yield value
    elif isinstance(value, ListOutput):
        for item in value.items:
            yield from files_of(item)
    elif isinstance(value, RecordOutput):
        for item in value.fields.values():
            yield from files_of(item)


def output_to_json(value: OutputValue) -> JSON:
    """The stored form of an output value; `output_from_json` is its inverse."""
    match value:
        case Literal():
            return {"kind": "literal", "value": value.value}
        case FileOutput():
            return {
                "kind": "file",
                "href": value.href,
                "name": value.name,
                "type": value.media_type,
                "size": value.size,
                "secondary": [output_to_json(part) for part in value.secondary],
                **({"format": value.format} if value.format else {}),
            }
        case DirectoryOutput():
            stac = {"stac": value.stac} if value.stac else {}
            return {"kind": "directory", "href": value.href, "name": value.name, **stac}
        case ListOutput():
            return {"kind": "list", "items": [output_to_json(item) for item in value.items]}
        case RecordOutput():
            return {"kind": "record", "fields": {key: output_to_json(item) for key, item in value.fields.items()}}


def output_from_json(stored: JSON) -> OutputValue:
    """Read what `output_to_json` wrote."""
    row = cast("dict[str, JSON]", stored)
    kind = row["kind"]
    if kind == "literal":
        return Literal(row["value"])
    if kind == "list":
        return ListOutput(tuple(output_from_json(item) for item in cast("list[JSON]", row["items"])))
    if kind == "record":
        fields = cast(JSONObject, row["fields"])
        return RecordOutput({key: output_from_json(item) for key, item in fields.items()})
    if kind == "directory":
        return DirectoryOutput(str(row["href"]), str(row["name"]), str(row.get("stac") or ""))
    return FileOutput(
        href=str(row["href"]),
        name=str(row["name"]),
        media_type=str(row["type"]),
        size=cast(int, row["size"]),
        secondary=tuple(
            cast("FileOutput | DirectoryOutput", output_from_json(part))
            for part in cast("list[JSON]", row["secondary"])
        ),
        format=str(row.get("format") or ""),
    )


def with_files(
    value: OutputValue, change: Callable[[FileOutput | DirectoryOutput], FileOutput | DirectoryOutput]
) -> OutputValue:
    """The same value with each file and directory changed. A file comes after its secondary files, which the result of
    `change` has to keep."""
    match value:
        case ListOutput():
            return ListOutput(tuple(with_files(item, change) for item in value.items))
        case RecordOutput():
            return RecordOutput({key: with_files(item, change) for key, item in value.fields.items()})
        case FileOutput():
            parts = tuple(with_files(part, change) for part in value.secondary)
            return change(replace(value, secondary=cast("tuple[FileOutput | DirectoryOutput, ...]", parts)))
        case DirectoryOutput():
            return change(value)
    return value
