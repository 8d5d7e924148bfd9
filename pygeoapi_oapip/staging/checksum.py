"""Checksums of STAC assets (file extension): `file:checksum`, a multihash in hexadecimal digits, and `file:size`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import UnresolvableReference

_CHUNK = 1 << 20
_ALGORITHMS = {
    0x11: "sha1",
    0x12: "sha256",
    0x13: "sha512",
    0x14: "sha3_512",
    0x15: "sha3_384",
    0x16: "sha3_256",
    0x17: "sha3_224",
    0x20: "sha384",
    0x1013: "sha224",
    0xD5: "md5",
    0xB220: "blake2b",
}
"""Codes of https://github.com/multiformats/multicodec."""


def verify(path: Path, asset: Mapping[str, Any]) -> None:
    """Compare a file with what its asset says. An algorithm that is not known here proves nothing, and refuses nothing.

    Raises:
        UnresolvableReference: it is another file, or the checksum is not one.
    """
    size = asset.get("file:size")
    if isinstance(size, int) and not isinstance(size, bool) and path.stat().st_size != size:
        raise UnresolvableReference(f"has {path.stat().st_size} bytes, and file:size says {size}")
    text = asset.get("file:checksum", asset.get("checksum:multihash"))
    if text is None:
        return
    try:
        code, digest = parse(str(text))
    except ValueError:
        raise UnresolvableReference(f"file:checksum is not a multihash ({str(text)[:80]!r})") from None
    if code in _ALGORITHMS and _digest(path, code, len(digest)) != digest:
        raise UnresolvableReference("does not have the checksum that file:checksum says")


def parse(text: str) -> tuple[int, bytes]:
    """The code of the algorithm and the digest of a multihash. Raises ValueError."""
    code, rest = _varint(bytes.fromhex(text))
    length, digest = _varint(rest)
    if length != len(digest) or not digest:
        raise ValueError("the length is wrong")
    return code, digest


def _varint(data: bytes) -> tuple[int, bytes]:
    value = 0
    for index, byte in enumerate(data[:9]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, data[index + 1 :]
    raise ValueError("not a number")


def _digest(path: Path, code: int, size: int) -> bytes:
    name = _ALGORITHMS[code]
    made = hashlib.blake2b(digest_size=size) if name == "blake2b" else hashlib.new(name, usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            made.update(piece)
    return made.digest()
