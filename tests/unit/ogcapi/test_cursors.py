from __future__ import annotations

import struct
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygeoapi_oapip.errors import InvalidQuery
from pygeoapi_oapip.ogcapi import cursors
from pygeoapi_oapip.store.base import Position

GOOD = cursors.encode(Position(datetime(2026, 1, 1, tzinfo=UTC), "0f8fad5b-d9cb-469f-a165-70867728950e"))
PRINTABLE = st.text(st.characters(codec="utf-8"), max_size=255).filter(str.isprintable)


@given(st.datetimes(timezones=st.just(UTC)), PRINTABLE, st.booleans())
def test_a_cursor_is_read_back_whole(created: datetime, job_id: str, backwards: bool) -> None:
    position = Position(created, job_id, backwards)
    assert cursors.decode(cursors.encode(position)) == position


@given(st.text(max_size=80))
def test_any_text_is_a_cursor_or_an_invalid_query(text: str) -> None:
    with pytest.raises(InvalidQuery, match="cursor: "):
        cursors.decode(text)


@pytest.mark.parametrize("cut", range(len(GOOD)))
def test_a_truncated_cursor_is_refused(cut: int) -> None:
    with pytest.raises(InvalidQuery):
        cursors.decode(GOOD[:cut])


@pytest.mark.parametrize("place", range(len(GOOD)))
def test_a_changed_cursor_is_refused(place: int) -> None:
    other = "B" if GOOD[place] == "A" else "A"
    with pytest.raises(InvalidQuery):
        cursors.decode(GOOD[:place] + other + GOOD[place + 1 :])


def forged(body: bytes) -> str:
    return urlsafe_b64encode(body + struct.pack(">L", crc32(body))).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"n",
        b"n" + bytes(7),
        struct.pack(">cq", b"x", 0) + b"id",
        struct.pack(">cq", b"n", 2**63 - 1) + b"id",
        struct.pack(">cq", b"n", -(2**63)) + b"id",
        struct.pack(">cq", b"n", 0) + b"\xff\xfe",
        struct.pack(">cq", b"n", 0) + b"a\0b",
        struct.pack(">cq", b"n", 0) + b"\xed\xa0\x80",
        struct.pack(">cq", b"p", 0) + b"x" * 100_000,
    ],
)
def test_a_forged_cursor_that_no_job_can_have_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidQuery) as error:
        cursors.decode(forged(body))
    assert len(error.value.detail) < 200
