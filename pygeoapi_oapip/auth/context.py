"""Who asks in the present request. Set by the WSGI middleware, read by doors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ..model.identity import ANONYMOUS, Principal

_principal: ContextVar[Principal] = ContextVar("oapip_principal", default=ANONYMOUS)
_token: ContextVar[Callable[[], str]] = ContextVar("oapip_token", default=str)
_address: ContextVar[str] = ContextVar("oapip_address", default="")


def current_principal() -> Principal:
    """The principal of the present request, `anonymous` where none was set."""
    return _principal.get()


def current_address() -> str:
    """Where the present request comes from; "" outside of a request."""
    return _address.get()


def current_token() -> str:
    """The access token that the present request came with, or its session began with; "" where there is none.

    Raises:
        StoreUnavailable: sessions cannot be read now.
    """
    return _token.get()()


@contextmanager
def acting(principal: Principal, address: str = "", token: Callable[[], str] = str) -> Iterator[None]:
    """The principal of all that is called in the block, where the request comes from, and how its access token is
    found when somebody wants it."""
    who, place, found = _principal.set(principal), _address.set(address), _token.set(token)
    try:
        yield
    finally:
        _principal.reset(who)
        _address.reset(place)
        _token.reset(found)
