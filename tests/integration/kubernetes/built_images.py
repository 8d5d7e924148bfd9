"""Images that docker/build makes, brought to the test cluster."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .cluster import TestCluster

ROOT = Path(__file__).resolve().parents[3]
_OWN = Path(__file__).parent / "dockerfiles"
SERVER, RUNNER = str(ROOT / "docker" / "server"), str(ROOT / "docker" / "runner")
"""The images of this project."""
POSTGRES, CONVERT = str(_OWN / "postgres"), str(_OWN / "convert")
"""Images that stand for public ones, which cannot be had here."""
_LIMIT = 1500.0


def build(cluster: TestCluster, folder: str, name: str = "") -> str:
    """Build the image of a folder and bring it to the cluster, unless it is there; gives its name.

    Args:
        cluster: where it is wanted.
        folder: with a Dockerfile.
        name: with a tag; else one that says what it was built from.
    """
    name = name or f"localhost/{Path(folder).name}:{_digest(Path(folder))}"
    if name not in cluster.images():
        with tempfile.TemporaryDirectory(dir=cluster.folder) as work:
            archive = Path(work) / "image.tar"
            _built(cluster, folder, name, archive)
            cluster.bring_image(archive)
    return name


def _built(cluster: TestCluster, folder: str, name: str, archive: Path) -> None:
    environment = {**os.environ, "OAPIP_IMAGES": str(cluster.folder / "images"), "BUILDER": "buildah"}
    command = [str(ROOT / "docker" / "build"), folder, name, str(archive)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_LIMIT, check=False)
    assert done.returncode == 0, f"docker/build {Path(folder).name}: {done.stderr[-3000:]}"


def _digest(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(_sources(folder)):
        found.update(str(path).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:12]


def _sources(folder: Path) -> Iterator[Path]:
    yield from (path for path in folder.iterdir() if path.is_file())
    if folder == Path(SERVER):
        yield from (path for path in (ROOT / "pygeoapi_oapip").rglob("*") if path.is_file() and path.suffix != ".pyc")
    if folder.parent == ROOT / "docker":
        yield from (ROOT / ".ci" / "constraints").iterdir()
