"""Where and when the Items of a catalogue are: the extent of their Collection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from math import isfinite

from ..model.json import JSON, JSONObject

_WORLD: list[JSON] = [-180.0, -90.0, 180.0, 90.0]
_DEEPEST = 6
_TIMES = ("datetime", "start_datetime", "end_datetime")


def extent_of(items: Iterable[JSONObject], given: JSON) -> JSONObject:
    """The extent that STAC demands of a Collection.

    Args:
        items: Items.
        given: the extent that the catalogue itself has; counts where the Items tell nothing.

    Returns:
        One box and one interval. Without any knowledge: the whole Earth, at any time.
    """
    kept = list(items)
    boxes = [box for item in kept if (box := _box_of(item))]
    times = sorted(time for item in kept for time in _times(item))
    own = given if isinstance(given, Mapping) else {}
    spatial: JSON = {"bbox": [_union(boxes)]} if boxes else _given(own, "spatial", "bbox", _WORLD)
    if times:
        return {"spatial": spatial, "temporal": {"interval": [[_text(times[0]), _text(times[-1])]]}}
    return {"spatial": spatial, "temporal": _given(own, "temporal", "interval", [None, None])}


def _given(extent: JSONObject, name: str, member: str, default: list[JSON]) -> JSON:
    part = extent.get(name)
    rows = part.get(member) if isinstance(part, Mapping) else None
    good = isinstance(rows, list) and rows and all(isinstance(row, list) for row in rows)
    return part if good else {member: [default]}


def _box_of(item: JSONObject) -> list[float]:
    """West, south, east, north of an Item; empty where it has none."""
    box = item.get("bbox")
    numbers = [float(x) for x in box if _is_number(x)] if isinstance(box, list) else []
    if isinstance(box, list) and len(numbers) == len(box) and len(numbers) in (4, 6):
        half = len(numbers) // 2
        return [*numbers[:2], *numbers[half : half + 2]]
    geometry = item.get("geometry")
    points = list(_points(geometry.get("coordinates"), _DEEPEST)) if isinstance(geometry, Mapping) else []
    if not points:
        return []
    across, up = [x for x, _ in points], [y for _, y in points]
    return [min(across), min(up), max(across), max(up)]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _points(value: object, deep: int) -> Iterator[tuple[float, float]]:
    if not isinstance(value, list) or not deep:
        return
    if len(value) >= 2 and _is_number(value[0]) and _is_number(value[1]):
        yield float(value[0]), float(value[1])
        return
    for part in value:
        yield from _points(part, deep - 1)


def _union(boxes: list[list[float]]) -> list[JSON]:
    if any(west > east for west, _, east, _ in boxes):
        west, east = -180.0, 180.0  # one of them crosses the antimeridian (RFC 7946 section 5.2)
    else:
        west, east = min(box[0] for box in boxes), max(box[2] for box in boxes)
    return [west, min(box[1] for box in boxes), east, max(box[3] for box in boxes)]


def _times(item: JSONObject) -> Iterator[datetime]:
    properties = item.get("properties")
    for name in _TIMES if isinstance(properties, Mapping) else ():
        value = properties.get(name) if isinstance(properties, Mapping) else None
        try:
            found = datetime.fromisoformat(str(value)) if value else None
        except ValueError:
            continue
        if found is not None:
            yield found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
