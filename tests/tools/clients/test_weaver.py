"""The requests of Weaver's client (`weaver` command, 6.x), replayed as it sends them, each with what it reads then."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from pygeoapi_oapip.testing.live_server import LiveServer

HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}
RESULTS_PROFILE = "http://www.opengis.net/def/profile/OGC/0/ogc-results"
CWL = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "baseCommand": ["sh", "-c", "echo $0 > out.txt; sleep $1"],
    "inputs": {
        "message": {"type": "string", "inputBinding": {"position": 1}},
        "seconds": {"type": "float", "default": 0, "inputBinding": {"position": 2}},
    },
    "outputs": {
        "file": {"type": "File", "outputBinding": {"glob": "out.txt"}},
        "again": {"type": "File", "outputBinding": {"glob": "out.txt"}},
    },
}


class Weaver:
    """Sends what the client sends."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()

    def send(self, method: str, url: str, **options: Any) -> requests.Response:
        headers = {**HEADERS, **options.pop("headers", {})}
        found = self.session.request(method, url, headers=headers, timeout=240, **options)
        assert found.status_code == 204 or found.headers["Content-Type"].startswith("application/json"), found.text
        return found

    def deploy(self, body: Any, **headers: str) -> requests.Response:
        return self.send("POST", f"{self.url}/processes", json=body, headers=headers)

    def undeploy(self, process_id: str) -> requests.Response:
        return self.send("DELETE", f"{self.url}/processes/{process_id}")

    def execute(self, process_id: str, inputs: Any, prefer: str = "respond-async", **members: Any) -> requests.Response:
        description = self.send("GET", f"{self.url}/processes/{process_id}", params={"schema": "OGC"}).json()
        body = {"inputs": inputs, "outputs": {}, "mode": "async", "response": "document", **members}
        body["outputs"] = {key: {"transmissionMode": "value"} for key in description["outputs"]} | body["outputs"]
        headers = {"Prefer": prefer} if prefer else {}
        return self.send("POST", f"{self.url}/processes/{process_id}/execution", json=body, headers=headers)

    def monitor(self, location: str) -> dict[str, Any]:
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            status: dict[str, Any] = self.send("GET", location).json()
            if status["status"] not in ("accepted", "running"):
                return status
            time.sleep(0.1)
        raise AssertionError(f"the job is {status} after a minute")

    def results(self, location: str) -> requests.Response:
        headers = {"Accept": "application/json", "Prefer": "return=minimal", "Accept-Profile": RESULTS_PROFILE}
        return self.send("GET", f"{location}/results", headers=headers)


@pytest.fixture
def weaver(server: LiveServer) -> Iterator[Weaver]:
    client = Weaver(server.url)
    yield client
    client.session.close()


@pytest.fixture
def deployed(weaver: Weaver) -> Iterator[str]:
    made = weaver.deploy({**CWL, "id": "woven"}, **{"Content-Type": "application/cwl+json"})
    assert made.status_code == 201, made.text
    yield "woven"
    assert weaver.undeploy("woven").status_code in (200, 204, 404)


def shapes() -> dict[str, tuple[Any, dict[str, str]]]:
    """The bodies of a deployment, and further headers."""
    unit = [{"unit": CWL}]
    return {
        "CWL": ({**CWL, "id": "shape"}, {"Content-Type": "application/cwl+json"}),
        "process below description": ({"processDescription": {"process": {"id": "shape"}}, "executionUnit": unit}, {}),
        "flat description": ({"processDescription": {"id": "shape"}, "executionUnit": unit}, {}),
        "CWL that has the id": (
            {"processDescription": {}, "executionUnit": [{"unit": {**CWL, "id": "shape"}}]},
            {},
        ),
        "visibility and registry login": (
            {
                "processDescription": {"process": {"id": "shape", "title": "A shape", "visibility": "public"}},
                "executionUnit": unit,
                "deploymentProfileName": "http://www.opengis.net/profiles/eoc/dockerizedApplication",
            },
            {"X-Auth-Docker": "Basic dXNlcjpub25l"},
        ),
    }


@pytest.mark.requirement("client/rule-14")
@pytest.mark.parametrize("shape", shapes())
def test_deploy_describe_package_undeploy(weaver: Weaver, shape: str) -> None:
    body, headers = shapes()[shape]
    made = weaver.deploy(body, **headers)
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"{weaver.url}/processes/shape"
    document = made.json()
    assert document.get("id", document.get("processSummary", {}).get("id")) == "shape"
    described = weaver.send("GET", f"{weaver.url}/processes/shape", params={"schema": "OGC"}).json()
    assert set(described["inputs"]) == {"message", "seconds"} and set(described["outputs"]) == {"file", "again"}
    package = weaver.session.get(f"{weaver.url}/processes/shape/package", headers=HEADERS, timeout=240)
    assert package.status_code == 200 and json.loads(package.text)
    assert weaver.undeploy("shape").status_code in (200, 204, 404)


