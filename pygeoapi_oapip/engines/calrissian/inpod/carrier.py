"""The first process in the pod of a job that shares no volume with the server: all files go through an S3 bucket.

carrier.py EXCHANGE     EXCHANGE is the JSON file from the job's Secret (`Exchange.secret` of the server)

Brings plan, package and inputs in, starts runner.py, shows the server the events and logs meanwhile, and takes the
outputs and the report out, the report last.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from typing import Any

import runner  # type: ignore[import-not-found,unused-ignore]  # beside this file in the pod
from objects import Bucket, StorageFault, below  # type: ignore[import-not-found,unused-ignore]

PATIENCE = 600.0
"""Seconds for which the bucket may be away."""
PAUSE = 1.0
_LOG_PAUSE, _LOG_SHARE = 2.0, 20.0
"""A log that grows is sent again after this time, or after so many times the time that it takes."""


class Carrier:
    """The files of one job, here and in the bucket.

    Args:
        bucket: where they are.
        prefix: of all objects of the job; ends with `/`.
        state: key of the object that tells how it goes.
        root: folder of this pod with `run`, `inputs`, `outputs` and `logs`.
    """

    def __init__(self, bucket: Any, prefix: str, state: str, root: str) -> None:
        self.bucket, self.prefix, self.state, self.root = bucket, prefix, state, root
        self.told = b""
        self.sent: dict[str, tuple[int, float, float]] = {}
        self.stop = threading.Event()
        self.run: Any = None

    def bring_in(self) -> None:
        """Write what the server has sent below the root. Raises StorageFault, OSError."""
        start = self.prefix + "in/"
        os.umask(0)
        for row in self.bucket.list(start):
            path = os.path.join(self.root, *row.key[len(start) :].split("/"))
            if row.key.endswith("/"):
                os.makedirs(path, exist_ok=True)
            else:
                self.bucket.fetch(row.key, path)

    def show(self) -> None:
        """Tell of events and logs until `stop`, or until the run is dismissed: nobody removes what comes later."""
        while not self.stop.wait(PAUSE) and not (self.run is not None and self.run.stopping):
            try:
                self.tell(None)
                self.send_logs(False)
            except (StorageFault, OSError) as fault:
                print(f"the server is told later: {fault}", file=sys.stderr)

    def take_out(self) -> None:
        """Send outputs, logs and, last, the report. Raises StorageFault, OSError."""
        report = runner.read(self._run("exit.json"))
        if report is None:
            return
        if report["exit_code"] == 0:
            try:
                self._send_outputs()
            except StorageFault as fault:
                if fault.temporary:
                    raise
                report = {**report, "exit_code": 1, "outputs": None, "message": f"The results are lost: {fault}."}
        self.send_logs(True)
        self.tell(report)

    def tell(self, report: Any) -> None:
        """Make the object of the state anew, if it has changed."""
        try:
            with open(self._run("events.jsonl"), encoding="utf-8", errors="replace") as file:
                events = file.read()
        except OSError:
            events = ""
        content = json.dumps({"events": events, "usage": runner.read(self._run("usage.json")), "exit": report})
        if content.encode() != self.told:
            self.bucket.put(self.state, content.encode())
            self.told = content.encode()

    def send_logs(self, all_of_them: bool) -> None:
        """Send the logs that have grown."""
        logs = below(os.path.join(self.root, "logs"))
        for path in [path for path in logs if not os.path.isdir(path)]:  # an empty folder is told, too
            size, at, pause = self.sent.get(path, (-1, 0.0, 0.0))
            now = time.monotonic()
            if os.stat(path).st_size == size or (now - at < pause and not all_of_them):
                continue
            size = os.stat(path).st_size
            self.bucket.send(self.prefix + os.path.relpath(path, self.root), path)
            took = time.monotonic() - now
            self.sent[path] = (size, time.monotonic(), max(_LOG_PAUSE, _LOG_SHARE * took))

    def _send_outputs(self) -> None:
        for path in below(os.path.join(self.root, "outputs")):
            self.bucket.send_any(self.prefix + os.path.relpath(path, self.root), path)

    def _run(self, name: str) -> str:
        return os.path.join(self.root, "run", name)


def carried(carrier: Carrier) -> int:
    """Do everything; gives the exit code of the pod. Raises StorageFault, OSError."""
    if runner.read(os.path.join(carrier.root, "run", "exit.json")) is None:
        carrier.bring_in()
    plan_file = os.path.join(carrier.root, "run", "plan.json")
    plan = runner.read(plan_file)
    if plan is None:
        raise StorageFault("the plan is not in the bucket", False)
    carrier.run = runner.Runner(plan, plan_file)
    shown = threading.Thread(target=carrier.show, daemon=True)
    shown.start()
    try:
        code = int(carrier.run.run())
    finally:
        carrier.stop.set()
        signal.signal(signal.SIGTERM, _end)
    if code != runner.STOPPED:
        shown.join(PATIENCE)
        carrier.take_out()
    return code


def _end(signum: int, frame: Any) -> None:
    os._exit(runner.STOPPED)


def main() -> int:
    """Carry the files of the job that the first argument describes."""
    signal.signal(signal.SIGTERM, _end)
    with open(sys.argv[1], encoding="utf-8") as file:
        given = json.load(file)
    carrier = Carrier(Bucket(given["access"], PATIENCE), given["prefix"], given["state"], given["root"])
    try:
        return carried(carrier)
    except (StorageFault, OSError) as fault:
        cause = fault.strerror if isinstance(fault, OSError) else str(fault)
        runner.last_words(f"the files of the job cannot be exchanged: {cause or type(fault).__name__}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
