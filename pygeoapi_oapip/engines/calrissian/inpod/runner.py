"""The first process in the pod of a job: brings files in, runs Calrissian, takes files out, writes a report.

runner.py PLAN     PLAN is the JSON file that the server wrote (`_plan` in `launch.py`)

Python 3.8 or newer, standard library only. Everything that the server has to know is a file below `out`:
run/events.jsonl    what happened to which step (written by steps.py)
run/outputs.json    what Calrissian printed
run/usage.json      Calrissian's usage report
run/exit.json       written last, once: how it ended
logs/leader.log     what Calrissian said; logs/steps/NAME.log what each step said
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone
from typing import Any

STOPPED = 143
"""Exit code after SIGTERM: whoever sent it knows the reason, so there is no report."""
KILLED = 137
RESERVE = 65536
"""Bytes kept on the volume, so that there is room for the report when it is full."""
TERMINATION = "/dev/termination-log"
"""The server reads this where it may list pods."""


def last_words(message: str) -> None:
    """Tell the cluster why this pod ends, where the server cannot be told in the volume."""
    print(message, file=sys.stderr)
    try:
        with open(TERMINATION, "w", encoding="utf-8") as file:
            file.write(message)
    except OSError as error:
        print(f"nobody is told: {error.strerror}", file=sys.stderr)


def now() -> str:
    """The time as ISO 8601 in UTC."""
    return datetime.now(timezone.utc).isoformat()  # noqa: UP017  (older Pythons than the server's)


def write(path: str, document: Any) -> None:
    """Write JSON, whole or not at all."""
    partial = path + ".part"
    with open(partial, "w", encoding="utf-8") as file:
        json.dump(document, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def read(path: str) -> Any:
    """Read JSON; None where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


