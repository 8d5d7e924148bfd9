"""CWL output object -> values with hrefs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from ..errors import JobFailed
from ..model.json import JSON, JSONObject
from ..model.process import Package
from ..model.value import DirectoryOutput, FileOutput, ListOutput, Literal, OutputValue, RecordOutput
from .cwltypes import CWLType, TypeReader
from .formats import BINARY, media_type_of_format, media_type_of_name

_OUTPUTS = "outputs"


def read_outputs(output_object: JSONObject, package: Package, workspace: Path) -> Mapping[str, OutputValue]:
    """The outputs of a run by id, in the order of the package.

    Args:
        output_object: as a CWL runner prints it; locations are `file:` URLs or paths in the workspace (relative ones:
            from its `outputs`), or URLs of other schemes.
        package: what ran.
        workspace: the job's folder. File literals (`contents`) are written to its `outputs`.

    Raises:
        JobFailed: an output is not in the workspace, so that it cannot be served, or is not there at all.
    """
    collector = _Collector(workspace)
    parameters = TypeReader(package.document, package.entry).outputs()
    return {item.id: collector.value(output_object.get(item.id), item.type, item.id) for item in parameters}


class _Collector:
    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.root = workspace.resolve()

    def value(self, raw: JSON, cwl: CWLType | None, name: str) -> OutputValue:
        if not _holds_file(raw):
            return Literal(raw)
        if isinstance(raw, Mapping):
            if raw.get("class") == "File":
                return self.file(raw, cwl, name)
            if raw.get("class") == "Directory":
                return self.directory(raw, name)
            fields = cwl.fields if cwl else {}
            return RecordOutput({key: self.value(item, fields.get(key), name) for key, item in raw.items()})
        item_type = cwl.items[0] if cwl and cwl.kind == "array" else None
        items = raw if isinstance(raw, Sequence) else ()
        return ListOutput(tuple(self.value(item, item_type, name) for item in items))

    def file(self, raw: JSONObject, cwl: CWLType | None, name: str) -> FileOutput:
        href, path = self.place(raw, name)
        if path is not None and not path.is_file():
            raise JobFailed(f"outputs.{name}: the run names a file that does not exist: {path.name}")
        basename = str(raw.get("basename") or _last(href))
        size = raw.get("size")
        if path is not None:
            size = path.stat().st_size
        return FileOutput(
            href=href,
            name=basename,
            media_type=_media_type(raw, cwl, basename, path),
            size=size if isinstance(size, int) else 0,
            secondary=tuple(self.part(item, name) for item in _list(raw.get("secondaryFiles"))),
            format=_text(raw.get("format")),
        )

    def part(self, raw: Any, name: str) -> FileOutput | DirectoryOutput:
        if isinstance(raw, Mapping) and raw.get("class") == "Directory":
            return self.directory(raw, name)
        return self.file(raw if isinstance(raw, Mapping) else {}, None, name)

    def directory(self, raw: JSONObject, name: str) -> DirectoryOutput:
        if not _address(raw):
            return self.literal_directory(raw, name)
        href, path = self.place(raw, name)
        if path is not None and not path.is_dir():
            raise JobFailed(f"outputs.{name}: the run names a directory that does not exist: {path.name}")
        href = href.rstrip("/")
        return DirectoryOutput(href, str(raw.get("basename") or _last(href)))

    def place(self, raw: JSONObject, name: str) -> tuple[str, Path | None]:
        """The href of a File or Directory object, and where it is if that is on this machine."""
        address = _address(raw)
        if not address and isinstance(raw.get("contents"), str):
            path = self.write(self.workspace / _OUTPUTS, raw, name)
            return path.relative_to(self.workspace).as_posix(), path
        parts = urlsplit(address)
        if parts.scheme not in ("", "file"):
            return address, None
        path = Path(unquote(parts.path)) if parts.scheme else Path(address)
        path = path if path.is_absolute() else self.workspace / _OUTPUTS / path
        real = path.resolve()
        if not address or real == self.root or not real.is_relative_to(self.root):
            raise JobFailed(f"outputs.{name}: {path.name or 'a file'} is outside the folder of the job, and not served")
        return real.relative_to(self.root).as_posix(), real

    def write(self, folder: Path, raw: JSONObject, name: str) -> Path:
        """Make a file of a literal, under a name that is free."""
        wanted = PurePosixPath(str(raw.get("basename") or name)).name or name
        folder.mkdir(parents=True, exist_ok=True)
        path, number = folder / wanted, 2
        while path.exists():
            path, number = folder / f"{number}-{wanted}", number + 1
        path.write_text(str(raw["contents"]), encoding="utf-8")
        return path

    def literal_directory(self, raw: JSONObject, name: str) -> DirectoryOutput:
        """A Directory that is only a listing: its parts must be in one folder already, or are literals."""
        basename = PurePosixPath(str(raw.get("basename") or name)).name or name
        folder = self.workspace / _OUTPUTS / basename
        for item in _list(raw.get("listing")):
            if isinstance(item, Mapping) and item.get("class") == "File" and isinstance(item.get("contents"), str):
                self.write(folder, item, name)
                continue
            _, path = self.place(item if isinstance(item, Mapping) else {}, name)
            if path is None or path.parent != folder.resolve():
                raise JobFailed(f"outputs.{name}: the parts of the directory {basename} are not in one folder")
        return DirectoryOutput(folder.relative_to(self.workspace).as_posix(), basename)


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else ""


def _address(raw: JSONObject) -> str:
    address = raw.get("location") or raw.get("path") or ""
    return "" if str(address).startswith("_:") else str(address)


def _last(href: str) -> str:
    return PurePosixPath(unquote(urlsplit(href).path)).name or href


def _list(value: JSON) -> Sequence[Any]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


_HEAD = 1024


def _holds_file(value: JSON) -> bool:
    if isinstance(value, Mapping):
        return value.get("class") in ("File", "Directory") or any(map(_holds_file, value.values()))
    return any(map(_holds_file, _list(value)))


def _media_type(raw: JSONObject, cwl: CWLType | None, basename: str, path: Path | None) -> str:
    """By the declared format, else the file's own, else its name, else whether it begins as text does."""
    formats = [*(cwl.formats if cwl else ()), raw.get("format")]
    for uri in formats:
        found = media_type_of_format(uri) if isinstance(uri, str) else ""
        if found and found != BINARY and "*" not in found:
            return found
    named = media_type_of_name(basename)
    return "text/plain" if named == BINARY and path is not None and _is_text(path) else named


def _is_text(path: Path) -> bool:
    """Whether the first bytes are UTF-8 without control characters (standard output has a name without extension)."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    try:
        text = head.decode("utf-8") if len(head) < _HEAD else head.decode("utf-8", "ignore")
    except UnicodeDecodeError:
        return False
    return bool(text) and not any(ord(c) < 32 and c not in "\t\n\r\f\x1b" for c in text)
