"""A real single-node Kubernetes for tests, started and stopped by the scripts in `node`.

Its programs come from the archive that OAPIP_KUBERNETES names (Debian's source package `kubernetes` 1.20, built: see
docs/engines/calrissian.md). CLUSTER_DIR and OAPIP_KEEP_CLUSTER=1 keep it between two runs.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import requests
import yaml

from .images import BUSYBOX, HOST, busybox_tree, host_tree, write_image

ARCHIVE = "OAPIP_KUBERNETES"
_NODE = Path(__file__).parent / "node"
VENV = "OAPIP_CALRISSIAN_VENV"
"""An environment with calrissian 0.18.1; else `.venv-calrissian`, which `.ci/setup calrissian` makes."""
_NAMES = {"pvc": "persistentvolumeclaims", "pv": "persistentvolumes"}
_PATIENCE = 300.0
_START = 900.0
"""Seconds; the first start installs packages."""


class CannotStart(Exception):
    """No cluster can run here; says why."""


class TestCluster:
    """A running cluster with the images that tests need.

    Raises:
        CannotStart: says why.
    """

    __test__ = False

    def __init__(self) -> None:
        if ARCHIVE not in os.environ:
            raise CannotStart(f"{ARCHIVE} does not name an archive with its programs")
        if os.geteuid() != 0 or shutil.which("busybox") is None:
            raise CannotStart("a cluster of its own needs root and busybox-static")
        self.folder = Path(os.environ.get("CLUSTER_DIR") or tempfile.mkdtemp(prefix="oapip-k8s-", dir="/var/tmp"))
        self._environment = {**os.environ, "CLUSTER_DIR": str(self.folder)}
        self.kubeconfig = self.folder / "admin.kubeconfig"
        try:
            self._run(str(_NODE / "up"), timeout=_START)
            self.venv = self._calrissian()
            for name, fill in ((BUSYBOX, busybox_tree), (HOST, host_tree)):
                self.add_image(name, fill)
        except BaseException:
            self.remove()
            raise

    def kubectl(self, *arguments: str, given: str = "") -> str:
        """What `kubectl ARGUMENTS` prints."""
        command = ["kubectl", f"--kubeconfig={self.kubeconfig}", *arguments]
        path = f"{self.folder}/venv/bin:{os.environ['PATH']}"
        return self._run(*command, given=given, environment={**os.environ, "PATH": path})

    def apply(self, *objects: Mapping[str, Any]) -> None:
        """Make objects, or change them."""
        self.kubectl("apply", "-f", "-", given=yaml.safe_dump_all([dict(row) for row in objects]))

    def items(self, kinds: str, namespace: str) -> list[Any]:
        """All objects of some kinds; of all namespaces where none is given. Asked often, so not by `kubectl`."""
        return [row for kind in kinds.split(",") for row in self._items(_NAMES.get(kind, kind), namespace)]

    def _items(self, kind: str, namespace: str) -> list[Any]:
        within = f"namespaces/{namespace}/" if namespace and kind != "persistentvolumes" else ""
        group = "apis/batch/v1" if kind == "jobs" else "api/v1"
        pki = self.folder / "pki"
        try:
            answer = requests.get(
                f"https://127.0.0.1:16443/{group}/{within}{kind}",
                cert=(str(pki / "admin.crt"), str(pki / "admin.key")),
                verify=str(pki / "ca.crt"),
                timeout=60,
            )
            answer.raise_for_status()
        except requests.RequestException as fault:
            raise CannotStart(f"list of {kind}: {type(fault).__name__}") from fault
        found = answer.json()
        return [{**row, "kind": found["kind"].removesuffix("List")} for row in found["items"]]

    def kill(self, program: str) -> Callable[[], None]:
        """Kill a program of the cluster; gives what starts it again."""
        file = self.folder / "run" / f"{program}.pid"
        pid = int(file.read_text(encoding="ascii"))
        command = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")[:-1]
        os.kill(pid, signal.SIGKILL)

        def again() -> None:
            path = f"{self.folder}/venv/bin:{os.environ['PATH']}"
            start = 'log=$1; shift; setsid nohup "$@" >>"$log" 2>&1 </dev/null & echo $!'
            started = subprocess.run(
                ["sh", "-c", start, "sh", str(self.folder / "log" / f"{program}.log"), *command],
                cwd=self.folder,
                env={**os.environ, "PATH": path},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            file.write_text(started.stdout.strip(), encoding="ascii")
            self.until_ready()

        return again

    def until_ready(self) -> None:
        """Wait until the API server answers."""
        deadline = time.monotonic() + _START
        while True:
            try:
                self.kubectl("get", "--raw", "/readyz")
            except CannotStart:
                assert time.monotonic() < deadline, "the API server does not answer"
                time.sleep(0.5)
            else:
                return

    def remove(self) -> None:
        """Stop it, and delete everything where this made it."""
        keep = "CLUSTER_DIR" in os.environ and os.environ.get("OAPIP_KEEP_CLUSTER")
        if not keep:
            subprocess.run([str(_NODE / "down"), "wipe"], env=self._environment, check=False)

    def _calrissian(self) -> Path:
        named = os.environ.get(VENV)
        if named:
            return Path(named)
        made = Path(__file__).resolve().parents[3] / ".venv-calrissian"
        if not (made / "bin" / "calrissian").exists():
            raise CannotStart("there is no .venv-calrissian (.ci/setup calrissian makes it)")
        return made

    def add_image(self, name: str, fill: Any) -> None:
        """Make an image of a folder that `fill` fills."""
        if name in self.images():
            return
        with tempfile.TemporaryDirectory(dir=self.folder) as work:
            tree, archive = Path(work) / "tree", Path(work) / "image.tar"
            tree.mkdir()
            fill(tree)
            write_image(tree, name, archive)
            self.bring_image(archive)

    def images(self) -> list[str]:
        """Names of the images that the node has."""
        return self._ctr("ls", "-q").split()

    def bring_image(self, archive: Path) -> None:
        """Bring an image from a docker-archive to the node."""
        self._ctr("import", str(archive), timeout=_START)

    def _ctr(self, *arguments: str, timeout: float = _PATIENCE) -> str:
        ctr = ("ctr", "-a", f"{self.folder}/run/containerd.sock", "-n", "k8s.io", "images")
        return self._run(*ctr, *arguments, timeout=timeout)

    def _run(
        self, *command: str, given: str = "", timeout: float = _PATIENCE, environment: Mapping[str, str] | None = None
    ) -> str:
        done = subprocess.run(
            command,
            input=given,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=dict(environment or self._environment),
        )
        if done.returncode:
            raise CannotStart(f"{Path(command[0]).name} {' '.join(command[1:3])}: {done.stderr.strip()[-3000:]}")
        return done.stdout
