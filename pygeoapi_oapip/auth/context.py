"""Who asks in the present request. Set by the WSGI middleware, read by doors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ..model.identity import ANONYMOUS, Principal

_principal: ContextVar[Principal] = ContextVar("oapip_principal", default=ANONYMOUS)
_address: ContextVar[str] = ContextVar("oapip_address", default="")


def current_principal() -> Principal:
    """The principal of the present request, `anonymous` where none was set."""
    return _principal.get()


def current_address() -> str:
    """Where the present request comes from; "" outside of a request."""
    return _address.get()


@contextmanager
def acting(principal: Principal, address: str = "") -> Iterator[None]:
    """The principal of all that is called in the block, and where the request comes from."""
    token, place = _principal.set(principal), _address.set(address)
    try:
        yield
    finally:
        _principal.reset(token)
        _address.reset(place)
