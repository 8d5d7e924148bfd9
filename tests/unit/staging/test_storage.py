"""Results that stay on this machine, what an engine left in S3, and how folders and storage work together."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.errors import (
    JobFailed,
    ResultNotAvailable,
    StorageUnavailable,
    Unavailable,
    UnresolvableReference,
)
from pygeoapi_oapip.model.value import DirectoryOutput, FileOutput, OutputValue
from pygeoapi_oapip.settings import Settings, load_settings
from pygeoapi_oapip.staging.base import Result
from pygeoapi_oapip.staging.router import SchemeRouter, make_stager
from pygeoapi_oapip.staging.s3_storage import S3ResultStorage
from pygeoapi_oapip.staging.storage import MARK, LocalStorage, make_storage
from pygeoapi_oapip.staging.workspace import LocalWorkspaces

from .small_s3 import SmallS3


def settings(s3: SmallS3, home: Path, *buckets: str) -> Settings:
    staging = Settings().staging.model_copy(update={"s3": (s3.source(*buckets),), "max_bytes": 1})
    return Settings().model_copy(update={"staging": staging, "output_dir": home})


def publish(storage: LocalStorage, workspace: Path, output: OutputValue) -> OutputValue:
    workspace.mkdir(exist_ok=True)
    return storage.publish("j", {"o": output}, workspace, lambda: True)["o"]


def test_files_in_the_folder_stay_as_they_are(tmp_path: Path) -> None:
    output = FileOutput("outputs/a", "a", "", 1)
    assert publish(LocalStorage(), tmp_path, output) is output


def test_what_an_engine_put_into_s3_is_read_back_whatever_its_size(s3: SmallS3, tmp_path: Path) -> None:
    s3.objects.update({"bucket/run/a": b"abc", "bucket/run/d/x/y": b"12"})
    storage = make_storage(settings(s3, tmp_path, "bucket"))
    assert isinstance(storage, LocalStorage)
    assert publish(storage, tmp_path / "j", FileOutput("s3://bucket/run/a", "a", "t/t", 0)) == FileOutput(
        "outputs/run-1/a", "a", "t/t", 3
    )
    assert (tmp_path / "j" / "outputs/run-1/a").read_bytes() == b"abc"
    folder = publish(storage, tmp_path / "j", DirectoryOutput("s3://bucket/run/d", "d"))
    assert isinstance(folder, DirectoryOutput)
    assert (tmp_path / "j" / folder.href / "x" / "y").read_bytes() == b"12"


def test_what_cannot_be_read_back_fails_the_job(s3: SmallS3, tmp_path: Path) -> None:
    storage = make_storage(settings(s3, tmp_path, "bucket"))
    assert isinstance(storage, LocalStorage)
    for href, told in (("s3://other/a", "staging.s3"), ("s3://bucket/none", "does not exist")):
        with pytest.raises(JobFailed, match=told):
            publish(storage, tmp_path / "j", FileOutput(href, "a", "", 0))
    with pytest.raises(JobFailed, match="no bucket is configured"):
        publish(LocalStorage(), tmp_path / "j", FileOutput("s3://bucket/a", "a", "", 0))
    s3.faults += [("HEAD bucket/run/a", 500, "InternalError")] * 8
    with pytest.raises(Unavailable):
        publish(storage, tmp_path / "j", FileOutput("s3://bucket/run/a", "a", "", 0))


def test_results_of_a_storage_that_was_there_before_are_gone(tmp_path: Path) -> None:
    storage = LocalStorage()
    for ask in (storage.content, storage.entries):
        with pytest.raises(ResultNotAvailable):
            ask("s3://bucket/a")
    with pytest.raises(ResultNotAvailable):
        storage.archive("s3://bucket/a", "a")
    with pytest.raises(ResultNotAvailable):
        storage.fetch("s3://bucket/a", tmp_path, is_directory=False)
    assert storage.health()["ok"] is True


class Remembers(LocalStorage):
    remote = True

    def __init__(self) -> None:
        super().__init__()
        self.discarded: list[str] = []
        self.error: Exception | None = None

    def discard(self, job_id: str) -> None:
        self.discarded.append(job_id)

    def fetch(self, href: str, target: Path, is_directory: bool) -> None:
        if self.error:
            raise self.error
        if is_directory:
            target.mkdir()
        else:
            target.write_text(href)


@pytest.fixture
def storage() -> Remembers:
    return Remembers()


@pytest.fixture
def workspaces(tmp_path: Path, storage: Remembers) -> LocalWorkspaces:
    made = LocalWorkspaces(tmp_path, SchemeRouter([]), storage)
    made.prepare("j")
    return made


def test_local_copies_are_freed_when_results_are_elsewhere(workspaces: LocalWorkspaces, storage: Remembers) -> None:
    workspaces.free("j", outputs=False)
    assert sorted(path.name for path in workspaces.path("j").iterdir()) == ["logs"]
    assert storage.discarded == []


def test_only_jobs_that_stored_something_are_discarded(workspaces: LocalWorkspaces, storage: Remembers) -> None:
    workspaces.free("j", outputs=True)
    assert storage.discarded == []
    (workspaces.path("j") / MARK).touch()
    workspaces.free("j", outputs=True)
    workspaces.remove("j")
    assert storage.discarded == ["j", "j"]


def test_a_folder_that_is_gone_says_nothing_of_what_was_stored(workspaces: LocalWorkspaces, storage: Remembers) -> None:
    workspaces.remove("other")
    assert storage.discarded == ["other"]


def test_stored_results_are_adopted_as_inputs(workspaces: LocalWorkspaces, storage: Remembers, tmp_path: Path) -> None:
    files = workspaces.inputs("j", frozenset({"file"}))
    made = files.adopt("i", Result(tmp_path, "a b.txt", tmp_path, "s3://b/k"), copied=False)
    assert (made["class"], made["basename"]) == ("File", "a b.txt")
    assert next(workspaces.path("j").glob("inputs/*/a b.txt")).read_text() == "s3://b/k"
    folder = files.adopt("i", Result(tmp_path, "d", tmp_path, "s3://b/d", is_directory=True), copied=True)
    assert folder["class"] == "Directory"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ResultNotAvailable("gone"), UnresolvableReference),
        (StorageUnavailable("away"), StorageUnavailable),
        (OSError(28, "No space left on device"), StorageUnavailable),
    ],
)
def test_a_stored_result_that_cannot_be_adopted(
    workspaces: LocalWorkspaces, storage: Remembers, tmp_path: Path, error: Exception, kind: type[Exception]
) -> None:
    storage.error = error
    with pytest.raises(kind):
        workspaces.inputs("j", frozenset()).adopt("i", Result(tmp_path, "a", tmp_path, "s3://b/k"), copied=False)


def block(**storage: Any) -> Mapping[str, Any]:
    return {"storage": {"type": "s3", "bucket": "results", **storage}}


def test_storage_is_chosen_by_type(tmp_path: Path) -> None:
    assert isinstance(make_storage(load_settings({})), LocalStorage)
    assert isinstance(make_storage(load_settings({"storage": {}})), LocalStorage)
    assert isinstance(make_storage(load_settings(block())), S3ResultStorage)


def test_s3_is_a_scheme_only_where_buckets_are_named() -> None:
    assert "s3" not in make_stager(Settings().staging).schemes
    named = load_settings({"staging": {"s3": [{"buckets": ["public-*"]}]}})
    assert "s3" in make_stager(named.staging).schemes


def test_the_sdk_is_not_loaded_before_it_is_needed() -> None:
    code = """
import sys
from pygeoapi_oapip.settings import load_settings
from pygeoapi_oapip.staging.router import make_stager
from pygeoapi_oapip.staging.storage import make_storage
found = load_settings({"storage": {"type": "s3", "bucket": "abc"}, "staging": {"s3": [{"buckets": ["data"]}]}})
make_storage(found)
make_stager(found.staging, found.storage).check("s3://data/k")
print([name for name in sys.modules if name.startswith(("boto", "s3transfer"))])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
