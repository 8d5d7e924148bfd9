from __future__ import annotations

import base64
import os
from typing import Any

import pytest

from pygeoapi_oapip.auth.sealing import Sealer, Unreadable


def a_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def test_what_is_sealed_is_opened_at_its_place() -> None:
    sealer = Sealer(a_key())
    contents: tuple[Any, ...] = ({"token": "a.b.c", "ends": 1.5}, "text", [], None)
    for content in contents:
        sealed = sealer.seal("job", content)
        assert "a.b.c" not in sealed
        assert sealer.open("job", sealed) == content
    assert sealer.seal("job", "x") != sealer.seal("job", "x")


def test_old_keys_open_and_the_new_one_seals() -> None:
    old, new = a_key(), a_key()
    sealed = Sealer(old).seal("job", "x")
    both = Sealer(new, [old])
    assert both.open("job", sealed) == "x"
    assert Sealer(new).open("job", both.seal("job", "y")) == "y"


def test_keys_of_either_alphabet_are_the_same() -> None:
    key = base64.b64encode(b"\xfb\xff" * 16).decode()
    sealed = Sealer(key).seal("job", "x")
    assert Sealer(key.replace("+", "-").replace("/", "_").rstrip("=")).open("job", sealed) == "x"


def changed(sealed: str, part: int) -> str:
    parts = sealed.split(".")
    raw = bytearray(base64.urlsafe_b64decode(parts[part] + "=="))
    raw[0] ^= 1
    parts[part] = base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")
    return ".".join(parts)


@pytest.mark.parametrize("part", [0, 2, 3, 4])
def test_what_was_changed_is_not_opened(part: int) -> None:
    sealer = Sealer(a_key())
    with pytest.raises(Unreadable):
        sealer.open("job", changed(sealer.seal("job", "x"), part))


@pytest.mark.parametrize("sealed", ["", ".", "a.b.c", "a.b.c.d.e", "é" * 20, "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_sealed_text_is_not_opened(sealed: str) -> None:
    with pytest.raises(Unreadable):
        Sealer(a_key()).open("job", sealed)


def test_a_text_of_another_place_or_key_is_not_opened() -> None:
    sealer = Sealer(a_key())
    sealed = sealer.seal("job", "x")
    for place, other in (("another", sealer), ("job", Sealer(a_key()))):
        with pytest.raises(Unreadable, match="keys of this server|cannot be opened"):
            other.open(place, sealed)


@pytest.mark.parametrize("header", [{"alg": "dir", "enc": "A128GCM"}, {"alg": "A256KW", "enc": "A256GCM"}])
def test_other_algorithms_are_not_opened_even_with_the_key(header: dict[str, Any]) -> None:
    from joserfc import jwe
    from joserfc.jwk import OctKey

    raw = os.urandom(32)
    own = raw[:16] if header["enc"] == "A128GCM" else raw
    sealed = jwe.encrypt_compact(header, b'["job", "x"]', OctKey.import_key(own), algorithms=list(header.values()))
    with pytest.raises(Unreadable):
        Sealer(base64.b64encode(raw).decode()).open("job", sealed)
