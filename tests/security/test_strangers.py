"""Other ways to another user's things: by reference, over WPS in XML, and by tricks with ids."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from .site import BASE, Site
from .test_matrix import PACKAGE, SECRET, Things, things, told

__all__ = ["things"]

V1 = 'service="WPS" version="1.0.0" xmlns="http://www.opengis.net/wps/1.0.0" xmlns:ows="http://www.opengis.net/ows/1.1"'
V2 = 'service="WPS" version="2.0.0" xmlns="http://www.opengis.net/wps/2.0" xmlns:ows="http://www.opengis.net/ows/2.0"'
DOCUMENTS = {
    "execute 1": f"<Execute {V1}><ows:Identifier>PROCESS</ows:Identifier><DataInputs><Input><ows:Identifier>word"
    "</ows:Identifier><Data><LiteralData>x</LiteralData></Data></Input></DataInputs></Execute>",
    "describe 1": f"<DescribeProcess {V1}><ows:Identifier>PROCESS</ows:Identifier></DescribeProcess>",
    "execute 2": f'<Execute {V2} response="document" mode="async"><ows:Identifier>PROCESS</ows:Identifier>'
    '<Input id="word"><Data>x</Data></Input><Output id="said" transmission="value"/></Execute>',
    "describe 2": f"<DescribeProcess {V2}><ows:Identifier>PROCESS</ows:Identifier></DescribeProcess>",
    "status": f"<GetStatus {V2}><JobID>JOB</JobID></GetStatus>",
    "result": f"<GetResult {V2}><JobID>JOB</JobID></GetResult>",
    "dismiss": f"<Dismiss {V2}><JobID>JOB</JobID></Dismiss>",
}


@pytest.mark.parametrize("context", ["", "/bob"])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_stranger_learns_nothing_over_wps_in_xml(site: Site, things: Things, name: str, context: str) -> None:
    unknown = str(uuid4())

    def sent(user: str | None, process: str, job: str, place: str = context) -> Any:
        text = DOCUMENTS[name].replace("PROCESS", process).replace("JOB", job)
        return site.ask(user, "POST", f"{place}/wps", data=text, content_type="text/xml")

    found = sent("bob", things.process, things.ended)
    assert told(found, things.ended, things.process) == told(sent("bob", "nobodys", unknown), unknown, "nobodys")
    assert found.status_code >= 400 and SECRET not in found.text
    assert sent(None, things.process, things.ended).status_code == 401
    assert sent("bob", things.process, things.ended, "/alice").status_code == 403


NAMES = ("mine", f"{BASE}/processes/mine", f"{BASE}/alice/ogc-api/processes/mine", "../alice/ogc-api/processes/mine")


@pytest.mark.parametrize("name", NAMES)
def test_process_of_another_cannot_be_named_as_a_nested_one(site: Site, things: Things, name: str) -> None:
    def sent(process: str) -> Any:
        nested = {"process": process, "inputs": {"word": "x"}, "outputs": {"said": {}}}
        body = {"json": {"inputs": {"message": nested}}, "headers": {"Prefer": "respond-async"}}
        return site.ask("bob", "POST", "/processes/echo/execution", **body)

    found, missing = sent(name), sent(name.replace("mine", "nobodys"))
    assert found.status_code in (400, 404) and SECRET not in found.text
    assert told(found, "mine") == told(missing, "nobodys")


def test_process_of_another_cannot_be_made_a_job_of_ones_own(site: Site, things: Things) -> None:
    def sent(process: str) -> Any:
        definition = {"json": {"process": process, "inputs": {"word": "x"}}, "headers": {"Prefer": "status=created"}}
        return site.ask("bob", "POST", "/jobs", **definition)

    for name in ("mine", f"{BASE}/alice/ogc-api/processes/mine"):
        found = sent(name)
        assert found.status_code in (400, 404)
        assert told(found, "mine") == told(sent(name.replace("mine", "nobodys")), "nobodys")


def test_results_of_another_are_not_read_by_the_server_for_a_stranger(site: Site, things: Things) -> None:
    """The server has no rights of its own towards itself."""
    made = site.ask("bob", "POST", "/processes", data=PACKAGE.replace(SECRET, ""), content_type="application/cwl+yaml")
    assert made.status_code == 201
    for path in (f"/jobs/{things.ended}/results/message", f"/alice/ogc-api/jobs/{things.ended}/results?f=json"):
        body = {"inputs": {"word": {"href": BASE + path}}}
        answer = site.ask("bob", "POST", "/processes/mine/execution", json=body)
        assert answer.status_code == 400 and SECRET not in answer.text
    site.ask("bob", "DELETE", "/processes/mine")


def test_filters_and_cursors_of_the_job_list_show_nothing_of_others(site: Site, things: Things) -> None:
    for query in ("processID=echo", "processID=mine", "status=created", "minDuration=0", "limit=1", "shared=true"):
        page: Any = site.ask("bob", "GET", f"/jobs?{query}").json
        assert page["jobs"] == [], query
    page = site.ask("alice", "GET", "/jobs?limit=1").json
    [after] = [row["href"] for row in page["links"] if row["rel"] == "next"][:1] or [""]
    if after:
        assert site.ask("bob", "GET", after.removeprefix(BASE)).json["jobs"] == []  # type: ignore[index]


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        lambda job: f"{job}/",
        lambda job: f" {job}",
        lambda job: f"{job}%00",
        lambda job: f"x/../{job}",
        lambda job: f"%2e%2e/jobs/{job}",
        lambda job: quote(quote(f"/{job}", safe="")),
        lambda job: job.replace("-", ""),
        lambda job: "{" + job + "}",
        lambda job: f"urn:uuid:{job}",
        lambda job: f"{job[:-1]}%{ord(job[-1]):02x}",
    ],
)
def test_other_spellings_of_an_id_open_nothing(site: Site, things: Things, change: Any) -> None:
    for path in ("/jobs/{}", "/jobs/{}/results", "/jobs/{}/logs", "/wps/status/{}", "/bob/ogc-api/jobs/{}/results"):
        answer = site.ask("bob", "GET", path.format(change(things.ended)))
        assert answer.status_code in (400, 404), answer.text
        assert SECRET not in answer.text


FILES = (
    "said.txt",
    "../../{job}/outputs/x",
    "..%2f..%2f{job}",
    "%2e%2e/%2e%2e/{job}/plan.json",
    "/etc/passwd",
    "//etc/passwd",
)


@pytest.mark.parametrize("file", FILES)
def test_own_results_lead_to_no_files_of_others(site: Site, things: Things, file: str) -> None:
    ran = site.ask(
        "bob", "POST", "/processes/echo/execution", json={"inputs": {"message": "x"}}, headers={"Prefer": "wait=30"}
    )
    own = ran.headers["Location"].rpartition("/")[2]
    try:
        answer = site.ask("bob", "GET", f"/jobs/{own}/results/message/{file.format(job=things.ended)}")
        assert answer.status_code in (400, 404) and SECRET not in answer.text and "root:" not in answer.text
    finally:
        site.ask("bob", "DELETE", f"/jobs/{own}")
