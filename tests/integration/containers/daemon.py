"""A real docker daemon for tests: own folder, own socket, one image made of busybox, no network and no registry."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tests.integration.required import required

IMAGE = "alpine:3"
_FLAGS = (
    "--iptables=false",
    "--ip6tables=false",
    "--bridge=none",
    "--exec-opt=native.cgroupdriver=cgroupfs",
    "--oom-score-adjust=0",
    "--default-ulimit=nofile=1024:1024",
)
"""What a daemon needs that may not change the network of the machine, or its own limits."""
_START = 120.0
_STOP = 20.0


class CannotStart(Exception):
    """No daemon can run here; says why."""


def provide() -> None:
    """Install what is missing, where the environment says that it must be there.

    Raises:
        CannotStart: something is missing.
    """
    if os.geteuid() != 0:
        raise CannotStart("a docker daemon of its own needs root")
    missing = [package for program, package in _programs() if shutil.which(program) is None]
    if missing and required("docker") and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], check=False)
    missing = [program for program, _ in _programs() if shutil.which(program) is None]
    if missing:
        raise CannotStart(f"not installed: {', '.join(missing)}")


def _programs() -> tuple[tuple[str, str], ...]:
    return (("dockerd", "docker.io"), ("docker", "docker.io"), ("busybox", "busybox-static"))


class Daemon:
    """A running daemon.

    Raises:
        CannotStart: with the daemon's last words.
    """

    def __init__(self) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="oapip-dockerd-"))
        self.host = f"unix://{self._root}/docker.sock"
        with (self._root / "log").open("wb") as log:
            folders = [f"--{name}={self._root / name}" for name in ("data-root", "exec-root", "pidfile")]
            self._process = subprocess.Popen(
                ["dockerd", "-H", self.host, *folders, *_FLAGS],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._await()
            self._make_image()
        except BaseException:
            self.remove()
            raise

    def docker(self, *arguments: str) -> str:
        """What `docker ARGUMENTS` prints."""
        command = ["docker", "-H", self.host, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def containers(self) -> list[str]:
        """The ids of all containers, also of those that have ended."""
        return self.docker("ps", "--all", "--quiet").split()

    def remove(self) -> None:
        """Stop and delete everything."""
        self._process.terminate()
        try:
            self._process.wait(_STOP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for mount in sorted(self._mounts(), reverse=True):
            subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
        shutil.rmtree(self._root, ignore_errors=True)

    def _mounts(self) -> list[str]:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
        return [line.split()[1] for line in lines if line.split()[1].startswith(f"{self._root}/")]

    def _await(self) -> None:
        deadline = time.monotonic() + _START
        command = ["docker", "-H", self.host, "version"]
        while subprocess.run(command, check=False, capture_output=True).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                words = (self._root / "log").read_text(encoding="utf-8", errors="replace").splitlines()[-1:]
                raise CannotStart(f"dockerd does not start: {''.join(words)}")
            time.sleep(0.1)

    def _make_image(self) -> None:
        """The image IMAGE: busybox and its names, /etc/passwd, /tmp."""
        busybox = shutil.which("busybox")
        assert busybox is not None
        tree = self._root / "image"
        for name in ("bin", "etc", "tmp"):
            (tree / name).mkdir(parents=True)
        tree.chmod(0o755)
        (tree / "tmp").chmod(0o1777)
        shutil.copy(busybox, tree / "bin" / "busybox")
        names = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split()
        for name in names:
            if name != "busybox":
                (tree / "bin" / name).symlink_to("busybox")
        (tree / "etc" / "passwd").write_text("root:x:0:0:root:/:/bin/sh\n", encoding="ascii")
        (tree / "etc" / "made-of-busybox").write_text("in the container\n", encoding="ascii")
        archive = self._root / "image.tar"
        subprocess.run(["tar", "-C", str(tree), "-cf", str(archive), "."], check=True)
        try:
            self.docker("import", str(archive), IMAGE)
            self.docker("run", "--rm", "--net=none", IMAGE, "true")
        except subprocess.CalledProcessError as error:
            raise CannotStart(f"the daemon runs no container: {error.stderr.strip()}") from error
