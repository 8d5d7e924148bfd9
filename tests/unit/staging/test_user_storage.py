"""Results in buckets of users: whose they are, what happens without a workspace, and when keys change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.errors import JobFailed, ResultNotAvailable, StorageUnavailable
from pygeoapi_oapip.model.value import FileOutput
from pygeoapi_oapip.settings_workspace import WorkspaceStorage
from pygeoapi_oapip.staging.router import SchemeRouter
from pygeoapi_oapip.staging.s3_client import Clients
from pygeoapi_oapip.staging.storage import OWNER_NOTE, LocalStorage
from pygeoapi_oapip.staging.user_storage import UserStorage
from pygeoapi_oapip.staging.workspace import LocalWorkspaces
from pygeoapi_oapip.staging.workspace_api import NoWorkspace, WorkspaceApi
from pygeoapi_oapip.testing.fake_workspace_api import FakeWorkspaceApi

from .small_s3 import SmallS3

JOB = "0b5a5c1e-0000-4000-8000-000000000001"
OUTPUT = FileOutput("outputs/a.txt", "a.txt", "text/plain", 5)


class Bench:
    def __init__(self, s3: SmallS3, api: FakeWorkspaceApi, home: Path, **settings: Any) -> None:
        self.s3 = s3
        self.api = api
        self.home = home
        self.settings = WorkspaceStorage.model_validate({"api": api.url, "folder": "jobs", **settings})
        self.storage = self.restart()
        self.workspaces = LocalWorkspaces(home, SchemeRouter([]), self.storage)

    def restart(self) -> UserStorage:
        api = WorkspaceApi(self.settings)
        self.storage = UserStorage(self.settings, api, Clients(), (self.home, LocalStorage()))
        return self.storage

    def publish(self, owner: str = "alice") -> FileOutput:
        folder = self.workspaces.prepare(JOB)
        (folder / "outputs" / "a.txt").write_text("hello")
        (folder / OWNER_NOTE).write_text(json.dumps({"owner": owner}))
        [value] = self.storage.publish(JOB, {"f": OUTPUT}, folder, lambda: True).values()
        assert isinstance(value, FileOutput)
        return value


def keys(s3: SmallS3) -> Mapping[str, Any]:
    return {"endpoint": s3.endpoint, "access": "AK", "secret": "SK", "region": "us-east-1", "bucketname": "bucket"}


@pytest.fixture
def api(s3: SmallS3) -> Iterator[FakeWorkspaceApi]:
    with FakeWorkspaceApi({"ws-alice": keys(s3)}) as server:
        yield server


@pytest.fixture
def bench(s3: SmallS3, api: FakeWorkspaceApi, tmp_path: Path) -> Bench:
    return Bench(s3, api, tmp_path)


def read(storage: UserStorage, href: str) -> bytes:
    return b"".join(storage.content(href).pieces())


def test_results_go_to_the_bucket_of_the_owner_and_come_back(bench: Bench) -> None:
    stored = bench.publish()
    assert stored.href == f"s3://bucket/jobs/{JOB}/a.txt"
    assert read(bench.restart(), stored.href) == b"hello"


def test_user_without_a_workspace_is_told_at_once(bench: Bench) -> None:
    with pytest.raises(NoWorkspace, match="ws-carol"):
        bench.storage.admit("carol")
    with pytest.raises(NoWorkspace, match="ws-carol"):
        bench.publish("carol")


def test_trouble_of_the_api_does_not_keep_a_job_from_running(bench: Bench, api: FakeWorkspaceApi) -> None:
    api.status = 500
    bench.storage.admit("alice")
    assert bench.storage.health()["ok"] is False


def test_results_stay_here_where_the_administrator_says_so(s3: SmallS3, api: FakeWorkspaceApi, tmp_path: Path) -> None:
    bench = Bench(s3, api, tmp_path, fallback="local")
    bench.storage.admit("carol")
    assert bench.publish("carol") == OUTPUT
    bench.workspaces.free(JOB, outputs=False)
    assert (tmp_path / JOB / "outputs" / "a.txt").read_text() == "hello"
    assert bench.storage.link(OUTPUT) == ""
    bench.workspaces.remove(JOB)
    assert not (tmp_path / JOB).exists()
    assert s3.objects == {}


def test_trouble_of_the_api_is_no_reason_to_keep_results_here(
    s3: SmallS3, api: FakeWorkspaceApi, tmp_path: Path
) -> None:
    bench = Bench(s3, api, tmp_path, fallback="local")
    api.status = 500
    with pytest.raises(StorageUnavailable):
        bench.publish()


def test_api_that_stays_away_fails_the_job_in_the_end(s3: SmallS3, api: FakeWorkspaceApi, tmp_path: Path) -> None:
    bench = Bench(s3, api, tmp_path, give_up_after=0)
    api.status = 503
    with pytest.raises(JobFailed, match="the results cannot be stored: the workspace API"):
        bench.publish()


def test_job_whose_folder_is_gone_is_nobodys(bench: Bench) -> None:
    stored = bench.publish()
    bench.workspaces.remove(JOB)
    with pytest.raises(ResultNotAvailable):
        bench.storage.content(stored.href)


@pytest.mark.parametrize(
    "href",
    [
        f"s3://other/jobs/{JOB}/a.txt",
        f"s3://bucket/elsewhere/{JOB}/a.txt",
        "s3://bucket/jobs/../secret",
        "s3://bucket/jobs/",
        "s3://bucket/",
        "nonsense://x",
    ],
)
def test_addresses_of_others_are_not_read(bench: Bench, href: str) -> None:
    bench.publish()
    with pytest.raises(ResultNotAvailable):
        bench.storage.content(href)


def test_workspace_that_is_taken_away_makes_results_unavailable(bench: Bench, api: FakeWorkspaceApi) -> None:
    stored = bench.publish()
    del api.workspaces["ws-alice"]
    with pytest.raises(ResultNotAvailable, match="ws-alice"):
        bench.restart().content(stored.href)


def test_failed_job_leaves_nothing_in_the_bucket(bench: Bench, s3: SmallS3) -> None:
    bench.publish()
    bench.storage._remove(JOB, "alice")
    assert s3.objects == {}


def test_removed_job_leaves_the_data_to_its_user(bench: Bench, s3: SmallS3) -> None:
    bench.publish()
    bench.workspaces.remove(JOB)
    bench.storage.sweep()
    assert set(s3.objects) == {f"bucket/jobs/{JOB}/a.txt"}
