"""Whether content of one media type may be given where others are asked for."""

from __future__ import annotations

from collections.abc import Iterable

from ..packages.formats import BINARY, canonical, is_text

_GENERIC = frozenset({"", BINARY, "*/*", "application/x-www-form-urlencoded"})
"""What servers and clients say when they do not know."""

_SUFFIXES = {"+json": "application/json", "+xml": "application/xml", "+yaml": "application/yaml"}


def accepts(wanted: Iterable[str], given: str) -> bool:
    """Whether an input takes content of a media type.

    Args:
        wanted: the media types of the input; with none of them, or application/octet-stream among them, it takes all.
        given: of the value. Aliases (`text/xml`) and parameters (`image/tiff` for `image/tiff; application=geotiff`)
            fit; contradicting parameters do not. So do a general type for a special one of its family
            (`application/json` for `application/geo+json`, `text/plain` for any text), and the other way round.
    """
    kinds = list(wanted)
    return not kinds or any(_fits(kind, given) for kind in kinds)


def _fits(wanted: str, given: str) -> bool:
    kind, parameters = _parts(wanted)
    other, others = _parts(given)
    if kind in _GENERIC or other in _GENERIC:
        return True
    if kind.endswith("/*") or other.endswith("/*"):
        return kind.partition("/")[0] == other.partition("/")[0]
    if kind == other:
        return all(others.get(name, text) == text for name, text in parameters.items())
    if other == "text/plain":
        return is_text(kind)
    return _family(kind) == other or _family(other) == kind


def _family(kind: str) -> str:
    return next((general for suffix, general in _SUFFIXES.items() if kind.endswith(suffix)), "")


def _parts(media_type: str) -> tuple[str, dict[str, str]]:
    kind, *parameters = (part.strip() for part in canonical(media_type).split(";"))
    pairs = (part.partition("=") for part in parameters if part)
    return kind, {name.strip(): text.strip(' "') for name, _, text in pairs if name.strip() != "charset"}
