"""What another server answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from .json import JSON


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response, read to its end."""

    status: int
    content: bytes
    url: str
    """After redirects."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name."""

    @property
    def media_type(self) -> str:
        """Of the Content-Type header, without parameters, lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> JSON:
        """The body as JSON; None where it is none."""
        try:
            found: JSON = json.loads(self.content)
        except (ValueError, RecursionError):
            return None
        return found
