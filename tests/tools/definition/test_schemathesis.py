"""schemathesis tries everything that the API definition allows, and much that it does not: no check may fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PHASES = "examples,coverage"
"""The same requests on every machine."""
AT_RANDOM = "examples,coverage,fuzzing,stateful"
"""With OAPIP_FUZZ=1: other requests each time."""


@pytest.mark.slow
@pytest.mark.requirement(
    "part1/oas30/completeness", "part1/oas30/exceptions-codes", "part1/oas30/oas-impl", "part1-2.0/oas/oas-impl"
)
def test_the_server_does_what_its_definition_says(server: LiveServer, tmp_path: Path) -> None:
    job = server.submit("repeat", {"message": "Hello, Earth"})
    assert server.ended(job)["status"] == "successful"
    program = Path(sys.executable).with_name("schemathesis")
    command = [str(program), "--config-file", str(HERE / "schemathesis.toml"), "run", f"{server.url}/openapi?f=oas30"]
    at_random = bool(os.environ.get("OAPIP_FUZZ"))
    options = ["--checks", "all", "--phases", AT_RANDOM if at_random else PHASES, "--max-examples", "12"]
    options += ["--no-color", "--workers", "2", *([] if at_random else ["--seed", "1"])]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OAPIP_JOB": job, "PYTHONUTF8": "1"}
    ran = subprocess.run([*command, *options], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=3600)
    assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr[-2_000:]
    assert server.get("/health").json()["status"] == "ok"
