"""STAC and archives as inputs of a job on Kubernetes: this server reads them into the volume of the jobs."""

from __future__ import annotations

from pathlib import Path

from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.staging.packages import LISTING
from tests.integration.staging.references import all_alike, offer
from tests.unit.staging.site import Site

from .namespace import Namespace


def test_stac_and_archives_become_folders_on_kubernetes(namespace: Namespace, tmp_path: Path) -> None:
    block = namespace.settings(volumes={"claim": "jobs"}).model_dump(mode="json")
    manager = {
        "output_dir": str(namespace.volume("jobs")),
        "engines": {"cluster": block},
        "default_engine": "cluster",
        "staging": {"allow_internal": True},
    }
    with Site() as site, LiveServer(tmp_path, manager, workers=1) as live:
        live.deploy(LISTING)
        all_alike(live, offer(site), 900)
