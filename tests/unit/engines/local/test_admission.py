"""Who starts next, and what a package asks for."""

from __future__ import annotations

import pytest

from pygeoapi_oapip.engines.local.admission import PATIENCE, Admission, Ticket
from pygeoapi_oapip.engines.local.resources import MIB, Budget, Resources, budget, demand
from pygeoapi_oapip.model.json import JSON
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
