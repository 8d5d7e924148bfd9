"""multipart/related (RFC 2387) with one part for each output, streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import uuid4

from flask import Response

from ..model.json import JSON
from ..operations import ServedFile
from .door import DOCUMENT_HEADERS
from .files import safe_media_type


@dataclass(frozen=True, slots=True)
class Part:
    """One output: its bytes, a file, or the address where it is."""

    output_id: str
    media_type: str
    content: bytes = b""
    file: ServedFile | None = None
    location: str = ""

    @staticmethod
    def of_json(output_id: str, value: JSON) -> Part:
        """A part that holds a JSON value."""
        return Part(output_id, "application/json", json.dumps(value).encode("ascii"))

    def head(self) -> bytes:
        """The header lines of the part and the empty line after them."""
        name = self.output_id.encode("ascii", "backslashreplace").decode("ascii")
        lines = [f"Content-Type: {safe_media_type(self.media_type)}", f"Content-ID: <{name}>"]
        if self.location:
            lines.append(f"Content-Location: {self.location}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")

    def body(self) -> Iterator[bytes]:
        """The content in pieces."""
        if self.file is None:
            yield self.content
            return
        yield from self.file.pieces()


def related(parts: Sequence[Part]) -> Response:
    """A response with all parts; the type of the first is the type of the whole, as RFC 2387 has it."""
    boundary = uuid4().hex

    def write() -> Iterator[bytes]:
        for part in parts:
            yield f"--{boundary}\r\n".encode("ascii") + part.head()
            yield from part.body()
            yield b"\r\n"
        yield f"--{boundary}--\r\n".encode("ascii")

    first = safe_media_type(parts[0].media_type) if parts else "application/json"
    headers = list(DOCUMENT_HEADERS)
    kind = f'multipart/related; type="{first}"; boundary={boundary}'
    return Response(write(), 200, headers, content_type=kind)
