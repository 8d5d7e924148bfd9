"""A row of the route table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one resource."""

    rule: str
    """Path with `<name>` variables, below the base."""
    method: str
    """GET serves HEAD too."""
    view: Callable[..., Response]
    """Takes the door, then the variables by name."""
