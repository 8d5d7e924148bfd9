"""Texts that only this server can read: tokens of users, while they wait in the database for their use.

A sealed text is a JWE (RFC 7516) in compact form, encrypted with the administrator's key (`dir`, `A256GCM`). It says
whose place it belongs to, so that one who may write to the database cannot put it into another place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..settings_auth import sealing_bytes

_HEADER = {"alg": "dir", "enc": "A256GCM"}


class Unreadable(ValueError):
    """It was sealed with a key that is not known, for another place, or is damaged."""


class Sealer:
    """Seals and opens. Thread-safe.

    Args:
        key: in base64, as `auth.on_behalf.key`.
        old_keys: open what was sealed before.
    """

    def __init__(self, key: str, old_keys: Sequence[str] = ()) -> None:
        from joserfc.jwk import OctKey

        self._keys = [OctKey.import_key(sealing_bytes(text)) for text in (key, *old_keys)]

    def seal(self, place: str, content: Any) -> str:
        """Encrypt a JSON value for a place, for example the id of a job."""
        from joserfc import jwe

        return jwe.encrypt_compact(dict(_HEADER), json.dumps([place, content]).encode(), self._keys[0])

    def open(self, place: str, sealed: str) -> Any:
        """What was sealed for this place. Raises Unreadable."""
        from joserfc import jwe
        from joserfc.errors import JoseError

        for key in self._keys:
            try:
                found = json.loads(jwe.decrypt_compact(sealed, key, algorithms=list(_HEADER.values())).plaintext or b"")
            except (JoseError, ValueError, TypeError):
                continue
            if isinstance(found, list) and len(found) == 2 and found[0] == place:
                return found[1]
            break
        raise Unreadable("it cannot be opened with the keys of this server (auth.on_behalf)")
