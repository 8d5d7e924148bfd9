"""The way out for messages to subscribers, without the library that it needs until it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ..settings import Callbacks


class Poster(Protocol):
    """Sends messages to addresses that may be told."""

    def check(self, url: str) -> None:
        """Refuse what may not be told, before there is a job.

        Raises:
            AddressForbidden: the host is outside `callbacks.allow_hosts`, or inside this network, by its name too.
            UnresolvableReference: it is no http or https URL with a host.
        """
        ...

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send a message; what the receiver answers is not read beyond its status, and no redirect is followed.

        Returns:
            The HTTP status of the answer.

        Raises:
            AddressForbidden, UnresolvableReference: as `check`; also where the name has come to mean another address.
            Unavailable: the receiver could not be reached, or did not answer in time.
        """
        ...


def make_poster(settings: Callbacks) -> Poster:
    """The poster that the settings allow; the HTTP library is loaded when it is made."""
    from .callback import CallbackPoster

    return CallbackPoster(settings)
