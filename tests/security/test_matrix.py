"""Every route with an id, every method, as every kind of user: taken from the API definition, so that no route is left
out. A stranger must not even learn that a thing is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from werkzeug.test import TestResponse

from pygeoapi_oapip.ogcapi.definition import fragments

from .site import Site

SECRET = "the-secret-of-alice"
PACKAGE = """
cwlVersion: v1.2
class: CommandLineTool
id: mine
doc: the-secret-of-alice
baseCommand: echo
inputs: {word: {type: string, inputBinding: {}}}
outputs: {said: stdout}
stdout: said.txt
"""
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
NAMES = ("processID", "jobID", "outputID", "path")


@dataclass(frozen=True)
class Things:
    """What alice has."""

    process: str
    ended: str
    created: str


@pytest.fixture(scope="module")
def things(site: Site) -> Things:
    made = site.ask("alice", "POST", "/processes", data=PACKAGE, content_type="application/cwl+yaml")
    assert made.status_code == 201, made.text
    ran = site.ask(
        "alice",
        "POST",
        "/processes/echo/execution",
        json={"inputs": {"message": SECRET}},
        headers={"Prefer": "wait=100"},
    )
    assert ran.status_code in (200, 201), ran.text
    defined = {"process": "mine", "inputs": {"word": SECRET}}
    created = site.ask("alice", "POST", "/jobs", json=defined, headers={"Prefer": "status=created"})
    assert created.status_code == 201, created.text
    return Things("mine", ran.headers["Location"].rpartition("/")[2], created.json["jobID"])  # type: ignore[index]


def routes() -> Iterator[tuple[str, str]]:
    """Method and path of everything that holds an id; also methods that a route does not have."""
    for path in fragments.paths():
        if "{" in path or path.startswith("/processes/"):
            yield from ((method, path) for method in METHODS)


ROUTES = sorted(set(routes()))


def filled(path: str, process: str, job: str) -> str:
    values = {"processID": process, "jobID": job, "outputID": "message", "path": "a/b"}
    found = re.sub(r"\{(\w+)\}", lambda match: quote(values[match[1]], safe="/"), path)
    assert "{" not in found
    return found


def sent(site: Site, user: str | None, method: str, path: str) -> TestResponse:
    bodies: dict[str, Any] = {"data": PACKAGE, "content_type": "application/cwl+yaml"}
    if "/jobs" in path or path.endswith(("/execution", "/sharing")):
        bodies = {"json": {"public": True} if path.endswith("/sharing") else {"inputs": {}}}
    return site.ask(user, method, path, **(bodies if method in ("POST", "PUT", "PATCH") else {}))


def told(response: TestResponse, *ids: str) -> tuple[int, str, list[tuple[str, str]]]:
    """All that a client sees, without the id that it has sent itself."""
    text = response.text
    headers = sorted((name, value) for name, value in response.headers if name not in ("Content-Length", "Date"))
    for name in ids:
        text = text.replace(name, "ID")
        headers = [(key, value.replace(name, "ID")) for key, value in headers]
    return response.status_code, text, headers


def test_the_definition_has_the_routes_of_the_door(site: Site) -> None:
    rules = {re.sub(r"<(?:path:)?(\w+)>", "{}", str(rule.rule)) for rule in site.door.url_map.iter_rules()}
    known = {re.sub(r"\{\w+\}", "{}", path) for path in fragments.paths()}
    with_ids = {rule for rule in rules if "{}" in rule and "static" not in rule and "swagger-ui" not in rule}
    assert with_ids <= known and len(ROUTES) > 60


@pytest.mark.parametrize("prefix", ["", "/ogc-api", "/bob/ogc-api"])
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_stranger_cannot_tell_a_thing_of_another_from_nothing(
    site: Site, things: Things, method: str, path: str, prefix: str
) -> None:
    unknown_job, unknown_process = str(uuid4()), "nobodys"
    answer = sent(site, "bob", method, prefix + filled(path, unknown_process, unknown_job))
    missing = told(answer, unknown_job, unknown_process)
    for job in (things.ended, things.created):
        found = sent(site, "bob", method, prefix + filled(path, things.process, job))
        assert told(found, job, things.process) == missing
        assert SECRET not in found.text
        if "jobID" in path or ("processID" in path and found.status_code != 405):
            assert found.status_code in (404, 405, 415), found.text


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_context_of_another_user_is_closed(site: Site, things: Things, method: str, path: str) -> None:
    for user in ("alice", "nobody"):
        answer = sent(site, "bob", method, f"/{user}/ogc-api" + filled(path, things.process, things.ended))
        assert answer.status_code == 403 and SECRET not in answer.text
    assert sent(site, "bob", "GET", "/alice/ogc-api/collections").status_code == 403


@pytest.mark.parametrize("prefix", ["", "/alice/ogc-api"])
@pytest.mark.parametrize("user", [None, "nonsense"])
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_nobody_gets_in_without_a_name(
    site: Site, things: Things, method: str, path: str, user: str | None, prefix: str
) -> None:
    answer = sent(site, user, method, prefix + filled(path, things.process, things.ended))
    assert answer.status_code == 401 or (answer.status_code == 405 and user is None), answer.text
    assert answer.status_code == 405 or answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert SECRET not in answer.text


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_a_role_nothing_is_allowed(site: Site, things: Things, method: str, path: str) -> None:
    answer = sent(site, "guest", method, filled(path, things.process, things.ended))
    assert answer.status_code in (403, 405), answer.text
    assert SECRET not in answer.text


OPERATOR = {
    ("GET", "/jobs/{jobID}"): 200,
    ("GET", "/jobs/{jobID}/logs"): 200,
    ("GET", "/jobs/{jobID}/exceptions"): 200,
    ("GET", "/processes/{processID}"): 200,
    ("GET", "/processes/{processID}/package"): 200,
    ("GET", "/processes/{processID}/history"): 200,
}
"""What an operator may do with things of others, beside DELETE of a job."""


@pytest.mark.parametrize(("method", "path"), [row for row in ROUTES if row[0] != "HEAD"])
def test_operator_sees_and_dismisses_and_does_nothing_else(site: Site, things: Things, method: str, path: str) -> None:
    if (method, path) == ("DELETE", "/jobs/{jobID}"):
        return
    if path.startswith("/processes/") and path.endswith("/execution"):
        return
    for job in (things.ended, things.created):
        answer = sent(site, "olga", method, filled(path, things.process, job))
        wanted = OPERATOR.get((method, path))
        assert answer.status_code == wanted if wanted else answer.status_code in (403, 405), answer.text
        if "jobID" in path and not path.endswith("/logs"):
            assert SECRET not in answer.text


def test_operator_dismisses_a_job_of_another(site: Site) -> None:
    defined = {"process": "echo", "inputs": {}}
    made = site.ask("alice", "POST", "/jobs", json=defined, headers={"Prefer": "status=created"})
    job: Any = made.json
    assert site.ask("bob", "DELETE", f"/jobs/{job['jobID']}").status_code == 404
    assert site.ask("olga", "DELETE", f"/jobs/{job['jobID']}").status_code == 200


def test_lists_hold_what_one_may_see(site: Site, things: Things) -> None:
    def ids(user: str, prefix: str = "") -> tuple[set[str], set[str]]:
        jobs: Any = site.ask(user, "GET", f"{prefix}/jobs?limit=100").json
        processes: Any = site.ask(user, "GET", f"{prefix}/processes").json
        return {row["jobID"] for row in jobs["jobs"]}, {row["id"] for row in processes["processes"]}

    for user in ("alice", "olga", "root"):
        jobs, processes = ids(user)
        assert things.ended in jobs and things.process in processes
    for user in ("bob", "carol"):
        jobs, processes = ids(user)
        assert not jobs & {things.ended, things.created} and things.process not in processes
    assert things.ended in ids("root", "/alice/ogc-api")[0]
    assert things.ended not in ids("root", "/bob/ogc-api")[0]


def test_api_definition_of_a_stranger_does_not_name_what_he_may_not_see(site: Site, things: Things) -> None:
    path = f"/processes/{things.process}/execution"
    for user, seen in (("alice", True), ("bob", False), ("olga", True), (None, False), ("guest", False)):
        for form in ("json", "oas31"):
            answer = site.ask(user, "GET", f"/openapi?f={form}")
            assert answer.status_code == 200 and (path in answer.text) is seen


WPS = (
    "service=WPS&version=1.0.0&request=DescribeProcess&identifier={process}",
    "service=WPS&version=1.0.0&request=Execute&identifier={process}&DataInputs=word=x",
    "service=WPS&version=2.0.0&request=DescribeProcess&identifier={process}",
    "service=WPS&version=2.0.0&request=GetStatus&jobid={job}",
    "service=WPS&version=2.0.0&request=GetResult&jobid={job}",
    "service=WPS&version=2.0.0&request=Dismiss&jobid={job}",
)
STATUS = ("/wps/status/{job}", "/wps/status/{job}?lineage=true")
WPS_PATHS = (*(f"/wps?{query}" for query in WPS), *STATUS)


@pytest.mark.parametrize("path", WPS_PATHS)
def test_stranger_learns_nothing_over_wps(site: Site, things: Things, path: str) -> None:
    unknown = str(uuid4())
    missing = told(site.ask("bob", "GET", path.format(process="nobodys", job=unknown)), unknown, "nobodys")
    found = site.ask("bob", "GET", path.format(process=things.process, job=things.ended))
    assert told(found, things.ended, things.process) == missing
    assert found.status_code >= 400 and SECRET not in found.text
    mine = site.ask("bob", "GET", "/bob" + path.format(process=things.process, job=things.ended))
    assert mine.status_code >= 400 and SECRET not in mine.text


@pytest.mark.parametrize("path", WPS_PATHS)
def test_wps_asks_for_a_name_and_keeps_contexts_apart(site: Site, things: Things, path: str) -> None:
    address = path.format(process=things.process, job=things.ended)
    for user, place, status in ((None, "", 401), ("nonsense", "", 401), ("bob", "/alice", 403), ("guest", "", 403)):
        answer = site.ask(user, "GET", place + address)
        assert answer.status_code == status and SECRET not in answer.text
        assert "ExceptionReport" in answer.text
        assert status != 401 or answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("path", "status"), [(STATUS[1], 403), (f"/wps?{WPS[4]}", 403), (f"/wps?{WPS[3]}", 200)])
def test_operator_reads_no_results_over_wps(site: Site, things: Things, path: str, status: int) -> None:
    answer = site.ask("olga", "GET", path.format(process="", job=things.ended))
    assert answer.status_code == status and SECRET not in answer.text
    assert SECRET not in site.ask("olga", "GET", STATUS[0].format(job=things.ended)).text


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0"])
def test_capabilities_list_what_one_may_see(site: Site, things: Things, version: str) -> None:
    query = f"/wps?service=WPS&request=GetCapabilities&version={version}&AcceptVersions={version}"
    for user, seen in (("alice", True), ("bob", False), ("olga", True)):
        answer = site.ask(user, "GET", query)
        assert answer.status_code == 200 and (f"<ows:Identifier>{things.process}<" in answer.text) is seen


def test_nothing_was_changed_by_all_this(site: Site, things: Things) -> None:
    assert site.ask("alice", "GET", f"/processes/{things.process}").json["revision"] == 1  # type: ignore[index]
    status: Any = site.ask("alice", "GET", f"/jobs/{things.created}").json
    assert status["status"] == "created"
    for path in (f"/processes/{things.process}", f"/jobs/{things.ended}", f"/jobs/{things.created}"):
        shared: Any = site.ask("alice", "GET", f"{path}/sharing").json
        assert (shared["public"], shared["groups"]) == (False, [])
