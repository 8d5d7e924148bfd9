"""The `echo` process: each input that is given comes back as the output of the same name."""

from __future__ import annotations

import base64
import binascii
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
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
_LARGEST_VALUE = 1_000_000
"""Bytes of a plain value that is given by reference."""


class Echo:
    """A `Program`."""

    process: Process = DESCRIPTION

    def check(self, order: JSONObject) -> None:
        """Refuse an order without anything to echo, and base64 that is none. Raises InvalidInputs."""
        given = [name for name in order if name in self.process.outputs]
        if not given:
            names = ", ".join(self.process.outputs)
            raise InvalidInputs(f"inputs: there is nothing to echo; give at least one of {names}", location="inputs")
        for name in given:
            for item in items_of(order[name]):
                if not item.location and _media_type(name, item):
                    _content(name, item)
                    _require_text(name, item)

    def course(self, order: JSONObject) -> Course:
        """As `pause` and `fail` say."""
        pause, fail = (_control(order, name) for name in ("pause", "fail"))
        seconds = float(cast(float, pause or 0))
        log = [f"{name} = {_shown(order[name])}" for name in order if name in self.process.outputs]
        if seconds:
            log.append(f"a pause of {seconds:g} s")
        failure = "the input `fail` is true, so this job fails as it was asked to" if fail else ""
        return Course(seconds, failure, log)

    def outputs(self, order: JSONObject, folder: Path) -> Mapping[str, OutputValue]:
        """Values come back as they are, files as files with their media types."""
        return {
            name: _echoed(name, order[name], folder)
            for name in self.process.outputs
            if name in order and not _is_null(order[name])
        }


def _control(order: JSONObject, name: str) -> JSON:
    item = next(items_of(order.get(name) or {}), None)
    if item is None:
        return None
    return _read(name, item) if item.location else item.value


def _is_null(entry: JSON) -> bool:
    return all(item.value is None and not item.location for item in items_of(entry))


def _shown(entry: JSON) -> str:
    parts = []
    for item in items_of(entry):
        kind = f" ({item.media_type})" if item.media_type else ""
        parts.append((item.name or "a file" if item.location else json.dumps(item.value, ensure_ascii=False)) + kind)
    text = ", ".join(parts)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _echoed(name: str, entry: JSON, folder: Path) -> OutputValue:
    if not is_many(entry):
        return _single(name, next(items_of(entry)), folder, name)
    values = [_single(name, item, folder, f"{name}/{index}") for index, item in enumerate(items_of(entry))]
    plain = [value.value for value in values if isinstance(value, Literal)]
    return Literal(plain) if len(plain) == len(values) else ListOutput(tuple(values))


def _single(name: str, item: Item, folder: Path, place: str) -> OutputValue:
    media_type = _media_type(name, item)
    if not media_type:
        return Literal(_read(name, item) if item.location else item.value)
    file_name = item.name if item.location else f"{name}{extension_of(media_type)}"
    target = folder / "outputs" / place / file_name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    if item.location:
        _duplicate(_path(item), folder, target)
    else:
        target.write_bytes(_content(name, item))
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


def _path(item: Item) -> Path:
    return Path(unquote(urlsplit(item.location).path))


def _branches(schema: JSONObject) -> Iterator[JSONObject]:
    yield schema
    for word in ("oneOf", "allOf"):
        yield from cast("list[JSONObject]", schema.get(word) or [])


def _media_type(name: str, item: Item) -> str:
    """The media type of an input that is content; "" for one that is a plain value."""
    branches = _branches(DESCRIPTION.inputs[name].schema)
    declared = [str(branch["contentMediaType"]) for branch in branches if "contentMediaType" in branch]
    if not declared:
        return ""
    if item.media_type:
        return item.media_type
    if not item.location and isinstance(item.value, Mapping):
        return GEOJSON
    several = "oneOf" in DESCRIPTION.inputs[name].schema
    return GEOJSON if several and media_type_of_name(item.name) == GEOJSON else declared[0]


def _content(name: str, item: Item) -> bytes:
    """The bytes that a value by value stands for. Raises InvalidInputs."""
    if not isinstance(item.value, str):
        return json.dumps(item.value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    promised = item.encoding.lower() == "base64"
    if promised or not is_text(_media_type(name, item)):
        try:
            return base64.b64decode("".join(item.value.split()), validate=True)
        except (binascii.Error, ValueError):
            if promised:
                place = f"inputs.{name}"
                raise InvalidInputs(f"{place}: the value must be base64, and is not", location=place) from None
    # without that promise, the suite of OGC gives a plain word as an image: its letters are echoed
    return item.value.encode("utf-8", "replace")


def _require_text(name: str, item: Item) -> None:
    """Refuse an object where the schema has only text and bytes. Raises InvalidInputs."""
    objects = any(branch.get("type") == "object" for branch in _branches(DESCRIPTION.inputs[name].schema))
    if not isinstance(item.value, str) and not objects:
        place = f"inputs.{name}"
        raise InvalidInputs(f"{place}: must be a text, bytes in base64 or a reference", location=place)


def _read(name: str, item: Item) -> JSON:
    """The plain value in a file. Raises InvalidInputs: it is none that the input takes."""
    from jsonschema import Draft4Validator

    place = f"inputs.{name}"
    path = _path(item)
    if path.stat().st_size > _LARGEST_VALUE:
        raise InvalidInputs(f"{place}: the content of the reference is too long for this input", location=place)
    text = path.read_bytes().decode("utf-8", "replace")
    schema = DESCRIPTION.inputs[name].schema
    if schema.get("type") == "string":
        return text
    try:
        value = cast(JSON, json.loads(text))
    except (ValueError, RecursionError):
        value = text.strip()
    if not Draft4Validator(dict(schema)).is_valid(value):
        raise InvalidInputs(
            f"{place}: the content of the reference does not fit the schema of the input", location=place
        )
    return value
