"""An execute request (Part 1 execute.yaml) against a process description: nothing starts that cannot fit.

Every refusal names the input and the rule, for example `inputs.size: must be at most 100 (is 250)`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, cast
from urllib.parse import urlsplit

from .errors import BadRequest, InvalidInputs
from .model.execution import ExecutionRequest, OutputRequest, ResponseForm, Subscriber, Transmission
from .model.json import JSON, JSONObject
from .model.process import Input, Process
from .model.value import Inline, InputValue, Many, Reference

_QUALIFIERS = frozenset({"value", "mediaType", "encoding", "schema", "format"})
_LINK_MEMBERS = frozenset({"href", "type", "rel", "title", "hreflang", "length", "format", "headers", "method", "body"})
_CONTENT = frozenset({"binary", "uri"})
_SHOWN = 60
"""Characters of a refused value that a message repeats."""


def validate(body: JSON, process: Process) -> ExecutionRequest:
    """Read and check an execute request.

    Args:
        body: the parsed JSON body.
        process: the description to fit.

    Raises:
        BadRequest: the body does not have the members of execute.yaml.
        InvalidInputs: an input or output does not fit the description; all that is wrong with the inputs is told.
    """
    if not isinstance(body, Mapping):
        raise BadRequest(f"the body must be a JSON object with `inputs` (is {_kind(body)})")
    return ExecutionRequest(
        inputs=_inputs(_member(body, "inputs"), process),
        outputs=_outputs(body, process),
        response=_response(body.get("response")),
        subscriber=_subscriber(body.get("subscriber")),
    )


def _member(body: JSONObject, name: str) -> JSONObject:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise BadRequest(f"{name}: must be an object (is {_kind(value)})", location=name)
    return value


def _inputs(given: JSONObject, process: Process) -> Mapping[str, InputValue]:
    problems: list[tuple[str, str]] = []
    values: dict[str, InputValue] = {}
    for name in given:
        if name not in process.inputs:
            known = ", ".join(process.inputs) or "none"
            problems.append((name, f"the process has no such input (inputs: {known})"))
    for name, definition in process.inputs.items():
        value = given.get(name)
        if value is None:
            if definition.min_occurs > 0 and not _nullable(definition.schema):
                problems.append((name, "is required"))
            continue
        values[name] = _value(value, definition, partial(_note, problems, name))
    if problems:
        raise _refusal(problems)
    return values


def _note(problems: list[tuple[str, str]], name: str, text: str) -> None:
    problems.append((name, text))


def _refusal(problems: Sequence[tuple[str, str]]) -> InvalidInputs:
    texts = [
        f"inputs.{name}{text}" if text.startswith((".", "[")) else f"inputs.{name}: {text}" for name, text in problems
    ]
    return InvalidInputs("; ".join(texts), location=f"inputs.{problems[0][0]}")


Report = Callable[[str], object]


def _value(value: JSON, definition: Input, report: Report) -> InputValue:
    several = definition.max_occurs is None or definition.max_occurs > 1
    if not several:
        return _single(value, definition.schema, "", report)
    items = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    # min_occurs 1 asks for the input, not for an item: a required CWL array may be given as []
    if len(items) < definition.min_occurs and definition.min_occurs > 1:
        report(f"must have at least {definition.min_occurs} values (has {len(items)})")
    if definition.max_occurs is not None and len(items) > definition.max_occurs:
        report(f"must have at most {definition.max_occurs} values (has {len(items)})")
    return Many(tuple(_single(item, definition.schema, f"[{i}]", report) for i, item in enumerate(items)))


def _single(value: JSON, schema: JSONObject, place: str, report: Report) -> InputValue:
    if isinstance(value, Mapping):
        if _is_link(value):
            return _reference(value, place, report)
        if "value" in value and set(value) <= _QUALIFIERS and not _has_property(schema, "value"):
            return _qualified(value, schema, place, report)
    if isinstance(value, Sequence) and not isinstance(value, str) and _lists_content(schema):
        items = _item_schema(schema)
        return Many(tuple(_single(item, items, f"{place}[{i}]", report) for i, item in enumerate(value)))
    return _inline(Inline(value), schema, place, report)


def _is_link(value: JSONObject) -> bool:
    return isinstance(value.get("href"), str) and set(value) <= _LINK_MEMBERS


def _reference(value: JSONObject, place: str, report: Report) -> Reference:
    href = str(value["href"])
    try:
        scheme = urlsplit(href).scheme
    except ValueError:
        scheme = ""
    if not scheme:
        report(f"{place}.href: must be an absolute URL (is {_shown(href)})")
    return Reference(href, str(value.get("type") or ""))


def _qualified(value: JSONObject, schema: JSONObject, place: str, report: Report) -> Inline:
    nested = value.get("format")
    form = {**(nested if isinstance(nested, Mapping) else {}), **value}
    media_type, encoding = form.get("mediaType") or "", form.get("encoding") or form.get("contentEncoding") or ""
    if not isinstance(media_type, str) or not isinstance(encoding, str):
        report(f"{place}: mediaType and encoding must be strings")
        return Inline(value["value"])
    return _inline(Inline(value["value"], media_type, encoding), schema, place, report)


def _inline(inline: Inline, schema: JSONObject, place: str, report: Report) -> Inline:
    if _holds_content(schema) and isinstance(inline.value, str | Mapping):
        return inline
    for text in _violations(inline.value, schema):
        report(f"{place}{text}" if text.startswith((".", "[")) else (f"{place}: {text}" if place else text))
    return inline


def _branches(schema: JSONObject) -> list[JSONObject]:
    found = [schema]
    for word in ("oneOf", "anyOf", "allOf"):
        for branch in cast("list[JSONObject]", schema.get(word) or []):
            found.extend(_branches(branch))
    return found


def _is_content(branch: JSONObject) -> bool:
    """True for the schema of a File (`format: binary`, content members) or of a Directory (`format: uri`)."""
    return bool(branch.get("contentMediaType") or branch.get("contentEncoding")) or branch.get("format") in _CONTENT


def _holds_content(schema: JSONObject) -> bool:
    """True if a value of this schema may be a file or directory."""
    return any(_is_content(branch) for branch in _branches(schema))


def _lists_content(schema: JSONObject) -> bool:
    """True if a value of this schema may be an array, of any depth, of files or directories."""
    items = [branch["items"] for branch in _branches(schema) if isinstance(branch.get("items"), Mapping)]
    return any(_holds_content(item) or _lists_content(item) for item in cast("list[JSONObject]", items))


def _item_schema(schema: JSONObject) -> JSONObject:
    for branch in _branches(schema):
        items = branch.get("items")
        if isinstance(items, Mapping):
            return items
    return {}


def _has_property(schema: JSONObject, name: str) -> bool:
    return any(name in cast(JSONObject, branch.get("properties") or {}) for branch in _branches(schema))


def _nullable(schema: JSONObject) -> bool:
    return bool(schema.get("nullable"))


def _outputs(body: JSONObject, process: Process) -> Mapping[str, OutputRequest] | None:
    if body.get("outputs") is None:
        return None
    found: dict[str, OutputRequest] = {}
    for name, wanted in _member(body, "outputs").items():
        if name not in process.outputs:
            known = ", ".join(process.outputs) or "none"
            raise InvalidInputs(f"outputs.{name}: the process has no such output (outputs: {known})", location=name)
        if wanted is not None and not isinstance(wanted, Mapping):
            raise InvalidInputs(f"outputs.{name}: must be an object (is {_kind(wanted)})", location=name)
        found[name] = _output(name, wanted or {})
    return found


def _output(name: str, wanted: JSONObject) -> OutputRequest:
    mode = wanted.get("transmissionMode")
    if mode not in (None, "value", "reference"):
        raise InvalidInputs(f"outputs.{name}.transmissionMode: must be value or reference (is {_shown(mode)})")
    form = wanted.get("format")
    media_type = form.get("mediaType") if isinstance(form, Mapping) else None
    return OutputRequest(Transmission(mode) if mode else None, media_type if isinstance(media_type, str) else "")


def _response(value: JSON) -> ResponseForm | None:
    if value is None:
        return None
    if value not in ("raw", "document"):
        raise BadRequest(f"response: must be raw or document (is {_shown(value)})", location="response")
    return ResponseForm(str(value))


def _subscriber(value: JSON) -> Subscriber | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise BadRequest(f"subscriber: must be an object (is {_kind(value)})", location="subscriber")
    found = []
    for name in ("successUri", "inProgressUri", "failedUri"):
        address = value.get(name) or ""
        if not isinstance(address, str) or (address and urlsplit(address).scheme not in ("http", "https")):
            raise BadRequest(f"subscriber.{name}: must be an http or https URL", location=f"subscriber.{name}")
        found.append(address)
    return Subscriber(*found)


@lru_cache(maxsize=2048)
def _validator(schema_text: str) -> Any:
    from jsonschema import Draft4Validator

    return Draft4Validator(_draft4(json.loads(schema_text)))


def _draft4(schema: Any) -> Any:
    """OpenAPI 3.0 schema objects are JSON Schema draft 4 with `nullable` beside."""
    if isinstance(schema, list):
        return [_draft4(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if _is_content(schema):
        # a file may also be a link, a CWL object or JSON content, wherever it stands
        return {"anyOf": [{"type": "string"}, {"type": "object"}]}
    plain = {key: value if key in ("default", "enum", "example") else _draft4(value) for key, value in schema.items()}
    if "oneOf" in plain:
        # forms of a file become equal by the line above, and a value may fit two
        plain["anyOf"] = plain.pop("oneOf")
    if plain.pop("nullable", None) is True:
        return {"anyOf": [{"type": "null"}, plain]}
    return plain


def _violations(value: JSON, schema: JSONObject) -> list[str]:
    validator = _validator(json.dumps(schema, sort_keys=True))
    return [_explain(error) for error in sorted(validator.iter_errors(value), key=lambda e: [str(p) for p in e.path])]


def _explain(error: Any) -> str:
    while error.validator == "anyOf" and error.context and len(error.validator_value) == 2:
        real = [e for e in error.context if not (e.validator == "type" and e.validator_value == "null")]
        if len(real) != 1:
            break
        error = real[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    text = _rule(str(error.validator), error.validator_value, error)
    return f"{place}: {text}" if place else text


_RULES: Mapping[str, str] = {
    "enum": "must be one of {rule} (is {value})",
    "minLength": "must have at least {rule} characters (is {value})",
    "maxLength": "must have at most {rule} characters (is {value})",
    "pattern": "must match {rule} (is {value})",
    "minItems": "must have at least {rule} items (has {count})",
    "maxItems": "must have at most {rule} items (has {count})",
    "multipleOf": "must be a multiple of {rule} (is {value})",
    "uniqueItems": "must have no item twice",
    "anyOf": "fits none of the allowed forms (is {value})",
}


def _rule(word: str, rule: Any, error: Any) -> str:
    value = error.instance
    if word == "type":
        wanted = rule if isinstance(rule, str) else " or ".join(rule)
        return f"must be of type {wanted} (is {_kind(value)}: {_shown(value)})"
    if word in ("minimum", "maximum"):
        exclusive = error.schema.get(f"exclusive{word.capitalize()}")
        side = (
            ("more than" if exclusive else "at least")
            if word == "minimum"
            else ("less than" if exclusive else "at most")
        )
        return f"must be {side} {rule} (is {_shown(value)})"
    if word == "required":
        missing = [name for name in rule if name not in value]
        return f"needs the member {', '.join(missing)}"
    if word in _RULES:
        count = len(value) if isinstance(value, list) else 0
        shown = ", ".join(_shown(item) for item in rule) if word == "enum" else rule
        return _RULES[word].format(rule=shown, value=_shown(value), count=count)
    return str(error.message)[: 4 * _SHOWN]


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, Mapping) else "array"


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
