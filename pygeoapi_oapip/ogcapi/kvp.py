"""An execute request in a query (2.0 kvp-execute): `?size=3&file[href]=https://...&out[include]=true`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import unquote

from werkzeug.datastructures import MultiDict

from ..errors import InvalidQuery
from ..model.json import JSON, JSONObject
from ..model.process import Input, Process
from ..validation.schema import violations
from ..validation.shapes import branches, holds_content, is_bbox, item_schema

Query = MultiDict[str, str]

_KEY = re.compile(r"(?P<name>.*?)(?:\[(?P<member>[A-Za-z]+)\])?", re.DOTALL)
_LINK = {name.lower(): name for name in ("href", "type", "rel", "hreflang", "title")}
_QUALIFIED = {name.lower(): name for name in ("value", "mediaType", "encoding", "schema")}
_FORMAT = {name.lower(): name for name in ("mediaType", "encoding", "schema")}
_TRUTH = {"true": True, "false": False}
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,400})(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class QueryRequest:
    """What a query asks for."""

    body: JSONObject
    """The execute document that says the same."""
    prefer: str | None
    """`response[prefer]`: as the Prefer header."""
    form: str | None
    """`response[f]`: a media type, as Accept, or a word, as `f`."""


def read(query: Query, process: Process) -> QueryRequest:
    """Read a query. Names of inputs and outputs are matched exactly, else without regard to case; parameters that
    are neither are ignored.

    Args:
        query: decoded once, as the query string has it.
        process: what is executed.

    Raises:
        InvalidQuery: a parameter that is given more than once and is no list, or `[include]` that is no boolean.
    """
    given = _by_name(query, [*process.inputs, *process.outputs])
    inputs: dict[str, JSON] = {}
    outputs: dict[str, JSON] = {}
    for name, members in given.items():
        output = _match(name, process.outputs) if "include" in members else None
        if output is not None and _included(name, members):
            outputs[output] = {_FORMAT[key]: texts[-1] for key, texts in members.items() if key in _FORMAT}
        rest = {key: texts for key, texts in members.items() if key != "include" and not (output and key in _FORMAT)}
        found = _match(name, process.inputs)
        if found is not None and rest:
            inputs[found] = _value(name, rest, process.inputs[found])
    answer = given.get("response", {})
    body: dict[str, JSON] = {"inputs": inputs}
    if _match("response", process.inputs) is None and "" in answer:
        body["response"] = answer[""][-1]
    if outputs or any("include" in members for members in given.values()):
        body["outputs"] = outputs
    return QueryRequest(body, _last(answer, "prefer"), _last(answer, "f") or _last(answer, "format"))


def _last(members: Mapping[str, Sequence[str]], name: str) -> str | None:
    return members[name][-1] if members.get(name) else None


def _by_name(query: Query, known: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """Parameter -> member ("" for the parameter itself) -> values. Members are in lower case, names as `known` has
    them."""
    found: dict[str, dict[str, list[str]]] = {}
    for key, texts in query.lists():
        match = _KEY.fullmatch(key)
        name, member = (match["name"], match["member"] or "") if match else (key, "")
        name = _match(name, (*known, "response")) or name
        found.setdefault(name, {}).setdefault(member.lower(), []).extend(texts)
    return found


def _match(name: str, known: Iterable[str]) -> str | None:
    """/req/kvp-execute/input-query-parameters: the name is that of the input, in any case."""
    candidates = list(known)
    if name in candidates:
        return name
    return next((candidate for candidate in candidates if candidate.lower() == name.lower()), None)


def _included(name: str, members: Mapping[str, Sequence[str]]) -> bool:
    text = members["include"][-1].lower()
    if text not in _TRUTH:
        raise InvalidQuery(f"{name}[include]: must be true or false (is {text[:40]!r})", location=f"{name}[include]")
    return _TRUTH[text]


def _value(name: str, members: Mapping[str, list[str]], definition: Input) -> JSON:
    schema = definition.schema
    if "href" in members:
        return {_LINK[key]: _only(name, texts) for key, texts in members.items() if key in _LINK}
    if is_bbox(schema) and ("" in members or "crs" in members):
        return _box(name, members)
    if set(members) & set(_QUALIFIED):
        texts = members.get("value") or members.get("") or [""]
        form = {_QUALIFIED[key]: _only(name, text) for key, text in members.items() if key in _FORMAT}
        return {"value": _parsed(_only(name, texts), schema), **form}
    texts = members.get("", [])
    if definition.max_occurs is None or definition.max_occurs > 1:
        return _list(texts, schema)
    if _is_array(schema):
        return _list(texts, item_schema(schema))
    return _parsed(_only(name, texts), schema)


def _only(name: str, texts: Sequence[str]) -> str:
    if len(texts) != 1:
        raise InvalidQuery(f"{name}: must be given once (is given {len(texts)} times)", location=name)
    return texts[0]


def _is_array(schema: JSONObject) -> bool:
    return any(branch.get("type") == "array" for branch in branches(schema))


def _box(name: str, members: Mapping[str, list[str]]) -> JSON:
    """/req/kvp-execute/bbox-input-value, -bbox-crs-input-value."""
    text = _only(name, members.get("", [""]))
    whole = _json(text)
    if isinstance(whole, Mapping):
        return whole
    corners = whole if isinstance(whole, Sequence) and not isinstance(whole, str) else _numbers(text)
    crs = {"crs": _only(f"{name}[crs]", members["crs"])} if "crs" in members else {}
    return {"bbox": corners, **crs}


def _numbers(text: str) -> list[JSON]:
    return [_number(part.strip()) for part in text.split(",")]


def _number(text: str) -> JSON:
    return cast(JSON, json.loads(text)) if _NUMBER.fullmatch(text) else text


def _list(texts: Sequence[str], schema: JSONObject) -> JSON:
    """/req/kvp-execute/array-input-value, -input-cardinality: commas or repetition; an element that is an object or
    an array, or has a comma in it, is URL-encoded once more."""
    found: list[JSON] = []
    for text in texts:
        whole = _json(text) if text.lstrip()[:1] in ("[", "{") else None
        if isinstance(whole, Sequence) and not isinstance(whole, str) and not _is_array(schema):
            found.extend(whole)
        elif isinstance(whole, Mapping):
            found.append(whole)
        else:
            found.extend(_parsed(unquote(part), schema) for part in text.split(",") if part or len(text) > 0)
    return found


def _parsed(text: str, schema: JSONObject) -> JSON:
    """The text as the first kind of value that the schema takes; as it is where it takes none, so that the message of
    validation names the input."""
    kinds = {str(branch.get("type") or "") for branch in branches(schema)} - {""}
    if kinds == {"string"} or holds_content(schema):
        whole = _json(text) if kinds != {"string"} else None
        return whole if isinstance(whole, Mapping) else text
    for candidate in (_number(text), _TRUTH.get(text.lower()), _json(text), _json(unquote(text))):
        if candidate is not None and candidate is not text and not violations(candidate, schema, ""):
            return candidate
    if not violations(text, schema, ""):
        return text
    return _nearest(text, kinds)


def _nearest(text: str, kinds: set[str]) -> JSON:
    if kinds & {"number", "integer"}:
        return _number(text)
    whole = _json(text)
    return whole if kinds & {"object", "array"} and whole is not None else text


def _json(text: str) -> JSON:
    """The JSON value of a text, None where it is none (or null)."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return cast(JSON, json.loads(text, parse_constant=_refused))
    except (ValueError, RecursionError):
        return None


def _refused(name: str) -> float:
    raise ValueError(name)
