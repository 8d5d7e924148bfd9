"""Jobs on a real server."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer

COPY = """
cwlVersion: v1.2
class: CommandLineTool
id: copy
baseCommand: cp
inputs:
  file: {type: File, format: iana:image/tiff, inputBinding: {position: 1}}
  name: {type: string, inputBinding: {position: 2}}
outputs:
  copied: {type: File, format: iana:image/tiff, outputBinding: {glob: $(inputs.name)}}
$namespaces: {iana: "https://www.iana.org/assignments/media-types/"}
"""

STEPS = """
cwlVersion: v1.2
class: Workflow
id: steps
requirements: {InlineJavascriptRequirement: {}, StepInputExpressionRequirement: {}, ScatterFeatureRequirement: {}}
inputs: {words: "string[]"}
outputs:
  said: {type: "File[]", outputSource: say/out}
steps:
  say:
    in: {word: words}
    scatter: word
    out: [out]
    run:
      class: CommandLineTool
      baseCommand: echo
      inputs: {word: {type: string, inputBinding: {valueFrom: "${return self.toUpperCase();}"}}}
      outputs: {out: stdout}
  check:
    in: {files: say/out}
    out: []
    run:
      class: CommandLineTool
      baseCommand: [sh, -c, "echo all is well >&2; sleep 0.3"]
      inputs: {files: "File[]"}
      outputs: []
