"""A rule that is broken, and where."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..errors import InvalidInputs

LONGEST_SHOWN = 60
"""Characters of a refused value that a message repeats."""

MOST_TOLD = 50
"""Violations in one answer; the number of the others is told."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that one part of the request breaks."""

    location: str
    """For example `inputs.size`, `inputs.points[2].x`, `outputs.map.transmissionMode`."""
    rule: str
    """A word of JSON Schema (`maximum`, `enum`, ...) or of the standard (`maxOccurs`, `mediaType`, ...)."""
    detail: str
    """What must be, and what is: `must be at most 100 (is 250)`."""

    def to_json(self) -> dict[str, str]:
        """A row of the problem member `errors`."""
        return {"location": self.location, "rule": self.rule, "detail": self.detail}


def refusal(violations: Sequence[Violation]) -> InvalidInputs:
    """One error that tells all violations: in `detail` for people, in `errors` for programs."""
    told = violations[:MOST_TOLD]
    texts = [f"{item.location}: {item.detail}" for item in told]
    if len(violations) > MOST_TOLD:
        texts.append(f"and {len(violations) - MOST_TOLD} more")
    rows = [item.to_json() for item in told]
    return InvalidInputs("; ".join(texts), location=violations[0].location, errors=rows)


def kind_of(value: object) -> str:
    """The JSON type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, Mapping) else "array"


def shown(value: object) -> str:
    """A value as a message repeats it: JSON, cut where it is long."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 4 * LONGEST_SHOWN:
        return "a number of many digits"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def under(place: str, member: str | int) -> str:
    """The place of a member or item below a place."""
    return f"{place}[{member}]" if isinstance(member, int) else f"{place}.{member}"
