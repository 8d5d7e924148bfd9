"""Names of users as folders."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygeoapi_oapip.staging.user_names import user_folder


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("alice", "alice"),
        ("bob-2_x", "bob-2_x"),
        ("Alice", "=41lice"),
        ("a@b.org", "a=40b=2Eorg"),
        ("..", "=2E=2E"),
        ("a/b", "a=2Fb"),
        ("ä", "=C3=A4"),
        ("=41", "=3D41"),
    ],
)
def test_what_is_no_plain_letter_is_written_as_bytes(name: str, folder: str) -> None:
    assert user_folder(name) == folder


def test_long_names_are_cut_and_stay_apart() -> None:
    one, two = user_folder("a" * 250), user_folder("a" * 251)
    assert one != two
    assert max(len(one), len(two)) <= 100


@given(st.text(min_size=1, max_size=255), st.text(min_size=1, max_size=255))
def test_no_two_users_meet(one: str, two: str) -> None:
    made = user_folder(one), user_folder(two)
    assert (made[0] == made[1]) == (one == two)
    assert all(re.fullmatch(r"[a-z0-9_=A-F-]{1,100}", part) for part in made)
    assert len({part.lower() for part in made}) == len({one, two})
