"""The types of EOEPCA's packages for texts with a format (`eoap/schemas`, string_format), without network.

Each is a record with one field, `value`. Stage-in and stage-out tools name them by the public address of a document;
this module stands in for that document.
"""

from __future__ import annotations

import json

ADDRESS = "https://raw.githubusercontent.com/eoap/schemas/main/string_format.yaml"
"""Where tools say that the types are."""
URI = f"{ADDRESS}#URI"

_NAMES = (
    *("Date", "DateTime", "Duration", "Time", "Email", "IDNEmail", "Hostname", "IDNHostname", "IPv4", "IPv6"),
    *("IRI", "IRIReference", "Password", "JsonPointer", "RelativeJsonPointer", "UUID"),
    *("URI", "URIReference", "URITemplate"),
)


def is_known(address: str) -> bool:
    """True for an address of the document, in whatever version or mirror."""
    return "eoap/schemas" in address and address.endswith("/string_format.yaml")


def document() -> bytes:
    """A document that defines the same types."""
    fields = [{"name": "value", "type": "string"}]
    return json.dumps([{"type": "record", "name": name, "fields": fields} for name in _NAMES]).encode()
