"""Names of coordinate reference systems: URIs of OGC API, URNs and short names of WPS. Axis order is never changed."""

from __future__ import annotations

import re

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG4326 = "http://www.opengis.net/def/crs/EPSG/0/4326"

_URI = re.compile(r"https?://www\.opengis\.net/def/crs/([^/]+)/([^/]+)/([^/]+)/?", re.IGNORECASE)
_URN = re.compile(r"urn:(?:x-)?ogc:def:crs:([^:]+):([^:]*):([^:]+)", re.IGNORECASE)
_SHORT = re.compile(r"\[?(EPSG|OGC|CRS|IGNF|AUTO):+([A-Za-z0-9]+)\]?", re.IGNORECASE)


def uri_of(name: str) -> str:
    """The URI of a reference system, as Part 1 bbox.yaml wants it.

    Args:
        name: a URI, a URN (`urn:ogc:def:crs:EPSG::4326`) or a short name (`EPSG:4326`).

    Returns:
        What was given where it is none of these: validation then names it.
    """
    parts = _parts(name)
    if parts is None:
        return name.strip()
    authority, version, code = parts
    return f"http://www.opengis.net/def/crs/{authority}/{version or '0'}/{code}"


def urn_of(name: str) -> str:
    """The URN of a reference system, as WPS documents have it; what was given where there is none."""
    parts = _parts(name)
    if parts is None:
        return name
    authority, version, code = parts
    return f"urn:ogc:def:crs:{authority}:{'' if version == '0' else version}:{code}"


def same(one: str, other: str) -> bool:
    """True if two names are of one reference system; versions of EPSG do not count."""
    return urn_of(one) == urn_of(other)


def _parts(name: str) -> tuple[str, str, str] | None:
    text = name.strip()
    found = _URI.fullmatch(text) or _URN.fullmatch(text)
    if found is not None:
        authority, version, code = found.groups()
    else:
        short = _SHORT.fullmatch(text)
        if short is None:
            return None
        authority, version, code = short[1], "", short[2]
    authority, code = authority.upper(), code.upper()
    if authority in ("OGC", "CRS"):
        return "OGC", "1.3" if version in ("", "0") else version, "CRS84" if code == "84" else code
    return authority, "" if authority == "EPSG" else version, code
