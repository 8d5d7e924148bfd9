"""The `echo` process and its kin: each input that is given comes back as an output."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import cast
from urllib.parse import unquote, urlsplit

from ...errors import InvalidInputs
from ...model.json import JSON, JSONObject
from ...model.process import Process
from ...model.value import FileOutput, ListOutput, Literal, OutputValue
from ...packages.formats import extension_of, is_text, media_type_of_name
from .echo_description import DESCRIPTION, GEOJSON
from .program import Course, Item, is_many, items_of

_SHOWN = 200
"""Characters of a value that the log repeats."""


_NO_NAMES: Mapping[str, str] = MappingProxyType({})


class Echo:
    """A `Program`.

    Args:
        process: the description; its inputs `pause` and `fail`, where it has them, are not echoed.
        names: output id -> id of the input that it repeats, where that is another one.
    """

    def __init__(self, process: Process = DESCRIPTION, names: Mapping[str, str] = _NO_NAMES) -> None:
        self.process = process
        self._inputs = {name: names.get(name, name) for name in process.outputs}

    def check(self, order: JSONObject) -> None:
        """Refuse an order without anything to echo. Raises InvalidInputs."""
        if not any(name in order for name in self._inputs.values()):
            names = ", ".join(self._inputs.values())
            raise InvalidInputs(f"inputs: there is nothing to echo; give at least one of {names}", location="inputs")

    def course(self, order: JSONObject) -> Course:
        """As `pause` and `fail` say."""
        seconds = float(cast(float, _control(order, "pause") or 0))
        echoed = self._inputs.values()
        log = [f"{name} = {_shown(order[name])}" for name in order if name in echoed]
        if seconds:
            log.append(f"a pause of {seconds:g} s")
        failing = _control(order, "fail")
        return Course(seconds, "the input `fail` is true, so this job fails as it was asked to" if failing else "", log)

    def outputs(self, order: JSONObject, folder: Path) -> Mapping[str, OutputValue]:
        """Values come back as they are, files as files with their media types."""
        given = {name: order[source] for name, source in self._inputs.items() if source in order}
        return {name: self._echoed(name, entry, folder) for name, entry in given.items()}

    def _echoed(self, name: str, entry: JSON, folder: Path) -> OutputValue:
        schema = self.process.inputs[self._inputs[name]].schema
        if not is_many(entry):
            return _single(schema, next(items_of(entry)), folder, name)
        values = [_single(schema, item, folder, f"{name}/{index}") for index, item in enumerate(items_of(entry))]
        plain = [value.value for value in values if isinstance(value, Literal)]
        return Literal(plain) if len(plain) == len(values) else ListOutput(tuple(values))


def _control(order: JSONObject, name: str) -> JSON:
    return next((item.value for item in items_of(order[name])), None) if name in order else None


def _shown(entry: JSON) -> str:
    parts = []
    for item in items_of(entry):
        kind = f" ({item.media_type})" if item.media_type else ""
        parts.append((item.name or "a file" if item.location else json.dumps(item.value, ensure_ascii=False)) + kind)
    text = ", ".join(parts)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _single(schema: JSONObject, item: Item, folder: Path, place: str) -> OutputValue:
    media_type = _media_type(schema, item)
    if not media_type and not item.location:
        return Literal(item.value)
    file_name = item.name if item.location else f"{place.partition('/')[0]}{extension_of(media_type)}"
    target = folder / "outputs" / place / file_name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    if item.location:
        _duplicate(Path(unquote(urlsplit(item.location).path)), folder, target)
    else:
        target.write_bytes(_content(item, media_type))
    return FileOutput(f"outputs/{place}/{file_name}", file_name, media_type, target.stat().st_size)


def _duplicate(source: Path, folder: Path, target: Path) -> None:
    """A second name for a file that is ours, a copy of one that is not."""
    if folder in source.parents and not source.is_symlink():
        try:
            os.link(source, target)
            return
        except OSError:
            target.unlink(missing_ok=True)
    shutil.copyfile(source, target)


def _branches(schema: JSONObject) -> Iterator[JSONObject]:
    yield schema
    for word in ("oneOf", "allOf"):
        yield from cast("list[JSONObject]", schema.get(word) or [])


def _media_type(schema: JSONObject, item: Item) -> str:
    """The media type of an input that is content; "" for one that is a plain value."""
    branches = _branches(schema)
    declared = [str(branch["contentMediaType"]) for branch in branches if "contentMediaType" in branch]
    if not declared:
        return ""
    if item.media_type:
        return item.media_type
    is_json = media_type_of_name(item.name) == GEOJSON if item.location else isinstance(item.value, Mapping)
    return GEOJSON if is_json and GEOJSON in declared else declared[0]


def _content(item: Item, media_type: str) -> bytes:
    """The bytes that a value by value stands for; validation has seen to it that base64 is base64."""
    if not isinstance(item.value, str):
        return json.dumps(item.value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    if item.encoding == "base64" or (not item.encoding and not is_text(media_type)):
        return base64.b64decode("".join(item.value.split()))
    return item.value.encode("utf-8", "replace")
