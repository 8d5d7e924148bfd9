"""Lays a part of a Kubernetes object over a whole one. Used by the server and in the pod of a job."""

from __future__ import annotations

from typing import Any

_BY_POSITION = ("containers", "initContainers")


def overlaid(base: Any, part: Any, by_position: bool = False) -> Any:
    """A copy of `base` with what `part` says.

    Mappings are merged. Lists of mappings are merged item by item: by `name` (or `mountPath`) where the item of the
    part has one, else, for containers, by position; what has no counterpart is added. All else is replaced, and null
    removes.

    Args:
        base: JSON values.
        part: JSON values of the same shape, as far as they go.
        by_position: True for lists of containers.
    """
    if isinstance(base, dict) and isinstance(part, dict):
        merged = {
            key: overlaid(value, part[key], key in _BY_POSITION) if key in part else value
            for key, value in base.items()
        }
        merged.update({key: value for key, value in part.items() if key not in base})
        return {key: value for key, value in merged.items() if value is not None}
    if _is_table(base) and _is_table(part):
        return _merged(list(base), list(part), by_position)
    return part


def _is_table(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, dict) for item in value)


def _merged(rows: list[Any], parts: list[Any], by_position: bool) -> list[Any]:
    for index, part in enumerate(parts):
        found = _counterpart(rows, part)
        if found is None and by_position and "name" not in part and index < len(rows):
            found = index
        if found is None:
            rows.append(part)
        else:
            rows[found] = overlaid(rows[found], part)
    return rows


def _counterpart(rows: list[Any], part: Any) -> int | None:
    # the path comes first: one volume may be mounted at several
    for key in ("mountPath", "name"):
        if key in part:
            return next((i for i, row in enumerate(rows) if row.get(key) == part[key]), None)
    return None
