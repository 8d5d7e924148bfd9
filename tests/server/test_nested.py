"""Nested processes on real servers: of the server itself, and of another one."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer

SAY = """
cwlVersion: v1.2
class: CommandLineTool
id: speak
baseCommand: echo
inputs: {text: {type: string, inputBinding: {}}}
outputs: {said: {type: File, format: iana:text/plain, outputBinding: {glob: said.txt}}}
stdout: said.txt
$namespaces: {iana: "https://www.iana.org/assignments/media-types/"}
"""

UPPER = """
cwlVersion: v1.2
class: CommandLineTool
id: upper
baseCommand: [sh, -c, 'cat "$@" | tr a-z A-Z', sh]
inputs: {files: {type: "File[]", format: iana:text/plain, inputBinding: {}}}
outputs: {out: {type: File, format: iana:text/plain, outputBinding: {glob: upper.txt}}}
stdout: upper.txt
$namespaces: {iana: "https://www.iana.org/assignments/media-types/"}
"""

ADD = """
cwlVersion: v1.2
class: ExpressionTool
id: add
requirements: {InlineJavascriptRequirement: {}}
inputs: {a: int, b: int}
outputs: {sum: int}
expression: "${return {'sum': inputs.a + inputs.b};}"
"""

_WAITING = re.compile(r"waiting for nested process \S+, job (\S+)")

UNTIL = """
cwlVersion: v1.2
class: CommandLineTool
id: until
baseCommand: [sh, -c, 'while [ ! -e "$0" ]; do sleep 0.1; done; echo done']
inputs: {file: {type: string, inputBinding: {}}}
outputs: {out: {type: File, format: iana:text/plain, outputBinding: {glob: until.txt}}}
stdout: until.txt
$namespaces: {iana: "https://www.iana.org/assignments/media-types/"}
"""

SLOW = """
cwlVersion: v1.2
class: CommandLineTool
id: slow
baseCommand: [sh, -c, 'sleep $0; echo done; exit $1']
inputs: {seconds: {type: int, inputBinding: {position: 1}}, code: {type: int, inputBinding: {position: 2}, default: 0}}
outputs: {out: {type: File, format: iana:text/plain, outputBinding: {glob: slow.txt}}}
stdout: slow.txt
$namespaces: {iana: "https://www.iana.org/assignments/media-types/"}
"""


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with LiveServer(tmp_path_factory.mktemp("there"), workers=1) as live:
        for package in (SAY, UPPER, ADD, SLOW, UNTIL):
            live.deploy(package)
        yield live


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    manager = {"staging": {"allow_internal": True}}
    with LiveServer(tmp_path_factory.mktemp("here"), manager, workers=1) as live:
        for package in (SAY, UPPER, ADD, SLOW, UNTIL):
            live.deploy(package)
        yield live


def result(server: LiveServer, process_id: str, inputs: Mapping[str, Any]) -> Any:
    """The one output of a synchronous execution, or of the job that goes on instead."""
    body = {"inputs": inputs, "response": "document"}
    answer = server.post(f"/processes/{process_id}/execution", json=body, headers={"Prefer": "wait=100"})
    assert answer.status_code in (200, 201), answer.text
    document = answer.json()
    if answer.status_code == 201:
        assert server.ended(document["jobID"])["status"] == "successful", server.ended(document["jobID"])
        document = server.get(f"/jobs/{document['jobID']}/results").json()
    (value,) = document.values()
    return value


def text(server: LiveServer, link: Mapping[str, Any]) -> str:
    return server.get(str(link["href"]).removeprefix(server.url)).text


@pytest.mark.requirement("part3/nested-processes/referenced-process", "part3/nested-processes/process-execution")
def test_chain_by_literal(here: LiveServer) -> None:
    inner = {"process": here.url + "/processes/add", "inputs": {"a": 1, "b": 2}, "outputs": {"sum": {}}}
    assert result(here, "add", {"a": {"process": "add", "inputs": {"a": inner, "b": 3}}, "b": 4}) == 10


@pytest.mark.requirement("part3/nested-processes/process-execution")
def test_chain_by_file_and_array(here: LiveServer) -> None:
    say = {"process": "../processes/speak", "inputs": {"text": "hello"}}
    upper = {"process": "upper", "inputs": {"files": [say, {"value": "inline\n", "mediaType": "text/plain"}]}}
    assert text(here, result(here, "upper", {"files": [upper, say]})) == "HELLO\nINLINE\nHELLO\n"


def test_the_built_in_process_takes_part(here: LiveServer) -> None:
    made = result(here, "add", {"a": {"process": "echo", "inputs": {"number": 5}, "outputs": {"number": {}}}, "b": 1})
    assert made == 6
    body = {"inputs": {"number": {"process": "add", "inputs": {"a": 1, "b": 1}}}, "outputs": {"number": {}}}
    answer = here.post(
        "/processes/echo/execution", json={**body, "response": "document"}, headers={"Prefer": "wait=100"}
    )
    assert answer.json() == {"number": 2}


def test_jobs_and_their_documents(here: LiveServer) -> None:
    form = {"process": "add", "inputs": {"a": 1, "b": 2}}
    job = here.submit("add", {"a": form, "b": 0})
    assert here.ended(job)["status"] == "successful"
    shown = here.get(f"/jobs/{job}/inputs").json()["inputs"]
    assert shown == {"a": {**form, "outputs": {"sum": {}}}, "b": 0}
    assert here.get(f"/jobs/{job}/inputs?f=html").status_code == 200
    newest = here.get("/jobs?limit=2").json()["jobs"]
    child = next(row["jobID"] for row in newest if row["jobID"] != job)
    assert here.get(f"/jobs/{child}/results").json() == {"sum": 3}


@pytest.mark.requirement("part3/nested-processes/process-execution")
def test_a_failed_nested_process_is_the_cause(here: LiveServer) -> None:
    job = here.submit("upper", {"files": {"process": "slow", "inputs": {"seconds": 0, "code": 3}}})
    status = here.ended(job)
    assert status["status"] == "failed"
    assert "inputs.files[0]: the nested process slow, job " in status["message"]
    assert "exit code 3" in status["message"]
    problem = here.get(f"/jobs/{job}/results").json()
    assert problem["nested"]["process"] == "slow"
    assert here.get(f"/jobs/{problem['nested']['job']}").json()["status"] == "failed"


def test_what_does_not_fit_starts_nothing(here: LiveServer) -> None:
    before = number_of_jobs(here)
    for value, told in (
        ({"process": "none"}, "inputs.a.process"),
        ({"process": "add", "inputs": {"a": "x", "b": 1}}, "inputs.a.inputs.a: must be of type integer"),
        ({"process": "speak", "inputs": {"text": "x"}}, "inputs.a: the output said of speak is a file"),
        ({"process": "http://127.0.0.1:1/processes/x"}, "inputs.a.process"),
        ({"process": "file:///etc/passwd"}, "inputs.a.process: must be an http or https URL"),
    ):
        answer = here.post("/processes/add/execution", json={"inputs": {"a": value, "b": 1}})
        assert answer.status_code in (400, 503), answer.text
        assert answer.json()["detail"].startswith(told)
    assert number_of_jobs(here) == before


def waiting(server: LiveServer, process_id: str, inputs: Mapping[str, Any]) -> tuple[str, str]:
    """A job that waits for its nested process, and the id of the job of that, which runs."""
    job = server.submit(process_id, inputs)
    deadline = time.monotonic() + 180
    while True:
        message = str(server.get(f"/jobs/{job}").json().get("message", ""))
        child = _WAITING.match(message)
        if child and server.get(f"/jobs/{child[1]}").json()["status"] == "running":
            return job, child[1]
        assert time.monotonic() < deadline, message
        time.sleep(0.05)


def test_a_dismissal_ends_the_nested_process_too(here: LiveServer) -> None:
    job, child = waiting(here, "upper", {"files": {"process": "slow", "inputs": {"seconds": 300}}})
    assert here.get(f"/jobs/{job}").json()["status"] == "accepted"
    assert here.dismiss(job).status_code == 200
    assert here.ended(child)["status"] == "dismissed"
    assert here.ended(job)["status"] == "dismissed"


@pytest.mark.requirement(
    "part3/remote-core-processes/referenced-process", "part3/remote-core-processes/process-execution"
)
def test_chain_over_two_servers(here: LiveServer, there: LiveServer) -> None:
    far = there.url + "/processes/"
    assert result(here, "add", {"a": {"process": far + "add", "inputs": {"a": 1, "b": 2}}, "b": 3}) == 6
    local = {"process": here.url + "/processes/speak", "inputs": {"text": "hello"}}
    remote = {"process": far + "upper", "inputs": {"files": [local]}}
    link = result(here, "upper", {"files": [remote, {"process": far + "speak", "inputs": {"text": "there"}}]})
    assert text(here, link) == "HELLO\nTHERE\n"


@pytest.mark.requirement("part3/remote-core-processes/process-execution")
def test_a_remote_job_is_a_job_here(here: LiveServer, there: LiveServer) -> None:
    job, child = waiting(
        here, "upper", {"files": {"process": there.url + "/processes/slow", "inputs": {"seconds": 300}}}
    )
    status = here.get(f"/jobs/{child}").json()
    assert status["processID"] == there.url + "/processes/slow"
    assert "the job there is " + there.url in here.get(f"/jobs/{child}/logs?f=text").text
    for form in ("json", "html"):
        assert here.get(f"/jobs/{child}?f={form}").status_code == 200
        assert here.get(f"/jobs?f={form}").status_code == 200
    elsewhere = there.get("/jobs?limit=1").json()["jobs"][0]["jobID"]
    here.dismiss(job)
    assert here.ended(child)["status"] == "dismissed"
    assert there.ended(elsewhere)["status"] == "dismissed"


@pytest.mark.requirement("part3/remote-core-processes/process-execution")
def test_what_a_remote_process_says_is_told(here: LiveServer, there: LiveServer) -> None:
    far = {"process": there.url + "/processes/slow", "inputs": {"seconds": 0, "code": 4}}
    status = here.ended(here.submit("upper", {"files": far}))
    assert status["status"] == "failed"
    assert "exit code 4" in status["message"]
    wrong = {"process": there.url + "/processes/slow", "inputs": {"seconds": "x"}}
    answer = here.post("/processes/upper/execution", json={"inputs": {"files": wrong}})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("inputs.files.inputs.seconds: must be of type integer")


def test_internal_addresses_are_not_asked_by_default(there: LiveServer, here: LiveServer) -> None:
    far = {"process": here.url + "/processes/add", "inputs": {"a": 1, "b": 2}}
    answer = there.post("/processes/add/execution", json={"inputs": {"a": far, "b": 1}})
    assert answer.status_code == 403
    assert "staging.allow_internal" in answer.json()["detail"]


@pytest.mark.slow
def test_all_goes_on_after_a_kill_of_web_and_worker_processes(
    here: LiveServer, there: LiveServer, tmp_path: Path
) -> None:
    local = {"process": "until", "inputs": {"file": str(tmp_path / "now")}}
    far = {"process": there.url + "/processes/until", "inputs": {"file": str(tmp_path / "now")}}
    before = [number_of_jobs(server) for server in (here, there)]
    job, _ = waiting(here, "upper", {"files": [far, {"process": "upper", "inputs": {"files": local}}]})
    here.kill()
    for pid, command in here.processes().items():
        # web and worker processes; the local engine goes on with what it runs
        if "pygeoapi_oapip.cli" in command:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    here.start()
    (tmp_path / "now").touch()
    ended = here.ended(job)
    assert ended["status"] == "successful", ended.get("message")
    assert text(here, here.get(f"/jobs/{job}/results?f=json").json()["out"]) == "DONE\nDONE\n"
    assert [number_of_jobs(server) for server in (here, there)] == [before[0] + 4, before[1] + 1]


def number_of_jobs(server: LiveServer) -> int:
    return len(server.get("/jobs?limit=1000").json()["jobs"])
