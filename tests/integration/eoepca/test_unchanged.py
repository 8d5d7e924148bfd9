"""EOEPCA's own stage-in and stage-out tools, unchanged, against a real S3 server that checks signatures.

They are in the source distribution of `zoo-calrissian-runner`, which `.ci/setup eoepca` unpacks into
`.venv-eoepca`. Their container image cannot be had here, so they run without: what it has otherwise is there, too.
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer
from pygeoapi_oapip.testing.traces import left_with
from tests.integration.required import cannot_run
from tests.integration.s3.seaweed import OWNER, SeaweedFS, credentials
from tests.integration.wes.conftest import start_toil
from tests.integration.wes.engine_bench import wes_settings
from tests.integration.wes.toil import VENV as TOIL

from .shapes import app, arg, run

VENV = Path(__file__).parents[3] / ".venv-eoepca"
TOOLS, PYTHON = VENV / "source" / "assets", VENV / "bin" / "python"
ROLES = ("stage_in", "stage_in_file", "stage_out")
SECRETS = ("STAGEOUT_AWS_ACCESS_KEY_ID", "STAGEOUT_AWS_SECRET_ACCESS_KEY")
ITEM = {
    "type": "Feature",
    "stac_version": "1.0.0",
    "id": "scene-1",
    "geometry": {"type": "Point", "coordinates": [1, 2]},
    "bbox": [1, 2, 1, 2],
    "properties": {"datetime": "2024-01-01T00:00:00Z"},
    "links": [],
    "assets": {"red": {"href": "./red.tif", "type": "image/tiff"}},
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a `python` that has an empty /tmp/catalog, as each container has."""
    if not (TOOLS / "stageout.yaml").is_file():
        cannot_run("eoepca", "there is no .venv-eoepca (.ci/setup eoepca makes it)")
    folder = tmp_path_factory.mktemp("programs")
    inner = f'rm -rf /tmp/catalog; "{PYTHON}" "$@"; code=$?; rm -rf /tmp/catalog; exit $code'
    program = folder / "python"
    program.write_text(f"#!/bin/sh\nexec flock {folder}/lock sh -c '{inner}' python \"$@\"\n")
    program.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def s3(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    with SeaweedFS(tmp_path_factory.mktemp("s3")) as server:
        server.bucket("eoepca")
        yield server


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("data")
    (folder / "item.json").write_text(json.dumps(ITEM))
    (folder / "red.tif").write_bytes(b"a red band")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def wrap(s3: SeaweedFS, home: Path) -> dict[str, Any]:
    """The block of the configuration, with the values that EOEPCA's administrators configure."""
    keys = credentials(home, OWNER)
    return {
        **{name: str(TOOLS / f"{name.replace('_', '', 1).replace('_', '-')}.yaml") for name in ROLES},
        "containers": False,
        "additional_parameters": {
            "STAGEOUT_AWS_SERVICEURL": s3.endpoint,
            "STAGEOUT_AWS_REGION": "us-east-1",
            "STAGEOUT_OUTPUT": "eoepca",
            "STAGEOUT_AWS_ACCESS_KEY_ID": keys["access_key"],
            "STAGEOUT_AWS_SECRET_ACCESS_KEY": keys["secret_key"],
        },
    }


def on_this_machine(programs: Path, s3: SeaweedFS, home: Path) -> Iterator[LiveServer]:
    with pytest.MonkeyPatch.context() as patch:
        own = str(Path(sys.executable).parent)  # else the server puts it first
        patch.setenv("PATH", os.pathsep.join([str(programs), os.environ["PATH"], own]))
        staging = {"allow_internal": True, "wrap": wrap(s3, home)}
        with LiveServer(home / "server", {"staging": staging}, workers=1) as live:
            yield live


def on_toil(programs: Path, s3: SeaweedFS, home: Path) -> Iterator[LiveServer]:
    path = os.pathsep.join([str(programs), str(TOIL / "bin"), os.environ["PATH"]])
    toil = start_toil(celery=False, environment={"PATH": path})
    keys = home / "keys.json"
    keys.write_text(json.dumps(dict(zip(SECRETS, OWNER, strict=True))))
    keys.chmod(0o600)
    block: Mapping[str, Any] = {**wrap(s3, home), "secret_files": {"hpc": str(keys)}}
    manager = {
        "engines": {"hpc": wes_settings(toil)},
        "default_engine": "hpc",
        "staging": {"allow_internal": True, "wrap": block},
    }
    try:
        with LiveServer(home / "server", manager, workers=1) as live:
            yield live
    finally:
        toil.remove()


@pytest.fixture(scope="module", params=[on_this_machine, on_toil])
def live(
    request: pytest.FixtureRequest, programs: Path, s3: SeaweedFS, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    yield from request.param(programs, s3, tmp_path_factory.mktemp("eoepca"))


@pytest.mark.slow
def test_item_in_and_collection_out(live: LiveServer, s3: SeaweedFS, data: str) -> None:
    package = app("copy", 'cp -rL "$1" out', {"item": arg("Directory")}, {"out": "Directory"})
    job, results = run(live, package, {"item": {"href": f"{data}/item.json"}})
    collection = results["out"]["value"]
    assert (collection["type"], collection["id"]) == ("Collection", job)
    assert all(link["href"].startswith("s3://eoepca/processing-results/") for link in collection["links"])
    kept = s3.keys("eoepca", f"processing-results/{job}-")
    assert {key.rpartition("/")[2] for key in kept} == {"catalog.json", "collection.json", "scene-1.json", "red.tif"}
    assert left_with(live.home, OWNER[1]) == []
