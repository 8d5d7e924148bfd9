"""Multipart bodies (RFC 2046, 2387, 7578), read from memory with limits."""

from __future__ import annotations

import email
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from hashlib import sha256

from ..errors import BadRequest

MAX_PARTS = 200

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

    Args:
        body: the whole body.
        content_type: the Content-Type header with its parameters.

    Raises:
        BadRequest: no boundary, no parts, nested multiparts, or an encoding that cannot be read.
    """
    head = b"MIME-Version: 1.0\r\nContent-Type: " + content_type.encode("ascii", "replace") + b"\r\n\r\n"
    try:
        message = email.message_from_bytes(head + body)
        if not message.get_boundary():
            raise BadRequest("the multipart body has no `boundary` in its Content-Type")
        found = message.get_payload() if message.is_multipart() else []
        if not isinstance(found, list) or not 0 < len(found) <= MAX_PARTS:
            raise BadRequest(f"a multipart body has 1 to {MAX_PARTS} parts (has {len(found)})")
        return Parts(
            tuple(_part(item) for item in found if isinstance(item, Message)), _bare(message.get_param("start"))
        )
    except (ValueError, TypeError, LookupError, AttributeError):
        # the parser of the standard library raises these on malformed headers
        raise BadRequest("the multipart body cannot be read: its headers are malformed") from None


def _part(item: Message) -> Part:
    if item.is_multipart():
        raise BadRequest("a part of the multipart body is itself multipart, which is not supported")
    content = item.get_payload(decode=True)
    return Part(
        content=content if isinstance(content, bytes) else b"",
        media_type=item.get_content_type() if item.get("Content-Type") else "",
        name=_bare(item.get_param("name", header="Content-Disposition")),
        filename=item.get_filename() or "",
        content_id=_bare(item.get("Content-ID")),
        location=_bare(item.get("Content-Location")),
        profile=_bare(item.get("Content-Profile")),
    )


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
