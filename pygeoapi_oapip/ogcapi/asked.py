"""How an answer is wanted: by headers, or by the query parameters that stand for them."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request

from . import negotiation, preferences
from .door import asked_form
from .preferences import Prefer


@dataclass(frozen=True, slots=True)
class Asked:
    """Representation and preferences of one request."""

    f: str | None = None
    """The `f` parameter; it beats Accept."""
    accept: str | None = None
    prefer: Prefer = Prefer()

    def wanted(self, offered: tuple[str, ...]) -> str:
        """As `negotiation.wanted`."""
        return negotiation.wanted(self.f, self.accept, offered)


def of_request() -> Asked:
    """What the present request asks for in `f`, Accept and Prefer.

    Raises:
        BadRequest: `Prefer: handling=strict` with a preference that is not known.
    """
    prefer = preferences.parse(request.headers.get("Prefer"))
    prefer.require_known()
    return Asked(asked_form(), request.headers.get("Accept"), prefer)
