"""The inputs of an execute request against those of the process description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..model.json import JSON, JSONObject
from ..model.process import Input
from ..model.value import Inline, InputValue, Many, Nested, NestedArray, Reference
from .boxes import box_violations
from .content import (
    format_of,
    is_link,
    is_qualified,
    link_violations,
    nested_violations,
    normal_encoding,
    value_violations,
)
from .schema import violations
from .shapes import holds_content, is_bbox, item_schema, lists_content, nullable
from .violations import Violation, under


def read_inputs(
    given: JSONObject, definitions: Mapping[str, Input], found: list[Violation]
) -> Mapping[str, InputValue]:
    """The values by input id.

    Args:
        given: the member `inputs` of the request.
        definitions: of the process.
        found: what is wrong is added here.
    """
    for name in given:
        if name not in definitions:
            known = ", ".join(definitions) or "none"
            found.append(Violation(f"inputs.{name}", "unknown", f"the process has no such input (inputs: {known})"))
    values: dict[str, InputValue] = {}
    for name, definition in definitions.items():
        value = given.get(name)
        if value is not None:
            values[name] = _value(value, definition, f"inputs.{name}", found)
        elif definition.min_occurs > 0 and not nullable(definition.schema):
            found.append(Violation(f"inputs.{name}", "required", "is required"))
    return values


def _value(value: JSON, definition: Input, place: str, found: list[Violation]) -> InputValue:
    most, least = definition.max_occurs, definition.min_occurs
    if most is not None and most <= 1:
        return _single(value, definition.schema, place, found)
    items = list(value) if _is_list(value) and isinstance(value, Sequence) else [value]
    # min_occurs 1 asks for the input, not for an item: a required CWL array may be given as []
    if len(items) < least and least > 1:
        found.append(Violation(place, "minOccurs", f"must have at least {least} values (has {len(items)})"))
    if most is not None and len(items) > most:
        found.append(Violation(place, "maxOccurs", f"must have at most {most} values (has {len(items)})"))
    schema = definition.schema
    return Many(tuple(_single(item, schema, under(place, at), found) for at, item in enumerate(items)))


def _single(value: JSON | Nested, schema: JSONObject, place: str, found: list[Violation]) -> InputValue:
    if isinstance(value, Nested):
        return value
    if isinstance(value, Mapping):
        if is_link(value):
            return _reference(value, schema, place, found)
        if is_qualified(value, schema):
            return _qualified(value, schema, place, found)
    if isinstance(value, NestedArray) or (isinstance(value, Sequence) and _is_list(value) and lists_content(schema)):
        items = item_schema(schema)
        return Many(tuple(_single(item, items, under(place, at), found) for at, item in enumerate(value)))
    return _inline(Inline(value), {}, schema, place, found)


def _reference(value: JSONObject, schema: JSONObject, place: str, found: list[Violation]) -> Reference:
    found.extend(link_violations(value, _content_schema(schema), place))
    kind, _ = format_of(value)
    return Reference(str(value["href"]), kind if isinstance(kind, str) else "")


def _content_schema(schema: JSONObject) -> JSONObject:
    """The schema whose media types count for one link: that of an item, where a list of files is asked for."""
    while not holds_content(schema) and lists_content(schema):
        schema = item_schema(schema)
    return schema


def _qualified(value: JSONObject, schema: JSONObject, place: str, found: list[Violation]) -> InputValue:
    inner = value["value"]
    if is_link(inner) and isinstance(inner, Mapping):
        return _reference({**value_without(value), **inner}, schema, place, found)
    kind, encoding = format_of(value)
    for name, text in (("mediaType", kind), ("encoding", encoding)):
        if name in value and not isinstance(value[name], str) or not isinstance(text, str | None):
            found.append(Violation(f"{place}.{name}", "type", "must be a string"))
            return Inline(inner)
    inline = Inline(inner, str(kind or ""), normal_encoding(encoding or "") or "")
    return _inline(inline, value, schema, place, found)


def value_without(value: JSONObject) -> JSONObject:
    """The format of a qualified value, as a link has it."""
    kind, _ = format_of(value)
    return {"type": kind} if kind is not None else {}


def _inline(inline: Inline, form: JSONObject, schema: JSONObject, place: str, found: list[Violation]) -> Inline:
    if holds_content(schema) and isinstance(inline.value, str | Mapping):
        found.extend(value_violations(inline.value, form, schema, place))
        return inline
    boxes = _boxes(inline.value, schema, place)
    found.extend(boxes)
    wrong = tuple(item.location for item in boxes)
    found.extend(item for item in violations(inline.value, schema, place) if not item.location.startswith(wrong or "-"))
    found.extend(nested_violations(inline.value, schema, place))
    return inline


def _boxes(value: JSON, schema: JSONObject, place: str) -> list[Violation]:
    if is_bbox(schema):
        return box_violations(value, place)
    items = item_schema(schema)
    if isinstance(value, Sequence) and _is_list(value) and is_bbox(items):
        return [item for at, box in enumerate(value) for item in box_violations(box, under(place, at))]
    return []


def _is_list(value: JSON) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
