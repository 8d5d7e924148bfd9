"""Names of users as parts of keys and addresses, so that no two users ever meet."""

from __future__ import annotations

import re
from hashlib import sha256

_PLAIN = re.compile(r"[a-z0-9_-]")
_LONGEST = 100


def user_folder(name: str) -> str:
    """A name of a user as one part of a key: letters, digits, `-` and `_` stay, each other byte becomes `=XX`.

    Capital letters are written as bytes, too, since some storages do not tell them from small ones. A name that would
    be too long keeps its begin, with a digest of the whole behind `=h`, which no other name can have.
    """
    parts = (c if _PLAIN.fullmatch(c) else "".join(f"={byte:02X}" for byte in _bytes(c)) for c in name)
    found = "".join(parts)
    if len(found) <= _LONGEST:
        return found
    # not within a `=XX`, so that the digest cannot be taken for one
    return f"{found[:32].rstrip('=')}=h{sha256(_bytes(name)).hexdigest()}"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