class Runner:
    """One run.

    Args:
        plan: what the server wrote.
        plan_file: where it is.
    """

    def __init__(self, plan: dict[str, Any], plan_file: str) -> None:
        self.plan = plan
        self.plan_file = plan_file
        self.out = plan["out"]
        self.started = now()
        self.child: subprocess.Popen[bytes] | None = None
        self.stopping = False
        self.deaf = False

    def run(self) -> int:
        """Do everything; gives the exit code of the pod."""
        signal.signal(signal.SIGTERM, self._stop)
        before = read(os.path.join(self.out, "run", "exit.json"))
        if before is not None:
            return int(before["exit_code"])
        os.umask(0)
        code = 1
        try:
            if self._too_often():
                self._failed("Calrissian's pod was ended from outside, and a job is not run again here.")
                return 1
            self._prepare()
            self._bring_in()
            code = self._calrissian()
            if not self.stopping:
                self._report(code)
        except OSError as error:
            self._failed(f"The job's volume cannot be used: {error.strerror or type(error).__name__}")
        finally:
            shutil.rmtree(self.plan["tmp"], ignore_errors=True)
        return STOPPED if self.stopping else code

    def _prepare(self) -> None:
        for name in ("run", "logs/steps"):
            os.makedirs(os.path.join(self.out, name), exist_ok=True)
        for folder in (self.plan["tmp"], self.plan["outdir"]):
            os.makedirs(folder, exist_ok=True)
        with open(self._reserve(), "wb") as file:
            file.write(b"\0" * RESERVE)

    def _reserve(self) -> str:
        return os.path.join(self.out, "run", "reserve")

    def _too_often(self) -> bool:
        """True for one try too many: the cluster replaces a pod that was removed, whatever the Job says."""
        path = os.path.join(self.out, "run", "tries.json")
        tries = 1 + (read(path) or {"tries": 0})["tries"]
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write(path, {"tries": tries})
        return bool(tries > 1 + self.plan["retries"])

    def _bring_in(self) -> None:
        for source, target in self.plan["bring_in"]:
            shutil.copytree(source, target, dirs_exist_ok=True)

    def _calrissian(self) -> int:
        steps = os.path.join(os.path.dirname(os.path.abspath(__file__)), "steps.py")
        with open(os.path.join(self.out, "run", "outputs.json"), "wb") as stdout:
            self.child = subprocess.Popen(
                [sys.executable, "-u", steps, self.plan_file], stdout=stdout, stderr=subprocess.PIPE
            )
            if self.stopping:
                self.child.terminate()
            said = threading.Thread(target=self._listen)
            said.start()
            code = self.child.wait()
            said.join(10.0)
        return code if code >= 0 else 128 - code

    def _listen(self) -> None:
        assert self.child is not None and self.child.stderr is not None
        with open(os.path.join(self.out, "logs", "leader.log"), "ab", buffering=0) as log:
            for line in self.child.stderr:
                try:
                    log.write(now().encode() + b" " + line)
                except OSError:
                    self.deaf = True  # a full volume; who does not read on stops the child
                sys.stderr.buffer.write(line)
                sys.stderr.buffer.flush()

    def _report(self, code: int) -> None:
        if code == KILLED:
            self._failed("Calrissian was killed: its pod has probably run out of memory (OOMKilled).")
            return
        if code and (self.deaf or self._full()):
            self._failed("The job's volume is full (No space left on device).")
            return
        found = read(os.path.join(self.out, "run", "outputs.json")) if code == 0 else None
        outputs = self._relative(found) if isinstance(found, dict) else None
        if code == 0:
            for source, target in self.plan["take_out"]:
                shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True)
            self._open(os.path.join(self.out, "outputs"))
        report = {"exit_code": code, "started": self.started, "finished": now(), "outputs": outputs}
        self._make_room()
        write(os.path.join(self.out, "run", "exit.json"), report)

    def _full(self) -> bool:
        space = os.statvfs(self.plan["tmp"])
        return space.f_bavail * space.f_frsize < RESERVE

    def _make_room(self) -> None:
        if os.path.exists(self._reserve()):
            os.unlink(self._reserve())

    def _failed(self, message: str) -> None:
        report = {"exit_code": 1, "started": self.started, "finished": now(), "outputs": None, "message": message}
        try:
            self._make_room()
            write(os.path.join(self.out, "run", "exit.json"), report)
        except OSError:
            for folder in (os.path.join(self.out, "outputs"), self.plan["tmp"]):  # makes room on a full volume
                shutil.rmtree(folder, ignore_errors=True)
            try:
                write(os.path.join(self.out, "run", "exit.json"), report)
            except OSError:
                last_words(message)

    def _relative(self, value: Any) -> Any:
        """A copy of an output object whose locations are relative to the folder of outputs."""
        if isinstance(value, list):
            return [self._relative(item) for item in value]
        if not isinstance(value, dict):
            return value
        copy = {key: self._relative(item) for key, item in value.items() if key not in ("path", "dirname")}
        location = copy.get("location")
        start = "file://" + self.plan["outdir"].rstrip("/") + "/"
        if isinstance(location, str) and location.startswith(start):
            from urllib.parse import unquote

            copy["location"] = unquote(location[len(start) :])
        return copy

    def _open(self, folder: str) -> None:
        """Let the server's user read and remove what the steps' user has made."""
        for path, folders, files in os.walk(folder):
            for name in folders + files:
                whole = os.path.join(path, name)
                if not os.path.islink(whole) and os.stat(whole).st_uid == os.getuid():
                    os.chmod(whole, 0o777 if os.path.isdir(whole) else 0o666)

    def _stop(self, signum: int, frame: Any) -> None:
        self.stopping = True
        if self.child is not None:
            self.child.terminate()


def main() -> int:
    """Run the plan that the first argument names, as soon as it is there (volumes may show it late)."""
    plan_file = sys.argv[1]
    deadline = time.monotonic() + 60
    plan = read(plan_file)
    while plan is None and time.monotonic() < deadline:
        time.sleep(0.5)
        plan = read(plan_file)
    if plan is None:
        print(f"there is no plan at {plan_file}", file=sys.stderr)
        return 1
    return Runner(plan, plan_file).run()


if __name__ == "__main__":
    sys.exit(main())
