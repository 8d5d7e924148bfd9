"""Inputs that a package declares to be secret (`cwltool:Secrets`): nothing that a job leaves has their values."""

from __future__ import annotations

import hashlib
import re
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests
import yaml

from pygeoapi_oapip.testing.live_server import LiveServer
from pygeoapi_oapip.testing.traces import files_with, left_with

SECRET = "hidden-7f3a-word"
OTHER = "hidden-in-array-91"
MARK = "(secret-"

PACKAGE = {
    "cwlVersion": "v1.2",
    "$namespaces": {"cwltool": "http://commonwl.org/cwltool#"},
    "class": "CommandLineTool",
    "id": "keeper",
    "hints": {"cwltool:Secrets": {"secrets": ["token", "more"]}},
    "requirements": {
        "InlineJavascriptRequirement": {},
        "ResourceRequirement": {"coresMin": 0.1, "ramMin": 64},
        "EnvVarRequirement": {"envDef": {"TOKEN": "$(inputs.token)"}},
    },
    # a checksum tells whether the tool had the right value
    "baseCommand": ["sh", "-c", 'sleep "$0"; printf %s "$TOKEN" "$@" | sha256sum | cut -c1-64'],
    "inputs": {
        "pause": {"type": "string", "default": "0", "inputBinding": {"position": 0}},
        "token": {"type": "string"},
        "more": {"type": "string[]?", "inputBinding": {"position": 1}},
        "plain": {"type": "string?"},
    },
    "outputs": {"sum": {"type": "string", "outputBinding": {"glob": "sum", "loadContents": True,
                                                             "outputEval": "$(self[0].contents.trim())"}}},
    "stdout": "sum",
}  # fmt: skip


def digest(*texts: str) -> str:
    return hashlib.sha256("".join(texts).encode()).hexdigest()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with LiveServer(tmp_path_factory.mktemp("secrets") / "server", workers=1) as live:
        live.deploy(yaml.safe_dump(PACKAGE))
        yield live


def told(live: LiveServer, job_id: str) -> str:
    """All that the server says of a job."""
    paths = ("", "/definition", "/prov", "/logs", "/results", "?f=html", "/inputs")
    return "".join(live.get(f"/jobs/{job_id}{path}").text for path in paths)


def by_ogc(live: LiveServer) -> str:
    answer = live.post(
        "/processes/keeper/execution",
        json={"inputs": {"token": SECRET, "more": [OTHER]}},
        headers={"Prefer": "respond-async"},
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["jobID"])


def by_definition(live: LiveServer) -> str:
    definition = {"process": "keeper", "inputs": {"token": "first", "more": [OTHER]}}
    made = live.post("/jobs", json=definition)
    assert made.status_code == 201, made.text
    job_id = str(made.json()["jobID"])
    changed = requests.patch(
        f"{live.url}/jobs/{job_id}", json={"inputs": {"token": SECRET, "more": [OTHER]}}, timeout=240
    )
    assert changed.status_code == 200, changed.text
    assert SECRET not in told(live, job_id) and MARK in told(live, job_id)
    started = live.post(f"/jobs/{job_id}/results")
    assert started.status_code == 200, started.text
    return job_id


def by_wps(live: LiveServer) -> str:
    query = {
        "service": "WPS",
        "version": "1.0.0",
        "request": "Execute",
        "identifier": "keeper",
        "datainputs": f"token={SECRET};more={OTHER}",
        "storeExecuteResponse": "true",
        "status": "true",
        "lineage": "true",
    }
    answer = live.get(f"/wps?{urlencode(query)}")
    assert answer.status_code == 200 and "ProcessAccepted" in answer.text, answer.text
    assert MARK in answer.text and SECRET not in answer.text and OTHER not in answer.text
    jobs = live.get("/jobs?limit=1").json()["jobs"]
    return str(jobs[0]["jobID"])


