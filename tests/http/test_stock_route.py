"""The plug-ins under pygeoapi's own servers: `pygeoapi serve`, and gunicorn with `pygeoapi.flask_app:APP`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from pygeoapi_oapip.ui.pages import static_path, templates_path
from pygeoapi_oapip.wiring import default_configuration

SHOUT = """
cwlVersion: v1.2
class: CommandLineTool
label: Shout
doc: Writes its message to a file.
baseCommand: [sh, -c, 'echo "$0"']
inputs:
  message: {type: string, default: hello, inputBinding: {position: 1}}
outputs:
  text: {type: stdout}
stdout: text.txt
"""
PAIR = """
cwlVersion: v1.2
class: CommandLineTool
baseCommand: [sh, -c, 'echo one > one.txt; echo two > two.txt']
inputs: {}
outputs:
  one: {type: File, outputBinding: {glob: one.txt}}
  both: {type: "File[]", outputBinding: {glob: "*.txt"}}
"""
FAILING = """
cwlVersion: v1.2
class: CommandLineTool
baseCommand: [sh, -c, 'echo broken >&2; exit 3']
inputs: {}
outputs: {}
"""
SLEEPING = """
cwlVersion: v1.2
class: CommandLineTool
baseCommand: [sleep, "600"]
inputs: {}
outputs: {}
"""
PACKAGES = {"shout": SHOUT, "pair": PAIR, "failing": FAILING, "sleeping": SLEEPING}
DEPLOY = """
import sys, yaml
from pygeoapi_oapip.model.identity import ANONYMOUS
from pygeoapi_oapip.operations import Deployment
from pygeoapi_oapip.wiring import wire
configuration = yaml.safe_load(open(sys.argv[1]))
wired = wire(configuration)
wired.service.deploy(ANONYMOUS, Deployment(sys.stdin.buffer.read(), "application/cwl+yaml"))
wired.close()
"""
TIMEOUT = 240.0

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Server:
    url: str
    configuration: Path

    def get(self, path: str, form: str = "json", **options: Any) -> requests.Response:
        return requests.get(f"{self.url}{path}", params={"f": form}, timeout=TIMEOUT, **options)

    def execute(self, process_id: str, prefer: str = "wait", **body: Any) -> requests.Response:
        return requests.post(
            f"{self.url}/processes/{process_id}/execution",
            json={"inputs": {}, **body},
            headers={"Prefer": prefer},
            timeout=TIMEOUT,
        )

    def start(self, process_id: str, **body: Any) -> str:
        answer = self.execute(process_id, "respond-async", **body)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"].rpartition("/")[2]

    def until(self, job_id: str, *statuses: str) -> dict[str, Any]:
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            job: dict[str, Any] = self.get(f"/jobs/{job_id}").json()
            if job["status"] in statuses:
                return job
            time.sleep(0.1)
        raise AssertionError(f"the job is {job['status']} after {TIMEOUT} s")


def _configuration(home: Path, port: int) -> dict[str, Any]:
    folder = home / "packages"
    folder.mkdir()
    for name, text in PACKAGES.items():
        (folder / f"{name}.cwl").write_text(text)
    processor = {"name": "pygeoapi_oapip.processor.CWLProcessor"}
    document = default_configuration(f"http://127.0.0.1:{port}", home)
    document["server"]["manager"]["sync"] = {"max_wait": 200}
    document["server"]["language"] = "en-US"
    document["server"]["limits"] = {"default_items": 10, "max_items": 100}
    document["server"]["templates"] = {"path": str(templates_path()), "static": str(static_path())}
    document["resources"] = {
        name: {"type": "process", "processor": {**processor, "package": str(folder / f"{name}.cwl")}}
        for name in PACKAGES
    }
    return document


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _command(kind: str, port: int) -> list[str]:
    scripts = Path(sys.executable).parent
    if kind == "gunicorn":
        options = ["--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "4", "--worker-class", "gthread"]
        return [sys.executable, "-m", "gunicorn", *options, "pygeoapi.flask_app:APP"]
    return [str(scripts / "pygeoapi"), "serve"]


@pytest.fixture(scope="module", params=["pygeoapi serve", "gunicorn"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    for attempt in range(5):  # another program may take the port before the server does
        try:
            with _serving(request.param, tmp_path_factory.mktemp("stock")) as server:
                yield server
                return
        except _DoesNotStartError:
            if attempt == 4:
                raise


class _DoesNotStartError(Exception):
    """The server ended before it answered."""


@contextmanager
def _serving(kind: str, home: Path) -> Iterator[Server]:
    port = _free_port()
    path, openapi = home / "config.yml", home / "openapi.yml"
    path.write_text(yaml.safe_dump(_configuration(home, port)))
    environment = {**os.environ, "PYGEOAPI_CONFIG": str(path), "PYGEOAPI_OPENAPI": str(openapi)}
    generate = [str(Path(sys.executable).parent / "pygeoapi"), "openapi", "generate", str(path)]
    subprocess.run(
        [*generate, "--output-file", str(openapi)], env=environment, cwd=home, check=True, capture_output=True
    )
    log = (home / "log").open("wb")
    process = subprocess.Popen(
        _command(kind, port),
        env=environment,
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        _wait_until_it_answers(f"http://127.0.0.1:{port}/", process, home / "log")
        yield Server(f"http://127.0.0.1:{port}", path)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.close()


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end and process.poll() is None:
        try:
            if requests.get(url, timeout=TIMEOUT).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.2)
    raise _DoesNotStartError(log.read_text()[-2000:])


def test_configured_packages_are_listed_and_described(server: Server) -> None:
    listed = server.get("/processes").json()["processes"]
    assert {row["id"] for row in listed} >= set(PACKAGES)
    described = server.get("/processes/shout").json()
    assert described["title"] == "Shout"
    assert described["inputs"]["message"]["schema"]["default"] == "hello"
    assert "async-execute" in described["jobControlOptions"]


def test_the_openapi_document_has_the_configured_processes(server: Server) -> None:
    paths = server.get("/openapi").json()["paths"]
    assert {f"/processes/{name}/execution" for name in PACKAGES} <= set(paths)


def test_the_built_in_process_is_one_of_them(server: Server) -> None:
    assert "echo" in [row["id"] for row in server.get("/processes").json()["processes"]]
    assert "/processes/echo/execution" in server.get("/openapi").json()["paths"]
    assert server.get("/processes/echo").json()["inputs"]["message"]["schema"]["type"] == "string"
    assert server.get("/processes/echo", "html").status_code == 200
    assert server.execute("echo", inputs={"message": "hello"}).json() == {"message": "hello"}
    job_id = server.start("echo", inputs={"message": "hello", "pause": 1})
    assert server.until(job_id, "successful")["progress"] == 100


@pytest.mark.parametrize("path", ["/", "/conformance", "/processes", "/processes/shout", "/jobs", "/openapi"])
def test_pages_are_there_and_load_nothing_from_another_host(server: Server, path: str) -> None:
    answer = server.get(path, "html")
    assert answer.status_code == 200
    assert f"{server.url}/static/oapip.css" in answer.text
    assert "unpkg" not in answer.text and "cdn" not in answer.text


def test_the_style_sheet_of_the_pages_is_served(server: Server) -> None:
    assert (
        requests.get(f"{server.url}/static/oapip.css", timeout=TIMEOUT).headers["Content-Type"].startswith("text/css")
    )


def test_a_synchronous_execution_answers_with_the_file(server: Server) -> None:
    answer = server.execute("shout", inputs={"message": "a < b"})
    assert answer.status_code == 200, answer.text
    assert answer.text == "a < b\n"
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_a_document_that_is_asked_for_links_to_the_file(server: Server) -> None:
    answer = server.execute("shout", response="document")
    assert answer.status_code == 200, answer.text
    link = answer.json()["text"]
    assert requests.get(link["href"], timeout=TIMEOUT).text == "hello\n"


def test_an_asynchronous_job_ends_and_gives_its_results(server: Server) -> None:
    job_id = server.start("pair")
    job = server.until(job_id, "successful", "failed")
    assert job["status"] == "successful", job
    assert job["processID"] == "pair" and job["progress"] == 100
    results = server.get(f"/jobs/{job_id}/results").json()
    links = [results["one"]["href"], *(row["href"] for row in results["both"])]
    assert [requests.get(href, timeout=TIMEOUT).text for href in links] == ["one\n", "one\n", "two\n"]
    for path in (f"/jobs/{job_id}", f"/jobs/{job_id}/results", "/jobs"):
        assert server.get(path, "html").status_code == 200


def test_a_failed_execution_tells_why(server: Server) -> None:
    answer = server.execute("failing")
    assert answer.status_code == 500
    assert "3" in answer.json()["description"]


@pytest.mark.parametrize(
    ("inputs", "status"), [({"message": 5}, 400), ({"absent": "x"}, 400), ({"message": ["a", "b"]}, 400)]
)
def test_wrong_inputs_are_refused_before_a_job_exists(server: Server, inputs: dict[str, Any], status: int) -> None:
    before = [row["jobID"] for row in server.get("/jobs").json()["jobs"]]
    answer = server.execute("shout", inputs=inputs)
    assert answer.status_code == status
    assert next(iter(inputs)) in answer.json()["description"]
    assert [row["jobID"] for row in server.get("/jobs").json()["jobs"]] == before


def test_unknown_processes_and_jobs_are_404(server: Server) -> None:
    assert server.get("/processes/absent").status_code == 404
    assert server.execute("absent").status_code == 404
    assert server.get("/jobs/absent").status_code == 404
    assert server.get("/jobs/absent/results").status_code == 404
    assert requests.delete(f"{server.url}/jobs/absent", timeout=TIMEOUT).status_code == 404


def test_a_running_job_is_dismissed(server: Server) -> None:
    job_id = server.start("sleeping")
    server.until(job_id, "running")
    assert server.get(f"/jobs/{job_id}/results").status_code == 404
    assert requests.delete(f"{server.url}/jobs/{job_id}", timeout=TIMEOUT).json()["status"] == "dismissed"
    server.until(job_id, "dismissed")
    assert server.get(f"/jobs/{job_id}/results").status_code == 404


def test_the_job_list_is_paged(server: Server) -> None:
    ids = [server.start("shout") for _ in range(3)]
    pages = [requests.get(f"{server.url}/jobs?limit=1&offset={n}&f=json", timeout=TIMEOUT).json() for n in range(3)]
    assert [page["jobs"][0]["jobID"] for page in pages] == ids[::-1]
    assert "next" in [link["rel"] for link in pages[0]["links"]]
    for job_id in ids:
        server.until(job_id, "successful")


def test_a_process_that_is_deployed_later_appears_at_once(server: Server) -> None:
    document = json.dumps({**yaml.safe_load(SHOUT), "id": "later"})
    subprocess.run(
        [sys.executable, "-c", DEPLOY, str(server.configuration)],
        input=document.encode(),
        cwd=server.configuration.parent,
        check=True,
        capture_output=True,
    )
    for _ in range(4):
        assert server.get("/processes/later").json()["title"] == "Shout"
        assert server.get("/processes/later", "html").status_code == 200
    assert "later" in [row["id"] for row in server.get("/processes").json()["processes"]]
    assert server.execute("later", inputs={"message": "late"}).text == "late\n"
