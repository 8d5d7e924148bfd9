"""Buckets of users as the workspace API tells them: good answers, refusals, faults, nonsense."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pygeoapi_oapip.errors import JobFailed, StorageUnavailable
from pygeoapi_oapip.settings_workspace import WorkspaceStorage
from pygeoapi_oapip.staging.workspace_api import LARGEST, NoWorkspace, WorkspaceApi
from pygeoapi_oapip.testing.fake_workspace_api import FakeWorkspaceApi

KEYS: Mapping[str, Any] = {
    "endpoint": "https://s3.example.org",
    "access": "AKEY",
    "secret": "very-secret",
    "region": "waw3-1",
    "bucketname": "ws-alice",
}


@pytest.fixture
def fake() -> Iterator[FakeWorkspaceApi]:
    with FakeWorkspaceApi({"ws-alice": KEYS}) as server:
        yield server


def api(fake: FakeWorkspaceApi, **settings: Any) -> WorkspaceApi:
    return WorkspaceApi(WorkspaceStorage.model_validate({"api": fake.url, **settings}))


def test_answer_names_bucket_server_and_keys(fake: FakeWorkspaceApi) -> None:
    storage = api(fake).of("alice").storage
    assert (storage.bucket, storage.endpoint, storage.region) == ("ws-alice", "https://s3.example.org", "waw3-1")
    assert storage.credentials is not None
    assert (storage.credentials.access_key, storage.credentials.secret_key) == ("AKEY", "very-secret")
    assert storage.prefix == "processing-results"


def test_keys_are_in_no_text_of_the_workspace(fake: FakeWorkspaceApi) -> None:
    assert "very-secret" not in repr(api(fake).of("alice"))


def test_one_answer_serves_many_jobs(fake: FakeWorkspaceApi) -> None:
    made = api(fake)
    assert made.of("alice") is made.of("alice")
    assert fake.asked == ["ws-alice"]


def test_forgotten_keys_are_asked_for_again(fake: FakeWorkspaceApi) -> None:
    made = api(fake)
    made.of("alice")
    made.forget("alice")
    fake.workspaces["ws-alice"] = {**KEYS, "secret": "other"}
    storage = made.of("alice").storage
    assert storage.credentials is not None and storage.credentials.secret_key == "other"


def test_keys_that_expire_are_kept_no_longer(fake: FakeWorkspaceApi) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    fake.workspaces["ws-alice"] = {**KEYS, "expiration": soon.isoformat(), "session_token": "temporary"}
    found = api(fake, keep_credentials="30d").of("alice")
    assert found.storage.credentials is not None and found.storage.credentials.session_token == "temporary"
    assert found.until - time.monotonic() <= 3600 - 60


def test_expired_keys_are_waited_for(fake: FakeWorkspaceApi) -> None:
    fake.workspaces["ws-alice"] = {**KEYS, "expiration": "2020-01-01T00:00:00Z"}
    with pytest.raises(StorageUnavailable, match="have expired"):
        api(fake).of("alice")


def test_token_is_sent(fake: FakeWorkspaceApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKSPACE_TOKEN", "abc")
    api(fake, token={"env": "WORKSPACE_TOKEN"}).of("alice")
    assert fake.tokens == ["Bearer abc"]


def test_prefix_may_be_empty(fake: FakeWorkspaceApi) -> None:
    fake.workspaces["alice"] = KEYS
    assert api(fake, prefix="").of("alice").storage.bucket == "ws-alice"


@pytest.mark.parametrize("user", ["a/../../admin", "a b", "ä?x=1", "a%2Fb", "../ws-alice", "#x"])
def test_name_of_a_user_cannot_lead_to_another_address(fake: FakeWorkspaceApi, user: str) -> None:
    with pytest.raises(NoWorkspace, match="does not exist"):
        api(fake).of(user)
    assert fake.asked == [f"ws-{user}"]


@pytest.mark.parametrize("user", ["", ".", ".."])
def test_user_without_a_name_has_no_workspace(fake: FakeWorkspaceApi, user: str) -> None:
    with pytest.raises(NoWorkspace):
        api(fake, prefix="").of(user)
    assert fake.asked == []


@pytest.mark.parametrize(("status", "words"), [(401, "not allowed"), (403, "may not be used"), (404, "does not exist")])
def test_refusal_is_final_and_names_the_workspace(fake: FakeWorkspaceApi, status: int, words: str) -> None:
    fake.status = status
    with pytest.raises(NoWorkspace, match=f"ws-alice .*{words}.*{status}"):
        api(fake).of("alice")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_fault_of_the_api_is_temporary(fake: FakeWorkspaceApi, status: int) -> None:
    fake.status = status
    with pytest.raises(StorageUnavailable, match=str(status)):
        api(fake).of("alice")


@pytest.mark.parametrize("status", [204, 302, 307, 400, 418])
def test_strange_answer_is_final(fake: FakeWorkspaceApi, status: int) -> None:
    fake.status, fake.body = status, b""
    with pytest.raises(JobFailed, match=str(status)):
        api(fake).of("alice")


NONSENSE = [
    b"",
    b"<html>login</html>",
    b"null",
    b"[]",
    b'{"storage": null}',
    b'{"storage": {"credentials": []}}',
    b'{"storage": {"credentials": {"bucketname": "ws-alice"}}}',
    b"[" * 100_000,
    b"\xff\xfe",
    b"x" * (LARGEST + 10),
]
WRONG: list[Mapping[str, Any]] = [
    {"bucketname": "../other"},
    {"bucketname": ""},
    {"bucketname": None},
    {"access": ""},
    {"secret": ""},
    {"endpoint": "file:///etc"},
    {"endpoint": "https://user:word@s3.example.org"},
    {"endpoint": 7},
    {"region": ["x"]},
    {"expiration": "tomorrow"},
    {"expiration": 12},
]


@pytest.mark.parametrize(
    "body", [*NONSENSE, *(json.dumps({"storage": {"credentials": {**KEYS, **part}}}).encode() for part in WRONG)]
)
def test_nonsense_fails_clearly_without_showing_keys(fake: FakeWorkspaceApi, body: bytes) -> None:
    fake.body = body
    with pytest.raises(JobFailed, match="no usable bucket and keys for the workspace ws-alice") as failure:
        api(fake).of("alice")
    assert "very-secret" not in str(failure.value)


def test_api_that_is_down_is_temporary() -> None:
    with FakeWorkspaceApi() as gone:
        made = api(gone)
    with pytest.raises(StorageUnavailable, match="cannot be reached"):
        made.of("alice")


def test_api_that_is_slow_is_temporary(fake: FakeWorkspaceApi) -> None:
    fake.hold.clear()
    try:
        with pytest.raises(StorageUnavailable, match="too slow"):
            api(fake, timeout=0.2).of("alice")
    finally:
        fake.hold.set()
