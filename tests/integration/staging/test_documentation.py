"""The example of docs/data.md runs as it is written, but for the addresses of its servers."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.s3.seaweed import OWNER, SeaweedFS
from tests.unit.staging.site import Site

from .references import offer

PAGE = (Path(__file__).parents[3] / "docs" / "data.md").read_text(encoding="utf-8")
SCENE = "https://stac.example.org/collections/s2/items/S2A_31UFS#asset=thumbnail"


def first(language: str) -> str:
    """The first snippet of a language: that of the example."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_example_runs(s3: SeaweedFS, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s3.bucket("results")
    monkeypatch.setenv("RESULTS_ACCESS_KEY", OWNER[0])
    monkeypatch.setenv("RESULTS_SECRET_KEY", OWNER[1])
    block: dict[str, Any] = yaml.safe_load(first("yaml").replace("https://s3.example.org", s3.endpoint))
    manager = {**block["server"]["manager"], "staging": {"allow_internal": True}}
    (tmp_path / "sums.cwl").write_text(first("cwl"))
    scene = offer(site)["item"][0] + "#asset=red"
    with LiveServer(tmp_path / "server", manager, workers=1) as server:
        text = first("sh").replace("http://localhost:5000", server.url).replace(SCENE, scene)
        assert scene in text
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert '"type":"Collection"' in done.stdout.replace(" ", "")
    assert done.stdout.endswith(f"{hashlib.sha256(b'red 1').hexdigest()}  ./I1/red.tif\n")
    assert {key.rpartition("/")[2] for key in s3.keys("results")} >= {"catalog.json", "item.json", "sums.txt"}
