"""STAC and archives as inputs of a job on Toil: this server reads them, the engine gets folders."""

from __future__ import annotations

from pathlib import Path

from tests.integration.staging.packages import LISTING
from tests.integration.staging.references import all_alike, offer
from tests.unit.staging.site import Site

from .engine_bench import PATIENCE, wes_settings
from .serving import server
from .toil import ToilServer


def test_stac_and_archives_become_folders_on_toil(toil: ToilServer, tmp_path: Path) -> None:
    with Site() as site:
        staging = {"allow_internal": True}
        with server(tmp_path, wes_settings(toil, reads=["http", "https"]), staging=staging) as live:
            live.deploy(LISTING)
            all_alike(live, offer(site), PATIENCE)
