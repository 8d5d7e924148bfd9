"""A real HTCondor pool of one machine, with Toil's WES server on it, in a Debian 13 of its own (12 has no HTCondor).

On demand only: OAPIP_HTCONDOR names a folder, in which that Debian is made at the first use (some minutes) and kept.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import requests

from .program import CannotStart, Program, free_port
from .toil import OPTIONS, ROOT

_UID = 4242
_PACKAGES = "minicondor,python3-venv,procps,nodejs,ca-certificates"
_POOL = """\
CONDOR_HOST = 127.0.0.1
NETWORK_INTERFACE = 127.0.0.1
BIND_ALL_INTERFACES = False
ENABLE_IPV6 = False
SHARED_PORT_PORT = {port}
COLLECTOR_HOST = 127.0.0.1:{port}
UID_DOMAIN = localhost
FILESYSTEM_DOMAIN = localhost
NEGOTIATOR_INTERVAL = 5
POLLING_INTERVAL = 2
NUM_CPUS = 2
BASE_CGROUP =
SEC_DEFAULT_AUTHENTICATION_METHODS = FS
USE_PROCD = False
MOUNT_UNDER_SCRATCH =
"""
_ENTER = """\
set -e
for name in sys dev; do mount --rbind /$name "$1/$name"; done
mount -t proc proc "$1/proc"
mkdir -p "$1$2"; mount --bind "$2" "$1$2"
root=$1; user=$3; shift 3
exec chroot --userspec="$user" "$root" "$@"
"""


class HTCondor:
    """The pool and the server on it. The interface is that of `ToilServer`, as far as tests need it.

    Args:
        cache: folder of the Debian.
        folder: for runs; the pool sees it under the same name.

    Raises:
        CannotStart: with what its programs said.
    """

    def __init__(self, cache: Path, folder: Path) -> None:
        self._root = cache / "root"
        self.folder = folder
        self.work = folder / "work"
        self.port = free_port()
        _provide(cache, self._root)
        self._configure()
        options = [f"--opt={option}" for option in OPTIONS]
        self._pool = self._program("condor", "0:0", ["condor_master", "-f"])
        self._server = self._program(
            "toil",
            f"{_UID}:{_UID}",
            ["/opt/toil/bin/toil", "server", "--bypass_celery", "--host", "127.0.0.1", "--port", str(self.port)]
            + ["--workers", "1", "--work_dir", str(self.work), *options],
        )
        try:
            self._pool.start(lambda: "slot" in self.call("condor_status", "-autoformat", "Name"))
            self._server.start(self._healthy)
        except BaseException:
            self.remove()
            raise

    @property
    def url(self) -> str:
        """The base of the API."""
        return f"http://127.0.0.1:{self.port}/ga4gh/wes/v1"

    def call(self, *command: str) -> str:
        """What a command of HTCondor prints; "" where it fails."""
        entered = ["unshare", "--mount", "sh", "-c", _ENTER, "sh", str(self._root), str(self.folder), f"{_UID}:{_UID}"]
        return subprocess.run([*entered, *command], capture_output=True, text=True, check=False).stdout

    def queue(self) -> Sequence[str]:
        """The commands of the jobs in the queue."""
        return self.call("condor_q", "-allusers", "-autoformat", "Cmd", "Args").splitlines()

    def words(self) -> str:
        """The ends of the logs."""
        return f"{self._server.words(40)}\n{self._pool.words(10)}"

    def remove(self) -> None:
        """Stop it; the Debian stays."""
        for program in (self._server, self._pool):
            if program.running():
                # the first process of a namespace: all others in it end with it
                for child in Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split():
                    os.kill(int(child), signal.SIGKILL)
            program.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _program(self, name: str, user: str, command: Sequence[str]) -> Program:
        environment = {
            "PATH": "/opt/toil/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.work),
            "TMPDIR": str(self.work),
            "TOIL_HISTORY": "False",
        }
        entered = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _ENTER, "sh", str(self._root)]
        return Program(name, [*entered, str(self.folder), user, *command], self.folder, environment)

    def _healthy(self) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/engine/v1/status", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def _configure(self) -> None:
        self.work.mkdir()
        os.chown(self.work, _UID, _UID)
        for path in (self.folder, *self.folder.parents):
            if path != Path("/tmp") and path.owner() == "root" and str(path).startswith("/tmp/"):
                path.chmod(0o755)
        (self._root / "etc" / "condor" / "config.d" / "99-oapip").write_text(_POOL.format(port=free_port()))
        (self._root / "etc" / "hosts").write_text(f"127.0.0.1 localhost {socket.gethostname()}\n")


def _provide(cache: Path, root: Path) -> None:
    if (root / "opt" / "toil" / "bin" / "toil").exists():
        return
    if shutil.which("mmdebstrap") is None or os.geteuid() != 0:
        raise CannotStart("needs mmdebstrap, and root")
    cache.mkdir(parents=True, exist_ok=True)
    _run("mmdebstrap", "--skip=check/empty", "--variant=minbase", f"--include={_PACKAGES}", "trixie", str(root))
    with (root / "etc" / "passwd").open("a") as accounts:
        accounts.write(f"wes:x:{_UID}:{_UID}:wes:/tmp:/bin/sh\n")
    for name in ("resolv.conf", "pip.conf", "ssl/certs/ca-certificates.crt"):
        if Path("/etc", name).is_file():
            shutil.copy(Path("/etc", name), root / "etc" / name)
    # the same pins as .venv-toil
    versions = sorted((root / "usr" / "lib").glob("python3.*"))
    version = versions[-1].name.removeprefix("python")
    pins = ROOT / ".ci" / "constraints" / f"toil-py{version}.txt"
    _run("chroot", str(root), "python3", "-m", "venv", "/opt/toil")
    shutil.copy(pins, root / "tmp" / "pins.txt")
    _run("chroot", str(root), "/opt/toil/bin/pip", "install", "-q", "--no-deps", "-r", "/tmp/pins.txt")
    _run("chroot", str(root), "/opt/toil/bin/pip", "install", "-q", "htcondor<24")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotStart(f"{command[0]}: {done.stderr.strip()[-500:]}")
