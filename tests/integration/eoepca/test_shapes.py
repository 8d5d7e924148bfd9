"""Packages inside stage-in and stage-out tools, on a real server with cwltool: the shapes that packages have."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer
from pygeoapi_oapip.testing.traces import left_with

from .shapes import SHAPES, app, arg, at, expect, package, run, stored
from .stage_tools import write_tools

SECRET = "kept-from-all-9d1f"


@pytest.fixture(scope="module")
def wrapping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    home = tmp_path_factory.mktemp("wrapping")
    manager = {
        "staging": {"wrap": write_tools(home / "tools", SECRET)},
        "limits": {"check_references": False},
    }
    with LiveServer(home / "server", manager, workers=1) as live:
        yield live


@pytest.mark.slow
@pytest.mark.parametrize("name", SHAPES)
def test_shape(wrapping: LiveServer, name: str) -> None:
    _, results = run(wrapping, package(name), SHAPES[name].given)
    expect(name, results)


@pytest.mark.slow
def test_description_stays_that_of_the_application(wrapping: LiveServer) -> None:
    wrapping.post("/processes", data=package("both"), headers={"Content-Type": "application/cwl"})
    found = wrapping.get("/processes/both").json()
    assert set(found["inputs"]) == {"a", "b"} and set(found["outputs"]) == {"x", "y"}
    assert found["inputs"]["a"]["schema"]["format"] == "uri"
    kept = wrapping.get("/processes/both/package", headers={"Accept": "application/cwl"}).text
    assert "STAGEOUT" not in kept and "fetch" not in kept


@pytest.mark.slow
def test_content_is_not_fetched(wrapping: LiveServer) -> None:
    made = app("content", 'mkdir out; cat "$1" > out/t', {"a": arg("File")}, {"out": "Directory"})
    _, results = run(wrapping, made, {"a": {"value": "by value", "mediaType": "text/plain"}})
    assert stored(results["out"]) == "by value"


@pytest.mark.slow
def test_secret_is_nowhere(wrapping: LiveServer) -> None:
    seen: list[str] = []
    over = threading.Event()
    watch = threading.Thread(target=_command_lines, args=(seen, over))
    watch.start()
    try:
        made = app("secrets", "mkdir out; sleep 1; env > out/t", {"a": arg("Directory")}, {"out": "Directory"})
        job, results = run(wrapping, made, {"a": at("1")})
    finally:
        over.set()
        watch.join()
    assert seen and not any(SECRET in line for line in seen)
    assert SECRET not in stored(results["out"])
    assert left_with(wrapping.home, SECRET) == []
    assert (wrapping.home / "jobs" / job / "wrapped.json").exists()
    assert "(secret-" in (wrapping.home / "jobs" / job / "job-order.json").read_text()
    assert SECRET not in wrapping.output()


def _command_lines(seen: list[str], over: threading.Event) -> None:
    while not over.wait(0.01):
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                try:
                    seen.append(Path(entry.path, "cmdline").read_bytes().decode(errors="replace"))
                except OSError:
                    continue
