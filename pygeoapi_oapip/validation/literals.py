"""Inputs of plain values that are given by reference: read before a job exists, so that they are validated too."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import cast

from ..errors import OapipError, Unavailable, UnresolvableReference
from ..model.execution import ExecutionRequest
from ..model.json import JSON
from ..model.process import Input
from ..model.value import Inline, InputValue, Many, Reference
from ..staging.base import Fetched
from .schema import violations
from .shapes import is_plain
from .violations import refusal, under

LARGEST = 1024 * 1024
"""Bytes of a referenced document that holds a number, a string, or another plain value."""

Fetch = Callable[[str, int], Fetched]


def with_literals(request: ExecutionRequest, definitions: Mapping[str, Input], fetch: Fetch) -> ExecutionRequest:
    """The request with values in place of the references that stand for plain JSON (numbers, strings, boxes, ...).

    Args:
        request: one that `validate` made.
        definitions: the inputs of the process.
        fetch: reads an address, up to so many bytes.

    Raises:
        InvalidInputs: what was read does not fit the schema of the input.
        OapipError: what `fetch` raises, naming the input.
    """
    if not any(_has_reference(value) for value in request.inputs.values()):
        return request
    inputs = {
        name: _resolved(value, definitions[name], f"inputs.{name}", fetch) for name, value in request.inputs.items()
    }
    return replace(request, inputs=inputs)


def _has_reference(value: InputValue) -> bool:
    if isinstance(value, Many):
        return any(_has_reference(item) for item in value.items)
    return isinstance(value, Reference)


def _resolved(value: InputValue, definition: Input, place: str, fetch: Fetch) -> InputValue:
    if not is_plain(definition.schema):
        return value
    if isinstance(value, Many):
        items = enumerate(value.items)
        return Many(tuple(_resolved(item, definition, under(place, at), fetch) for at, item in items))
    if not isinstance(value, Reference):
        return value
    try:
        document = fetch(value.href, LARGEST)
    except Unavailable as error:
        # the value is needed now: there is no job yet that could try again
        raise UnresolvableReference(f"{place}: {error.detail}", location=place) from None
    except OapipError as error:
        raise type(error)(f"{place}: {error.detail}", location=place) from None
    return Inline(_value(document.content, definition, place))


def _value(content: bytes, definition: Input, place: str) -> JSON:
    """The document as JSON, or as text where it is none or the input wants a text."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise UnresolvableReference(f"{place}: the reference holds neither JSON nor text", location=place) from None
    candidates = [*_as_json(text), text.removesuffix("\n").removesuffix("\r")]
    for candidate in candidates:
        if not violations(candidate, definition.schema, place):
            return candidate
    raise refusal(violations(candidates[0], definition.schema, place))


def _as_json(text: str) -> list[JSON]:
    try:
        return [cast(JSON, json.loads(text, parse_constant=_refuse))]
    except (ValueError, RecursionError):
        return []


def _refuse(name: str) -> float:
    raise ValueError(name)
