"""Who asks in the present request. Set by the WSGI middleware, read by doors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ..model.identity import ANONYMOUS, Principal

_principal: ContextVar[Principal] = ContextVar("oapip_principal", default=ANONYMOUS)


def current_principal() -> Principal:
    """The principal of the present request, `anonymous` where none was set."""
    return _principal.get()


@contextmanager
def acting(principal: Principal) -> Iterator[None]:
    """The principal of all that is called in the block."""
    token = _principal.set(principal)
    try:
        yield
    finally:
        _principal.reset(token)
