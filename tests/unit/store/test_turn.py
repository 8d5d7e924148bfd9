"""Threads that write in turn, on slow disks and behind locks."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pygeoapi_oapip.errors import StoreUnavailable
from pygeoapi_oapip.store.turn import Turn


def write(turn: Turn, seconds: float) -> None:
    """What a thread does that can begin at once, on a disk that takes this long."""
    with turn.taken():
        turn.begun()
        time.sleep(seconds)


def faults_of(threads: int, work: Callable[[], None]) -> list[str]:
    """Run it in several threads at once; the texts of what they raised."""
    found: list[str] = []

    def run() -> None:
        try:
            work()
        except StoreUnavailable as error:
            found.append(error.detail)

    started = [threading.Thread(target=run) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    return found


class Clock:
    """The time that a turn sees, which passes when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("pygeoapi_oapip.store.turn.time", clock)
    return clock


def test_a_slow_disk_is_no_lock(clock: Clock) -> None:
    turn = Turn(patience=0.2)

    def write_slowly() -> None:
        with turn.taken():
            turn.begun()
            clock.now += 0.3
            time.sleep(0.3)

    assert faults_of(8, write_slowly) == []


def test_who_waited_behind_writers_may_still_wait_for_the_lock(clock: Clock) -> None:
    turn = Turn(patience=0.5)
    left: list[float] = []

    def second() -> None:
        with turn.taken() as seconds:
            left.append(seconds)

    with turn.taken():
        turn.begun()
        waiting = threading.Thread(target=second)
        waiting.start()
        while not turn._waiting:
            time.sleep(0.01)
        clock.now += 1.0
    waiting.join()
    assert left == [0.5]


def test_who_waits_behind_one_that_cannot_begin_gives_up() -> None:
    turn = Turn(patience=0.4)
    with turn.taken():
        assert faults_of(1, lambda: write(turn, 0.0)) == ["The database is locked by another program; try again."]


def test_the_turn_is_free_again_after_a_fault() -> None:
    turn = Turn(patience=0.4)
    with pytest.raises(RuntimeError), turn.taken():
        raise RuntimeError
    write(turn, 0.0)


GREEDY = """
import sys, time
from pathlib import Path
from pygeoapi_oapip.store.turn import Turn
turn, mark = Turn(10.0, sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
while True:
    with turn.taken():
        mark.touch()
        time.sleep(0.05)
        mark.unlink()
"""


def test_a_process_that_writes_without_a_pause_lets_the_others_in(tmp_path: Path) -> None:
    file, mark = str(tmp_path / "db-turn"), tmp_path / "mark"
    command = [sys.executable, "-c", GREEDY, file, str(mark)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout is not None and other.stdout.readline() == "ready\n"
            turn = Turn(60.0, file)
            for _ in range(10):
                with turn.taken():
                    assert not mark.exists(), "both have the turn"
            turn.close()
        finally:
            other.kill()


def test_a_file_that_cannot_be_made_stops_nobody(tmp_path: Path) -> None:
    write(Turn(1.0, str(tmp_path / "absent" / "db-turn")), 0.0)
