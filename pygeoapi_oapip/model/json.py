"""JSON (RFC 8259): the type of a value, and how it is written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Union

JSON = Union[None, bool, int, float, str, Sequence["JSON"], Mapping[str, "JSON"]]
JSONObject = Mapping[str, JSON]


def serialise(document: object) -> bytes:
    """JSON in UTF-8, compact. A number that is not finite has no JSON form and becomes null."""
    try:
        text = _dumps(document)
    except ValueError:
        text = _dumps(_finite(document))
    return text.encode("utf-8", "replace")


def _dumps(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value
