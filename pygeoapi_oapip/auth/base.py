"""What turns credentials into a principal."""

from __future__ import annotations

from typing import Protocol

from ..model.identity import Principal


class Verifier(Protocol):
    """One kind of credentials."""

    scheme: str
    """Of the Authorization header, lower case."""

    def challenge(self, error: str = "") -> str:
        """The WWW-Authenticate header; `error` is an OAuth error code (RFC 6750 section 3.1)."""
        ...

    def verify(self, credentials: str, address: str) -> Principal:
        """Who these credentials are of.

        Args:
            credentials: what follows the scheme in the Authorization header.
            address: where the request comes from, for what is counted by address.

        Raises:
            Unauthorized: they do not count.
            Unavailable: it cannot be found out now; nobody gets in by that.
            TooManyRequests: too many wrong ones.
        """
        ...


class LoginLog(Protocol):
    """Where logins, logouts and refused ones are written down."""

    def __call__(self, what: str, who: str, outcome: str, address: str) -> None:
        """Write one down; a fault of the store is told in the log of the server.

        Args:
            what: `log in` or `log out`.
            who: name of the user, as far as it is known.
            outcome: `done`, or the status and the kind of refusal.
            address: where the request comes from.
        """
        ...


def unwritten(what: str, who: str, outcome: str, address: str) -> None:
    """A `LoginLog` of servers that write nothing down."""
