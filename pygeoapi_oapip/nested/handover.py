"""Outputs of one job -> inputs of another one, without HTTP.

A result file becomes a reference whose address is a random word of this moment: it is known only to the `FileSource`
made with it, is never stored, and so cannot be given by a user.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from ..errors import JobFailed
from ..model.json import JSON, JSONObject
from ..model.value import (
    DirectoryOutput,
    FileOutput,
    Inline,
    InputValue,
    ListOutput,
    Literal,
    Many,
    OutputValue,
    RecordOutput,
    Reference,
)
from ..staging.base import JobFiles, Result
from ..staging.s3_address import is_object

_SCHEME = "result-of-a-job"


class Handover:
    """Turns outputs into inputs, and reads the references that it made.

    Args:
        files: of the job that gets the inputs.
        plain: True where that job is not run by a CWL package: it takes no secondary files, and no files in objects.
        copied: True where the job may write to its inputs.
    """

    def __init__(self, files: JobFiles, plain: bool, copied: bool) -> None:
        self._files = files
        self._plain = plain
        self._copied = copied
        self._results: dict[str, Result] = {}

    def reference(self, input_id: str, href: str, media_type: str, is_directory: bool) -> JSONObject:
        """As `FileSource.reference`."""
        if (result := self._results.get(href)) is not None:
            return self._files.adopt(input_id, result, self._copied)
        return self._files.reference(input_id, href, media_type, is_directory)

    def literal(self, input_id: str, content: bytes, media_type: str, index: int) -> JSONObject:
        """As `FileSource.literal`."""
        return self._files.literal(input_id, content, media_type, index)

    def value(self, output: OutputValue, root: Path) -> InputValue:
        """An output as an input value.

        Args:
            output: of the other job.
            root: folder of that job.

        Raises:
            JobFailed: it has a form that the job cannot take.
        """
        if isinstance(output, Literal):
            return Inline(output.value)
        if isinstance(output, ListOutput):
            return Many(tuple(self.value(item, root) for item in output.items))
        if self._plain and not _is_simple(output):
            raise JobFailed("the result has files in an object or a folder, which the next process cannot take")
        if isinstance(output, FileOutput) and not output.secondary:
            return Reference(self._address(output, root), output.media_type)
        return Inline(self._json(output, root))

    def _json(self, output: OutputValue, root: Path) -> JSON:
        match output:
            case Literal():
                return output.value
            case ListOutput():
                return [self._json(item, root) for item in output.items]
            case RecordOutput():
                return {name: self._json(item, root) for name, item in output.fields.items()}
            case DirectoryOutput():
                return {"class": "Directory", "location": self._address(output, root), "basename": output.name}
            case FileOutput():
                parts = [self._json(part, root) for part in output.secondary]
                found = {"class": "File", "location": self._address(output, root), "basename": output.name}
                return {**found, "secondaryFiles": parts} if parts else found

    def _address(self, output: FileOutput | DirectoryOutput, root: Path) -> str:
        address = f"{_SCHEME}:{uuid4()}"
        if is_object(output.href):
            # with the keys of the storage, which no user's reference is read with
            self._results[address] = Result(root, output.name, root, output.href, isinstance(output, DirectoryOutput))
        elif "://" in output.href:
            return output.href
        else:
            self._results[address] = Result(root / output.href, output.name, root)
        return address


def _is_simple(output: OutputValue) -> bool:
    return isinstance(output, FileOutput) and not output.secondary


def with_results(
    value: InputValue, results: Mapping[str, InputValue], spread: frozenset[str], place: str
) -> InputValue:
    """An input value with the results in place of its nested processes.

    Args:
        value: as it was asked for.
        results: by place.
        spread: places whose result is an array that joins the array around it.
        place: of the value itself.
    """
    if place in results:
        return results[place]
    if not isinstance(value, Many):
        return value
    items: list[InputValue] = []
    for index, item in enumerate(value.items):
        at = f"{place}[{index}]"
        made = with_results(item, results, spread, at)
        items.extend(_items(made) if at in spread else [made])
    return replace(value, items=tuple(items))


def _items(value: InputValue) -> tuple[InputValue, ...]:
    if isinstance(value, Many):
        return value.items
    if isinstance(value, Inline) and isinstance(value.value, list | tuple):
        return tuple(Inline(item) for item in value.value)
    return (value,)
