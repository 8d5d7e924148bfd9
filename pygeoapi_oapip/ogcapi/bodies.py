"""Request bodies: read within the limit, parsed strictly."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from flask import request

from ..errors import BadRequest
from ..model.json import JSON, JSONObject

DEEPEST = 64
"""Levels of arrays and objects in a body. GeoJSON has 7; deeper ones would exhaust the stack of validators."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_bytes() -> bytes:
    """The whole body, whatever its Content-Type.

    Raises:
        werkzeug.exceptions.RequestEntityTooLarge: it is longer than `MAX_CONTENT_LENGTH`; seen before it is read
            where Content-Length is given.
    """
    return request.get_data(cache=False)


def media_type() -> str:
    """Of the Content-Type header: lower case, without parameters; "" if there is none."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def read_object(*, needed: bool = False) -> JSONObject:
    """The body as a JSON object; an empty one stands for `{}`, unless it is `needed`. The Content-Type is not looked
    at: clients send JSON as form data (curl) or with none at all.

    Raises:
        BadRequest: it is needed and empty, it is not a JSON object (RFC 8259), has a member twice, a number that is
            not finite, a text that is not Unicode, or is nested too deeply.
    """
    raw = read_bytes()
    if not raw.strip():
        if needed:
            raise BadRequest("there is no body; a JSON object is needed")
        return {}
    value = parse(raw)
    if not isinstance(value, Mapping):
        raise BadRequest(f"the body is a JSON {_kind(value)}; an object is needed")
    return value


def parse(raw: bytes) -> JSON:
    """Read JSON strictly. Raises BadRequest as `read_object`."""
    try:
        text = raw.decode(json.detect_encoding(raw)).removeprefix("\ufeff")
        value: JSON = json.loads(text, object_pairs_hook=_unique, parse_constant=_not_a_number, parse_float=_finite)
    except RecursionError:
        raise BadRequest("the body is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise BadRequest(f"the body is not valid {error.encoding}: {error.reason} at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except ValueError as error:
        raise BadRequest(f"the body is not acceptable JSON: {_without_advice(error)}") from None
    _check_depth(text, value)
    _check_unicode(text, value)
    return value


def _unique(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the member {twice[:100]!r} is there twice")
    return found


def _not_a_number(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


def _without_advice(error: ValueError) -> str:
    return "a number has too many digits" if "int_max_str_digits" in str(error) else str(error)


def _check_depth(text: str, value: JSON) -> None:
    if text.count("{") + text.count("[") <= DEEPEST:
        return
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        level = [
            item
            for node in level
            for item in (node.values() if isinstance(node, dict) else node)
            if isinstance(item, dict | list)
        ]
        if not level:
            return
    raise BadRequest(f"the body is nested more than {DEEPEST} levels deep")


def _check_unicode(text: str, value: JSON) -> None:
    if _SURROGATE.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:
            raise BadRequest("the body has half of a surrogate pair, which is not Unicode text") from None


def _kind(value: JSON) -> str:
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", type(None): "null"}
    return names[type(value)]
