"""Inputs reach the jobs and results leave them, in each way of storage; nothing is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .bench import CLASS, Bench, provisioner
from .files_in_and_out import files_go_in_and_out
from .namespace import Namespace


def folders(namespace: Namespace) -> dict[str, Path]:
    return {name: namespace.volume(name) for name in ("jobs", "input-data", "output-data", "tmpout")}


@pytest.fixture(scope="module")
def claims(namespace: Namespace) -> dict[str, Path]:
    return folders(namespace)


@pytest.fixture(scope="module")
def classes(namespace: Namespace) -> Iterator[Path]:
    with provisioner(namespace) as folder:
        yield folder


@pytest.fixture(params=["shared", "shared with tmp", "three claims", "volume per job", "RWO volume per job"])
def bench(
    request: pytest.FixtureRequest, namespace: Namespace, claims: dict[str, Path], classes: Path, tmp_path: Path
) -> Bench:
    three = {
        "input_claim": "input-data",
        "input_folder": claims["input-data"],
        "output_claim": "output-data",
        "output_folder": claims["output-data"],
        "tmp_claim": "tmpout",
    }
    own = {"claim": "jobs", "storage_class": CLASS, "size": "64MiB"}
    volumes: dict[str, dict[str, Any]] = {
        "shared": {"claim": "jobs"},
        "shared with tmp": {"claim": "jobs", "tmp_claim": "tmpout"},
        "three claims": three,
        "volume per job": own,
        "RWO volume per job": {**own, "access_mode": "ReadWriteOnce"},
    }
    jobs = tmp_path / "jobs" if request.param == "three claims" else claims["jobs"]
    return Bench(namespace.settings(volumes=volumes[request.param]), jobs)


def test_files_go_in_and_out(bench: Bench, namespace: Namespace, claims: dict[str, Path], tmp_path: Path) -> None:
    before = namespace.objects()
    files_go_in_and_out(bench, tmp_path)
    left = [path for claim, folder in claims.items() if claim != "jobs" for path in folder.iterdir()]
    assert left == []
    bench.until_gone(namespace, before)
