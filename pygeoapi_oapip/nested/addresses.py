"""Which process an address names: one of this server, or one elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urldefrag, urljoin, urlsplit

LONGEST = 2000
"""Characters of an address."""
_PORTS = {"http": 80, "https": 443}
_TAIL = re.compile(r"(?P<before>.*)/processes/(?P<id>[^/]+?)(?:/execution)?/?")
_CONTEXT = re.compile(r"|(?:/[^/]+)?/ogc-api")
"""What may stand between the server's URL and `/processes`: nothing, or the prefix of a user context (design 5)."""


@dataclass(frozen=True, slots=True)
class OwnAddresses:
    """The addresses of this server."""

    url: str
    """`server.url` of the configuration with the path that comes before all routes; no `/` at its end."""

    def description(self, process_id: str) -> str:
        """Address of a process description, which relative references are resolved against."""
        return f"{self.url}/processes/{quote(process_id, safe='')}"

    def process_id(self, address: str) -> str | None:
        """The id in an absolute address of a process description of this server; None where it leads elsewhere."""
        found = _TAIL.fullmatch(urlsplit(address).path)
        if found is None or origin(address) != origin(self.url):
            return None
        base = urlsplit(self.url).path.rstrip("/")
        if not found["before"].startswith(base) or not _CONTEXT.fullmatch(found["before"].removeprefix(base)):
            return None
        return unquote(found["id"])


def origin(address: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of an absolute URL, in one spelling."""
    parts = urlsplit(address)
    return parts.scheme.lower(), (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme.lower())


def resolve(reference: str, base: str) -> str:
    """The absolute http or https URL that a reference means, without its fragment (RFC 3986 section 5).

    Raises:
        ValueError: it is none; the text says why.
    """
    if not reference or len(reference) > LONGEST:
        raise ValueError(f"must be the address of a process, of at most {LONGEST} characters")
    if any(ord(character) <= 32 or ord(character) == 127 for character in reference):
        raise ValueError("must be a URL, without blanks and control characters")
    try:
        address = urldefrag(urljoin(base, reference)).url
        scheme, host, _ = origin(address)
        port, userinfo = urlsplit(address).port, urlsplit(address).username
    except ValueError:
        raise ValueError("must be a URL") from None
    if scheme not in _PORTS or not host or port == 0:
        raise ValueError("must be an http or https URL, or relative to the description of the process")
    if userinfo is not None:
        raise ValueError("must not hold a user name or password")
    return address