@pytest.mark.requirement("client/rule-07", "client/rule-11")
def test_listing_with_its_query_parameters(weaver: Weaver, deployed: str) -> None:
    query = {"detail": False, "providers": False, "page": 0, "limit": 1000, "sort": "id"}
    found = weaver.send("GET", f"{weaver.url}/processes", params=query)
    assert found.status_code == 200 and deployed in [row["id"] for row in found.json()["processes"]]


@pytest.mark.requirement("client/rule-02", "client/rule-04", "client/rule-07", "client/rule-08", "client/rule-15")
@pytest.mark.parametrize("inputs", [{"message": "hi"}, {"message": {"value": "hi"}, "seconds": {"value": 0.1}}])
@pytest.mark.parametrize("prefer", ["respond-async", "respond-async, return=minimal", "respond-async; return=minimal"])
def test_execute_monitor_results(weaver: Weaver, deployed: str, inputs: dict[str, Any], prefer: str) -> None:
    begun = weaver.execute(deployed, inputs, prefer, outputs={"file": {"transmissionMode": "reference"}})
    assert (begun.status_code, begun.json()["processID"]) == (201, deployed), begun.text
    assert "respond-async" in begun.headers["Preference-Applied"]
    location = begun.headers["Location"]
    assert weaver.monitor(location)["status"] == "successful"
    found = weaver.results(location)
    outputs = found.json()
    assert set(outputs) == {"file", "again"}
    assert requests.get(outputs["file"]["href"], timeout=240).text == "hi\n"
    given = weaver.send("GET", f"{location}/inputs").json()
    assert given["inputs"]["message"] in ("hi", {"value": "hi"}) and set(given["outputs"]) == {"file", "again"}
    logs = weaver.session.get(f"{location}/logs", headers=HEADERS, timeout=240)
    assert logs.status_code == 200


@pytest.mark.requirement("client/rule-02", "client/rule-03")
def test_waiting_execution_is_a_document(weaver: Weaver, deployed: str) -> None:
    done = weaver.execute(deployed, {"message": "hi"}, "wait=50", mode="sync")
    assert done.status_code == 200 and set(done.json()) == {"file", "again"}
    assert done.headers["Preference-Applied"] == "wait=50" or done.headers["Preference-Applied"].startswith("wait=")


@pytest.mark.requirement("client/rule-12")
def test_job_list_with_its_query_parameters(weaver: Weaver, deployed: str) -> None:
    begun = weaver.execute(deployed, {"message": "hi"})
    weaver.monitor(begun.headers["Location"])
    job = begun.json()["jobID"]
    query: dict[str, Any] = {"page": 0, "limit": 5, "sort": "created", "status": "successful,failed", "detail": True}
    query |= {"process": deployed, "groups": False, "tags": "a,b"}
    found = weaver.send("GET", f"{weaver.url}/jobs", params=query)
    assert found.status_code == 200 and job in [row["jobID"] for row in found.json()["jobs"]]
    second = weaver.send("GET", f"{weaver.url}/jobs", params={**query, "page": 1}).json()["jobs"]
    assert job not in [row["jobID"] for row in second]
    none = weaver.send("GET", f"{weaver.url}/jobs", params={**query, "status": "running"}).json()["jobs"]
    assert job not in [row["jobID"] for row in none]


@pytest.mark.requirement("client/rule-05")
def test_dismiss(weaver: Weaver, deployed: str) -> None:
    begun = weaver.execute(deployed, {"message": "hi", "seconds": 50})
    dismissed = weaver.send("DELETE", begun.headers["Location"])
    assert (dismissed.status_code, dismissed.json()["status"]) == (200, "dismissed")


@pytest.mark.requirement("client/rule-06")
def test_failed_job_is_told_by_status_exceptions_and_logs(weaver: Weaver, deployed: str) -> None:
    begun = weaver.execute(deployed, {"message": "hi", "seconds": -1})
    assert weaver.monitor(begun.headers["Location"])["status"] == "failed"
    assert weaver.send("GET", f"{begun.headers['Location']}/exceptions").status_code == 200
    assert weaver.results(begun.headers["Location"]).status_code >= 400


@pytest.mark.requirement("client/rule-15")
def test_created_job_waits_for_its_trigger(weaver: Weaver, deployed: str) -> None:
    body = {"inputs": {"message": "hi"}, "mode": "async", "response": "document", "status": "create"}
    body["process"] = f"{weaver.url}/processes/{deployed}"
    made = weaver.send("POST", f"{weaver.url}/jobs", json=body)
    assert (made.status_code, made.json()["status"]) == (201, "created"), made.text
    location = made.headers["Location"]
    changed = weaver.send("PATCH", location, json={"inputs": {"message": "changed"}})
    assert changed.status_code in (200, 204), changed.text
    assert weaver.send("POST", f"{location}/results").status_code in (200, 201, 202)
    assert weaver.monitor(location)["status"] == "successful"
    assert requests.get(weaver.results(location).json()["file"]["href"], timeout=240).text == "changed\n"
