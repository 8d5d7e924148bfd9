"""Parses documents that strangers send: YAML 1.2 or JSON, within limits, into plain JSON values.

The parser works on libyaml's events and counts as it goes, so that a document that is too big, too deep or full of
aliases is refused after a bounded amount of work, and never built. Values are read as CWL tools read them (YAML 1.2
through ruamel.yaml): `on` and `yes` are strings, dates stay strings, `0777` is 777.
"""

from __future__ import annotations

import codecs
import copy
import json
import math
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import yaml

from ..errors import InvalidPackage, TooLarge

PACKAGE_BYTES = 5 * 1024**2
"""`settings.Limits.package_bytes` where no other limit is given."""

MAX_DEPTH = 100
MAX_NODES = 50_000
"""Nodes of a document, each alias counted as all the nodes that it stands for."""

_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_NULL = re.compile(r"~|null|Null|NULL|")
_INT = re.compile(r"[-+]?0b[0-1_]+|[-+]?0o[0-7_]+|[-+]?[0-9][0-9_]*|[-+]?0x[0-9a-fA-F_]+")
_FLOAT = re.compile(
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
    r"|[-+]?\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_SCALAR_START = frozenset("-+0123456789.~ntfNTF")
_CORE_TAG = "tag:yaml.org,2002:"
_MERGE = "<<"
_EXACT = 2**53


def parse_mapping(source: bytes, *, max_bytes: int = PACKAGE_BYTES) -> dict[str, Any]:
    """Parse an untrusted document whose top is a mapping.

    Args:
        source: UTF-8 text, YAML or JSON.
        max_bytes: largest accepted size of `source`.

    Returns:
        A tree of dict, list, str, int, float, bool and None that shares no parts.

    Raises:
        TooLarge: more than `max_bytes`.
        InvalidPackage: not UTF-8, not YAML, not a mapping, or beyond a limit; with line and column where known.
    """
    if len(source) > max_bytes:
        raise TooLarge(f"The document has {len(source)} bytes; this server accepts at most {max_bytes}.")
    value = parse_value(source)
    if not isinstance(value, dict):
        raise InvalidPackage(f"The document must be a mapping (a JSON object), not {_kind(value)}.")
    return value


def parse_value(source: bytes) -> Any:
    """Parse an untrusted document as `parse_mapping` does, whatever its top and its size.

    Raises:
        InvalidPackage: as in `parse_mapping`.
    """
    text = decode(source)
    if text.lstrip()[:1] in ("{", "["):
        try:
            return _parse_json(text)
        except (ValueError, RecursionError):
            pass  # a YAML flow mapping, or an error that the YAML parser reports with its place
    return _Builder().build(text)


def decode(source: bytes) -> str:
    """The text of a UTF-8 document, without its byte order mark.

    Raises:
        InvalidPackage: not UTF-8, or with NUL characters (UTF-16 without a mark).
    """
    try:
        text = source.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidPackage(f"The document is not UTF-8 text (byte {error.start}).") from None
    if "\0" in text:
        raise InvalidPackage("The document is not UTF-8 text (it has NUL characters).")
    return text


def _parse_json(text: str) -> Any:
    value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
    if "\\ud" in text.lower():
        json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate is a UnicodeEncodeError, thus a ValueError
    _check_size(value)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _no_constant(name: str) -> Any:
    raise InvalidPackage(f"NaN and infinite numbers are not allowed: {name}.")


def _finite(text: str) -> float:
    """A number with a fraction or exponent; `1.23e5` is 123000, as CWL tools write it on command lines."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return int(value) if "e" in text.lower() and is_exact_integer(value) else value


def is_exact_integer(value: float) -> bool:
    """True for a whole number that a float holds exactly."""
    return value.is_integer() and abs(value) < _EXACT


def _check_size(value: Any) -> None:
    """Apply the limits to a parsed JSON tree, level by level."""
    level, nodes, depth = [value], 0, 0
    while level:
        nodes += len(level)
        depth += 1
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            raise _too_deep("") if depth > MAX_DEPTH else _too_many("")
        level = [child for node in level for child in _children(node)]


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def _too_deep(place: str) -> InvalidPackage:
    return InvalidPackage(f"The document is nested deeper than {MAX_DEPTH} levels{place}.")


def _too_many(place: str) -> InvalidPackage:
    return InvalidPackage(
        f"The document has more than {MAX_NODES} values (an alias counts as all that it stands for){place}."
    )


def _place(event: Any) -> str:
    return f" (line {event.start_mark.line + 1}, column {event.start_mark.column + 1})"


def _kind(value: Any) -> str:
    kinds = {dict: "a mapping", list: "a list", str: "text", bool: "a boolean", type(None): "empty"}
    return kinds.get(type(value), "a number")


@dataclass(slots=True)
class _Frame:
    """A mapping or list that is being read."""

    into: dict[str, Any] | list[Any]
    anchor: str | None
    first_node: int
    key: str | None = None
    merges: list[dict[str, Any]] = field(default_factory=list)


class _Builder:
    """Builds the value of one document from parser events."""

    def __init__(self) -> None:
        self.nodes = 0
        self.stack: list[_Frame] = []
        self.anchors: dict[str, tuple[Any, int] | None] = {}
        self.documents = 0
        self.root: Any = None

    def build(self, text: str) -> Any:
        try:
            for event in yaml.parse(text, Loader=yaml.CSafeLoader):
                self.step(event)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
            raise InvalidPackage(f"The document is not valid YAML or JSON: {error.problem}{where}.") from None
        except yaml.YAMLError as error:
            reason = getattr(error, "reason", "it has characters that are not allowed")
            raise InvalidPackage(f"The document is not valid YAML or JSON: {reason}.") from None
        return self.root

    def step(self, event: Any) -> None:
        match event:
            case yaml.ScalarEvent():
                self.count(1, event)
                value = _scalar(event)
                if event.anchor:
                    self.anchors[event.anchor] = (value, 1)
                self.put(value, event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self.open(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self.close(event)
            case yaml.AliasEvent():
                self.alias(event)
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    raise InvalidPackage(f"There is more than one YAML document in it{_place(event)}.")

    def count(self, nodes: int, event: Any) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise _too_many(_place(event))

    def open(self, event: Any) -> None:
        self.count(1, event)
        mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", _CORE_TAG + ("map" if mapping else "seq")):
            raise InvalidPackage(f"The YAML tag {event.tag} is not allowed{_place(event)}.")
        if len(self.stack) >= MAX_DEPTH:
            raise _too_deep(_place(event))
        if self.stack and isinstance(self.stack[-1].into, dict) and self.stack[-1].key is None:
            raise InvalidPackage(f"A key must be text, not a mapping or list{_place(event)}.")
        if event.anchor:
            self.anchors[event.anchor] = None
        self.stack.append(_Frame({} if mapping else [], event.anchor, self.nodes - 1))

    def close(self, event: Any) -> None:
        frame = self.stack.pop()
        if isinstance(frame.into, dict):
            for merged in frame.merges:
                for key, value in merged.items():
                    frame.into.setdefault(key, value)
        if frame.anchor:
            self.anchors[frame.anchor] = (frame.into, self.nodes - frame.first_node)
        self.put(frame.into, event)

    def alias(self, event: Any) -> None:
        if event.anchor not in self.anchors:
            raise InvalidPackage(f"The alias *{event.anchor} has no anchor{_place(event)}.")
        found = self.anchors[event.anchor]
        if found is None:
            raise InvalidPackage(f"The alias *{event.anchor} stands for a value that holds it{_place(event)}.")
        value, size = found
        self.count(size, event)
        if len(self.stack) + _depth(value) > MAX_DEPTH:
            raise _too_deep(_place(event))
        self.put(copy.deepcopy(value), event)

    def put(self, value: Any, event: Any) -> None:
        if not self.stack:
            self.root = value
            return
        frame = self.stack[-1]
        if isinstance(frame.into, list):
            frame.into.append(value)
        elif frame.key is None:
            frame.key = self.key(value, frame, event)
        else:
            if frame.key == _MERGE:
                frame.merges.extend(_merged(value, event))
            else:
                frame.into[frame.key] = value
            frame.key = None

    def key(self, value: Any, frame: _Frame, event: Any) -> str:
        if isinstance(value, dict | list):
            raise InvalidPackage(f"A key must be text, not a mapping or list{_place(event)}.")
        key = value if isinstance(value, str) else str(event.value) if hasattr(event, "value") else json.dumps(value)
        if key in frame.into:
            raise InvalidPackage(f"The key {key!r} is given twice in one mapping{_place(event)}.")
        return key


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level:
        depth += 1
        level = [child for node in level for child in _children(node)]
    return depth


def _merged(value: Any, event: Any) -> list[dict[str, Any]]:
    parts = value if isinstance(value, list) else [value]
    if not all(isinstance(part, dict) for part in parts):
        raise InvalidPackage(f"The value of the merge key << must be a mapping{_place(event)}.")
    return parts


def _scalar(event: Any) -> Any:
    text: str = event.value
    if event.tag in (None, "!"):
        plain = event.implicit[0] and not event.style
        return _plain(text, event) if plain and (not text or text[0] in _SCALAR_START) else text
    kind = event.tag.removeprefix(_CORE_TAG)
    if kind == "str":
        return text
    value = _plain(text, event)
    if kind not in ("int", "float", "bool", "null") or _tag_of(value) != kind:
        raise InvalidPackage(f"The YAML tag {event.tag} is not allowed for {text[:40]!r}{_place(event)}.")
    return value


def _tag_of(value: Any) -> str:
    return {bool: "bool", int: "int", float: "float", type(None): "null"}.get(type(value), "str")


def _plain(text: str, event: Any) -> Any:
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text[0] in "tT"
    if _INT.fullmatch(text):
        return _integer(text.replace("_", ""), event)
    if _FLOAT.fullmatch(text):
        if not text.lower().endswith(("inf", "nan")):
            with suppress(ValueError):
                return _finite(text.replace("_", ""))
        raise InvalidPackage(f"NaN and infinite numbers are not allowed: {text[:40]}{_place(event)}.")
    return text


def _integer(text: str, event: Any) -> int:
    if len(text) > 1000:
        raise InvalidPackage(f"A number has more than 1000 digits{_place(event)}.")
    bases = {"0b": 2, "0o": 8, "0x": 16}
    return int(text, bases.get(text.lstrip("+-")[:2], 10))
