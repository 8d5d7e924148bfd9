"""The job list over HTTP, with the real store behind it: pages, filters, wrong values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from flask.testing import FlaskClient

from pygeoapi_oapip.model.identity import Principal, Scope
from pygeoapi_oapip.model.job import Job, JobStatus, Phase, utc_now
from pygeoapi_oapip.ogcapi import cursors
from pygeoapi_oapip.ogcapi.application import create_app
from pygeoapi_oapip.ogcapi.door import DoorOptions
from pygeoapi_oapip.store.base import JobPage, JobQuery, Position
from pygeoapi_oapip.store.sql import Database, SqlJobStore, upgrade
from pygeoapi_oapip.testing.operations import FakeOperations
from pygeoapi_oapip.testing.store_contract import NOON, SECOND, job_at

BASE = "https://example.org/api"
INVALID = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/invalid-query-parameter-value"


class StoredOperations(FakeOperations):
    """The job list of a real store."""

    store: SqlJobStore

    def jobs(self, principal: Principal, query: JobQuery) -> JobPage:
        """As the service does it."""
        return self.store.list(query, Scope(principal.name))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlJobStore]:
    database = Database(f"sqlite:///{tmp_path}/oapip.db")
    upgrade(database)
    yield SqlJobStore(database)
    database.close()


@pytest.fixture
def client(store: SqlJobStore, tmp_path: Path) -> FlaskClient:
    operations = StoredOperations(tmp_path)
    operations.store = store
    return create_app(operations, DoorOptions(BASE)).test_client()


def add(store: SqlJobStore, second: int, process: str = "echo", phase: Phase = Phase.ACCEPTED, **changes: Any) -> str:
    """A job of the caller, created so many seconds after noon; `lasted` is its duration in seconds."""
    job = store.add(job_at(second, process_id=process, owner=changes.pop("owner", "anonymous")))
    if phase is Phase.ACCEPTED:
        return job.id
    started = changes.pop("started", job.created)
    return store.save(_moved(job, phase, started, changes.pop("lasted", 0))).id


def _moved(job: Job, phase: Phase, started: datetime | None, lasted: float) -> Job:
    end = (started or job.created) + timedelta(seconds=lasted)
    return job.advance(phase, end, started=started)


def get(client: FlaskClient, query: str = "") -> dict[str, Any]:
    answer = client.get(f"/jobs{query}")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.get_json()
    return document


def found(client: FlaskClient, query: str = "") -> list[str]:
    return [job["jobID"] for job in get(client, query)["jobs"]]


def link_of(document: dict[str, Any], rel: str) -> str | None:
    hrefs = [link["href"] for link in document["links"] if link["rel"] == rel]
    assert len(hrefs) <= 1
    return hrefs[0].removeprefix(f"{BASE}/jobs") if hrefs else None


def follow(client: FlaskClient, query: str, rel: str) -> list[list[str]]:
    pages = []
    following: str | None = query
    while following is not None:
        document = get(client, following)
        pages.append([job["jobID"] for job in document["jobs"]])
        following = link_of(document, rel)
        assert len(pages) < 100
    return pages


@pytest.mark.requirement("part1/job-list/job-list-op", "part1/job-list/job-list-success")
@pytest.mark.requirement("part1/job-list/processID-mandatory")
def test_the_list_has_each_job_with_its_process_newest_first(client: FlaskClient, store: SqlJobStore) -> None:
    ids = [add(store, second, f"p{second}") for second in range(3)]
    jobs = get(client)["jobs"]
    assert [job["jobID"] for job in jobs] == ids[::-1]
    assert [job["processID"] for job in jobs] == ["p2", "p1", "p0"]
    assert all({"jobID", "id", "status", "type", "created", "links"} <= job.keys() for job in jobs)


@pytest.mark.requirement("part1/job-list/job-list-success")
def test_an_empty_list_is_a_list(client: FlaskClient) -> None:
    document = get(client)
    assert document["jobs"] == []
    assert link_of(document, "next") is link_of(document, "prev") is None


@pytest.mark.requirement("part1/job-list/links")
@pytest.mark.parametrize("kind", ["json", "html"])
def test_the_list_links_itself_and_its_other_form(client: FlaskClient, kind: str) -> None:
    links = get(client)["links"] if kind == "json" else []
    if kind == "html":
        text = client.get("/jobs?f=html").text
        assert f"{BASE}/jobs?f=json" in text
        return
    by_rel = {link["rel"]: link for link in links}
    assert by_rel["self"]["type"] == "application/json"
    assert by_rel["alternate"]["type"] == "text/html"


@pytest.mark.requirement("part1/job-list/limit-definition", "part1/job-list/limit-response")
@pytest.mark.parametrize(("query", "number"), [("", 10), ("?limit=1", 1), ("?limit=7", 7), ("?limit=999999", 12)])
def test_a_page_never_has_more_than_its_limit(client: FlaskClient, store: SqlJobStore, query: str, number: int) -> None:
    for second in range(12):
        add(store, second)
    assert len(found(client, query)) == number


@pytest.mark.requirement("part1/job-list/type-definition", "part1/job-list/type-response")
@pytest.mark.parametrize("query", ["?type=process", "?type=process,process", "?type=process&type=process", "?type="])
def test_all_jobs_are_of_the_type_process(client: FlaskClient, store: SqlJobStore, query: str) -> None:
    job = add(store, 0)
    assert found(client, query) == [job]


@pytest.mark.requirement("part1/job-list/processID-definition", "part1/job-list/processID-response")
@pytest.mark.parametrize("name", ["processID", "process"])
def test_jobs_are_filtered_by_processes(client: FlaskClient, store: SqlJobStore, name: str) -> None:
    a, b, c = (add(store, second, process) for second, process in enumerate(("a", "b", "c d")))
    assert found(client, f"?{name}=a") == [a]
    assert found(client, f"?{name}=a,b") == [b, a]
    assert found(client, f"?{name}=a&{name}=c%20d") == [c, a]
    assert found(client, f"?{name}=none") == []


@pytest.mark.requirement("part1/job-list/status-definition", "part1/job-list/status-response")
def test_jobs_are_filtered_by_statuses(client: FlaskClient, store: SqlJobStore) -> None:
    phases = (Phase.ACCEPTED, Phase.RUNNING, Phase.SUCCESSFUL, Phase.FAILED, Phase.DISMISSED)
    ids = [add(store, second, phase=phase) for second, phase in enumerate(phases)]
    words = ("accepted", "running", "successful", "failed", "dismissed")
    for word, job in zip(words, ids, strict=True):
        assert found(client, f"?status={word}") == [job]
    assert (
        found(client, "?status=failed,accepted") == found(client, "?status=accepted&status=failed") == [ids[3], ids[0]]
    )
    assert found(client, f"?status={','.join(words)}") == ids[::-1]


@pytest.mark.requirement("part1/job-list/datetime-definition", "part1/job-list/datetime-response")
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-01-01T12:00:01Z", [1]),
        ("2026-01-01T13:00:01+01:00", [1]),
        ("2026-01-01T12:00:01.000Z", [1]),
        ("2026-01-01T12:00:01Z/2026-01-01T12:00:02Z", [2, 1]),
        ("2026-01-01T12:00:02Z/..", [3, 2]),
        ("2026-01-01T12:00:02Z/", [3, 2]),
        ("../2026-01-01T12:00:01Z", [1, 0]),
        ("/2026-01-01T12:00:01Z", [1, 0]),
        ("../..", [3, 2, 1, 0]),
        ("2026-01-01", [3, 2, 1, 0]),
        ("2025-12-31", []),
        ("2027-01-01T00:00:00Z/..", []),
    ],
)
def test_jobs_are_filtered_by_creation(client: FlaskClient, store: SqlJobStore, text: str, seconds: list[int]) -> None:
    ids = [add(store, second) for second in range(4)]
    assert found(client, f"?datetime={quote(text)}") == [ids[second] for second in seconds]


@pytest.mark.requirement("part1/job-list/duration-definition", "part1/job-list/duration-response")
@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("?minDuration=10", ["long", "ten"]),
        ("?maxDuration=10", ["ten", "short"]),
        ("?minDuration=2&maxDuration=10", ["ten"]),
        ("?minDuration=2,10", ["long", "ten"]),
        ("?minDuration=2&minDuration=11", ["long"]),
        ("?maxDuration=10,2", ["short"]),
        ("?minDuration=9.5&maxDuration=10.5", ["ten"]),
        ("?minDuration=11&maxDuration=10", []),
        ("?minDuration=999999999999", []),
        ("?minDuration=0&status=failed", ["ten"]),
        ("?minDuration=0&status=accepted", []),
    ],
)
def test_jobs_are_filtered_by_duration(client: FlaskClient, store: SqlJobStore, query: str, wanted: list[str]) -> None:
    spans = {"short": (Phase.SUCCESSFUL, 1), "ten": (Phase.FAILED, 10), "long": (Phase.SUCCESSFUL, 3600)}
    ids = {
        name: add(store, second, phase=phase, lasted=lasted)
        for second, (name, (phase, lasted)) in enumerate(spans.items())
    }
    add(store, 50)
    add(store, 60, phase=Phase.FAILED, started=None)
    assert found(client, query) == [ids[name] for name in wanted]


@pytest.mark.requirement("part1/job-list/duration-response")
def test_a_running_job_lasts_until_now(client: FlaskClient, store: SqlJobStore) -> None:
    job = add(store, 0, phase=Phase.RUNNING, started=utc_now() - timedelta(hours=2))
    assert found(client, "?minDuration=7000") == [job]
    assert found(client, "?minDuration=90000") == []
    assert found(client, "?maxDuration=90000") == [job]


@pytest.mark.requirement("part1/job-list/job-list-op")
def test_unknown_parameters_are_ignored(client: FlaskClient, store: SqlJobStore) -> None:
    job = add(store, 0)
    assert found(client, "?foo=bar&jobID=x&sortby=-created&cursor=&offset=&limit=&status=&datetime=") == [job]


def test_next_and_prev_links_go_through_all_jobs_and_back(client: FlaskClient, store: SqlJobStore) -> None:
    ids = [add(store, second // 2, f"p{second % 2}") for second in range(20)]
    pages = follow(client, "?limit=3&processID=p0,p1", "next")
    assert [len(page) for page in pages] == [3] * 6 + [2]
    assert sorted(job for page in pages for job in page) == sorted(ids)
    last = get(client, "?limit=3&processID=p0,p1&offset=18")
    assert [job["jobID"] for job in last["jobs"]] == pages[-1]
    before = link_of(last, "prev")
    assert before is not None and "cursor=" in before and "processID=p0%2Cp1" in before
    assert follow(client, before, "prev")[::-1] == pages[:-1]


def test_the_next_page_is_the_same_when_jobs_were_added(client: FlaskClient, store: SqlJobStore) -> None:
    ids = [add(store, second) for second in range(6)]
    following = link_of(get(client, "?limit=2"), "next")
    assert following is not None
    for second in range(10, 15):
        add(store, second)
    assert found(client, following) == [ids[3], ids[2]]


@pytest.mark.parametrize(("query", "places"), [("limit=2&offset=3", [2, 1]), ("limit=2&page=1", [3, 2])])
def test_offset_and_page_work_without_a_cursor(
    client: FlaskClient, store: SqlJobStore, query: str, places: list[int]
) -> None:
    ids = [add(store, second) for second in range(6)]
    assert found(client, f"?{query}") == [ids[place] for place in places]


def test_a_cursor_shows_no_job_of_others(client: FlaskClient, store: SqlJobStore) -> None:
    stranger = add(store, 5, owner="bob")
    mine = [add(store, second) for second in (4, 6)]
    for backwards, wanted in ((False, [mine[0]]), (True, [mine[1]])):
        cursor = cursors.encode(Position(NOON + 5 * SECOND, stranger, backwards))
        assert found(client, f"?cursor={cursor}") == wanted


def test_a_page_that_is_empty_leads_back_to_the_start(client: FlaskClient, store: SqlJobStore) -> None:
    job = add(store, 5)
    cursor = cursors.encode(Position(NOON, "x"))
    document = get(client, f"?cursor={cursor}&limit=4&status=accepted")
    assert document["jobs"] == [] and link_of(document, "next") is None
    assert found(client, link_of(document, "prev") or "") == [job]


def test_links_of_a_page_have_one_cursor_only(client: FlaskClient, store: SqlJobStore) -> None:
    for second in range(9):
        add(store, second)
    href: str | None = "?limit=2&offset=1&page=4"
    for _ in range(3):
        href = link_of(get(client, href or ""), "next")
    parameters = parse_qs(urlsplit(href or "").query)
    assert {key: len(values) for key, values in parameters.items()} == {"limit": 1, "cursor": 1}


WRONG = [
    ("limit=0", "limit", "whole number from 1"),
    ("limit=-1", "limit", "whole number"),
    ("limit=ten", "limit", "whole number"),
    ("limit=1e3", "limit", "whole number"),
    ("limit=99999999999999999999", "limit", "whole number"),
    ("offset=-1", "offset", "whole number"),
    ("offset=100001", "offset", "more than 100000"),
    ("page=99999", "page", "more than 100000"),
    ("page=x", "page", "whole number"),
    ("type=wps", "type", "allowed: process"),
    ("status=done", "status", "accepted, running, successful"),
    ("status=failed,DONE", "status", "DONE"),
    ("datetime=yesterday", "datetime", "RFC 3339"),
    ("datetime=2026-13-01T00:00:00Z", "datetime", "RFC 3339"),
    ("datetime=2026-02-01T00:00:00Z/2026-01-01T00:00:00Z", "datetime", "ends before it starts"),
    ("datetime=2026-01-01/2026-02-01/2026-03-01", "datetime", "RFC 3339"),
    ("minDuration=-1", "minDuration", "number of seconds"),
    ("minDuration=NaN", "minDuration", "number of seconds"),
    ("maxDuration=PT1H", "maxDuration", "number of seconds"),
    ("maxDuration=1,x", "maxDuration", "number of seconds"),
    ("cursor=x", "cursor", "next or prev link"),
    ("cursor=%00%ff", "cursor", "next or prev link"),
    (f"cursor={'A' * 3000}", "cursor", "next or prev link"),
    ("f=xml", "f", "not offered"),
]


@pytest.mark.requirement("part1/job-list/limit-definition", "part1/job-list/type-definition")
@pytest.mark.requirement("part1/job-list/status-definition", "part1/job-list/datetime-definition")
@pytest.mark.requirement("part1/job-list/duration-definition")
@pytest.mark.parametrize(("query", "name", "rule"), WRONG, ids=[row[0][:40] for row in WRONG])
def test_a_wrong_value_is_named_with_its_rule(client: FlaskClient, query: str, name: str, rule: str) -> None:
    answer = client.get(f"/jobs?{query}")
    document = answer.get_json()
    assert (answer.status_code, document["type"]) == (400, INVALID)
    assert document["detail"].startswith(f"{name}: ")
    assert rule in document["detail"]
    assert len(document["detail"]) < 300


HOSTILE = [
    "' OR 1=1 --",
    '"; DROP TABLE jobs; --',
    "%",
    "_",
    "a\x00b",
    "\ud7ff\U0010ffff",
    "p" * 2000,
    ":owner_is",
    "%(now)s",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_of_processes_find_nothing_and_change_nothing(
    client: FlaskClient, store: SqlJobStore, text: str
) -> None:
    job = add(store, 0)
    assert found(client, f"?processID={quote(text, safe='')}") == []
    assert found(client, f"?processID={quote(text, safe='')},echo") == [job]
    assert found(client) == [job]


def test_very_many_processes_may_be_named(client: FlaskClient, store: SqlJobStore) -> None:
    job = add(store, 0)
    names = ",".join(f"none-{number}" for number in range(300))
    assert found(client, f"?processID={names},echo") == [job]
    assert found(client, f"?processID={names}&status={','.join(JobStatus)}") == []
