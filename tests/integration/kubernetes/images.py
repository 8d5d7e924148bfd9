"""Makes container image archives without a container engine: one layer, from a folder."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

BUSYBOX = "docker.io/library/alpine:3"
"""The image of steps: busybox and its names."""
HOST = "docker.io/oapip/host:1"
"""The image of Calrissian's pod: empty folders, over which the programs of this machine are mounted."""


def busybox_tree(folder: Path) -> None:
    """Fill a folder with busybox under all its names, /etc/passwd, /tmp."""
    busybox = shutil.which("busybox")
    assert busybox is not None
    for name in ("bin", "etc", "tmp"):
        (folder / name).mkdir(parents=True)
    (folder / "tmp").chmod(0o1777)
    shutil.copy(busybox, folder / "bin" / "busybox")
    for name in subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split():
        if name != "busybox":
            (folder / "bin" / name).symlink_to("busybox")
    (folder / "etc" / "passwd").write_text("root:x:0:0:root:/:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n", encoding="ascii")


def host_tree(folder: Path) -> None:
    """Fill a folder with what is needed so that /usr can be mounted over it."""
    for name in ("etc", "tmp", "usr"):
        (folder / name).mkdir(parents=True)
    (folder / "tmp").chmod(0o1777)
    for name in ("bin", "lib", "lib64", "sbin"):
        (folder / name).symlink_to(f"usr/{name}")
    (folder / "etc" / "passwd").write_text("root:x:0:0:root:/:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n", encoding="ascii")


def write_image(tree: Path, name: str, archive: Path, entry: str = "") -> None:
    """Write a docker-archive of a folder.

    Args:
        tree: the root of the image; owned by root in it.
        name: repository and tag.
        archive: the file.
        entry: its entry point; "" for a shell.
    """
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        tar.add(tree, arcname=".", filter=_of_root)
    digest = hashlib.sha256(layer.getvalue()).hexdigest()
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {
                "Entrypoint" if entry else "Cmd": [entry or "/bin/sh"],
                "Env": ["PATH=/usr/local/bin:/usr/bin:/bin:/sbin"],
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
    ).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    row = {"Config": config_name, "RepoTags": [name], "Layers": [f"{digest}/layer.tar"]}
    with tarfile.open(archive, "w") as tar:
        _add(tar, config_name, config)
        _add(tar, f"{digest}/layer.tar", layer.getvalue())
        _add(tar, "manifest.json", json.dumps([row]).encode())


def _of_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    if entry.isdir() and entry.name == ".":
        entry.mode = 0o755
    return entry


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


if __name__ == "__main__":
    write_image(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4])
