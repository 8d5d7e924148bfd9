"""Two servers share the work, and one goes on where the other ended."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import pytest

from pygeoapi_oapip.store.sql import Database, SqlJobStore
from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.witness import NEWER, Witness

from .conftest import Pair

pytestmark = pytest.mark.postgres


def worker_of(server: LiveServer) -> int:
    [pid] = [pid for pid, command in server.processes().items() if " worker " in command]
    return pid


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 180
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def said(server: LiveServer, job: str) -> str:
    return server.get(f"/jobs/{job}/results/said").text


def test_a_process_deployed_at_one_is_there_at_the_other_at_once(pair: Pair) -> None:
    for number, (here, there) in enumerate([pair, pair[::-1]]):
        process = here.deploy(NEWER.replace("id: witness", f"id: made{number}"))
        assert there.get(f"/processes/{process}").status_code == 200
        assert process in {row["id"] for row in there.get("/processes").json()["processes"]}


def test_each_job_runs_once_and_both_workers_take_part(pair: Pair, shared: Database, witness: Witness) -> None:
    store = SqlJobStore(shared)
    owners: set[int] = set()
    jobs: dict[str, str] = {}
    for number in range(400):
        if number >= 40 and {worker_of(server) for server in pair} <= owners:
            break
        jobs[witness.submit(pair[number % 2], f"t{number}")] = f"t{number}"
        owners |= {int(owner.split("/")[2]) for owner in store.lease_owners()}
    ends = {job: pair[number % 2].ended(job) for number, job in enumerate(jobs)}
    assert Counter(end["status"] for end in ends.values()) == {"successful": len(jobs)}
    assert witness.runs() == dict.fromkeys(jobs.values(), 1)
    assert {worker_of(server) for server in pair} <= owners
    assert [said(pair[0], job) for job in jobs] == [f"done {token}\n" for token in jobs.values()]


def test_a_job_of_one_is_read_and_dismissed_at_the_other(pair: Pair, witness: Witness) -> None:
    here, there = pair
    job = witness.submit(here, "long", 600.0)
    until(lambda: there.get(f"/jobs/{job}").json()["status"] == "running", "the job does not run")
    until(lambda: bool(witness.processes()), "the tool is not seen")
    assert job in {row["jobID"] for row in there.get("/jobs").json()["jobs"]}
    assert there.dismiss(job).json()["status"] == "dismissed"
    assert here.get(f"/jobs/{job}").json()["status"] == "dismissed"
    until(lambda: not witness.processes(), "the tool still runs")


def test_the_jobs_of_a_killed_server_are_ended_by_the_other(pair: Pair, witness: Witness) -> None:
    here, there = pair
    jobs = {witness.submit(pair[number % 2], f"t{number}", 0.5): f"t{number}" for number in range(20)}
    killed = time.monotonic()
    here.kill_all()
    ends = [there.ended(job) for job in jobs]
    print(f"all ended {time.monotonic() - killed:.1f} s after the kill")
    assert [end["status"] for end in ends] == ["successful"] * 20
    assert witness.runs() == dict.fromkeys(jobs.values(), 1)
    here.start()
    assert [said(here, job) for job in jobs] == [f"done {token}\n" for token in jobs.values()]


def test_queued_jobs_keep_the_version_they_were_started_with(pair: Pair, witness: Witness) -> None:
    here, there = pair
    before = [witness.submit(pair[number % 2], f"old{number}", 5.0) for number in range(12)]
    answer = there.put("/processes/witness", data=NEWER, headers={"Content-Type": "application/cwl+yaml"})
    assert answer.status_code in (200, 204), answer.text
    waiting = [job for job in before if here.get(f"/jobs/{job}").json()["status"] == "accepted"]
    after = [witness.submit(pair[number % 2], f"new{number}") for number in range(4)]
    for job in (*before, *after):
        assert there.ended(job)["status"] == "successful"
    assert waiting, "no job was queued when the process was replaced"
    assert {said(here, job).split()[0] for job in before} == {"done"}
    assert {said(here, job).split()[0] for job in after} == {"newer"}
