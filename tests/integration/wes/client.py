"""The bare client that a user of WES has otherwise: posts a run, asks for its state every 0.2 s, reads its outputs."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

import requests

INTERVAL = 0.2
_GOING_ON = ("QUEUED", "INITIALIZING", "RUNNING", "CANCELING")


class BareClient:
    """Talks to one WES server.

    Args:
        url: base of its API.
        parameters: `workflow_engine_parameters` of each run.
    """

    def __init__(self, url: str, parameters: Mapping[str, str] | None = None) -> None:
        self._url = url
        self._parameters = dict(parameters or {})
        self._session = requests.Session()

    def post(self, document: Mapping[str, Any], order: Mapping[str, Any], entry: str = "") -> str:
        """Start a run and give its id."""
        fields = {
            "workflow_url": "package.cwl" + (f"#{entry}" if entry else ""),
            "workflow_type": "CWL",
            "workflow_type_version": document["cwlVersion"],
            "workflow_params": json.dumps(order),
            "workflow_engine_parameters": json.dumps(self._parameters),
        }
        attachment = ("workflow_attachment", ("package.cwl", json.dumps(document)))
        answer = self._session.post(f"{self._url}/runs", data=fields, files=[attachment], timeout=60)
        answer.raise_for_status()
        return str(answer.json()["run_id"])

    def state(self, run: str) -> str:
        """Its present state."""
        return str(self._session.get(f"{self._url}/runs/{run}/status", timeout=60).json()["state"])

    def end(self, run: str, timeout: float = 180.0) -> Mapping[str, Any]:
        """Wait for the end and give the run log."""
        deadline = time.monotonic() + timeout
        while self.state(run) in _GOING_ON:
            assert time.monotonic() < deadline, f"{run} goes on"
            time.sleep(INTERVAL)
        log: Mapping[str, Any] = self._session.get(f"{self._url}/runs/{run}", timeout=60).json()
        return log

    def text(self, run: str, log: Mapping[str, Any], stream: str = "stderr") -> str:
        """The text of a stream of the run."""
        return self._session.get(urljoin(f"{self._url}/runs/{run}", log["run_log"][stream]), timeout=60).text
