"""Multipart bodies (RFC 2046, 2387, 7578), read from memory with limits."""

from __future__ import annotations

import base64
import binascii
import email
import quopri
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from hashlib import sha256

from ..errors import BadRequest

MAX_PARTS = 200

_HEADER_BYTES = 16 * 1024
_LINE_END = re.compile(rb"(--)?[ \t]{0,100}(?=\r?\n|\Z)")
_BLANK_LINE = re.compile(rb"\A\r?\n|\r?\n\r?\n")

RELATED = ("multipart/related", "multipart/mixed")
FORM = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart body."""

    content: bytes
    media_type: str
    """Lower case, without parameters; "" if the part says none."""
    name: str = ""
    """Of a form field."""
    filename: str = ""
    content_id: str = ""
    """Without `<` and `>`."""
    location: str = ""
    """Content-Location."""
    profile: str = ""
    """Content-Profile, without `<` and `>`."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A multipart body."""

    parts: tuple[Part, ...]
    start: str = ""
    """RFC 2387 `start`, without `<` and `>`."""


def is_multipart(content_type: str) -> bool:
    """True for the multipart types that are read here."""
    return content_type.partition(";")[0].strip().lower() in (*RELATED, FORM)


def read_parts(body: bytes, content_type: str) -> Parts:
    """The parts of a body.

    The work is linear in the length of the body: only the headers of a part go through the parser of the standard
    library, and their number and length are limited.

    Args:
        body: the whole body.
        content_type: the Content-Type header with its parameters.

    Raises:
        BadRequest: no boundary, no parts or too many, nested multiparts, or an encoding that cannot be read.
    """
    outer = _headers(b"Content-Type: " + content_type[:_HEADER_BYTES].encode("ascii", "replace"))
    boundary = outer.get_boundary() or ""
    if not 0 < len(boundary) <= 70:
        raise BadRequest("the multipart body has no `boundary` (1 to 70 characters) in its Content-Type")
    parts = [_part(piece) for piece in _pieces(body, boundary.encode("utf-8", "replace"))]
    if not parts:
        raise BadRequest(f"a multipart body has 1 to {MAX_PARTS} parts (has 0)")
    return Parts(tuple(parts), _bare(outer.get_param("start")))


def _pieces(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """What is between the delimiter lines (RFC 2046 section 5.1.1: none of them may be in the content)."""
    mark, body = b"\n--" + boundary, b"\n" + body
    start, number = -1, 0
    place = body.find(mark)
    while place >= 0:
        line = _LINE_END.match(body, place + len(mark))
        if line is None:
            raise BadRequest("a line of the multipart body begins with its boundary and goes on")
        if start >= 0:
            number += 1
            if number > MAX_PARTS:
                raise BadRequest(f"a multipart body has 1 to {MAX_PARTS} parts (has more)")
            yield body[start:place].removesuffix(b"\r")
        if line[1]:
            return
        start = line.end()
        place = body.find(mark, start)


def _part(piece: bytes) -> Part:
    piece = piece.removeprefix(b"\r").removeprefix(b"\n")
    end = _BLANK_LINE.search(piece, 0, _HEADER_BYTES)
    if end is None:
        raise BadRequest("a part of the multipart body has no empty line after its headers")
    item, content = _headers(piece[: end.start()]), piece[end.end() :]
    kind = item.get_content_type() if item.get("Content-Type") else ""
    if kind.startswith("multipart/"):
        raise BadRequest("a part of the multipart body is itself multipart, which is not supported")
    return Part(
        content=_decoded(content, _bare(item.get("Content-Transfer-Encoding")).lower()),
        media_type=kind,
        name=_bare(item.get_param("name", header="Content-Disposition")),
        filename=item.get_filename() or "",
        content_id=_bare(item.get("Content-ID")),
        location=_bare(item.get("Content-Location")),
        profile=_bare(item.get("Content-Profile")),
    )


def _headers(head: bytes) -> Message:
    try:
        found = email.message_from_bytes(head.strip() + b"\r\n\r\n")
        found.get_content_type(), found.get_filename(), found.get_boundary()
    except (ValueError, TypeError, LookupError, AttributeError):
        # the parser of the standard library raises these on malformed headers
        raise BadRequest("the headers of the multipart body cannot be read") from None
    return found


def _decoded(content: bytes, encoding: str) -> bytes:
    if encoding in ("", "7bit", "8bit", "binary"):
        return content
    try:
        if encoding == "base64":
            return base64.b64decode(b"".join(content.split()), validate=True)
        if encoding == "quoted-printable":
            return quopri.decodestring(content)
    except (binascii.Error, ValueError):
        raise BadRequest(f"a part of the multipart body is not {encoding}, as its header says") from None
    raise BadRequest(f"the Content-Transfer-Encoding {encoding[:40]!r} of a part is not supported")


def _bare(value: object) -> str:
    text = value[2] if isinstance(value, tuple) else value
    return str(text or "").strip().strip("<>").strip()


def join_parts(parts: Sequence[Part], start: str) -> tuple[bytes, str]:
    """A multipart/related body of some parts of another one, and its Content-Type."""
    boundary = sha256(b"".join(part.content for part in parts)).hexdigest()
    lines = []
    for part in parts:
        heads = {
            "Content-Type": part.media_type,
            "Content-ID": part.content_id and f"<{_plain(part.content_id)}>",
            "Content-Location": _plain(part.location),
            "Content-Disposition": part.filename and f'attachment; filename="{_plain(part.filename)}"',
        }
        head = "".join(f"{name}: {text}\r\n" for name, text in heads.items() if text)
        lines.append(f"--{boundary}\r\n{head}\r\n".encode("ascii") + part.content + b"\r\n")
    root = f'; start="<{_plain(start)}>"' if start else ""
    return b"".join(lines) + f"--{boundary}--\r\n".encode("ascii"), f"multipart/related; boundary={boundary}{root}"


def _plain(text: str) -> str:
    """Text that can stand in a header."""
    return (
        "".join(character if character.isprintable() and character not in '"\\<>' else "_" for character in text)
        .encode("ascii", "replace")
        .decode("ascii")
    )
