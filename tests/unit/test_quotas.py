"""Whose quota is which, and what a job that waits says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pygeoapi_oapip.errors import ConfigurationError, PlanRejected, StorageFull, TooManyRequests
from pygeoapi_oapip.model.identity import ANONYMOUS, EVERYTHING, Principal
from pygeoapi_oapip.model.job import Goal, Phase
from pygeoapi_oapip.model.json import JSON
from pygeoapi_oapip.model.process import NO_PACKAGE, Package
from pygeoapi_oapip.model.quota import UNBOUNDED, Allowance, GroupAllowance, StartOrder
from pygeoapi_oapip.quotas import KNOWN_FOR, Quotas, ordinal
from pygeoapi_oapip.settings import load_settings
from pygeoapi_oapip.store.accounts import MemoryAccountStore
from pygeoapi_oapip.store.memory import MemoryJobStore
from pygeoapi_oapip.testing.account_contract import MovingClock
from pygeoapi_oapip.testing.store_contract import NOON, SECOND, ended, job_at

ALICE = Principal("alice", frozenset({"user"}), frozenset({"hydro", "forest"}))


def tool(cores: float, ram: float) -> Package:
    requirement: JSON = {"class": "ResourceRequirement", "coresMin": cores, "ramMin": ram}
    document: JSON = {"class": "CommandLineTool", "cwlVersion": "v1.2", "requirements": [requirement]}
    assert isinstance(document, dict)
    return Package(document, "", b"", "application/cwl+json")


class Bench:
    """Quotas over empty stores."""

    def __init__(self, quotas: dict[str, Any], **limits: Any) -> None:
        self.accounts, self.clock = MemoryAccountStore(), MovingClock()
        self.jobs = MemoryJobStore(accounts=self.accounts)
        self.limits = load_settings({"limits": {"quotas": quotas, **limits}}).limits
        self.quotas = self.again()

    def again(self) -> Quotas:
        """Another process of the same server."""
        return Quotas(self.jobs, self.accounts, self.limits, self.clock)


def test_nothing_is_bounded_where_nothing_is_configured() -> None:
    assert Bench({}).quotas.asked(ALICE, "alice") == Bench({}).quotas.of("bob") == UNBOUNDED


def test_the_name_comes_before_groups_these_before_roles_and_these_before_the_default() -> None:
    bench = Bench(
        {
            "default": {"running": 1, "queued": 2, "cores": 3, "memory": "1GiB", "storage": "2GB", "processes": 6},
            "roles": {"user": {"queued": 20, "cores": 30}, "operator": {"queued": 99}},
            "groups": {"hydro": {"cores": 300, "memory": "2GiB"}, "forest": {"cores": 400}, "other": {"cores": 999}},
            "users": {"alice": {"memory": 0, "deploys_per_minute": 5}},
        },
        jobs_per_user=7,
    )
    found = bench.quotas.asked(ALICE, "alice")
    assert found == Allowance(7, 20, 1, 400.0, 0.0, 2 * 10**9, 6, 5)
    assert bench.quotas.of("bob") == Allowance(7, 2, 1, 3.0, 2.0**30, 2 * 10**9, 6, 0)


def test_any_amount_is_the_largest() -> None:
    bench = Bench({"default": {"running": 1}, "groups": {"hydro": {"running": 0}, "forest": {"running": 50}}})
    assert bench.quotas.asked(ALICE, "alice").running == 0


def test_groups_count_when_a_job_starts_in_another_process() -> None:
    bench = Bench({"groups": {"hydro": {"running": 9}}, "default": {"running": 1}})
    worker = bench.again()
    assert worker.of("alice").running == 1
    bench.quotas.asked(ALICE, "alice")
    bench.clock.now += KNOWN_FOR
    assert worker.of("alice").running == 9
    bench.quotas.asked(replace(ALICE, groups=frozenset()), "alice")
    bench.clock.now += KNOWN_FOR
    assert worker.of("alice").running == 1


def test_an_administrator_who_acts_for_a_user_has_that_users_quota() -> None:
    bench = Bench({"roles": {"admin": {"running": 0}}, "default": {"running": 1}})
    root = Principal("root", frozenset({"admin"}), context="alice")
    assert (bench.quotas.asked(root, "alice").running, bench.quotas.asked(root, "root").running) == (1, 0)
    assert bench.quotas.of("alice").running == 1


def test_a_group_is_bound_as_a_whole_beside_its_members() -> None:
    bench = Bench(
        {
            "groups": {
                "hydro": {"running": 2, "together": {"running": 3, "queued": 4, "storage": "1GB", "memory": "1GiB"}},
                "forest": {"cores": 5},
                "other": {"together": {"running": 1}},
            },
            "users": {"alice": {"running": 9}},
        }
    )
    found = bench.quotas.asked(ALICE, "alice")
    group = GroupAllowance("hydro", Allowance(queued=4, running=3, memory=2.0**30, storage=10**9))
    assert (found.running, found.cores, found.together) == (9, 5.0, (group,))
    assert bench.quotas.of("bob").together == ()
    assert Bench({"groups": {"hydro": {"running": 2}}}).quotas.asked(ALICE, "alice").together == ()


def test_what_the_group_could_never_start_is_refused_at_once() -> None:
    bench = Bench({"groups": {"hydro": {"together": {"cores": 4, "memory": "1GiB"}}}})
    for cores, ram, text in (
        (5, 100, "asks for 5 cores, and the jobs of the group hydro may use 4"),
        (1, 2048, "2048 MiB"),
    ):
        with pytest.raises(PlanRejected, match=text):
            bench.quotas.require_fitting(ALICE, "alice", tool(cores, ram))
    bench.quotas.require_fitting(ALICE, "alice", tool(4, 1024))


def test_a_group_deploys_so_often_together() -> None:
    bench = Bench({"groups": {"hydro": {"together": {"deploys_per_minute": 2}}}})
    for name in ("alice", "bob"):
        bench.quotas.count_deployment(replace(ALICE, name=name), name)
    with pytest.raises(TooManyRequests, match="the group hydro may deploy 2 times"):
        bench.quotas.count_deployment(replace(ALICE, name="carol"), "carol")
    bench.quotas.count_deployment(Principal("dave"), "dave")


def test_members_that_wait_for_their_group_are_told_so() -> None:
    bench = Bench({"groups": {"hydro": {"together": {"running": 1}}}})
    for number, name in enumerate(("alice", "bob")):
        allowance = bench.quotas.asked(replace(ALICE, name=name), name)
        bench.jobs.add(replace(job_at(number), owner=name), allowance=allowance)
    [first] = bench.jobs.claim("w", NOON + SECOND, 9, NOON, StartOrder(bench.quotas.of))
    waiting = next(job for job in bench.jobs.all() if job.id != first.id)
    told = bench.quotas.told(waiting).message
    assert told.endswith("(at most 1 jobs at once for the jobs of the group hydro)"), told


def test_without_authentication_all_are_one_user() -> None:
    bench = Bench({"users": {"anonymous": {"queued": 1}}})
    bench.jobs.add(replace(job_at(), owner="anonymous"))
    with pytest.raises(TooManyRequests):
        bench.quotas.require_room(ANONYMOUS, "anonymous")


def test_room_is_looked_for_before_anything_is_done() -> None:
    bench = Bench({"default": {"storage": 10, "queued": 1}})
    assert bench.quotas.require_room(ALICE, "alice").queued == 1
    ended(bench.jobs, replace(bench.jobs.add(job_at()), usage={"result_bytes": 10}))
    with pytest.raises(StorageFull):
        bench.quotas.require_room(ALICE, "alice")
    bench.quotas.require_room(ALICE, "bob")


def test_results_in_the_buckets_of_their_users_take_no_room() -> None:
    bench = Bench({"default": {"storage": 10}})
    ended(bench.jobs, replace(bench.jobs.add(job_at()), usage={"result_bytes": 10}))
    Quotas(bench.jobs, bench.accounts, bench.limits, counts_room=False).require_room(ALICE, "alice")
    with pytest.raises(StorageFull):
        bench.again().require_room(ALICE, "alice")


@pytest.mark.parametrize(("cores", "ram", "word"), [(5, 1, "5 cores"), (1, 2000, "2000 MiB"), (5, 2000, "cores")])
def test_what_could_never_start_is_refused_at_once(cores: float, ram: float, word: str) -> None:
    quotas = Bench({"default": {"cores": 4, "memory": "1GiB"}}).quotas
    quotas.require_fitting(ALICE, "alice", tool(4, 1024))
    quotas.require_fitting(ALICE, "alice", NO_PACKAGE)
    with pytest.raises(PlanRejected, match=word):
        quotas.require_fitting(ALICE, "alice", tool(cores, ram))
    Bench({}).quotas.require_fitting(ALICE, "alice", tool(cores, ram))


def test_deployments_are_counted_in_all_processes_together() -> None:
    bench = Bench({"default": {"deploys_per_minute": 2}})
    for quotas in (bench.quotas, bench.again()):
        quotas.count_deployment(ALICE, "alice")
    with pytest.raises(TooManyRequests, match="2 times in a minute") as caught:
        bench.again().count_deployment(ALICE, "alice")
    assert 0 < int(dict(caught.value.headers)["Retry-After"]) <= 30
    bench.quotas.count_deployment(ALICE, "bob")


def test_a_job_says_where_it_stands_until_it_starts() -> None:
    bench = Bench({"default": {"running": 1, "cores": 2}})
    first, second, third = (bench.jobs.add(job_at(n)) for n in range(3))
    assert bench.quotas.told(third).message == (
        "waiting: 3rd of 3 jobs of this user, 0 run now (at most 1 jobs, 2 cores at once)"
    )
    bench.jobs.claim("w", NOON + SECOND, 9, NOON, StartOrder(bench.quotas.of))
    started = bench.jobs.get(first.id, EVERYTHING)
    assert bench.quotas.told(started) == started
    assert bench.quotas.told(second).message.startswith("waiting: 1st of 2 jobs of this user, 1 run now")
    dismissed = bench.jobs.set_goal(second.id, Goal.DISMISS, EVERYTHING)
    assert bench.quotas.told(dismissed) == dismissed
    assert bench.quotas.told(third).message.startswith("waiting: the only job of this user, 1 run now")
    done = ended(bench.jobs, started, Phase.FAILED)
    assert bench.quotas.told(done) == done


def test_places_are_told_in_english() -> None:
    numbers = (1, 2, 3, 4, 10, 11, 12, 13, 21, 22, 101, 111, 1013)
    words = "1st 2nd 3rd 4th 10th 11th 12th 13th 21st 22nd 101st 111th 1013th"
    assert " ".join(map(ordinal, numbers)) == words


@pytest.mark.parametrize(
    ("quotas", "key"),
    [
        ({"default": {"running": -1}}, "default.running"),
        ({"default": {"storage": "much"}}, "default.storage"),
        ({"default": {"jobs": 1}}, "default.jobs: unknown key"),
        ({"roles": {"boss": {}}}, "there is no role 'boss'"),
        ({"groups": {"hydro": 3}}, "groups.hydro"),
        ({"users": ["alice"]}, "users"),
        ({"everybody": {}}, "quotas.everybody: unknown key"),
    ],
)
def test_a_wrong_quota_is_named(quotas: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigurationError, match=r"server\.manager\.limits\.quotas") as caught:
        load_settings({"limits": {"quotas": quotas}})
    assert key in str(caught.value)
