"""Places in the job list as opaque texts in `next` and `prev` links.

A cursor is not a secret and gives no right: it says after which key the list goes on, and every filter and the scope of
the caller hold there as everywhere. Its check sum tells a cursor that was cut or mistyped from one that was issued.
"""

from __future__ import annotations

import struct
from base64 import b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from zlib import crc32

from ..errors import InvalidQuery
from ..store.base import Position
from .identifiers import LONGEST

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HEAD = struct.Struct(">cq")
_SUM = struct.Struct(">L")
_FORWARDS, _BACKWARDS = b"n", b"p"
_MOST = 4 * LONGEST * 4 // 3 + 24
"""Characters of the longest cursor: an identifier of four-byte characters."""


def encode(position: Position) -> str:
    """The cursor of a position; `decode` is its inverse."""
    micros = (position.created - _EPOCH) // timedelta(microseconds=1)
    body = _HEAD.pack(_BACKWARDS if position.backwards else _FORWARDS, micros) + position.id.encode()
    return urlsafe_b64encode(body + _SUM.pack(crc32(body))).rstrip(b"=").decode("ascii")


def decode(text: str) -> Position:
    """The position of a cursor.

    Args:
        text: the value of the `cursor` parameter.

    Raises:
        InvalidQuery: it is not one that `encode` made.
    """
    try:
        return _decoded(text)
    except (ValueError, OverflowError, struct.error):
        shown = text[:40]
        raise InvalidQuery(
            f"cursor: {shown!r} is not a cursor of this list; take it from a next or prev link", location="cursor"
        ) from None


def _decoded(text: str) -> Position:
    if len(text) > _MOST:
        raise ValueError("too long")
    whole = b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
    body, checked = whole[: -_SUM.size], whole[-_SUM.size :]
    if _SUM.unpack(checked)[0] != crc32(body):
        raise ValueError("wrong check sum")
    direction, micros = _HEAD.unpack(body[: _HEAD.size])
    job_id = body[_HEAD.size :].decode("utf-8")
    if direction not in (_FORWARDS, _BACKWARDS) or not job_id.isprintable():
        raise ValueError("wrong content")
    return Position(_EPOCH + timedelta(microseconds=micros), job_id, direction == _BACKWARDS)
