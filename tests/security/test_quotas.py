"""One user cannot take all the room."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.errors import StorageFull
from pygeoapi_oapip.model.identity import ANONYMOUS, EVERYTHING
from pygeoapi_oapip.model.job import RESULT_BYTES, Job, Phase, utc_now
from pygeoapi_oapip.operations import Preference
from pygeoapi_oapip.settings import load_settings
from pygeoapi_oapip.store.sql import SqlJobStore
from pygeoapi_oapip.wiring import Wired

from .site import Site

RUN: dict[str, Any] = {"json": {"inputs": {"message": "x"}}, "headers": {"Prefer": "respond-async"}}
EXECUTION = "/processes/echo/execution"
TOOL = """{{cwlVersion: v1.2, class: CommandLineTool, id: {name}, baseCommand: echo, inputs: {{}}, outputs: {{}},
requirements: [{{class: ResourceRequirement, coresMin: {cores}}}]}}"""


def deploy(site: Site, user: str, name: str, cores: float = 1) -> tuple[int, Any]:
    kind = {"Content-Type": "application/cwl+yaml"}
    answer = site.ask(user, "POST", "/processes", data=TOOL.format(name=name, cores=cores), headers=kind)
    return answer.status_code, answer


def test_user_with_too_many_jobs_is_told_to_wait_and_others_are_not(tmp_path: Path) -> None:
    site = Site(tmp_path, jobs_per_user=2)
    run: dict[str, Any] = {"json": {"inputs": {"message": "x"}}, "headers": {"Prefer": "respond-async"}}
    # nobody moves jobs on here, so that they wait
    made = [site.ask("alice", "POST", "/processes/echo/execution", **run) for _ in range(3)]
    assert [answer.status_code for answer in made] == [201, 201, 429]
    assert int(made[2].headers["Retry-After"]) > 0 and made[2].json["status"] == 429  # type: ignore[index]
    assert site.ask("bob", "POST", "/processes/echo/execution", **run).status_code == 201
    defined = site.ask("alice", "POST", "/jobs", json={"process": "echo", "inputs": {"message": "x"}})
    job = defined.headers["Location"].rpartition("/")[2]
    assert (defined.status_code, site.ask("alice", "POST", f"/jobs/{job}/results").status_code) == (201, 429)
    wps = "/wps?service=WPS&version=1.0.0&request=Execute&identifier=echo&DataInputs=message=x"
    refused = site.ask("alice", "GET", wps)
    assert refused.status_code == 429 and "ExceptionReport" in refused.text
    first = made[0].headers["Location"].rpartition("/")[2]
    assert site.ask("alice", "DELETE", f"/jobs/{first}").status_code == 200
    assert site.ask("alice", "POST", f"/jobs/{job}/results").status_code == 200
    site.wired.close()


def test_a_full_queue_is_429_and_a_job_in_it_says_where_it_stands(tmp_path: Path) -> None:
    quotas = {"default": {"queued": 2, "running": 4}, "groups": {"hydro": {"queued": 3}}}
    site = Site(tmp_path, quotas=quotas)
    made = [site.ask("alice", "POST", EXECUTION, **RUN) for _ in range(4)]
    assert [answer.status_code for answer in made] == [201, 201, 201, 429]
    problem = made[3].json
    assert problem is not None and problem["detail"].startswith("3 of your jobs wait to start, and no more than 3 may")
    assert int(made[3].headers["Retry-After"]) > 0
    assert made[3].content_type == "application/json"
    bob = [site.ask("bob", "POST", EXECUTION, **RUN).status_code for _ in range(3)]
    assert bob == [201, 201, 429]
    status = site.ask("alice", "GET", made[1].headers["Location"].removeprefix(site.base)).json
    said = "waiting: 2nd of 3 jobs of this user, 0 run now (at most 4 jobs at once)"
    assert status is not None and (status["status"], status["message"]) == ("accepted", said)
    seen = site.ask("alice", "GET", "/jobs").json
    assert seen is not None and {job["status"] for job in seen["jobs"]} == {"accepted"}
    site.wired.close()


def test_a_waiting_job_says_so_over_wps_too(tmp_path: Path) -> None:
    site = Site(tmp_path)
    asked = "service=WPS&version=1.0.0&request=Execute&identifier=echo&DataInputs=message=x"
    made = site.ask("alice", "GET", f"/wps?{asked}&storeExecuteResponse=true&status=true")
    address = made.text.partition('statusLocation="')[2].partition('"')[0].replace("&amp;", "&")
    told = site.ask("alice", "GET", address.removeprefix(site.base))
    assert "waiting: the only job of this user, 0 run now</wps:ProcessAccepted>" in told.text, told.text
    site.wired.close()


def test_a_synchronous_execution_waits_for_its_turn_as_well(tmp_path: Path) -> None:
    site = Site(tmp_path, quotas={"default": {"running": 1}})
    jobs = SqlJobStore(site.wired.database)
    leased = Job.new("echo", 1, "alice", "builtin", {"inputs": {}, "outputs": None, "response": None})
    held = jobs.add(replace(leased, phase=Phase.RUNNING, lease_owner="other", lease_until=utc_now()))
    sync = {"json": {"inputs": {"message": "x"}}, "headers": {"Prefer": "wait=1"}}
    waits = site.ask("alice", "POST", EXECUTION, **sync)
    assert waits.status_code == 201
    assert site.ask("bob", "POST", EXECUTION, **sync).status_code == 200
    jobs.save(held.advance(Phase.FAILED, utc_now()))
    assert site.ask("alice", "POST", EXECUTION, **sync).status_code == 200
    site.wired.close()


def test_where_results_take_all_the_room_executions_are_507_until_some_are_removed(tmp_path: Path) -> None:
    site = Site(tmp_path, quotas={"default": {"storage": "1kB"}})
    jobs = SqlJobStore(site.wired.database)
    made = site.ask("alice", "POST", EXECUTION, **RUN).headers["Location"].rpartition("/")[2]
    job = jobs.get(made, EVERYTHING)
    jobs.save(replace(job.advance(Phase.SUCCESSFUL, utc_now(), outputs={}), usage={RESULT_BYTES: 1000}))
    refused = site.ask("alice", "POST", EXECUTION, **RUN)
    problem = refused.json
    assert problem is not None and (refused.status_code, problem["status"]) == (507, 507)
    assert "take 1000 bytes, and may take 1000" in problem["detail"] and "Retry-After" not in refused.headers
    wps = "/wps?service=WPS&version=1.0.0&request=Execute&identifier=echo&DataInputs=message=x"
    assert 'exceptionCode="NotEnoughStorage"' in site.ask("alice", "GET", wps).text
    assert site.ask("bob", "POST", EXECUTION, **RUN).status_code == 201
    assert site.ask("alice", "DELETE", f"/jobs/{made}").status_code == 200
    assert site.ask("alice", "POST", EXECUTION, **RUN).status_code == 201
    site.wired.close()


@pytest.mark.parametrize("kept_here", [True, False])
def test_only_results_that_are_kept_here_take_room_and_make_room(tmp_path: Path, kept_here: bool) -> None:
    there = {"type": "workspace", "api": "http://workspaces.example"}
    block: dict[str, Any] = {
        "connection": f"sqlite:///{tmp_path / 'oapip.db'}",
        "output_dir": str(tmp_path / "jobs"),
        "storage": {"type": "local"} if kept_here else there,
        "limits": {"quotas": {"default": {"storage": "1kB"}}},
        "retention": {"bytes_per_user": 999},
    }
    wired = Wired(load_settings(block), {}, "https://example.org")
    jobs = SqlJobStore(wired.database)
    job = jobs.add(Job.new("echo", 1, ANONYMOUS.name, "builtin", {"inputs": {}, "outputs": None, "response": None}))
    jobs.save(replace(job.advance(Phase.SUCCESSFUL, utc_now(), outputs={}), usage={RESULT_BYTES: 1000}))
    assert [found.job_id for found in wired.upkeep.expired()] == ([job.id] if kept_here else [])
    try:
        wired.service.execute(ANONYMOUS, "echo", {"inputs": {"message": "x"}}, Preference())
    except StorageFull:
        assert kept_here
    else:
        assert not kept_here
    wired.close()


def test_deployed_processes_are_counted_for_each_user(tmp_path: Path) -> None:
    site = Site(tmp_path, quotas={"default": {"processes": 1}})
    assert deploy(site, "alice", "one")[0] == 201
    status, refused = deploy(site, "alice", "two")
    assert status == 507 and "1 processes of yours are deployed" in refused.json["detail"]
    assert deploy(site, "bob", "two")[0] == 201
    assert site.ask("alice", "DELETE", "/processes/one").status_code in (200, 204)
    assert deploy(site, "alice", "two")[0] == 201
    site.wired.close()


def test_deployments_in_a_minute_are_counted_also_those_that_fail(tmp_path: Path) -> None:
    site = Site(tmp_path, quotas={"users": {"alice": {"deploys_per_minute": 2}}})
    kind = {"Content-Type": "application/cwl+yaml"}
    wrong = [site.ask("alice", "POST", "/processes", data="class: Nonsense", headers=kind) for _ in range(3)]
    assert [answer.status_code for answer in wrong] == [400, 400, 429]
    assert 0 < int(wrong[2].headers["Retry-After"]) <= 30
    assert deploy(site, "bob", "one")[0] == 201
    # what may not be done at all is not counted
    assert site.ask(None, "POST", "/processes", data="x", headers=kind).status_code == 401
    site.wired.close()


@pytest.mark.parametrize(("cores", "status"), [(0.5, 201), (1, 400)])
def test_a_process_that_asks_for_more_than_its_user_may_have_is_refused(
    tmp_path: Path, cores: float, status: int
) -> None:
    site = Site(tmp_path, quotas={"default": {"cores": 0.5}})
    assert deploy(site, "alice", "big", cores)[0] == 201
    answer = site.ask("alice", "POST", "/processes/big/execution", json={"inputs": {}}, headers=RUN["headers"])
    assert answer.status_code == status, answer.text
    assert status == 201 or "your jobs may use 0.5 at once" in answer.text
    site.wired.close()
