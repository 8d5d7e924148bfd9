"""`oapip serve` with a WES engine, and what its tests ask of it again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.witness import PACKAGE, Witness

from .engine_bench import PATIENCE
from .packages import Document


def server(folder: Path, block: Mapping[str, Any], **manager: Any) -> LiveServer:
    """A server whose only engine is the one of this block. Not started."""
    return LiveServer(folder, {"engines": {"hpc": dict(block)}, "default_engine": "hpc", **manager}, workers=1)


def deploy(live: LiveServer, document: Document, name: str) -> str:
    """Deploy a package under an id."""
    return live.deploy(yaml.safe_dump({**document, "id": name}))


def deploy_witness(live: LiveServer) -> None:
    """The tool of `witness`, which needs little of the cluster, so that all jobs run at once."""
    small = "requirements: {ResourceRequirement: {coresMin: 0.1, ramMin: 100}}\n"
    live.deploy(PACKAGE + small)


def ended(live: LiveServer, job: str, limit: float = PATIENCE) -> Mapping[str, Any]:
    """Wait for the end of a job."""
    return live.ended(job, limit)


def successes(live: LiveServer, jobs: Mapping[str, str], witness: Witness) -> None:
    """All these jobs (id -> token) succeed, and each ran once."""
    ends = {job: ended(live, job) for job in jobs}
    bad = {job: (end, log(live, job)[-3000:]) for job, end in ends.items() if end["status"] != "successful"}
    assert bad == {}
    assert {token: witness.runs()[token] for token in jobs.values()} == dict.fromkeys(jobs.values(), 1)


def log(live: LiveServer, job: str) -> str:
    """The log of a job so far."""
    answer = live.get(f"/jobs/{job}/logs", headers={"Accept": "text/plain"})
    assert answer.status_code == 200, answer.text
    return answer.text


def until(true: Callable[[], Any], what: str, limit: float = PATIENCE) -> Any:
    """Wait until something is so, and give it. Fails the test after a while."""
    deadline = time.monotonic() + limit
    while not (found := true()):
        assert time.monotonic() < deadline, f"not so: {what}"
        time.sleep(0.1)
    return found
