"""Lays a part of a Kubernetes object over a whole one. Used by the server and in the pod of a job."""

from __future__ import annotations

from typing import Any


def overlaid(base: Any, part: Any) -> Any:
    """A copy of `base` with what `part` says.

    Mappings are merged. Lists of mappings are merged item by item: by `name` (or `mountPath`) where the item of the
    part has one, else by position; what has no counterpart is added. All else is replaced, and null removes.

    Args:
        base: JSON values.
        part: JSON values of the same shape, as far as they go.
    """
    if isinstance(base, dict) and isinstance(part, dict):
        merged = {key: overlaid(value, part[key]) if key in part else value for key, value in base.items()}
        merged.update({key: value for key, value in part.items() if key not in base})
        return {key: value for key, value in merged.items() if value is not None}
    if _is_table(base) and _is_table(part):
        return _merged(list(base), list(part))
    return part


def _is_table(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, dict) for item in value)


def _merged(rows: list[Any], parts: list[Any]) -> list[Any]:
    for index, part in enumerate(parts):
        found = _counterpart(rows, part, index)
        if found is None:
            rows.append(part)
        else:
            rows[found] = overlaid(rows[found], part)
    return rows


def _counterpart(rows: list[Any], part: Any, index: int) -> int | None:
    # the path comes first: one volume may be mounted at several
    for key in ("mountPath", "name"):
        if key in part:
            return next((i for i, row in enumerate(rows) if row.get(key) == part[key]), None)
    named = any("name" in row for row in rows)
    return index if named and index < len(rows) else None
