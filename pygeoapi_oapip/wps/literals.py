"""Texts of LiteralData <-> JSON values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from typing import cast

from ..model.json import JSON, JSONObject
from ..validation.schema import violations
from .describe import literal_types

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_INTEGER = re.compile(r"[+-]?\d{1,4000}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class NotALiteral(ValueError):
    """The text is no value of the type; the text of this error says what it must be."""


def value_of(text: str, schema: JSONObject) -> JSON:
    """The JSON value that a text stands for.

    Args:
        text: of LiteralData, or of KVP.
        schema: of the input. Where it allows several types, the first of boolean, integer, number and string whose
            value fits it is taken.

    Raises:
        NotALiteral: it is no value of the type. Bounds and the like are left to validation.
    """
    kinds = [kind for kind in _READERS if kind in literal_types(schema)]
    if not kinds:
        return text
    if len(kinds) == 1 or set(kinds) == {"integer", "number"}:
        return _READERS[kinds[-1]](text, schema)
    for kind in kinds:
        try:
            value = _READERS[kind](text, schema)
        except NotALiteral:
            continue
        if not violations(value, schema, ""):
            return value
    return text


def _boolean(text: str, schema: JSONObject) -> JSON:
    try:
        return _BOOLEANS[text.strip().lower()]
    except KeyError:
        raise NotALiteral("must be true or false") from None


def _integer(text: str, schema: JSONObject) -> JSON:
    plain = text.strip()
    if _INTEGER.fullmatch(plain):
        return int(plain)
    try:
        value = float(plain) if _NUMBER.fullmatch(plain) else math.nan
    except OverflowError:
        value = math.nan
    if not value.is_integer():
        raise NotALiteral("must be a whole number")
    return int(value)


def _number(text: str, schema: JSONObject) -> JSON:
    plain = text.strip()
    if _INTEGER.fullmatch(plain):
        return int(plain)
    value = float(plain) if _NUMBER.fullmatch(plain) else math.nan
    if not math.isfinite(value):
        raise NotALiteral("must be a number")
    return value


def _string(text: str, schema: JSONObject) -> JSON:
    plain = text.strip()
    values = cast("Sequence[JSON]", schema.get("enum") or ())
    return plain if plain in values or schema.get("format") in ("date-time", "date", "time") else text


_READERS: dict[str, Callable[[str, JSONObject], JSON]] = {
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "string": _string,
}


def json_of(text: str) -> JSON:
    """A JSON document. Raises NotALiteral where the text is none."""
    try:
        return cast(JSON, json.loads(text, parse_constant=_refuse))
    except (ValueError, RecursionError):
        raise NotALiteral("must be JSON") from None


def _refuse(name: str) -> float:
    raise ValueError(name)
