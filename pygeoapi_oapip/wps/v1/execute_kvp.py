"""KVP Execute of 1.0.0 (05-007r7 clause 10.2.2) -> ExecuteAsked.

`DataInputs=ID=VALUE@ATTRIBUTE=VALUE;ID=VALUE` is split where its separators stand as such; values are %-escaped. Many
clients escape the whole of it once more, separators too: then it is split after that is undone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, unquote_plus

from ..faults import InvalidParameter, MissingParameter
from ..terms import ComplexGiven, ExecuteAsked, Form, Given, LiteralGiven, OutputAsked, ReferenceGiven
from .execute_xml import flag

_ATTRIBUTES = (
    "mimetype|format|encoding|schema|datatype|uom|xlink:href|href|method|body|asreference|crs|dimensions|header"
)
_ATTRIBUTE = re.compile(rf"@({_ATTRIBUTES})=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Item:
    name: str
    value: str
    attributes: Mapping[str, str]

    def get(self, *names: str) -> str:
        return next((self.attributes[name] for name in names if self.attributes.get(name)), "")


def read_execute(parameters: Mapping[str, str], raw: Mapping[str, str]) -> ExecuteAsked:
    """Read a request.

    Args:
        parameters: by lower-case name, decoded.
        raw: the same, not decoded.

    Raises:
        MissingParameter, InvalidParameter: naming the parameter.
    """
    identifier = parameters.get("identifier", "").strip()
    if not identifier:
        raise MissingParameter("the parameter identifier is needed", location="identifier")
    inputs = tuple((item.name, _given(item)) for item in _items("datainputs", parameters, raw))
    document = tuple(_output(item) for item in _items("responsedocument", parameters, raw))
    single = tuple(_output(item) for item in _items("rawdataoutput", parameters, raw))
    if single and "responsedocument" not in parameters:
        if len(single) > 1:
            raise InvalidParameter("RawDataOutput must name one output", location="RawDataOutput")
        return ExecuteAsked(identifier, inputs, Form.RAW, single)
    return ExecuteAsked(
        identifier,
        inputs,
        outputs=document or None,
        lineage=flag(parameters.get("lineage"), "lineage"),
        store=flag(parameters.get("storeexecuteresponse"), "storeExecuteResponse"),
        status=flag(parameters.get("status"), "status"),
    )


def _items(name: str, parameters: Mapping[str, str], raw: Mapping[str, str]) -> Iterator[_Item]:
    text, decode = raw.get(name, ""), unquote_plus
    if not re.search(r"[=;@]", text):
        text, decode = parameters.get(name, ""), unquote
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        # written so in the examples of the standard
        text = text[1:-1]
    for part in text.split(";"):
        if part.strip():
            yield _item(part, decode)


def _item(part: str, decode: object) -> _Item:
    undo = unquote_plus if decode is unquote_plus else unquote
    head, *rest = _ATTRIBUTE.split(part)
    name, _, value = head.partition("=")
    pairs = zip(rest[::2], rest[1::2], strict=True)
    return _Item(undo(name).strip(), undo(value), {key.lower(): undo(text) for key, text in pairs})


def _given(item: _Item) -> Given:
    kind, encoding, schema = item.get("mimetype", "format"), item.get("encoding"), item.get("schema")
    href = item.get("xlink:href", "href").strip()
    if href:
        method = (item.get("method") or "GET").upper()
        if method not in ("GET", "POST"):
            raise InvalidParameter(f"inputs.{item.name}: method must be GET or POST", location=item.name)
        return ReferenceGiven(href, kind, encoding, schema, method, body=item.get("body") or None)
    if kind or encoding or schema:
        return ComplexGiven(item.value, kind, encoding, schema)
    if item.get("crs"):
        return LiteralGiven(f"{item.value},{item.get('crs')}")
    return LiteralGiven(item.value, item.get("datatype"), item.get("uom"))


def _output(item: _Item) -> OutputAsked:
    return OutputAsked(
        item.name,
        flag(item.get("asreference"), "asReference"),
        item.get("mimetype", "format"),
        item.get("encoding"),
        item.get("schema"),
        item.get("uom"),
    )
