"""Who starts next, and what a package asks for."""

from __future__ import annotations

import pytest

from pygeoapi_oapip.engines.local.admission import PATIENCE, Admission, Ticket
from pygeoapi_oapip.engines.local.resources import Budget, budget
from pygeoapi_oapip.model.json import JSON
from pygeoapi_oapip.packages.resources import MIB, Resources, demand
from pygeoapi_oapip.settings import LocalEngine as Settings

SMALL, BIG = Resources(1, 100), Resources(4, 100)


def admission(slots: int = 10) -> Admission:
    return Admission(Budget(Resources(4, 1000), slots))


def add(queue: Admission, *wanted: Resources) -> None:
    for number, resources in enumerate(wanted):
        queue.add(Ticket(f"job{number}", resources, ""))


def started(queue: Admission, now: float = 0.0) -> list[str]:
    return [ticket.job_id for ticket in queue.admit(now)]


def test_first_come_first_served() -> None:
    queue = admission(slots=2)
    add(queue, SMALL, SMALL, SMALL)
    assert started(queue) == ["job0", "job1"]
    queue.drop("job1")
    assert started(queue) == ["job2"]


def test_a_job_is_known_once() -> None:
    queue = admission()
    add(queue, SMALL)
    add(queue, SMALL)
    assert started(queue) == ["job0"]
    add(queue, SMALL)
    assert started(queue) == []


def test_a_small_job_passes_a_big_one() -> None:
    queue = admission()
    add(queue, SMALL, BIG, SMALL)
    assert started(queue) == ["job0", "job2"]


def test_a_job_that_was_passed_for_long_is_waited_for() -> None:
    queue = admission()
    add(queue, SMALL, BIG, SMALL)
    assert started(queue, 0.0) == ["job0", "job2"]
    add(queue, SMALL, BIG, SMALL, SMALL)
    assert started(queue, PATIENCE + 1) == []
    queue.drop("job0")
    queue.drop("job2")
    assert started(queue, PATIENCE + 2) == ["job1"]


def test_a_job_that_is_too_big_for_a_smaller_budget_runs_alone() -> None:
    queue = Admission(Budget(Resources(1, 10), 5))
    add(queue, BIG, SMALL)
    assert started(queue) == ["job0"]


def add_of(queue: Admission, names: str, resources: Resources = SMALL) -> None:
    """One job for each letter; the letter before the number is its owner."""
    for name in names.split():
        queue.add(Ticket(name, resources, "", name[0]))


def test_the_owner_with_the_fewest_running_jobs_is_next() -> None:
    queue = admission(slots=2)
    add_of(queue, " ".join(f"a{number}" for number in range(1000)))
    assert started(queue) == ["a0", "a1"]
    add_of(queue, "b0 b1 c0")
    queue.drop("a0")
    assert started(queue) == ["b0"]
    queue.drop("a1")
    assert started(queue) == ["c0"]
    # there are more owners than slots: they take turns, whoever came first
    for ended, following in (("b0", "a2"), ("c0", "b1"), ("a2", "a3")):
        queue.drop(ended)
        assert started(queue) == [following]


def test_no_owner_starves_where_there_are_more_owners_than_slots() -> None:
    queue = admission(slots=1)
    for number in range(5):
        add_of(queue, f"a{number}0 a{number}1")
    add_of(queue, "b0 c0 d0 b1")
    found = []
    while ended := started(queue):
        found += ended
        queue.drop(ended[0])
    assert [name[0] for name in found] == [*"abcdab", *"a" * 8]


def test_a_job_that_runs_already_counts_for_its_owner() -> None:
    queue = admission(slots=2)
    queue.occupy("a0", SMALL, "a")
    add_of(queue, "a1 b0 b1")
    assert started(queue) == ["b0"]
    queue.drop("a0")
    assert started(queue) == ["a1"]


def test_big_jobs_of_one_owner_do_not_keep_another_owner_from_starting() -> None:
    queue = admission()
    add_of(queue, "a0")
    add_of(queue, "a1 a2 a3", BIG)
    assert started(queue, 0.0) == ["a0"]
    add_of(queue, "b0")
    assert started(queue, PATIENCE + 1) == ["b0"]
    # both have one: the big one came first, and is waited for
    add_of(queue, "b1 c0")
    assert started(queue, PATIENCE + 2) == ["c0"]
    assert started(queue, PATIENCE + 3) == []
    for ended in ("a0", "b0", "c0"):
        queue.drop(ended)
    assert started(queue, PATIENCE + 4) == ["a1"]


@pytest.mark.parametrize(
    ("requirement", "cores", "ram"),
    [
        ({}, 1, 256),
        ({"coresMin": 2, "ramMin": 1000}, 2, 1000),
        ({"coresMin": 0.5}, 0.5, 256),
        ({"coresMax": 3, "ramMax": 100}, 3, 100),
        ({"coresMin": "$(inputs.cores)", "ramMin": "$(inputs.ram)"}, 1, 256),
    ],
)
@pytest.mark.parametrize("form", ["list", "map"])
def test_a_demand_is_read_from_both_forms(requirement: dict[str, JSON], cores: float, ram: float, form: str) -> None:
    entry: JSON = {"ResourceRequirement": requirement}
    if form == "list":
        entry = [{"class": "ResourceRequirement", **requirement}, {"class": "ShellCommandRequirement"}]
    assert demand({"class": "CommandLineTool", "hints": entry}) == Resources(cores, ram * MIB)


def test_the_largest_tool_counts() -> None:
    tools: list[JSON] = [
        {"requirements": [{"class": "ResourceRequirement", "coresMin": n, "ramMin": 10 - n}]} for n in (1, 4, 2)
    ]
    assert demand({"$graph": tools}) == Resources(4, 9 * MIB)


def test_the_machine_is_the_budget_where_nothing_is_said() -> None:
    found = budget(Settings())
    assert found.total.cores > 0 and found.total.memory > 2**20 and found.slots >= 1
    assert budget(Settings(cores=3, memory="2GiB", workers=7)) == Budget(Resources(3, 2 * 2**30), 7)
