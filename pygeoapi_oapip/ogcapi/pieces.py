"""Bodies in pieces (`Transfer-Encoding: chunked`): read whole before any door sees them, within the limit.

Without this, a body over the limit is cut there without a word, and framing that is none is an error of the server.
"""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PIECE = 1 << 16
_OF_PIECES = frozenset({"HTTP_TRANSFER_ENCODING", "wsgi.input_terminated"})


def with_whole_bodies(application: WSGIApplication, largest: int) -> WSGIApplication:
    """An application that sees bodies in pieces as if they had come with Content-Length.

    Args:
        application: answers 413 where Content-Length is over its limit, and 400 where less comes than it says.
        largest: that limit in bytes; no more than one beyond it are read.
    """

    def whole(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if "chunked" not in str(environ.get("HTTP_TRANSFER_ENCODING", "")).lower():
            return application(environ, start_response)
        content, ended = _read(environ["wsgi.input"], largest + 1)
        changed = {key: value for key, value in environ.items() if key not in _OF_PIECES}
        changed |= {"wsgi.input": BytesIO(content), "CONTENT_LENGTH": str(len(content) + (0 if ended else 1))}
        return application(changed, start_response)

    return whole


def _read(stream: IO[bytes], most: int) -> tuple[bytes, bool]:
    """What is there, and whether it came to its end as it should."""
    found = BytesIO()
    try:
        while found.tell() < most and (piece := stream.read(min(_PIECE, most - found.tell()))):
            found.write(piece)
    except Exception:  # noqa: BLE001 - the edge: each server has errors of its own for chunks that are none
        return found.getvalue(), False
    return found.getvalue(), True
