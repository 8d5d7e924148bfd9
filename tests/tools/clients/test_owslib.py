"""OWSLib's `ogcapi.processes`, unchanged."""

from __future__ import annotations

import pytest
from owslib.ogcapi.processes import Processes

from pygeoapi_oapip.testing.live_server import LiveServer


@pytest.fixture(params=["", "/ogc-api", "/eoepca/ogc-api"], ids=["root", "ogc-api", "user"])
def client(server: LiveServer, request: pytest.FixtureRequest) -> Processes:
    return Processes(server.url + request.param)


def test_landing_page_conformance_and_api_are_read(client: Processes) -> None:
    assert any(uri.endswith("/ogcapi-processes-1/1.0/conf/core") for uri in client.conformance()["conformsTo"])
    assert client.api()["servers"][0]["url"].rstrip("/") == client.url.rstrip("/")


@pytest.mark.requirement("client/rule-11")
def test_processes_are_listed_on_the_one_page_that_it_reads(client: Processes) -> None:
    assert {"echo", "count"} <= {process["id"] for process in client.processes()}


def test_description_has_inputs_and_outputs(client: Processes) -> None:
    description = client.process("echo")
    assert description["inputs"]["message"]["schema"]["type"] == "string"
    assert "message" in description["outputs"]


@pytest.mark.requirement("client/rule-02", "client/rule-08")
def test_synchronous_execution_with_its_respond_sync_is_a_document(client: Processes) -> None:
    assert client.execute("echo", {"message": "hello", "number": 3}) == {"message": "hello", "number": 3}
    assert client.execute("echo", {"message": "hello", "number": 3}, outputs={"number": {}}) == {"number": 3}


@pytest.mark.requirement("client/rule-02", "client/rule-04")
def test_asynchronous_execution_has_a_location_that_can_be_followed(client: Processes, server: LiveServer) -> None:
    status = client.execute("count", {"upto": 3}, async_=True)
    location = client.response_headers["Location"]
    assert location.startswith(client.url) and location.endswith(status["jobID"])
    server.ended(status["jobID"])
    path = location.removeprefix(server.url)
    results = server.get(f"{path}/results").json()
    assert server.get(results["numbers"]["href"].removeprefix(server.url)).text == "1\n2\n3\n"


@pytest.mark.requirement("client/rule-06")
def test_refusal_is_an_exception_with_our_words(client: Processes) -> None:
    with pytest.raises(RuntimeError, match=r"inputs\.upto"):
        client.execute("count", {"upto": "many"})
