"""ogc-api-processes-client (generated from the OGC's own API definition), unchanged."""

from __future__ import annotations

import time

import pytest
from ogc_api_processes_client import Configuration
from ogc_api_processes_client.api_client_wrapper import ApiClientWrapper
from ogc_api_processes_client.exceptions import ApiException
from ogc_api_processes_client.models.link import Link
from ogc_api_processes_client.models.status_info import StatusInfo

from pygeoapi_oapip.testing.live_server import LiveServer


@pytest.fixture(params=["", "/eoepca/ogc-api"], ids=["root", "user"])
def client(server: LiveServer, request: pytest.FixtureRequest) -> ApiClientWrapper:
    return ApiClientWrapper(Configuration(host=server.url + request.param))


def ended(client: ApiClientWrapper, job_id: str) -> StatusInfo:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        status = client.get_status(job_id)
        if status.status.value not in ("accepted", "running"):
            return status
        time.sleep(0.1)
    raise AssertionError(f"the job is {status.status} after a minute")


def test_landing_page_and_conformance_are_read(client: ApiClientWrapper) -> None:
    assert client.get_landing_page().links
    assert client.get_conformance_classes().conforms_to


@pytest.mark.requirement("client/rule-09", "client/rule-10", "client/rule-11", "client/rule-13")
def test_list_and_every_description_fit_its_models(client: ApiClientWrapper) -> None:
    ids = [process.id for process in client.get_processes().processes]
    assert {"echo", "count"} <= set(ids)
    for process_id in ids:
        description = client.get_process_description(process_id)
        assert description.id == process_id and description.inputs and description.outputs


@pytest.mark.requirement("client/rule-01", "client/rule-03", "client/rule-04", "client/rule-07")
def test_execute_simple_sends_no_content_type_and_gets_a_job(client: ApiClientWrapper, server: LiveServer) -> None:
    outputs: dict[str, object] = {"numbers": {}, "listed": {}}  # an array of links is beyond its models
    status = client.execute_simple("count", {"inputs": {"upto": 2}, "outputs": outputs, "response": "document"})
    assert (status.process_id, status.type, status.status.value) == ("count", "process", "accepted")
    done = ended(client, status.job_id)
    assert (done.status.value, done.progress) == ("successful", 100)
    found = client.get_result_simple(status.job_id)
    assert "numbers" in found


@pytest.mark.requirement("client/rule-08")
def test_results_fit_its_models(client: ApiClientWrapper, server: LiveServer) -> None:
    status = client.execute_simple(
        "count", {"inputs": {"upto": 2}, "outputs": {"numbers": {}, "listed": {}}, "response": "document"}
    )
    ended(client, status.job_id)
    results = client.get_result(status.job_id)
    link = results["numbers"].actual_instance
    assert set(results) == {"numbers", "listed"} and isinstance(link, Link)
    assert server.get(link.href.removeprefix(server.url)).text == "1\n2\n"


@pytest.mark.requirement("client/rule-05")
def test_running_job_is_dismissed(client: ApiClientWrapper) -> None:
    status = client.execute_simple(
        "echo", {"inputs": {"message": "x", "pause": 60}}, _headers={"Prefer": "respond-async"}
    )
    dismissed = client.dismiss(status.job_id)
    assert (dismissed.job_id, dismissed.status.value) == (status.job_id, "dismissed")


def test_job_list_fits_its_models(client: ApiClientWrapper) -> None:
    status = client.execute_simple("count", {"inputs": {"upto": 1}})
    assert status.job_id in [job.job_id for job in client.get_jobs().jobs]


@pytest.mark.requirement("client/rule-06")
def test_errors_have_their_status(client: ApiClientWrapper) -> None:
    with pytest.raises(ApiException) as process:
        client.get_process_description("none")
    assert process.value.status == 404
    with pytest.raises(ApiException) as job:
        client.get_status("00000000-0000-4000-8000-000000000000")
    assert job.value.status == 404
