"""cuiman (Eozilla) with the models of gavicore, unchanged."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer

BROKEN = "cuiman cannot be imported: this version of it does not go with the installed gavicore"
pytest.importorskip("cuiman", reason=BROKEN, exc_type=ImportError)

from cuiman import Client, ClientError  # noqa: E402
from gavicore.models import JobInfo, JobResults, ProcessRequest  # noqa: E402


@pytest.fixture(params=["", "/eoepca/ogc-api"], ids=["root", "user"])
def client(server: LiveServer, request: pytest.FixtureRequest) -> Iterator[Client]:
    with_prefix = Client(api_url=server.url + request.param)
    yield with_prefix
    with_prefix.close()


def ended(client: Client, job_id: str) -> JobInfo:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        info = client.get_job(job_id)
        if info.status.value not in ("accepted", "running"):
            return info
        time.sleep(0.1)
    raise AssertionError(f"the job is {info.status} after a minute")


def test_capabilities_and_conformance_are_read(client: Client) -> None:
    assert {"conformance", "processes", "job-list"} <= {link.rel for link in client.get_capabilities().links}
    assert client.get_conformance().conformsTo


@pytest.mark.requirement("client/rule-09", "client/rule-10", "client/rule-11", "client/rule-13")
def test_list_and_every_description_fit_its_models(client: Client) -> None:
    ids = [process.id for process in client.get_processes().processes]
    assert {"echo", "count"} <= set(ids)
    for process_id in ids:
        description = client.get_process(process_id)
        assert description.version and description.title
        assert all(item.title for item in (description.inputs or {}).values())


@pytest.mark.requirement("client/rule-03", "client/rule-04")
def test_job_runs_from_request_to_results_without_prefer(client: Client, server: LiveServer) -> None:
    info = client.execute_process("count", ProcessRequest(inputs={"upto": 4}))
    assert isinstance(info, JobInfo), "201 with a whole statusInfo"
    assert (info.processID, info.type, info.status.value) == ("count", "process", "accepted")
    assert info.created is not None and info.created.tzinfo is not None
    done = ended(client, info.jobID)
    assert (done.status.value, done.progress) == ("successful", 100)
    results = client.get_job_results(info.jobID)
    assert isinstance(results, JobResults)
    numbers = results.root["numbers"]
    assert server.get(numbers.href.removeprefix(server.url)).text == "1\n2\n3\n4\n"
    assert info.jobID in [job.jobID for job in client.get_jobs().jobs]


@pytest.mark.requirement("client/rule-05")
def test_running_job_is_dismissed(client: Client) -> None:
    headers = {"Prefer": "respond-async"}
    request = ProcessRequest(inputs={"message": "x", "pause": 60})
    info = client.execute_process("echo", request, headers=headers)
    dismissed = client.dismiss_job(info.jobID)
    assert (dismissed.jobID, dismissed.processID, dismissed.status.value) == (info.jobID, "echo", "dismissed")
    assert ended(client, info.jobID).status.value == "dismissed"


@pytest.mark.requirement("client/rule-06")
@pytest.mark.parametrize("inputs", [{"upto": "many"}, {"up": 3}, {}])
def test_refusals_are_errors_with_a_title_and_a_reason(client: Client, inputs: dict[str, object]) -> None:
    with pytest.raises(ClientError) as error:
        client.execute_process("count", ProcessRequest(inputs=inputs))
    assert error.value.api_error.status == 400
    assert "inputs." in str(error.value.api_error.detail)


@pytest.mark.requirement("client/rule-06")
def test_what_is_not_there_is_an_error_of_its_own_type(client: Client) -> None:
    with pytest.raises(ClientError) as process:
        client.get_process("none")
    assert str(process.value.api_error.type).endswith("/no-such-process")
    with pytest.raises(ClientError) as job:
        client.get_job_results("00000000-0000-4000-8000-000000000000")
    assert str(job.value.api_error.type).endswith("/no-such-job")
