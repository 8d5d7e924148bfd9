"""Which process of a server is what."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pygeoapi_oapip.engines.local.processes import lives
from pygeoapi_oapip.engines.local.record import JobFolder
from pygeoapi_oapip.testing.live_server import LiveServer

KINDS = ("supervisor", "web arbiter", "web worker", "worker", "fork server", "job child")


def victims(server: LiveServer) -> Mapping[str, list[int]]:
    """The processes of each kind that live now."""
    found: dict[str, list[int]] = {kind: [] for kind in KINDS}
    commands = server.processes()
    parents = {pid: parent_of(pid) for pid in commands}
    engine = {pid for pid, command in commands.items() if "engines.local" in command}
    forking = {parents[pid] for pid in engine} & engine
    for pid, command in commands.items():
        if pid in engine:
            found["fork server" if pid in forking else "job child"].append(pid)
        elif "cli.web" in command:
            found["web worker" if "cli.web" in commands.get(parents[pid], "") else "web arbiter"].append(pid)
        elif " worker " in command:
            found["worker"].append(pid)
        elif pid == server.pid:
            found["supervisor"].append(pid)
    # a spare runner has no job yet: the runners of jobs lead a session
    found["job child"] = [pid for pid in found["job child"] if leads_session(pid)]
    return found


def parent_of(pid: int) -> int:
    """The parent's process id; 0 where the process is gone."""
    fields = stat_of(pid)
    return int(fields[1]) if fields else 0


def leads_session(pid: int) -> bool:
    """True of the first process of a session."""
    fields = stat_of(pid)
    return bool(fields) and int(fields[3]) == pid


def stat_of(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name (proc_pid_stat(5)), beginning with the state."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def really_runs(server: LiveServer, job: str) -> bool:
    """Whether the process of a job lives and has not reported its end."""
    folder = JobFolder(server.home / "jobs" / job)
    started = folder.read("started")
    return folder.read("exit") is None and started is not None and "pid" in started and lives(started)
