"""Outputs of a job as documents, links and bytes (Part 1 results.yaml); no HTTP library, no file access of its own.

Paths below an output. Every file of an output has one path, `file_links` makes it and `find_file` reads it:

| output | path of a file |
|---|---|
| File | "" (the output itself); its own name means the same |
| secondary file | its name, beside the file that it belongs to |
| Directory | "" (the output itself, an archive); a file in it has its relative path |
| array | `INDEX/` and then as above, with the name where that would be "" |
| record | `FIELD/` and then as above, with the name where that would be "" |

So a shapefile's `.dbf` is the sibling of its `.shp`, and tools that look for siblings find it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from .model.execution import ExecutionRequest, OutputRequest, Transmission
from .model.json import JSON, JSONObject
from .model.value import DirectoryOutput, FileOutput, ListOutput, Literal, OutputValue, RecordOutput

ARCHIVE = "application/zip"
"""Media type of a Directory output that is fetched as one file."""

LARGEST_INLINE = 5_000_000
"""Bytes of a file up to which `transmissionMode: value` puts its content into a document."""

_LONGEST_NAME = 255
_LONGEST_PATH = 2000

Leaf = FileOutput | DirectoryOutput
Read = Callable[[str, str], bytes]
"""(output id, path) -> the bytes of that file."""
Locate = Callable[[Leaf], str]
"""A file -> the address where it is fetched, "" where that is this server."""


Catalogue = Callable[[str, str, DirectoryOutput], JSONObject | None]
"""(output id, path, Directory) -> the STAC Collection that it holds; None where it holds none."""


def here(leaf: Leaf) -> str:
    """No file is elsewhere."""
    return ""


def no_catalogue(output_id: str, path: str, leaf: DirectoryOutput) -> JSONObject | None:
    """No Directory holds one."""
    return None


def file_links(output_id: str, value: OutputValue) -> Iterator[tuple[str, Leaf]]:
    """Every file and directory of an output with its path below `/jobs/{id}/results/{output_id}/`.

    Args:
        output_id: the output; not part of the paths.
        value: its value.

    Returns:
        (path, file) in document order, secondary files after the file they belong to. Paths are not URL-quoted.
    """
    yield from _walk("", value)


def find_file(value: OutputValue, path: str) -> FileOutput | tuple[DirectoryOutput, str] | None:
    """The inverse of `file_links`.

    Args:
        value: the value of the output.
        path: a path that `file_links` made, or one below a Directory.

    Returns:
        The file; or a directory and the path in it ("" for the directory itself); None where nothing has this path.
        Paths with empty, `.` or `..` segments have nothing.
    """
    if len(path) > _LONGEST_PATH or path and not all(_is_name(part) for part in path.split("/")):
        return None
    for own_path, leaf in _walk("", value):
        for candidate in {own_path, own_path or leaf.name}:
            if path == candidate:
                return leaf if isinstance(leaf, FileOutput) else (leaf, "")
    return _inside_directory(value, path)


def _is_name(part: str) -> bool:
    """True if a file can have this name: what no file system takes (POSIX NAME_MAX) has to end here, as 404."""
    fits = 0 < len(part.encode("utf-8", "replace")) <= _LONGEST_NAME
    return fits and part not in (".", "..") and "\0" not in part and "\\" not in part


def _inside_directory(value: OutputValue, path: str) -> tuple[DirectoryOutput, str] | None:
    for own_path, leaf in _walk("", value):
        if isinstance(leaf, DirectoryOutput):
            prefix = f"{own_path}/" if own_path else ""
            if path.startswith(prefix) and len(path) > len(prefix):
                return leaf, path[len(prefix) :]
    return None


def _walk(prefix: str, value: OutputValue) -> Iterator[tuple[str, Leaf]]:
    if isinstance(value, ListOutput):
        for index, item in enumerate(value.items):
            yield from _walk(f"{prefix}{index}/", item)
    elif isinstance(value, RecordOutput):
        for name, item in value.fields.items():
            yield from _walk(f"{prefix}{name}/", item)
    elif not isinstance(value, Literal):
        yield from _siblings(prefix, value)


def _siblings(prefix: str, value: Leaf) -> Iterator[tuple[str, Leaf]]:
    """The file and its secondary files. Names in one folder differ; if an engine says otherwise, a number keeps
    the paths apart."""
    yield (f"{prefix}{value.name}" if prefix else ""), value
    seen = {value.name}
    for position, part in enumerate(_secondary(value), start=1):
        name = part.name if part.name not in seen else f"{position}-{part.name}"
        seen.add(name)
        yield f"{prefix}{name}", part


def _secondary(value: Leaf) -> Iterator[Leaf]:
    if isinstance(value, FileOutput):
        for part in value.secondary:
            yield part
            yield from _secondary(part)


@dataclass(frozen=True, slots=True)
class Renderer:
    """Turns the outputs of one job into JSON."""

    address: str
    """URL of the results, without a `/` at its end."""
    read: Read
    locate: Locate = here
    """Where a file is fetched if not at this server (presigned links), else "" (no address)."""
    catalogue: Catalogue = no_catalogue
    """What Directories are by value."""

    def document(self, outputs: Mapping[str, OutputValue], request: ExecutionRequest) -> dict[str, JSON]:
        """Part 1 results.yaml: output id -> value, qualified value or link.

        An output whose value is null is left out: results.yaml has no null.

        Args:
            outputs: what the job made, already reduced to what was asked for.
            request: the execute request (transmission modes and formats).
        """
        wanted = request.outputs or {}
        return {
            output_id: self.member(output_id, value, wanted.get(output_id, OutputRequest()))
            for output_id, value in outputs.items()
            if not (isinstance(value, Literal) and value.value is None)
        }

    def member(self, output_id: str, value: OutputValue, wanted: OutputRequest) -> JSON:
        """One output as it stands in a results document."""
        if isinstance(value, Literal):
            if wanted.transmission is Transmission.REFERENCE:
                return {"href": self.href(output_id), "type": "application/json", "title": output_id}
            return qualified(value.value, wanted.media_type)
        plain = self.plain(output_id, value, wanted.transmission is Transmission.VALUE)
        return {"value": plain, "mediaType": "application/json"} if isinstance(value, RecordOutput) else plain

    def plain(self, output_id: str, value: OutputValue, inline: bool = False) -> JSON:
        """One output as JSON: literals as they are, arrays and records with links (or contents) in place of files."""
        return self._node(output_id, "", value, inline)

    def _node(self, output_id: str, prefix: str, node: OutputValue, inline: bool) -> JSON:
        if isinstance(node, Literal):
            return node.value
        if isinstance(node, ListOutput):
            return [self._node(output_id, f"{prefix}{at}/", item, inline) for at, item in enumerate(node.items)]
        if isinstance(node, RecordOutput):
            return {key: self._node(output_id, f"{prefix}{key}/", item, inline) for key, item in node.fields.items()}
        return self._leaf(output_id, prefix, node, inline)

    def link(self, output_id: str, path: str, leaf: Leaf) -> dict[str, JSON]:
        """Part 1 link.yaml for a file or directory; with the CWL `format` of a file that has one."""
        kind = leaf.media_type or "application/octet-stream" if isinstance(leaf, FileOutput) else ARCHIVE
        address = self.locate(leaf) or self.href(output_id, path)
        found: dict[str, JSON] = {"href": address, "type": kind, "title": leaf.name}
        if isinstance(leaf, FileOutput):
            found["length"] = leaf.size
            if leaf.format:
                found["format"] = leaf.format
        return found

    def href(self, output_id: str, path: str = "") -> str:
        """URL of an output or of a file below it."""
        tail = f"/{quote(path, safe='/')}" if path else ""
        return f"{self.address}/{quote(output_id, safe='')}{tail}"

    def _leaf(self, output_id: str, prefix: str, leaf: Leaf, inline: bool) -> JSON:
        (path, _), *secondary = _siblings(prefix, leaf)
        if inline and isinstance(leaf, FileOutput) and leaf.size <= LARGEST_INLINE:
            return inlined(self.read(output_id, path), leaf.media_type)
        if inline and isinstance(leaf, DirectoryOutput) and (held := self.catalogue(output_id, path, leaf)) is not None:
            return {"value": held, "mediaType": "application/json"}
        found = self.link(output_id, path, leaf)
        if secondary:
            found["secondaryFiles"] = [self.link(output_id, at, part) for at, part in secondary]
        return found


def qualified(value: JSON, media_type: str = "") -> JSON:
    """A literal in a results document.

    Returns:
        Numbers, strings, booleans, arrays and bounding boxes as they are; other objects as qualified values, which
        results.yaml demands; everything as a qualified value where a format was asked for.
    """
    if media_type:
        return {"value": value, "mediaType": media_type}
    if isinstance(value, Mapping) and not _is_bbox(value):
        return {"value": value, "mediaType": "application/json"}
    return value


def _is_bbox(value: Mapping[str, JSON]) -> bool:
    return isinstance(value.get("bbox"), Sequence) and set(value) <= {"bbox", "crs"}


def inlined(content: bytes, media_type: str) -> dict[str, JSON]:
    """A file's content as a qualified value: JSON parsed, text as a string, anything else in base64."""
    kind = media_type or "application/octet-stream"
    if is_json(kind):
        try:
            return {"value": json.loads(content), "mediaType": kind}
        except (ValueError, RecursionError):
            return _encoded(content, kind)
    if kind.startswith("text/") or kind.endswith(("+xml", "/xml", "yaml")):
        try:
            return {"value": content.decode("utf-8"), "mediaType": kind}
        except UnicodeDecodeError:
            return _encoded(content, kind)
    return _encoded(content, kind)


def _encoded(content: bytes, kind: str) -> dict[str, JSON]:
    return {"value": base64.b64encode(content).decode("ascii"), "mediaType": kind, "encoding": "base64"}


def is_json(media_type: str) -> bool:
    """True for application/json and the `+json` family."""
    essence = media_type.partition(";")[0].strip().lower()
    return essence == "application/json" or essence.endswith("+json")
