"""References of a request that have to be read before there is a job: POST, headers, `encoding`, literals."""

from __future__ import annotations

import base64
import binascii

from ..errors import Unavailable, UnresolvableReference
from ..settings import Staging
from ..staging.base import Stager
from .media_types import BASE64
from .terms import ReferenceGiven

LARGEST = 10 * 1024**2
"""Bytes of a document that becomes part of the request."""


class ReferenceReader:
    """A `door.Read` over the rules of `staging`; the HTTP library is loaded at the first use.

    Args:
        settings: which addresses may be read.
        largest: bytes of one document.
    """

    def __init__(self, settings: Staging, stager: Stager, largest: int = LARGEST) -> None:
        self._settings = settings
        self._stager = stager
        self._largest = largest

    def __call__(self, reference: ReferenceGiven) -> bytes:
        """The content, with `encoding` undone. Raises as `door.Read`."""
        try:
            content = self._read(reference)
        except Unavailable as error:
            # there is no job yet that could try again
            raise UnresolvableReference(error.detail) from None
        return _decoded(content, reference) if reference.encoding.strip().lower() == BASE64 else content

    def _read(self, reference: ReferenceGiven) -> bytes:
        if reference.method == "GET" and not reference.headers:
            return self._stager.fetch(reference.href, self._largest).content
        from ..staging.exchange import exchange

        body = None if reference.method == "GET" else self._body(reference)
        headers = dict(reference.headers)
        if body and "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = "text/xml" if body.lstrip().startswith(b"<") else "text/plain"
        return exchange(self._settings, reference.method, reference.href, headers, body, self._largest)

    def _body(self, reference: ReferenceGiven) -> bytes:
        if reference.body_reference:
            return self._stager.fetch(reference.body_reference, self._largest).content
        return (reference.body or "").encode("utf-8", "replace")


def _decoded(content: bytes, reference: ReferenceGiven) -> bytes:
    try:
        return base64.b64decode(b"".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        raise UnresolvableReference(f"what {reference.href} holds is not base64") from None
