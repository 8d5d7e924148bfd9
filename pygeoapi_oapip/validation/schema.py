"""A value against a schema object of OpenAPI 3.0, told in plain words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from ..model.json import JSON, JSONObject
from .shapes import is_content
from .text_formats import CHECKED, format_checker
from .violations import Violation, kind_of, shown, under

_WIDTHS = {"int32": 2**31, "int64": 2**63}
_VERBATIM = frozenset({"default", "enum", "example", "required"})
_MAPS = frozenset({"properties", "patternProperties", "definitions"})


def violations(value: JSON, schema: JSONObject, place: str) -> list[Violation]:
    """What a value breaks of a schema.

    Args:
        value: any JSON value.
        schema: in the OpenAPI 3.0 subset. What stands for a file takes any string or object; references (`$ref`) and
            patterns that are no regular expressions say nothing.
        place: where the value stands, for example `inputs.size`.
    """
    validator = _validator(json.dumps(schema, sort_keys=True))
    try:
        found = sorted(validator.iter_errors(value), key=lambda error: [str(part) for part in error.path])
    except OverflowError:
        return [Violation(place, "multipleOf", "is a number that is too large")]
    return list(dict.fromkeys(violation for error in found for violation in _explained(error, place)))


@lru_cache(maxsize=2048)
def _validator(schema_text: str) -> Any:
    from jsonschema import Draft4Validator, validators
    from jsonschema.exceptions import SchemaError

    extend: Any = validators.extend

    kinds = Draft4Validator.TYPE_CHECKER.redefine("integer", lambda checker, value: _is_integer(value))
    checker = extend(Draft4Validator, type_checker=kinds)
    schema = draft4(json.loads(schema_text))
    try:
        checker.check_schema(schema)
    except SchemaError:
        schema = {}
    return checker(schema, format_checker=format_checker())


def _is_integer(value: object) -> bool:
    """As JSON has it: 3.0 is the integer 3."""
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def draft4(schema: Any) -> Any:
    """OpenAPI 3.0 schema objects are JSON Schema draft 4 with `nullable` and number formats beside."""
    if not isinstance(schema, dict):
        return schema
    if is_content(schema):
        # a file may also be a link, a CWL object or JSON content, wherever it stands
        return {"anyOf": [{"type": "string"}, {"type": "object"}]}
    plain = {key: _member(key, value) for key, value in schema.items() if key != "$ref" and _usable(key, value)}
    if "oneOf" in plain:
        # forms of a file become equal by the line above, and a value may fit two
        plain["anyOf"] = plain.pop("oneOf")
    width = _WIDTHS.get(str(plain.get("format")), 0)
    if width and plain.get("type") == "integer":
        plain.setdefault("minimum", -width)
        plain.setdefault("maximum", width - 1)
    if plain.pop("nullable", None) is True:
        return {"anyOf": [{"type": "null"}, plain]}
    return plain


def _member(key: str, value: Any) -> Any:
    if key in _VERBATIM:
        return value
    if key in _MAPS and isinstance(value, dict):
        return {name: draft4(item) for name, item in value.items()}
    return [draft4(item) for item in value] if isinstance(value, list) else draft4(value)


def _usable(key: str, value: Any) -> bool:
    if key != "pattern":
        return True
    try:
        re.compile(value)
    except (re.error, TypeError):
        return False
    return True


def _explained(error: Any, place: str) -> Iterator[Violation]:
    if error.validator == "anyOf" and error.context:
        nearer = _nearest_form(error)
        if nearer:
            for inner in nearer:
                yield from _explained(inner, place)
            return
    where = place
    for part in error.absolute_path:
        where = under(where, part)
    yield Violation(where, str(error.validator), _text(str(error.validator), error.validator_value, error))


def _nearest_form(error: Any) -> list[Any]:
    """The errors of the one form that has the type of the value; nothing where none or several have it."""
    by_form: dict[int, list[Any]] = {}
    for inner in error.context:
        by_form.setdefault(inner.schema_path[0], []).append(inner)
    depth = len(error.absolute_path)
    right = [
        form
        for form in by_form.values()
        if not any(inner.validator == "type" and len(inner.absolute_path) == depth for inner in form)
    ]
    if not right:
        null = {"type": "null"}
        right = [form for at, form in by_form.items() if error.validator_value[at] != null]
    return right[0] if len(right) == 1 else []


_RULES: Mapping[str, str] = {
    "enum": "must be one of {rule} (is {value})",
    "minLength": "must have at least {rule} characters (is {value})",
    "maxLength": "must have at most {rule} characters (is {value})",
    "pattern": "must match {rule} (is {value})",
    "minItems": "must have at least {rule} items (has {count})",
    "maxItems": "must have at most {rule} items (has {count})",
    "minProperties": "must have at least {rule} members (has {count})",
    "maxProperties": "must have at most {rule} members (has {count})",
    "multipleOf": "must be a multiple of {rule} (is {value})",
    "uniqueItems": "must have no item twice",
    "not": "is not allowed (is {value})",
}


def _text(word: str, rule: Any, error: Any) -> str:
    value = error.instance
    if word == "type":
        wanted = rule if isinstance(rule, str) else " or ".join(rule)
        return f"must be of type {wanted} (is {kind_of(value)}: {shown(value)})"
    if word in ("minimum", "maximum"):
        return f"must be {_side(word, error.schema)} {rule} (is {shown(value)})"
    if word == "required":
        return f"needs the member {', '.join(name for name in rule if name not in value)}"
    if word == "additionalProperties":
        known = error.schema.get("properties") or {}
        extra = ", ".join(sorted(set(value) - set(known)))
        return f"has no member {extra[: 2 * 60]} (members: {', '.join(known) or 'none'})"
    if word == "anyOf":
        return f"fits none of the allowed forms: {_forms(rule)} (is {kind_of(value)}: {shown(value)})"
    if word == "format":
        return f"must be {CHECKED[rule][1]} (is {shown(value)})"
    if word in _RULES:
        count = len(value) if isinstance(value, list | dict) else 0
        told = ", ".join(shown(item) for item in rule) if word == "enum" else rule
        return _RULES[word].format(rule=told, value=shown(value), count=count)
    return str(error.message)[:240]


def _side(word: str, schema: Mapping[str, Any]) -> str:
    exclusive = schema.get(f"exclusive{word.capitalize()}")
    if word == "minimum":
        return "more than" if exclusive else "at least"
    return "less than" if exclusive else "at most"


def _forms(schemas: list[Any]) -> str:
    return " or ".join(dict.fromkeys(_form(schema) for schema in schemas))


def _form(schema: Any) -> str:
    kind = str(schema.get("type") or "") if isinstance(schema, dict) else ""
    if isinstance(schema, dict) and "enum" in schema:
        return f"one of {', '.join(shown(item) for item in schema['enum'])}"[:120]
    if isinstance(schema, dict) and "anyOf" in schema and not kind:
        return _forms(schema["anyOf"])
    return kind or "another value"
