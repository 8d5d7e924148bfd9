"""What a package says about itself in schema.org terms (`s:author`), as Part 1 metadata."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..model.json import JSON, JSONObject

_SCHEMA_ORG = re.compile(r"https?://schema\.org/?")
_OWN_PLACE = frozenset({"softwareVersion", "version", "name", "description", "keywords"})
_TITLES = {
    "author": "Author",
    "contributor": "Contributor",
    "codeRepository": "Code repository",
    "dateCreated": "Date created",
    "license": "License",
    "citation": "Citation",
    "publisher": "Publisher",
    "softwareHelp": "Documentation",
}


def terms_of(sources: Sequence[JSONObject], namespaces: Mapping[str, str]) -> dict[str, Any]:
    """The schema.org members of a package by local name (`author`).

    Args:
        sources: the objects to look in; the first that has a member wins.
        namespaces: prefixes of the document.
    """
    found: dict[str, Any] = {}
    for source in sources:
        for key, value in source.items():
            local = _local(key, namespaces)
            if local and value is not None:
                found.setdefault(local, _plain(value, namespaces))
    return found


def _local(key: str, namespaces: Mapping[str, str]) -> str:
    prefix, colon, rest = key.partition(":")
    full = namespaces[prefix] + rest if colon and prefix in namespaces else key
    match = _SCHEMA_ORG.match(full)
    return full[match.end() :].lstrip("#/") if match else ""


def _plain(value: Any, namespaces: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {_local(key, namespaces) or key: _plain(item, namespaces) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item, namespaces) for item in value]
    return value


def keywords_of(terms: Mapping[str, Any]) -> tuple[str, ...]:
    """`keywords`, a list or text separated by commas."""
    value = terms.get("keywords")
    words = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(str(word).strip() for word in words if str(word).strip())


def metadata_of(terms: Mapping[str, Any]) -> tuple[JSONObject, ...]:
    """All terms that have no place of their own in a process description, as metadata.yaml objects."""
    return tuple(
        _metadata(name, item)
        for name, value in terms.items()
        if name not in _OWN_PLACE
        for item in (value if isinstance(value, list) else [value])
    )


def _metadata(name: str, value: JSON) -> JSONObject:
    title = _TITLES.get(name, name)
    role = "https://schema.org/" + name
    if isinstance(value, str) and value.startswith(("http://", "https://")):
        return {"title": title, "role": role, "href": value}
    if isinstance(value, Mapping):
        known = value.get("name")
        members: JSON = {key: item for key, item in value.items() if key != "class"}
        return {"title": str(known) if known else title, "role": role, "value": members}
    return {"title": title, "role": role, "value": str(value)}
