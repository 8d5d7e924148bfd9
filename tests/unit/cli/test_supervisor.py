from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pygeoapi_oapip.cli import supervisor
from pygeoapi_oapip.cli.supervisor import Child, Supervisor

SLEEPER = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open(sys.argv[1], 'w').close(); "
    "time.sleep(600)"
)
ORPHAN = (
    "import sys, time; sys.path[:0] = {path!r}; from pygeoapi_oapip.cli.lifetime import end_with_parent; "
    "end_with_parent(); open(sys.argv[1], 'w').write('ready'); time.sleep(600)"
)


def child(code: str, *arguments: str, grace: float = 120.0) -> Child:
    return Child("test", ["-c", code, *arguments], os.environ, grace)


def nothing() -> None:
    return


def when(condition: Callable[[], bool], action: Callable[[], None]) -> Callable[[], None]:
    """A function that starts a thread which waits for the condition and acts."""

    def wait() -> None:
        until = time.monotonic() + 240
        while not condition() and time.monotonic() < until:
            time.sleep(0.01)
        action()

    return threading.Thread(target=wait).start


@pytest.fixture(autouse=True)
def keep_signals(monkeypatch: pytest.MonkeyPatch) -> object:
    # no child of these tests has proved itself, however long a busy machine needs to start it
    monkeypatch.setattr(supervisor, "STEADY", 3600.0)
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def terminate_myself() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_a_signal_stops_all_children() -> None:
    children = [child(SLEEPER), child(SLEEPER)]
    started = when(lambda: all(c.process for c in children), terminate_myself)
    assert Supervisor(children, lambda _: None).run(started, nothing)
    assert [c.ended() for c in children] == [-signal.SIGTERM] * 2


def test_a_child_that_dies_is_started_again() -> None:
    reports: list[str] = []
    one = child(SLEEPER)
    boss = Supervisor([one], reports.append)
    boss.ready = True
    pids: list[int] = []

    def kill() -> None:
        assert one.process is not None
        pids.append(one.process.pid)
        one.process.kill()
        when(lambda: one.process is not None and one.process.pid != pids[0], terminate_myself)()

    assert boss.run(kill, nothing)
    assert reports == ["the test process was ended by signal 9; starting it again"]


def test_a_failed_start_ends_everything() -> None:
    reports: list[str] = []
    other = child(SLEEPER)
    assert not Supervisor([other, child("raise SystemExit(3)")], reports.append).run(nothing, nothing)
    assert reports == ["the test process ended with exit code 3; giving up"]
    assert other.ended() is not None


def test_a_child_that_cannot_stay_alive_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "TICK", 0.01)
    monkeypatch.setattr(supervisor, "PATIENCE", 2)
    reports: list[str] = []
    boss = Supervisor([child("raise SystemExit(1)")], reports.append)
    boss.ready = True
    assert not boss.run(nothing, nothing)
    assert [line.rpartition("; ")[2] for line in reports] == ["starting it again"] * 2 + ["giving up"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_that_is_killed_again_and_again_is_always_started_again(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "TICK", 0.01)
    monkeypatch.setattr(supervisor, "PATIENCE", 2)
    reports: list[str] = []
    boss = Supervisor([child(f"import os; os.kill(os.getpid(), {number:d})")], reports.append)
    assert boss.run(when(lambda: len(reports) > 4, terminate_myself), nothing)
    assert {line.rpartition("; ")[2] for line in reports} == {"starting it again"}


def test_a_child_that_waits_for_the_database_is_never_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "TICK", 0.01)
    monkeypatch.setattr(supervisor, "PATIENCE", 2)
    reports: list[str] = []
    boss = Supervisor([child("raise SystemExit(3)")], reports.append)
    boss.ready = True
    assert boss.run(when(lambda: len(reports) > 4, terminate_myself), nothing)
    assert {line.rpartition("; ")[2] for line in reports} == {"starting it again"}


def test_a_child_that_crashes_by_itself_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "TICK", 0.01)
    reports: list[str] = []
    boss = Supervisor([child("import os; os.abort()")], reports.append)
    assert not boss.run(nothing, nothing)
    assert reports == ["the test process was ended by signal 6; giving up"]


def test_a_child_that_ignores_the_signal_is_killed_when_its_time_is_up(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    stubborn = child(STUBBORN, str(ready), grace=0.2)
    started = when(ready.exists, terminate_myself)
    assert Supervisor([stubborn], lambda _: None).run(started, nothing)
    assert stubborn.ended() == -signal.SIGKILL


def test_the_listener_is_closed_before_the_children_are_stopped() -> None:
    one = child(SLEEPER)
    seen: list[int | None] = []
    started = when(lambda: one.process is not None, terminate_myself)
    Supervisor([one], lambda _: None).run(started, lambda: seen.append(one.ended()))
    assert seen == [None]


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is a call of Linux")
def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    code = ORPHAN.format(path=[str(Path(__file__).parents[3])])
    boss = os.fork()
    if boss == 0:
        child(code, str(ready)).start()
        signal.pause()
    until = time.monotonic() + 240
    while not ready.exists() and time.monotonic() < until:
        time.sleep(0.02)
    orphans = [pid for pid in _pids() if str(ready) in _command(pid)]
    os.kill(boss, signal.SIGKILL)
    os.waitpid(boss, 0)
    assert orphans
    while any(str(ready) in _command(pid) for pid in orphans):
        assert time.monotonic() < until, "it outlived its parent"
        time.sleep(0.02)


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""
