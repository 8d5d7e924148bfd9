"""The time of an answer does not tell a stranger whether a thing is there.

Counted is the work and not the time, which other programs of the machine change: the same functions of ours are called
as often, and the same statements are sent to the database, for what is hidden and for what is not there.
"""

from __future__ import annotations

import sys
from collections import Counter
from types import FrameType
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event

from .site import Site
from .test_matrix import Things, things

__all__ = ["things"]

LARGE = "x" * 2_000_000


def work(site: Site, user: str, path: str, status: int) -> Counter[str]:
    """How often each function of ours, and of the reading of JSON, is called for an answer."""
    found: Counter[str] = Counter()

    def count(frame: FrameType, kind: str, argument: Any) -> None:
        file = frame.f_code.co_filename
        if kind == "call" and ("/pygeoapi_oapip/" in file or "/json/" in file):
            found[f"{file}:{frame.f_code.co_qualname}"] += 1

    site.ask(user, "GET", path)
    sys.setprofile(count)
    try:
        answer = site.ask(user, "GET", path)
    finally:
        sys.setprofile(None)
    assert answer.status_code == status, answer.text
    return found


@pytest.fixture(scope="module")
def large(site: Site) -> str:
    run = {"json": {"inputs": {"message": LARGE}}, "headers": {"Prefer": "wait=60"}}
    return site.ask("alice", "POST", "/processes/echo/execution", **run).headers["Location"].rpartition("/")[2]


PATHS = ("/jobs/{}", "/jobs/{}/results", "/jobs/{}/inputs", "/jobs/{}/logs", "/jobs/{}/sharing", "/wps/status/{}")


@pytest.mark.parametrize("path", PATHS)
def test_large_job_of_another_is_as_much_work_as_none(site: Site, large: str, path: str) -> None:
    hidden = work(site, "bob", path.format(large), 400 if "wps" in path else 404)
    unknown = work(site, "bob", path.format(uuid4()), 400 if "wps" in path else 404)
    assert hidden == unknown
    assert sum(hidden.values()) > 20, "calls are counted"


@pytest.mark.parametrize(
    "path", ["/processes/{}", "/processes/{}/package", "/processes/{}/history", "/processes/{}/sharing"]
)
def test_process_of_another_is_as_much_work_as_none(site: Site, things: Things, path: str) -> None:
    assert work(site, "bob", path.format(things.process), 404) == work(site, "bob", path.format("none"), 404)


def test_what_is_shown_is_more_work(site: Site, large: str) -> None:
    """The count would see it if a hidden job were read."""
    own, unknown = work(site, "alice", f"/jobs/{large}", 200), work(site, "alice", f"/jobs/{uuid4()}", 404)
    assert own != unknown


def test_database_is_asked_the_same_and_gives_nothing_of_another(site: Site, large: str) -> None:
    def rows(path: str) -> list[str]:
        found: list[str] = []

        def seen(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            found.append(statement)

        with site.wired.database.read() as connection:
            engine = connection.engine
        event.listen(engine, "before_cursor_execute", seen)
        try:
            site.ask("bob", "GET", path)
        finally:
            event.remove(engine, "before_cursor_execute", seen)
        return found

    assert rows(f"/jobs/{large}") == rows(f"/jobs/{uuid4()}")