"""

FAILS = """
cwlVersion: v1.2
class: CommandLineTool
id: fails
baseCommand: [sh, -c, "echo no data for this day >&2; exit 3"]
inputs: {}
outputs: {}
"""


def test_sync_answer_is_the_output_itself(server: LiveServer) -> None:
    answer = server.post(
        "/processes/say/execution", json={"inputs": {"message": "hello"}}, headers={"Prefer": "wait=100"}
    )
    assert (answer.status_code, answer.text) == (200, "hello\n")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["Preference-Applied"] == "wait=100"


def test_process_that_the_administrator_calls_short_is_sync_by_default(server: LiveServer) -> None:
    answer = server.post("/processes/configured/execution", json={"inputs": {"message": "hello"}})
    assert (answer.status_code, answer.text) == (200, "hello\n")


def test_async_job_goes_its_way(server: LiveServer) -> None:
    job = server.submit("say", {"message": "hello"})
    status = server.ended(job)
    assert (status["status"], status["progress"]) == ("successful", 100)
    document = server.get(f"/jobs/{job}/results").json()
    assert server.get(document["said"]["href"].removeprefix(server.url)).text == "hello\n"
    assert server.get(f"/jobs/{job}/logs?f=text").text


def test_wait_that_is_too_short_is_answered_by_201_and_the_job_goes_on(server: LiveServer, tmp_path: Path) -> None:
    body = {"inputs": {"file": str(tmp_path / "now")}}
    answer = server.post("/processes/until/execution", json=body, headers={"Prefer": "wait=1"})
    assert answer.status_code == 201
    assert answer.json()["status"] in ("accepted", "running")
    (tmp_path / "now").touch()
    assert server.ended(answer.json()["jobID"])["status"] == "successful"


def test_file_in_and_file_out_is_byte_for_byte_the_same(server: LiveServer, data: Path) -> None:
    server.deploy(COPY)
    (data / "in.tif").write_bytes(bytes(range(256)) * 1000)
    inputs = {"file": {"href": (data / "in.tif").as_uri(), "type": "image/tiff"}, "name": "out.tif"}
    job = server.submit("copy", inputs)
    assert server.ended(job)["status"] == "successful"
    answer = server.get(f"/jobs/{job}/results/copied")
    assert answer.content == (data / "in.tif").read_bytes()
    assert answer.headers["Content-Length"] == "256000"
    assert answer.headers["Content-Type"].startswith("image/tiff")
    part = server.get(f"/jobs/{job}/results/copied", headers={"Range": "bytes=250-259"})
    assert (part.status_code, part.content) == (206, bytes([250, 251, 252, 253, 254, 255, 0, 1, 2, 3]))
    again = server.get(f"/jobs/{job}/results/copied", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("href", "status"),
    [("file:///etc/passwd", 403), ("http://127.0.0.1:1/x", 403), ("gopher://x/y", 400), ("relative.tif", 400)],
)
def test_reference_that_may_not_be_read_is_refused_before_a_job_exists(
    server: LiveServer, href: str, status: int
) -> None:
    server.post("/processes", data=COPY, headers={"Content-Type": "application/cwl"})
    before = [row["jobID"] for row in server.get("/jobs?limit=1").json()["jobs"]]
    body = {"inputs": {"file": {"href": href}, "name": "x"}}
    answer = server.post("/processes/copy/execution", json=body)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert "inputs.file" in answer.json()["detail"]
    assert [row["jobID"] for row in server.get("/jobs?limit=1").json()["jobs"]] == before


def test_workflow_shows_its_steps_and_expressions_need_no_node(server: LiveServer) -> None:
    server.deploy(STEPS)
    job = server.submit("steps", {"words": ["a", "b"]})
    status = server.ended(job)
    assert status["status"] == "successful", status
    names = [step["name"] for step in status["steps"]]
    assert set(names) == {"say", "check"}
    links = server.get(f"/jobs/{job}/results").json()["said"]
    assert [server.get(link["href"].removeprefix(server.url)).text for link in links] == ["A\n", "B\n"]
    assert "all is well" in server.get(f"/jobs/{job}/logs?f=text").text


def test_failure_tells_step_code_and_last_words(server: LiveServer) -> None:
    server.deploy(FAILS)
    job = server.submit("fails", {})
    status = server.ended(job)
    assert status["status"] == "failed"
    assert "3" in status["message"]
    assert "no data for this day" in status["message"]
    answer = server.get(f"/jobs/{job}/results")
    assert answer.status_code == 500
    assert answer.json()["detail"] == status["message"]
    assert str(server.home) not in answer.text


def test_log_can_be_read_while_the_job_runs(server: LiveServer) -> None:
    job = server.submit("pause", {"seconds": 299})
    deadline = time.monotonic() + 60
    while server.get(f"/jobs/{job}").json()["status"] != "running":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert server.get(f"/jobs/{job}/logs?f=text").status_code == 200
    server.dismiss(job)


def dismissed_after(server: LiveServer, job: str, tool: str) -> float:
    """Dismiss a job as soon as its tool runs; seconds until no process of it is left."""
    deadline = time.monotonic() + 60
    while not (tree := [pid for pid, command in server.processes().items() if tool in command]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    start = time.monotonic()
    answer = server.dismiss(job)
    assert (answer.status_code, answer.json()["status"]) == (200, "dismissed")
    while set(tree) & set(server.processes()):
        assert time.monotonic() - start < 60, "still running"
        time.sleep(0.02)
    return time.monotonic() - start


def test_dismissal_ends_the_whole_process_tree(server: LiveServer) -> None:
    job = server.submit("pause", {"seconds": 301})
    print(f"all processes gone after {dismissed_after(server, job, 'sleep 301'):.2f} s")
    assert server.ended(job)["status"] == "dismissed"
    assert server.get(f"/jobs/{job}/results").status_code == 404
    deadline = time.monotonic() + 60
    while server.dismiss(job).status_code == 200:
        assert time.monotonic() < deadline, "an ended job is removed by DELETE"
        time.sleep(0.05)
    assert server.get(f"/jobs/{job}").status_code == 404


def test_many_jobs_at_once_all_succeed_and_their_status_can_be_read_meanwhile(server: LiveServer) -> None:
    with ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(lambda n: server.submit("say", {"message": str(n)}), range(60)))
    assert {server.get(f"/jobs/{job}").status_code for job in jobs} == {200}
    assert all(server.ended(job)["status"] == "successful" for job in jobs)
    assert server.get(f"/jobs/{jobs[7]}/results/said").text == "7\n"


def test_job_list_pages_through_all_jobs_once(server: LiveServer) -> None:
    for number in range(5):
        server.submit("say", {"message": str(number)})
    seen: list[str] = []
    path = "/jobs?limit=3&processID=say"
    while path:
        page = server.get(path).json()
        seen += [job["jobID"] for job in page["jobs"]]
        following = [link["href"] for link in page["links"] if link["rel"] == "next"]
        path = following[0].removeprefix(server.url) if following else ""
    assert len(seen) == len(set(seen)) >= 5
