"""The same process over OGC API, WPS 1.0.0 and 2.0.0, and the same command in stock PyWPS 4.8.1."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from pygeoapi_oapip.testing.live_server import LiveServer

from .execution import median_seconds
from .figures import Figure, below, milliseconds
from .filling import ECHO, add_processes, open_database
from .load import WARM_UP
from .reading import SETTLE
from .wps_stock import stock_pywps

MORE = 0.020
"""Seconds that a synchronous Execute may take more over WPS than over OGC API (issue 4)."""
CAPABILITIES = 0.100
"""Seconds that GetCapabilities with 1,000 processes may take (issue 4)."""
PROCESSES = 1000
PARALLEL = 20
END = 40.0
"""Seconds after which a job that has not ended counts as jammed."""
SLOW = ECHO.replace(b"id: say", b"id: slow").replace(
    b"baseCommand: echo", b"baseCommand: [sh, -c, 'sleep 0.5; echo $0']"
)
ONE = (
    '<wps:Execute service="WPS" version="1.0.0" xmlns:wps="http://www.opengis.net/wps/1.0.0"'
    ' xmlns:ows="http://www.opengis.net/ows/1.1"><ows:Identifier>{id}</ows:Identifier><wps:DataInputs><wps:Input>'
    "<ows:Identifier>message</ows:Identifier><wps:Data><wps:LiteralData>hello</wps:LiteralData></wps:Data></wps:Input>"
    "</wps:DataInputs><wps:ResponseForm><wps:ResponseDocument{flags}><wps:Output><ows:Identifier>said</ows:Identifier>"
    "</wps:Output></wps:ResponseDocument></wps:ResponseForm></wps:Execute>"
)
TWO = (
    '<wps:Execute service="WPS" version="2.0.0" mode="{mode}" response="document"'
    ' xmlns:wps="http://www.opengis.net/wps/2.0" xmlns:ows="http://www.opengis.net/ows/2.0">'
    '<ows:Identifier>{id}</ows:Identifier><wps:Input id="message"><wps:Data>hello</wps:Data></wps:Input>'
    '<wps:Output id="said" transmission="value"/></wps:Execute>'
)
STORED = ' storeExecuteResponse="true" status="true"'
_ENDED = re.compile(r"<wps:(ProcessSucceeded|ProcessFailed)")


def wps(folder: Path, quick: bool) -> list[Figure]:
    """The rows of WPS."""
    home = folder / "wps"
    database = open_database(home)
    add_processes(database, PROCESSES)
    database.close()
    times = 10 if quick else 40
    figures = []
    with LiveServer(home) as server, stock_pywps(folder / "pywps", PROCESSES) as stock:
        server.deploy(ECHO)
        server.deploy(SLOW)
        time.sleep(SETTLE)
        figures += _sync(server, stock, times)
        figures.append(_capabilities(server, stock, times))
        figures += [_at_once(server, folder, name) for name in ("sync", "async")]
    return figures


def _sync(server: LiveServer, stock: str, times: int) -> list[Figure]:
    session = requests.Session()
    url = f"{server.url}/processes/say/execution"
    wait = {"Prefer": "wait=20"}
    native, first, second, theirs = _in_turn(
        (
            lambda: _seen(session.post(url, json=_INPUTS, headers=wait), "hello"),
            lambda: _post(session, f"{server.url}/wps", ONE.format(id="say", flags="")),
            lambda: _post(session, f"{server.url}/wps", TWO.format(id="say", mode="sync")),
            lambda: _post(session, stock, ONE.format(id="say", flags="")),
        ),
        times,
    )
    figures = []
    for version, ours in (("1.0.0", first), ("2.0.0", second)):
        what = f"sync Execute of an echo tool over WPS {version}, median"
        against = f"OGC API: {milliseconds(native)}"
        held = ours - native <= MORE
        figures.append(Figure(what, milliseconds(ours), against, ours / native, "at most 20 ms more", held))
        figures.append(Figure(what, milliseconds(ours), f"stock PyWPS: {milliseconds(theirs)}", ours / theirs))
    return figures


def _in_turn(actions: Sequence[Callable[[], None]], times: int) -> list[float]:
    """Median duration of each action, one after the other in each round, so that what else runs slows them alike."""
    spans: list[list[float]] = [[] for _ in actions]
    for number in range(WARM_UP + times):
        for place, action in enumerate(actions):
            start = time.perf_counter()
            action()
            if number >= WARM_UP:
                spans[place].append(time.perf_counter() - start)
    return [statistics.median(span) for span in spans]


def _capabilities(server: LiveServer, stock: str, times: int) -> Figure:
    session = requests.Session()
    query = "?service=WPS&version=1.0.0&request=GetCapabilities"

    def get(url: str) -> Callable[[], None]:
        return lambda: _seen(session.get(url + query), "echo-0999")

    ours = median_seconds(get(f"{server.url}/wps"), times)
    theirs = median_seconds(get(stock), max(WARM_UP, times // 4))
    row = below(f"GetCapabilities with {PROCESSES} processes, cached, median", ours, CAPABILITIES)
    return Figure(row.what, row.ours, f"stock PyWPS: {milliseconds(theirs)}", ours / theirs, row.target, row.held)


def _at_once(server: LiveServer, folder: Path, name: str) -> Figure:
    """Against a service of its own each time: what jams in one row must not count in the other."""
    run, flags = (_together, "") if name == "sync" else (_queued, STORED)
    body = ONE.format(id="slow", flags=flags)
    good, seconds = run(f"{server.url}/wps", body)
    with stock_pywps(folder / f"pywps-{name}", 0) as stock:
        other, spent = run(stock, body)
    rest = "" if other == PARALLEL else " (refused)" if name == "sync" else f" (the rest never, in {END:.0f} s)"
    return Figure(
        f"{PARALLEL} {name} Execute requests at once, of half a second each: succeeded",
        f"{good} in {seconds:.1f} s",
        f"stock PyWPS: {other} in {spent:.1f} s{rest}",
        None,
        f"all {PARALLEL}",
        good == PARALLEL,
    )


def _together(url: str, body: str) -> tuple[int, float]:
    """How many of the synchronous requests succeed, and the seconds until the last answer."""
    start = time.perf_counter()
    with ThreadPoolExecutor(PARALLEL) as pool:
        answers = list(pool.map(lambda _: requests.post(url, data=body, headers=_XML, timeout=END), range(PARALLEL)))
    return sum("ProcessSucceeded" in answer.text for answer in answers), time.perf_counter() - start


def _queued(url: str, body: str) -> tuple[int, float]:
    """How many of the asynchronous requests succeed, and the seconds until the last end."""
    start = time.perf_counter()
    with ThreadPoolExecutor(PARALLEL) as pool:
        answers = list(pool.map(lambda _: requests.post(url, data=body, headers=_XML, timeout=END), range(PARALLEL)))
    open_places = [found[1] for answer in answers if (found := re.search(r'statusLocation="([^"]+)"', answer.text))]
    good = 0
    while open_places and time.perf_counter() < start + END:
        time.sleep(0.1)
        ended = {place: word for place in open_places if (word := _end(place))}
        good += sum(word == "ProcessSucceeded" for word in ended.values())
        open_places = [place for place in open_places if place not in ended]
    return good, time.perf_counter() - start


def _end(place: str) -> str:
    """How a job ended; "" if it has not. Stock PyWPS writes a status document while it is being read."""
    try:
        document = requests.get(place, timeout=END).text
    except requests.exceptions.ChunkedEncodingError:
        return ""
    found = _ENDED.search(document)
    return found[1] if found else ""


def _post(session: requests.Session, url: str, body: str) -> None:
    _seen(session.post(url, data=body, headers=_XML), "hello")


def _seen(answer: requests.Response, text: str) -> None:
    assert answer.status_code == 200 and text in answer.text, answer.text[:2000]


_XML = {"Content-Type": "text/xml"}
_INPUTS: dict[str, dict[str, str]] = {"inputs": {"message": "hello"}}