@pytest.mark.slow
@pytest.mark.parametrize("door", [by_ogc, by_definition, by_wps])
def test_a_secret_is_nowhere(live: LiveServer, door: Callable[[LiveServer], str]) -> None:
    job_id = door(live)
    status = live.ended(job_id)
    assert status["status"] == "successful", status
    result = live.get(f"/jobs/{job_id}/results", headers={"Accept": "application/json"}).text
    assert digest(SECRET, OTHER) in result
    everything = told(live, job_id)
    assert MARK in everything
    for secret in (SECRET, OTHER):
        assert secret not in everything
        assert left_with(live.home, secret) == []
        assert secret not in live.output()
    assert list((live.home / "jobs" / ".sealed").iterdir()) == []


@pytest.mark.slow
def test_a_secret_outlives_the_server(tmp_path: Path) -> None:
    with LiveServer(tmp_path / "server", {"engines": {"local": {"type": "local", "workers": 1}}}, workers=1) as live:
        live.deploy(yaml.safe_dump(PACKAGE))
        first = live.submit("keeper", {"token": OTHER, "pause": "600"})
        waiting = live.submit("keeper", {"token": SECRET})
        deadline = time.monotonic() + 240
        while live.get(f"/jobs/{first}").json()["status"] == "accepted":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        live.kill_all()
        found = files_with(live.home, SECRET)
        assert [name for name in found if name.startswith(f"jobs/.sealed/{waiting}.")]
        for path in map(live.home.joinpath, found):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
            assert path.parent.name in (".sealed", "secrets")
        live.start()
        assert live.ended(first)["status"] == "failed"
        assert live.ended(waiting)["status"] == "successful"
        result = live.get(f"/jobs/{waiting}/results", headers={"Accept": "application/json"}).text
        assert digest(SECRET) in result
        assert left_with(live.home, SECRET, OTHER) == []


@pytest.mark.slow
def test_a_request_that_is_refused_leaves_nothing(live: LiveServer) -> None:
    answer = live.post("/processes/keeper/execution", json={"inputs": {"token": SECRET, "plain": 7}})
    assert answer.status_code == 400
    assert left_with(live.home, SECRET) == [] and SECRET not in live.output()


@pytest.mark.slow
def test_an_engine_that_cannot_keep_it_is_no_place_for_it(live: LiveServer) -> None:
    with LiveServer(
        live.home.with_name("wes"),
        {"default_engine": "hpc", "engines": {"hpc": {"type": "wes", "url": "http://127.0.0.1:9/ga4gh/wes/v1"}}},
        workers=1,
    ) as other:
        other.deploy(yaml.safe_dump(PACKAGE))
        answer = other.post("/processes/keeper/execution", json={"inputs": {"token": SECRET}})
        assert answer.status_code == 400, answer.text
        assert "inputs.token is secret" in answer.json()["detail"] and "hpc" in answer.json()["detail"]
        assert other.get("/jobs").json()["jobs"] == []


@pytest.mark.slow
def test_a_nested_process_gets_its_secret(live: LiveServer) -> None:
    inner = {"process": "keeper", "inputs": {"token": SECRET, "more": [OTHER]}}
    answer = live.post(
        "/processes/keeper/execution",
        json={"inputs": {"token": "outer-7711", "plain": inner}},
        headers={"Prefer": "respond-async"},
    )
    assert answer.status_code == 201, answer.text
    job_id = str(answer.json()["jobID"])
    assert live.ended(job_id)["status"] == "successful"
    results = [live.get(f"/jobs/{job['jobID']}/results").text for job in live.get("/jobs?limit=2").json()["jobs"]]
    assert any(digest(SECRET, OTHER) in text for text in results)
    assert any(digest("outer-7711") in text for text in results)
    assert left_with(live.home, SECRET, "outer-7711") == []


@pytest.mark.slow
def test_a_placeholder_of_another_job_means_nothing(live: LiveServer) -> None:
    first = live.submit("keeper", {"token": SECRET, "pause": "600"})
    [mark] = set(re.findall(r"\(secret-[0-9a-f]+\)", live.get(f"/jobs/{first}/definition").text))
    second = live.submit("keeper", {"token": "x", "plain": mark, "more": [mark]})
    assert live.ended(second)["status"] == "successful"
    result = live.get(f"/jobs/{second}/results", headers={"Accept": "application/json"}).text
    assert digest("x", mark) in result
    live.dismiss(first)
    live.ended(first)
