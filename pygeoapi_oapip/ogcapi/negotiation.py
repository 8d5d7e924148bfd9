"""Which representation is wanted: `f`, else the Accept header, else JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from ..errors import InvalidQuery

MEDIA_TYPES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "json": ("application/json", "application/problem+json", "application/ld+json", "application/geo+json"),
        "html": ("text/html", "application/xhtml+xml"),
        "text": ("text/plain",),
        "zip": ("application/zip",),
        "multipart": ("multipart/related", "multipart/mixed"),
        "package": (),
        "stac": (),
        "items": (),
        "cwl": ("application/cwl",),
        "cwl-json": ("application/cwl+json",),
        "cwl-yaml": ("application/cwl+yaml", "application/yaml", "text/yaml"),
        "ogcapppkg": ("application/ogcapppkg+json",),
        "openapi": ("application/vnd.oai.openapi+json",),
        "oas30": (),
        "oas31": (),
    }
)
"""Word of the `f` parameter -> the media types that ask for it."""

_ALIASES = {"jsonld": "json", "geojson": "json", "txt": "text"}

DOCUMENT = ("json", "html")
"""What most resources offer."""


def wanted(f: str | None, accept: str | None, offered: tuple[str, ...] = DOCUMENT) -> str:
    """Choose a representation.

    Args:
        f: the `f` query parameter; it beats Accept.
        accept: the Accept header. Where it names nothing that is offered, the first one is served, as RFC 9110
            section 12.5.1 allows: clients that ask for too little get JSON and not an error.
        offered: words of MEDIA_TYPES; the first is the default for `*/*` and for no Accept.

    Raises:
        InvalidQuery: `f` is none of the offered words.
    """
    if f:
        word = _ALIASES.get(f, f)
        if word not in offered:
            raise InvalidQuery(f"f: {f!r} is not offered here (offered: {', '.join(offered)})", location="f")
        return word
    if not accept or accept == "*/*":
        return offered[0]
    return _by_accept(accept, offered)


def accepts_one_of(accept: str | None, kinds: Iterable[str]) -> bool:
    """True if Accept leaves at least one of these media types; a missing or unreadable one leaves all.

    Args:
        accept: the Accept header.
        kinds: media types, with parameters or without.
    """
    ranges = [(kind, weight) for kind, weight in _ranges(accept or "") if "/" in kind]
    if not ranges:
        return True
    bare = [kind.partition(";")[0].strip().lower() for kind in kinds]
    families = {f"{kind.partition('/')[0]}/*" for kind in bare}
    return any(weight > 0 and (kind in bare or kind in families or kind == "*/*") for kind, weight in ranges)


def names_json(accept: str | None) -> bool:
    """True if Accept names application/json itself (not a wildcard) with a weight above 0."""
    return any(kind == "application/json" and weight > 0 for kind, weight in _ranges(accept or ""))


def parameter(accept: str | None, word: str, name: str) -> str:
    """A parameter of the media type that Accept names for a representation, for example its `version`.

    Args:
        accept: the Accept header.
        word: of MEDIA_TYPES.
        name: of the parameter, in lower case.

    Returns:
        The value in the range with the greatest weight, without quotes; "" where there is none.
    """
    best, found = 0.0, ""
    for part in (accept or "")[:2000].split(","):
        kind, *rest = (item.strip() for item in part.split(";"))
        values = {
            key.strip().lower(): text.strip().strip('"') for key, _, text in (item.partition("=") for item in rest)
        }
        weight = _weight(values.get("q", "1"))
        if kind.lower() in MEDIA_TYPES[word] and weight > best:
            best, found = weight, values.get(name, "")
    return found


@lru_cache(maxsize=512)
def _by_accept(accept: str, offered: tuple[str, ...]) -> str:
    ranges = _ranges(accept)
    ranked = sorted(
        ((_rank(word, ranges), -position, word) for position, word in enumerate(offered)),
        reverse=True,
    )
    (weight, *_), _, word = ranked[0]
    return word if weight > 0 else offered[0]


def _rank(word: str, ranges: list[tuple[str, float]]) -> tuple[float, int, int]:
    """(weight, how exact the range is, how early it stands) of the range that fits best; exact ranges come first."""
    best: tuple[float, int, int] = (0.0, 0, 0)
    most_exact = 0
    for position, (kind, weight) in enumerate(ranges):
        exact = _exactness(kind, MEDIA_TYPES[word])
        if exact > most_exact:
            most_exact, best = exact, (weight, exact, -position)
    return best


def _exactness(kind: str, own: tuple[str, ...]) -> int:
    if kind in own:
        return 3
    if kind.endswith("/*") and any(item.startswith(kind[:-1]) for item in own[:1]):
        return 2
    return 1 if kind == "*/*" else 0


def _ranges(accept: str) -> list[tuple[str, float]]:
    found = []
    for part in accept[:2000].split(","):
        kind, *parameters = (item.strip() for item in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            name, _, text = parameter.partition("=")
            if name.strip().lower() == "q":
                weight = _weight(text)
        found.append((kind.lower(), weight))
    return found


def _weight(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0.0 <= value <= 1.0 else 0.0
