"""Bounding boxes (Part 1 bbox.yaml): four or six numbers and a coordinate reference system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from urllib.parse import urlsplit

from ..model.json import JSON
from .violations import Violation, kind_of, shown


def box_violations(value: JSON, place: str) -> list[Violation]:
    """What a value breaks of bbox.yaml. Which systems are allowed is said by the schema of the input.

    Args:
        value: what was given where a bounding box is needed.
        place: where it stands.
    """
    if not isinstance(value, Mapping):
        return [Violation(place, "type", f"must be an object with bbox and crs (is {kind_of(value)}: {shown(value)})")]
    if "bbox" not in value:
        return [Violation(place, "required", "needs the member bbox")]
    found = []
    corners = value["bbox"]
    numbers = list(corners) if isinstance(corners, Sequence) and not isinstance(corners, str) else []
    if len(numbers) not in (4, 6) or not all(_is_number(item) for item in numbers):
        found.append(Violation(f"{place}.bbox", "bbox", f"must be 4 or 6 numbers (is {shown(corners)})"))
    system = value.get("crs")
    if system is not None and not (isinstance(system, str) and _names_system(system)):
        found.append(Violation(f"{place}.crs", "crs", f"must be the URI of a reference system (is {shown(system)})"))
    return found


def _is_number(value: JSON) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or isfinite(value)


def _names_system(text: str) -> bool:
    """True for a URI, a CURIE (`[EPSG:4326]`) or the short form that they stand for."""
    try:
        scheme = urlsplit(text.strip("[]")).scheme
    except ValueError:
        return False
    return bool(scheme)
