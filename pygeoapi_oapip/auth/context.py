"""Who asks in the present request. Set by the WSGI middleware, read by doors."""

from __future__ import annotations

from contextvars import ContextVar

from ..model.identity import ANONYMOUS, Principal

_principal: ContextVar[Principal] = ContextVar("oapip_principal", default=ANONYMOUS)


def current_principal() -> Principal:
    """The principal of the present request, `anonymous` where none was set."""
    return _principal.get()
