"""The walk-through of EOEPCA's deployment guide, with its own commands: curl and jq in bash, below `/{user}/ogc-api`.

The commands are those of the guide, character by character; only where it has the address of the package on GitHub
stands the address of a copy. The guide's package needs a container image, so a package of its shape is run.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import Any

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer

LIST = """
curl --silent --show-error \\
  -X GET "${OAPIP_HOST}/${OAPIP_USER}/ogc-api/processes" \\
  ${OAPIP_AUTH_HEADER:+-H "$OAPIP_AUTH_HEADER"} \\
  -H "Accept: application/json" | jq
"""
DEPLOY = """
curl --silent --show-error \\
  -X POST "${OAPIP_HOST}/${OAPIP_USER}/ogc-api/processes" \\
  ${OAPIP_AUTH_HEADER:+-H "$OAPIP_AUTH_HEADER"} \\
  -H "Content-Type: application/json" \\
  -H "Accept: application/json" \\
  -d @- <<EOF | jq
{
  "executionUnit": {
    "href": "PACKAGE",
    "type": "application/cwl"
  }
}
EOF
"""
DESCRIBE = """
curl --silent --show-error \\
  -X GET "${OAPIP_HOST}/${OAPIP_USER}/ogc-api/processes/convert-url" \\
  ${OAPIP_AUTH_HEADER:+-H "$OAPIP_AUTH_HEADER"} \\
  -H "Accept: application/json" | jq
"""
EXECUTE = """
JOB_ID=$(
  curl --silent --show-error \\
    -X POST "${OAPIP_HOST}/${OAPIP_USER}/ogc-api/processes/convert-url/execution" \\
    ${OAPIP_AUTH_HEADER:+-H "$OAPIP_AUTH_HEADER"} \\
    -H "Content-Type: application/json" \\
    -H "Accept: application/json" \\
    -H "Prefer: respond-async" \\
    -d @- <<EOF | jq -r '.jobID'
  {
    "inputs": {
      "fn": "resize",
      "url":  "https://eoepca.org/media_portal/images/logo6_med.original.png",
      "size": "50%"
    }
  }
EOF
)

echo "JOB ID: ${JOB_ID}"
"""
STATUS = """
curl --silent --show-error \\
  -X GET "${OAPIP_HOST}/${OAPIP_USER}/ogc-api/jobs/${JOB_ID}" \\
  ${OAPIP_AUTH_HEADER:+-H "$OAPIP_AUTH_HEADER"} \\
  -H "Accept: application/json" | jq
"""
RESULTS = """
curl --silent --show-error \\
  -X GET "${OAPIP_HOST}/${OAPIP_USER}/ogc-api/jobs/${JOB_ID}/results" \\
  ${OAPIP_AUTH_HEADER:+-H "$OAPIP_AUTH_HEADER"} \\
  -H "Accept: application/json" | jq
"""
UNDEPLOY = """
curl --silent --show-error \\
  -X DELETE "${OAPIP_HOST}/${OAPIP_USER}/ogc-api/processes/convert-url" \\
  ${OAPIP_AUTH_HEADER:+-H "$OAPIP_AUTH_HEADER"} \\
  -H "Accept: application/json" | jq
"""

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "curl", "jq"))), reason="bash, curl and jq are needed"
)


@dataclass
class Shell:
    """bash with the variables of the guide."""

    variables: dict[str, str]

    def run(self, commands: str, **variables: str) -> str:
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", **self.variables, **variables}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def document(self, commands: str, **variables: str) -> Any:
        return json.loads(self.run(commands, **variables))


@pytest.fixture(params=["", "Authorization: Bearer none"], ids=["open", "header"])
def shell(server: LiveServer, request: pytest.FixtureRequest) -> Shell:
    return Shell({"OAPIP_HOST": server.url, "OAPIP_USER": "eoepcauser", "OAPIP_AUTH_HEADER": request.param})


@pytest.mark.requirement("client/rule-14")
def test_package_of_the_guide_is_deployed_described_and_undeployed(shell: Shell, host: str) -> None:
    made = shell.document(DEPLOY.replace("PACKAGE", f"{host}/convert-url-app.cwl"))
    assert (made["id"], made["version"], made["mutable"]) == ("convert-url", "0.1.2", True)
    described = shell.document(DESCRIBE)
    assert list(described["inputs"]) == ["fn", "url", "size"]
    assert described["inputs"]["size"]["schema"]["default"] == "50%" and list(described["outputs"]) == [
        "converted_image"
    ]
    prefix = shell.variables["OAPIP_HOST"] + "/eoepcauser/ogc-api/"
    assert all(link["href"].startswith(prefix) for link in made["links"])
    assert "convert-url" in [process["id"] for process in shell.document(LIST)["processes"]]
    assert shell.run(UNDEPLOY) == ""
    assert shell.document(DESCRIBE)["type"].endswith("/no-such-process")
    assert shell.document(UNDEPLOY)["status"] == 404


@pytest.mark.requirement("client/rule-14", "client/rule-04")
def test_whole_walk_through(shell: Shell, host: str, server: LiveServer) -> None:
    commands = [text.replace("convert-url", "convert-here") for text in (DEPLOY, EXECUTE, STATUS, RESULTS, UNDEPLOY)]
    deploy, execute, status, results, undeploy = commands
    assert shell.document(deploy.replace("PACKAGE", f"{host}/convert-here.cwl"))["id"] == "convert-here"
    told = shell.run(execute)
    assert told.startswith("JOB ID: ")
    job = told.removeprefix("JOB ID: ").strip()
    deadline = time.monotonic() + 240
    while (found := shell.document(status, JOB_ID=job))["status"] not in ("successful", "failed"):
        assert found["status"] in ("accepted", "running") and time.monotonic() < deadline, found
        time.sleep(0.2)
    assert (found["status"], found["processID"]) == ("successful", "convert-here"), found
    collection = shell.document(results, JOB_ID=job)
    assert (collection["type"], collection["id"]) == ("Collection", job)
    place = f"/eoepcauser/ogc-api/jobs/{job}/results/converted_image"
    assert f"{server.url}{place}/image.json" in json.dumps(collection)
    catalogue = server.get(f"{place}/catalog.json").json()
    assert (catalogue["type"], catalogue["links"][0]["href"]) == ("Catalog", "image.json")
    assert shell.run(undeploy) == ""


@pytest.mark.requirement("client/rule-01", "client/rule-07")
def test_curl_without_any_header_speaks_json(shell: Shell) -> None:
    body = '{"inputs": {"message": "hello", "number": 1}, "response": "document"}'
    sent = f"""curl -sS -X POST "$OAPIP_HOST/processes/echo/execution" -d '{body}'"""
    assert shell.document(sent) == {"message": "hello", "number": 1}
    assert shell.document('curl -sSL "$OAPIP_HOST/jobs?limit=1"')["jobs"]
    shown = shell.run('curl -sSi "$OAPIP_HOST/processes/none"')
    assert shown.startswith("HTTP/1.1 404") and "content-type: application/json" in shown.lower()
