"""Whoever follows docs/engines/toil-wes.md gets what it says."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import started
from .documented import Block, Machine, blocks
from .program import CannotStart
from .slurm import Slurm
from .toil import provide

SHOWS = {
    "sinfo  ": "idle",
    "--fail --silent http://127.0.0.1:8080/ga4gh/wes/v1/service-info": "9.3.0",
    "--write-out": "401",
    "nginx -t": "successful",
    "oapip engines": "works",
    "oapip status --watch": "successful",
    "llen celery": "empty",
    "--list-reasons": "maintenance",
}
"""Part of a block -> what its commands print."""


@pytest.fixture
def machine(tmp_path: Path, slurm: Slurm) -> Iterator[Machine]:
    def start() -> Machine:
        provide()
        if not shutil.which("nginx", path="/usr/sbin:/usr/bin"):
            raise CannotStart("not installed: nginx")
        return Machine(tmp_path, slurm)

    machine = started("wes", start)
    yield machine
    machine.remove()


def test_what_is_not_run_says_so_to_the_reader() -> None:
    skipped = [block for block in blocks() if block.mark.startswith("not run")]
    assert skipped
    for block in skipped:
        assert len(block.mark) > len("not run: ") and "# * " in block.text, block


def test_each_command_of_the_page_does_what_it_says(machine: Machine) -> None:
    shown = set()
    for block in blocks():
        if block.kind == "yaml":
            machine.configure(block)
        if block.kind != "sh" or block.mark.startswith("not run"):
            continue
        for name in block.mark.removeprefix("start: ").split():
            machine.start(name)
        said = machine.run(block)
        shown |= _shown(block, said)
    assert shown == set(SHOWS)
    assert machine.live is not None
    jobs = machine.live.get("/jobs").json()["jobs"]
    assert [job["status"] for job in jobs] == ["successful"]


def _shown(block: Block, said: str) -> set[str]:
    parts = {part for part in SHOWS if part in block.text}
    for part in parts:
        assert SHOWS[part] in said, f"{block.text}\nprints:\n{said}"
    return parts
