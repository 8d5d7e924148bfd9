"""Results in the buckets of their users: real server, real S3 with signatures, and a FAKE workspace API."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import requests

from pygeoapi_oapip.auth.passwords import Account, hash_password, write_account
from pygeoapi_oapip.testing.fake_catalogue import FakeCatalogue
from pygeoapi_oapip.testing.fake_workspace_api import FakeWorkspaceApi
from pygeoapi_oapip.testing.live_server import LiveServer
from pygeoapi_oapip.testing.stac_packages import package
from tests.integration.s3.packages import FILES
from tests.integration.s3.seaweed import SeaweedFS

from .conftest import KEYS, credentials

PATIENCE = 120.0


class Site:
    """A server with users, each of whom has a password that is the name."""

    def __init__(self, live: LiveServer) -> None:
        self.live = live

    def ask(self, user: str, method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(method, self.live.url + path, auth=(user, user), timeout=60, **options)

    def start(self, user: str, process_id: str, inputs: Mapping[str, Any]) -> str:
        answer = self.ask(user, "POST", f"/processes/{process_id}/execution", json={"inputs": inputs})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["jobID"])

    def ended(self, user: str, job: str) -> Mapping[str, Any]:
        found: list[Mapping[str, Any]] = []

        def over() -> bool:
            found.append(self.ask(user, "GET", f"/jobs/{job}").json())
            return found[-1]["status"] in ("successful", "failed", "dismissed")

        until(over, f"the end of job {job}")
        return found[-1]

    def run(self, user: str, process_id: str, inputs: Mapping[str, Any] | None = None) -> str:
        job = self.start(user, process_id, inputs or {})
        status = self.ended(user, job)
        assert status["status"] == "successful", status
        return job


def until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.fixture(scope="module")
def catalogue() -> Iterator[FakeCatalogue]:
    with FakeCatalogue() as server:
        yield server


@pytest.fixture(scope="module")
def site(
    session_api: FakeWorkspaceApi, catalogue: FakeCatalogue, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("server")
    for user in ("alice", "bob", "carol"):
        roles = frozenset({"user", "deployer"})
        write_account(home / "users", Account(user, hash_password(user), roles, frozenset()))
    storage = {
        "type": "workspace",
        "api": session_api.url,
        "timeout": "2s",
        "give_up_after": "3s",
        "keep_credentials": "200ms",
        "registration": {"type": "stac", "url": catalogue.url},
    }
    manager = {"storage": storage, "auth": {"type": "basic", "file": str(home / "users")}}
    with LiveServer(home, manager) as live:
        made = Site(live)
        for user in ("alice", "bob", "carol"):
            for document in (FILES, package()):
                answer = made.ask(
                    user, "POST", "/processes", data=document, headers={"Content-Type": "application/cwl"}
                )
                assert answer.status_code == 201, answer.text
        yield made


def test_results_are_in_the_bucket_of_their_user(site: Site, s3: SeaweedFS, api: FakeWorkspaceApi) -> None:
    for user in ("alice", "bob"):
        job = site.run(user, "files", {"count": 1})
        folder = f"processing-results/{job}/"
        assert f"{folder}one.txt" in s3.keys(f"ws-{user}", folder)
        assert site.ask(user, "GET", f"/jobs/{job}/results/one").content == b"hello world"
        archive = site.ask(user, "GET", f"/jobs/{job}/results/many?f=zip")
        assert archive.content.startswith(b"PK")


def test_nobody_reads_the_results_of_another_user(site: Site, api: FakeWorkspaceApi) -> None:
    job = site.run("alice", "files", {"count": 1})
    assert site.ask("bob", "GET", f"/jobs/{job}/results/one").status_code == 404


def test_catalogue_becomes_a_collection_with_addresses_in_the_bucket(
    site: Site, s3: SeaweedFS, api: FakeWorkspaceApi, catalogue: FakeCatalogue
) -> None:
    job = site.run("alice", "stac")
    body = site.ask("alice", "GET", f"/jobs/{job}/results").json()
    assert (body["type"], body["id"]) == ("Collection", job)
    items = site.ask("alice", "GET", f"/jobs/{job}/results/catalogue?f=items").json()["features"]
    asset = items[0]["assets"]["data"]
    assert asset["storage:endpoint"] == s3.endpoint
    assert site.ask("alice", "GET", asset["href"].removeprefix(site.live.url)).text == "first"
    registered = catalogue.documents[f"/collections/{job}"]
    assert registered["extent"]["spatial"]["bbox"] == [[10.0, 49.0, 13.0, 52.5]]
    item = catalogue.documents[f"/collections/{job}/items/one"]
    assert item["assets"]["data"]["href"] == f"s3://ws-alice/processing-results/{job}/made/one/one.txt"


def test_catalogue_that_is_away_loses_no_result(site: Site, api: FakeWorkspaceApi, catalogue: FakeCatalogue) -> None:
    catalogue.answers = [500] * 20
    job = site.start("alice", "stac", {})
    status = site.ended("alice", job)
    catalogue.answers = []
    assert status["status"] == "successful"
    assert status["message"] == "the results are stored, but could not be registered: the catalogue answered 500"
    assert site.ask("alice", "GET", f"/jobs/{job}/results/catalogue/one/one.txt").text == "first"


def test_catalogue_that_is_away_for_a_moment_is_asked_again(
    site: Site, api: FakeWorkspaceApi, catalogue: FakeCatalogue
) -> None:
    catalogue.answers = [503]
    job = site.run("alice", "stac")
    assert f"/collections/{job}/items/two" in catalogue.documents


def test_removal_of_a_job_leaves_the_data_of_the_user(site: Site, s3: SeaweedFS, api: FakeWorkspaceApi) -> None:
    job = site.run("alice", "files", {"count": 1})
    stored = s3.keys("ws-alice", f"processing-results/{job}/")
    assert site.ask("alice", "DELETE", f"/jobs/{job}").status_code == 200
    until(lambda: not (site.live.home / "jobs" / job).exists(), "the folder is removed")
    time.sleep(2)  # longer than a removal takes to begin
    assert s3.keys("ws-alice", f"processing-results/{job}/") == stored


def test_user_without_a_workspace_is_told_before_the_job_runs(site: Site, api: FakeWorkspaceApi) -> None:
    status = site.ended("carol", site.start("carol", "files", {"count": 1}))
    assert status["status"] == "failed"
    assert "the workspace ws-carol does not exist" in status["message"]
    assert "started" not in status


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, None, "not allowed"),
        (403, None, "may not be used"),
        (500, None, "now (500)"),
        (200, b"<html>", "no usable bucket and keys"),
        (200, b'{"storage": {"credentials": {"bucketname": "x y"}}}', "no usable bucket and keys"),
    ],
)
def test_trouble_of_the_workspace_api_is_a_clear_failure(
    site: Site, api: FakeWorkspaceApi, status: int, body: bytes | None, words: str
) -> None:
    api.status, api.body = status, body
    found = site.ended("alice", site.start("alice", "files", {"count": 1}))
    assert found["status"] == "failed"
    assert "workspace" in found["message"] and words in found["message"]


def test_slow_workspace_api_is_a_clear_failure(site: Site, api: FakeWorkspaceApi) -> None:
    api.hold.clear()
    job = site.start("alice", "files", {"count": 1})
    found = site.ended("alice", job)
    api.hold.set()
    assert found["status"] == "failed"
    assert "the workspace API is too slow" in found["message"]


def test_keys_that_are_refused_are_a_clear_failure_and_nothing_stays(
    site: Site, s3: SeaweedFS, api: FakeWorkspaceApi
) -> None:
    wrong = dict(credentials(s3, "ws-bob"), bucketname="ws-alice")
    api.workspaces["ws-alice"] = wrong
    job = site.start("alice", "files", {"count": 1})
    found = site.ended("alice", job)
    assert found["status"] == "failed"
    assert "denied" in found["message"]
    assert s3.keys("ws-alice", f"processing-results/{job}/") == {}


def test_changed_keys_are_fetched_again(site: Site, s3: SeaweedFS, api: FakeWorkspaceApi) -> None:
    job = site.run("alice", "files", {"count": 1})
    api.workspaces["ws-alice"] = dict(credentials(s3, "ws-alice"), secret="changed meanwhile")
    until(lambda: site.ask("alice", "GET", f"/jobs/{job}/results/one").status_code == 503, "the keys are wrong")
    api.workspaces["ws-alice"] = credentials(s3, "ws-alice")
    assert site.ask("alice", "GET", f"/jobs/{job}/results/one").status_code == 200


def test_results_are_readable_after_a_restart(site: Site, api: FakeWorkspaceApi) -> None:
    job = site.run("bob", "files", {"count": 1})
    site.live.stop()
    site.live.start()
    assert site.ask("bob", "GET", f"/jobs/{job}/results/one").content == b"hello world"


def test_keys_are_nowhere_on_disk(site: Site, api: FakeWorkspaceApi) -> None:
    site.run("alice", "stac")
    for _, secret in KEYS.values():
        found = subprocess.run(["grep", "-rlaF", secret, str(site.live.home)], capture_output=True, text=True)
        assert found.returncode == 1, found.stdout
        assert secret not in site.live.output()
