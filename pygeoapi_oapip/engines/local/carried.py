"""Makes files that a package carries, and numbers, what cwltool expects of a document that it read itself."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarfloat import ScalarFloat


class Carried:
    """Writes the File literals of a package's defaults into a folder.

    cwltool handles literals less well than files: without size, never beside their secondary files, and gone before a
    tool that passes one on as its output is collected.

    Args:
        folder: where they go, each into a folder of its own; made when needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def settle(self, value: Any) -> Any:
        """A copy of a document whose literals with a name, below a `default`, are files of this job.

        Raises:
            OSError: a file cannot be written.
        """
        if isinstance(value, dict):
            return {key: self._files(item) if key == "default" else self.settle(item) for key, item in value.items()}
        return [self.settle(item) for item in value] if isinstance(value, list) else value

    def _files(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._files(item) for item in value]
        if not isinstance(value, dict):
            return value
        if _is_literal(value):
            self._count += 1
            return self._write(value, self._folder / str(self._count))
        return {key: self._files(item) for key, item in value.items()}

    def _write(self, literal: dict[str, Any], folder: Path) -> dict[str, Any]:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / literal["basename"]
        path.write_text(literal["contents"], encoding="utf-8", newline="")
        found = {**literal, "location": path.resolve().as_uri(), "size": path.stat().st_size}
        if "secondaryFiles" in literal:
            found["secondaryFiles"] = self._files(literal["secondaryFiles"])
        return found


def _is_literal(value: dict[str, Any]) -> bool:
    name = value.get("basename")
    plain = isinstance(name, str) and name not in ("", "..") and PurePosixPath(name).name == name
    return value.get("class") == "File" and isinstance(value.get("contents"), str) and plain and "location" not in value


def as_read(value: Any) -> Any:
    """A copy of JSON values with floating-point numbers as cwltool's YAML parser gives them.

    Only those does it write as decimals on command lines, never as `1e-05` (CWL v1.2
    CommandLineTool, 4.1 Input binding).
    """
    if isinstance(value, dict):
        return {key: as_read(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_read(item) for item in value]
    if isinstance(value, float) and "e" in repr(value):
        read = YAML().load(repr(value))
        return read if isinstance(read, ScalarFloat) else value
    return value
