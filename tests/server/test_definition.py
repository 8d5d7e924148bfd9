"""The API definition of a real server: current in every worker, runnable examples, HTTP itself."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import pytest
import requests

from pygeoapi_oapip.testing.live_server import LiveServer

TOOL = """
cwlVersion: v1.2
class: CommandLineTool
id: {0}
baseCommand: echo
inputs:
  message: {{type: string, inputBinding: {{}}}}
outputs:
  said: {{type: stdout}}
"""
ASKED = 12
"""Requests on connections of their own, which reach all workers."""


def documented(server: LiveServer, process_id: str) -> list[bool]:
    path = f"/processes/{process_id}/execution"
    return [path in server.get("/openapi?f=oas30").json()["paths"] for _ in range(ASKED)]


@pytest.mark.requirement("part1/oas30/oas-impl")
def test_a_process_is_in_the_definition_of_every_worker_as_long_as_it_is_deployed(server: LiveServer) -> None:
    assert documented(server, "short-lived") == [False] * ASKED
    server.deploy(TOOL.format("short-lived"))
    assert documented(server, "short-lived") == [True] * ASKED
    assert requests.delete(f"{server.url}/processes/short-lived", timeout=60).status_code == 204
    assert documented(server, "short-lived") == [False] * ASKED


@pytest.mark.requirement("part1/oas30/oas-impl")
def test_the_examples_of_built_in_and_configured_processes_run(server: LiveServer) -> None:
    paths = server.get("/openapi?f=oas30").json()["paths"]
    for process_id in ("echo", "configured"):
        operation = paths[f"/processes/{process_id}/execution"]["post"]
        body = operation["requestBody"]["content"]["application/json"]["example"]
        answer = server.post(f"/processes/{process_id}/execution", json=body, headers={"Prefer": "respond-async"})
        assert answer.status_code == 201, answer.text
        status = server.ended(answer.json()["jobID"], timeout=600)
        assert status["status"] == "successful", status


@pytest.mark.requirement("part1/core/http")
def test_the_server_speaks_http_1_1(server: LiveServer) -> None:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    try:
        for _ in range(2):
            connection.request("GET", "/conformance")
            response = connection.getresponse()
            assert (response.version, response.status) == (11, 200)
            assert len(response.read()) == int(response.headers["Content-Length"])
    finally:
        connection.close()
