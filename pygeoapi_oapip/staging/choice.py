"""Which assets of a STAC item a reference means: `https://example.org/item.json#asset=B04&asset=B08`.

The fragment of a URL is never sent to a server, and every door has URLs; so the choice needs no form of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

from ..errors import UnresolvableReference
from ..settings_staging import Stac

_BEGIN = re.compile(r"#(?=(?:asset|role|type)=)")


@dataclass(frozen=True, slots=True)
class Choice:
    """An asset is chosen if it fits one of the texts of each kind that is given. `*` stands for any characters."""

    keys: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    types: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.keys or self.roles or self.types)

    def __str__(self) -> str:
        pairs = (("asset", self.keys), ("role", self.roles), ("type", self.types))
        return "&".join(f"{name}={text}" for name, texts in pairs for text in texts)

    def takes(self, key: str, asset: Mapping[str, Any]) -> bool:
        """True if an asset is chosen."""
        given = asset.get("roles")
        roles = [str(role) for role in given] if isinstance(given, list | tuple) else []
        full = str(asset.get("type") or "").lower()
        types = [full, full.partition(";")[0].strip()]
        return (
            (not self.keys or _fits([key], self.keys))
            and (not self.roles or _fits(roles, self.roles))
            and (not self.types or _fits(types, tuple(text.lower() for text in self.types)))
        )


def _fits(values: list[str], patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(value, pattern) for value in values for pattern in patterns)


def split(href: str) -> tuple[str, Choice]:
    """A reference without its choice, and the choice. Another fragment is left where it is.

    Raises:
        UnresolvableReference: the fragment begins as a choice, and is none.
    """
    found = _BEGIN.search(href)
    if found is None:
        return href, Choice()
    given: dict[str, list[str]] = {"asset": [], "role": [], "type": []}
    for name, text in _pairs(href[found.end() :]):
        if name not in given or not text:
            raise UnresolvableReference(
                f"{href[found.start() :][:100]!r} does not choose assets; write #asset=KEY, #role=ROLE or "
                "#type=MEDIA-TYPE, several with &"
            )
        given[name].append(text)
    return href[: found.start()], Choice(tuple(given["asset"]), tuple(given["role"]), tuple(given["type"]))


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split("&"):
        name, _, value = part.partition("=")
        yield name, unquote(value)


def default(settings: Stac) -> Choice:
    """What the administrator chose for references that choose nothing."""
    return Choice(settings.assets, settings.roles, settings.types)
