"""WPS jobs are those of `/jobs`, and the other way round; status documents, waiting, users, addresses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from pygeoapi_oapip.model.identity import ANONYMOUS, Principal
from pygeoapi_oapip.model.job import JobStatus
from pygeoapi_oapip.model.json import JSON
from pygeoapi_oapip.operations import Deployment, Execution, Preference
from pygeoapi_oapip.settings import Wps
from tests.wps.v1.conftest import BASE, Door, content, literal, make_door

STORED = '<wps:ResponseDocument storeExecuteResponse="true" status="true"/>'
SLOW = literal("message", "m") + literal("pause", "30")


def location(door: Door, inputs: str, form: str = STORED, path: str = "/wps") -> str:
    return door.execute(inputs, form, path=path).one("/wps:ExecuteResponse/@statusLocation")


def job_id(address: str) -> str:
    return urlsplit(address).path.rpartition("/")[2]


def test_an_asynchronous_job_is_followed_to_its_end(door: Door) -> None:
    got = door.execute(literal("message", "m") + literal("pause", "0.5"), STORED)
    assert got.state in ("ProcessAccepted", "ProcessStarted")
    address = got.one("/wps:ExecuteResponse/@statusLocation")
    assert address == f"{BASE}/wps/status/{job_id(address)}"
    done = door.settled(address)
    assert done.state == "ProcessSucceeded"
    assert done.output("message").text == "m"
    assert done.one("/wps:ExecuteResponse/@statusLocation") == address
    service = urlsplit(done.one("/wps:ExecuteResponse/@serviceInstance"))
    assert door.get(service.query, service.path).status == 200


def test_the_job_is_one_of_the_api(door: Door) -> None:
    address = location(door, literal("message", "m") + literal("number", "2"))
    door.settled(address)
    job = door.service.job(ANONYMOUS, job_id(address))
    assert (job.process_id, job.status, job.owner) == ("echo", JobStatus.SUCCESSFUL, "anonymous")
    assert list(door.service.results(ANONYMOUS, job.id).outputs) == ["message", "number"]


def test_a_job_of_the_api_has_a_status_document(door: Door) -> None:
    body: JSON = {
        "inputs": {"message": "m", "names": ["a", "b"]},
        "outputs": {"names": {"transmissionMode": "reference"}},
    }
    job = door.service.execute(ANONYMOUS, "echo", body, Preference(respond_async=True)).job
    done = door.settled(f"{BASE}/wps/status/{job.id}")
    assert done.outputs == ["names"]
    assert done.output("names", "wps:Reference").get("href") == f"{BASE}/jobs/{job.id}/results/names"
    lineage = door.get("lineage=true", f"/wps/status/{job.id}")
    assert lineage.texts("//wps:DataInputs//wps:LiteralData") == ["m", "a", "b"]
    assert lineage.one("//wps:OutputDefinitions/wps:Output/@asReference") == "true"


def test_lineage_is_told_at_the_end_of_an_asynchronous_job(door: Door) -> None:
    form = STORED.replace("/>", ' lineage="true"/>')
    done = door.settled(location(door, literal("message", "m"), form))
    assert done.texts("//wps:DataInputs//wps:LiteralData") == ["m"]
    assert set(done.texts("//wps:OutputDefinitions/wps:Output/ows:Identifier")) >= {"message", "bbox"}


def test_a_stored_answer_without_status_is_waited_for(door: Door) -> None:
    got = door.execute(literal("message", "m"), STORED.replace('status="true"', ""))
    assert got.state == "ProcessSucceeded"
    assert door.settled(got.one("/wps:ExecuteResponse/@statusLocation")).output("message").text == "m"
    assert door.execute(literal("message", "m")).find("/wps:ExecuteResponse/@statusLocation") == []


def test_a_dismissed_job_has_failed_for_wps(door: Door) -> None:
    address = location(door, SLOW)
    door.service.dismiss(ANONYMOUS, job_id(address))
    got = door.get("x=y", urlsplit(address).path)
    assert got.state == "ProcessFailed"
    assert "dismissed" in got.one("//ows:ExceptionText")


def test_a_failed_job_keeps_its_reason(door: Door) -> None:
    done = door.settled(location(door, literal("message", "m") + literal("fail", "true")))
    assert (done.status, done.state) == (200, "ProcessFailed")
    assert "as it was asked to" in done.one("//ows:ExceptionText")


def test_times_are_in_utc(door: Door) -> None:
    address = location(door, literal("message", "m"))
    created = door.settled(address).one("//wps:Status/@creationTime")
    job = door.service.job(ANONYMOUS, job_id(address))
    assert job.finished is not None
    assert created == job.finished.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("path", ["/wps/status/nope", "/wps/status/%2e%2e", "/wps/status/a%2fb", "/wps/status/"])
def test_a_job_that_is_not_there(door: Door, path: str) -> None:
    status, code, _ = door.get("x=y", path).failure
    assert (status, code) in ((400, "InvalidParameterValue"), (400, "NoApplicableCode"))


def test_a_status_document_is_only_read(door: Door) -> None:
    assert door.post("<a/>", "/wps/status/nope").failure[0] == 400
    got = door.send("/wps", method="DELETE")
    assert (got.failure[0], got.response.headers["Allow"]) == (405, "GET, POST")


def test_a_job_whose_process_is_gone_has_its_document(door: Door) -> None:
    tool = "cwlVersion: v1.2\nclass: ExpressionTool\nid: shortlived\ninputs: {a: string}\noutputs: {b: string}\n"
    tool += "requirements: {InlineJavascriptRequirement: {}}\nexpression: '${return {b: inputs.a};}'\n"
    door.service.deploy(ANONYMOUS, Deployment(tool.encode(), "application/cwl+yaml"))
    address = door.execute(literal("a", "x"), STORED, "shortlived").one("/wps:ExecuteResponse/@statusLocation")
    door.settled(address)
    door.service.undeploy(ANONYMOUS, "shortlived")
    got = door.get("x=y", urlsplit(address).path)
    assert (got.state, got.output("b").text) == ("ProcessSucceeded", "x")


def test_a_client_that_waits_too_long_gets_the_address_of_the_job(door: Door, configuration: dict[str, Any]) -> None:
    manager = configuration["server"]["manager"]
    short = {**manager, "wps": Wps(max_wait=0.3).model_dump(mode="json")}
    hasty = make_door(door.service, {**configuration, "server": {**configuration["server"], "manager": short}})
    got = hasty.execute(literal("message", "m") + literal("pause", "12"))
    status, code, found = got.failure
    assert (status, code) == (400, "NoApplicableCode")
    assert f"{BASE}/wps/status/{found} " in got.text
    assert door.settled(f"{BASE}/wps/status/{found}").output("message").text == "m"


def test_a_wait_beyond_that_of_the_api_goes_on(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    execute = door.service.execute

    def hasty(principal: Principal, process_id: str, body: JSON, preference: Preference) -> Execution:
        return execute(principal, process_id, body, replace(preference, wait=0.0))

    monkeypatch.setattr(door.service, "execute", hasty)
    assert door.execute(literal("message", "m") + literal("pause", "0.3")).state == "ProcessSucceeded"


def test_addresses_keep_the_user(door: Door) -> None:
    got = door.get(request="GetCapabilities", path="/alice/wps")
    assert set(got.texts("//ows:Operation//@xlink:href")) == {f"{BASE}/alice/wps"}
    form = STORED.replace("/>", "><wps:Output asReference='true'><ows:Identifier>text</ows:Identifier></wps:Output>")
    address = location(door, content("text", "t"), form + "</wps:ResponseDocument>", "/alice/wps")
    assert address == f"{BASE}/alice/wps/status/{job_id(address)}"
    href = door.settled(address).output("text", "wps:Reference").get("href")
    assert href == f"{BASE}/alice/ogc-api/jobs/{job_id(address)}/results/text"


def test_the_address_of_zoo_project(door: Door) -> None:
    path = "/cgi-bin/zoo_loader.cgi"
    got = door.get(request="GetCapabilities", path=path)
    assert set(got.texts("//ows:Operation//@xlink:href")) == {f"{BASE}{path}"}
    address = location(door, literal("message", "m"), path=path)
    assert door.settled(address).state == "ProcessSucceeded"


@pytest.mark.parametrize(
    "path",
    ["/", "/wpsx", "/x/y/wps", "/processes/wps", "/jobs/wps", "/../wps", "/wps/", "/wps/other", "/.a/wps", "//wps"],
)
def test_other_paths_are_not_wps(door: Door, path: str) -> None:
    assert door.get(request="GetCapabilities", path=path).status == 418
