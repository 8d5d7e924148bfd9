"""The follower goes on whatever the cluster answers, and says when it knows nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import pytest

from pygeoapi_oapip.engines.calrissian import follower as module
from pygeoapi_oapip.engines.calrissian.client import Cluster, Refused
from pygeoapi_oapip.engines.calrissian.follower import Follower
from pygeoapi_oapip.engines.calrissian.names import JOB
from pygeoapi_oapip.errors import EngineUnavailable

Event = Mapping[str, Any]


def row(name: str, job: str = "j", version: int = 1, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {JOB: job}, "resourceVersion": str(version)}, **more}


class FakeCluster:
    """Answers lists with `rows`, and watches with what `watches` holds: events, or an error; then waits."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.faults: list[Exception] = []
        self.watches: list[list[Event | Exception]] = []
        self.lists = 0
        self.versions: list[str] = []

    def get(self, path: str, **query: str) -> Mapping[str, Any]:
        if "pods" in path:
            return {"items": [], "metadata": {"resourceVersion": "1"}}
        self.lists += 1
        if self.faults:
            raise self.faults.pop(0)
        start = int(query.get("continue", "0"))
        more = str(start + 2) if start + 2 < len(self.rows) else ""
        return {"items": self.rows[start : start + 2], "metadata": {"resourceVersion": "7", "continue": more}}

    def watch(self, path: str, seconds: int, **query: str) -> Iterator[Event]:
        if "pods" in path or not self.watches:
            time.sleep(0.05)
            return
        self.versions.append(query["resourceVersion"])
        for event in self.watches.pop(0):
            if isinstance(event, Exception):
                raise event
            yield event


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    for name, value in {"POLL": 0.01, "LONGEST_PAUSE": 0.1, "IDLE": 5.0}.items():
        monkeypatch.setattr(module, name, value)
    return FakeCluster()


@pytest.fixture
def follower(cluster: FakeCluster) -> Iterator[Follower]:
    follower = Follower(cast(Cluster, cluster), "ns", "a=b")
    yield follower
    follower.rest()


def names(follower: Follower, job: str = "j") -> list[str] | None:
    found = follower.jobs.rows(job, 120.0)
    return None if found is None else sorted(str(one["metadata"]["name"]) for one in found)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_all_pages_of_a_list_are_read(cluster: FakeCluster, follower: Follower) -> None:
    cluster.rows = [row("a"), row("b"), row("c"), row("other", job="k"), row("d")]
    assert names(follower) == ["a", "b", "c", "d"] and names(follower, "k") == ["other"]


def test_events_change_what_is_known(cluster: FakeCluster, follower: Follower) -> None:
    cluster.rows = [row("a")]
    cluster.watches = [
        [
            {"type": "ADDED", "object": row("b", version=8)},
            {"type": "DELETED", "object": row("a", version=9)},
            {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "12"}}},
        ]
    ]
    until(lambda: names(follower) == ["b"])


def test_a_watch_goes_on_from_the_last_version(cluster: FakeCluster, follower: Follower) -> None:
    cluster.watches = [[{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "12"}}}], [], []]
    names(follower)
    until(lambda: cluster.versions[:2] == ["7", "12"])
    assert cluster.lists == 1


def test_a_version_that_is_too_old_is_answered_by_a_new_list(cluster: FakeCluster, follower: Follower) -> None:
    cluster.watches = [[Refused(410, "too old")]]
    names(follower)
    until(lambda: cluster.lists == 2)
    assert follower.jobs.fault == ""


def test_a_broken_watch_is_answered_by_a_new_list(cluster: FakeCluster, follower: Follower) -> None:
    cluster.watches = [[EngineUnavailable("broke off")]]
    names(follower)
    until(lambda: cluster.lists == 2 and follower.jobs.fault == "")


def test_nothing_is_known_while_the_cluster_is_away(cluster: FakeCluster, follower: Follower) -> None:
    cluster.rows = [row("a")]
    cluster.faults = [EngineUnavailable("away")]
    assert names(follower) is None and follower.jobs.fault == "away"
    until(lambda: names(follower) == ["a"])


def test_an_account_that_may_not_list_is_seen(cluster: FakeCluster, follower: Follower) -> None:
    cluster.faults = [Refused(403, "jobs is forbidden")] * 1000
    assert names(follower) is None and follower.jobs.forbidden


def test_an_account_that_may_not_watch_lists_again_and_again(cluster: FakeCluster, follower: Follower) -> None:
    cluster.watches = [[Refused(403, "no watch")] for _ in range(5)]
    names(follower)
    cluster.rows = [row("later")]
    until(lambda: names(follower) == ["later"])


def test_a_defect_does_not_end_the_following(cluster: FakeCluster, follower: Follower) -> None:
    cluster.watches = [[{"type": "ADDED"}]]
    cluster.rows = [row("a")]
    names(follower)
    until(lambda: cluster.lists >= 2 and names(follower) == ["a"])


def test_a_change_ends_a_wait(cluster: FakeCluster, follower: Follower) -> None:
    count = follower.count
    names(follower)
    began = time.monotonic()
    follower.wait(count, 300.0)
    assert time.monotonic() - began < 200 and follower.count != count


def test_what_nobody_asks_for_is_not_followed(
    cluster: FakeCluster, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE", 0.2)
    names(follower)
    until(lambda: follower.jobs._thread is None)
    cluster.rows = [row("new")]
    assert names(follower) == ["new"]
