"""Names of formats that WPS clients know, and those of OGC API; one table for descriptions, inputs and outputs."""

from __future__ import annotations

import re

from ..packages.formats import BINARY, GEOTIFF, canonical, is_text
from ..packages.schemas import DIRECTORY
from .terms import Format

WPS_GEOTIFF = "image/tiff; subtype=geotiff"
"""What WPS clients (QGIS, birdy, PyWPS) call a GeoTIFF."""

BASE64 = "base64"

ARCHIVE = "application/zip"
"""How a Directory travels."""

_WPS_NAME = {GEOTIFF: WPS_GEOTIFF, DIRECTORY: "application/x-directory"}
_ALLOWED = re.compile(r"(application|audio|image|text|video|message|multipart|model)/.+")
"""ows:MimeType; others are written as `application/x-...`."""
_ODD = re.compile(r"[^A-Za-z0-9.+-]+")

_ALSO = {
    GEOTIFF: (GEOTIFF, "image/tiff"),
    "image/tiff": (WPS_GEOTIFF,),
    "text/csv": ("application/csv",),
    "application/geo+json": ("application/vnd.geo+json", "application/json"),
    "application/gml+xml": ("text/xml; subtype=gml/3.1.1", "text/xml"),
    "application/xml": ("text/xml",),
    "application/vnd.shp": ("application/x-zipped-shp",),
    ARCHIVE: ("application/x-zipped-shp",),
    "application/x-netcdf": ("application/netcdf",),
    DIRECTORY: ("application/json",),
}
"""Further names under which WPS clients give or ask for content of a media type."""


def wps_name(media_type: str) -> str:
    """What a media type of ours is called in WPS documents."""
    found = _WPS_NAME.get(canonical(media_type), media_type)
    return found if _ALLOWED.fullmatch(found) else f"application/x-{_ODD.sub('-', found) or 'data'}"


def formats_of(media_type: str) -> list[Format]:
    """The formats in which content of a media type is given or had, the usual one first.

    What is no text may also stand in a document, in base64.
    """
    kind = canonical(media_type)
    essence = kind.partition(";")[0]
    names = list(dict.fromkeys([wps_name(media_type), *_ALSO.get(kind, _ALSO.get(essence, ()))]))
    plain = [Format(name) for name in names]
    if is_binary(kind):
        return [item for name in names for item in (Format(name), Format(name, BASE64))]
    return plain


def is_binary(media_type: str) -> bool:
    """True for content that cannot stand in XML as text."""
    return not is_text(media_type)


def is_xml(media_type: str) -> bool:
    """True for application/xml and the `+xml` family."""
    essence = canonical(media_type).partition(";")[0]
    return essence == "application/xml" or essence.endswith("+xml")


def is_json(media_type: str) -> bool:
    """True for application/json and the `+json` family."""
    essence = canonical(media_type).partition(";")[0]
    return essence == "application/json" or essence.endswith("+json")


def own_name(media_type: str, offered: tuple[str, ...]) -> str:
    """The media type of ours that a client means.

    Args:
        media_type: as the client wrote it.
        offered: media types of the input or output, as the process description has them.

    Returns:
        One of `offered` where the name is one of its names in WPS, else what the client wrote.
    """
    wanted = _squeezed(media_type)
    for own in offered:
        if any(_squeezed(item.media_type) == wanted for item in formats_of(own)):
            return own
    return media_type


def same(one: str, other: str) -> bool:
    """True if two names are of one media type; spaces, case and known aliases do not count."""
    return _squeezed(one) == _squeezed(other)


def _squeezed(media_type: str) -> str:
    kind = canonical(media_type)
    return "".join(_squeeze_geotiff(kind).split()).replace('"', "")


def _squeeze_geotiff(kind: str) -> str:
    return GEOTIFF if kind in (WPS_GEOTIFF, "image/tiff;subtype=geotiff") else kind


__all__ = [
    "ARCHIVE",
    "BASE64",
    "BINARY",
    "formats_of",
    "is_binary",
    "is_json",
    "is_xml",
    "own_name",
    "same",
    "wps_name",
]
