"""The same requests against stock pygeoapi 0.24 with its TinyDB and PostgreSQL managers, in the same run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import requests
import yaml

from tests.integration.postgres.server import Server, binaries

from .figures import Figure, milliseconds
from .load import requests_per_second
from .reading import Filled, in_turn

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv-stock"
PYTHON = "BENCH_PYTHON"
"""Environment variable: a Python 3.12 or newer, which pygeoapi 0.24 needs."""
REQUIREMENTS = (
    "pygeoapi==0.24.0",
    "gunicorn",
    "tinydb",
    "sqlalchemy",
    "psycopg2-binary==2.9.13",
    "GeoAlchemy2==0.20.0",
)
PROCESSES = 1000
TINYDB_JOBS = (1000, 10_000)
POSTGRES_JOBS = 10_000
"""Stock pygeoapi reads all jobs for each list: with 100,000 a request would take seconds."""
START_LIMIT = 180.0


class NoStock(Exception):
    """Why stock pygeoapi cannot be measured here."""


@dataclass(frozen=True)
class Stock:
    """A running server of stock pygeoapi."""

    name: str
    url: str
    ids: Sequence[str]


def against_stock(many: Filled, folder: Path, quick: bool) -> list[Figure]:
    """A row for each kind of request and manager; a row that says why, where there are none."""
    try:
        python = _environment()
    except NoStock as reason:
        print(f"bench: stock pygeoapi is NOT MEASURED: {reason}", file=sys.stderr)
        return [Figure("stock pygeoapi 0.24", "", f"not measured: {reason}")]
    times, seconds = (15, 2.0) if quick else (60, 4.0)
    figures = []
    with ExitStack() as stack:
        servers = [stack.enter_context(_with_tinydb(python, folder, number)) for number in TINYDB_JOBS]
        programs = binaries()
        if programs is None:
            print("bench: the PostgreSQL manager is NOT MEASURED: there is no initdb", file=sys.stderr)
        else:
            servers.append(stack.enter_context(_with_postgres(python, folder, programs)))
        for stock in servers:
            figures += _compared(many, stock, times)
            figures.append(_rates(many, stock, seconds))
    return figures


def _compared(many: Filled, stock: Stock, times: int) -> list[Figure]:
    rows = (
        ("GET /processes?limit=10", ["/processes?limit=10"], ["/processes?limit=10"]),
        ("GET /processes/{id}", ["/processes/echo-0500"], ["/processes/echo-0500"]),
        ("GET /jobs?limit=10", ["/jobs?limit=10"], ["/jobs?limit=10"]),
        ("GET /jobs/{id}", [f"/jobs/{one}" for one in many.ids], [f"/jobs/{one}" for one in stock.ids]),
    )
    figures = []
    for what, ours, theirs in rows:
        mine, other = in_turn((many.server.url, stock.url), (ours, theirs), times)
        figures.append(
            Figure(
                f"{what}, 1000 processes, 100000 jobs",
                milliseconds(mine),
                f"{stock.name}: {milliseconds(other)}",
                mine / other,
            )
        )
    return figures


def _rates(many: Filled, stock: Stock, seconds: float) -> Figure:
    ours = requests_per_second(many.server.url, [f"/jobs/{one}" for one in many.ids], seconds).per_second
    theirs = requests_per_second(stock.url, [f"/jobs/{one}" for one in stock.ids], seconds).per_second
    return Figure("GET /jobs/{id} a second, 2 workers", f"{ours:.0f}/s", f"{stock.name}: {theirs:.0f}/s", ours / theirs)


def _environment() -> Path:
    """The Python of an environment with stock pygeoapi; made at the first run."""
    python = ENVIRONMENT / "bin" / "python"
    made = ENVIRONMENT / "made"
    wanted = "\n".join(REQUIREMENTS)
    if made.is_file() and made.read_text() == wanted:
        return python
    base, version = _interpreter()
    print(f"bench: making {ENVIRONMENT.name} with stock pygeoapi (Python {version})", file=sys.stderr)
    constraints = ROOT / ".ci" / "constraints" / f"py{version}.txt"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", str(constraints)]
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    for command in ([base, "-m", "venv", str(ENVIRONMENT)], [*install, *REQUIREMENTS]):
        told = subprocess.run(command, capture_output=True, text=True, check=False)
        if told.returncode != 0:
            raise NoStock(f"{' '.join(command[1:4])} failed: {told.stderr.strip()[-300:]}")
    made.write_text(wanted)
    return python


def _interpreter() -> tuple[str, str]:
    named = os.environ.get(PYTHON)
    kept = sorted((Path.home() / ".pyenv" / "versions").glob("3.1[23].*/bin/python"))
    for candidate in [named] if named else [*map(str, kept), "python3.12", "python3.13", "python3"]:
        code = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
        try:
            told = subprocess.run([candidate, "-c", code], capture_output=True, text=True, check=False)
        except OSError:
            continue
        if told.stdout.strip() in ("3.12", "3.13"):
            return candidate, told.stdout.strip()
    raise NoStock(f"it needs Python 3.12 or 3.13 with venv; name one by {PYTHON}")


@contextmanager
def _with_tinydb(python: Path, folder: Path, number: int) -> Iterator[Stock]:
    home = folder / f"tinydb-{number}"
    home.mkdir()
    ids = [str(uuid4()) for _ in range(number)]
    rows = {str(place + 1): _row(job_id, place) for place, job_id in enumerate(ids)}
    (home / "jobs.json").write_text(json.dumps({"_default": rows}))
    manager = {"name": "TinyDB", "connection": str(home / "jobs.json"), "output_dir": str(home)}
    with _serving(python, home, manager) as url:
        yield Stock(f"stock, TinyDB, {number} jobs", url, _spread(ids))


@contextmanager
def _with_postgres(python: Path, folder: Path, programs: Path) -> Iterator[Stock]:
    home = folder / "stock-postgres"
    home.mkdir()
    postgres = Server(programs)
    try:
        address = postgres.new_database()
        place = {"host": "127.0.0.1", "port": postgres.port, "database": address.rpartition("/")[2]}
        account = {"user": "oapip", "password": postgres.password}
        manager = {"name": "PostgreSQL", "connection": place | account, "output_dir": str(home)}
        ids = [str(uuid4()) for _ in range(POSTGRES_JOBS)]
        with _serving(python, home, manager) as url:
            with psycopg.connect(address.replace("+psycopg", ""), password=postgres.password) as connection:
                columns = list(_row("", 0))
                cursor = connection.cursor()
                with cursor.copy(f"COPY jobs ({', '.join(columns)}) FROM STDIN".encode()) as copy:
                    for number, job_id in enumerate(ids):
                        copy.write_row(tuple(_row(job_id, number).values()))
            yield Stock(f"stock, PostgreSQL, {POSTGRES_JOBS} jobs", url, _spread(ids))
    finally:
        postgres.remove()


def _row(job_id: str, place: int) -> dict[str, str | int]:
    moment = f"2026-01-{place % 28 + 1:02}T{place % 24:02}:{place % 60:02}:00.000000Z"
    return {
        "type": "process",
        "identifier": job_id,
        "process_id": f"echo-{place % PROCESSES:04}",
        "created": moment,
        "started": moment,
        "updated": moment,
        "finished": moment,
        "status": "successful",
        "location": "",
        "mimetype": "application/json",
        "message": "Job complete",
        "progress": 100,
    }


def _spread(ids: Sequence[str]) -> Sequence[str]:
    return ids[:: max(1, len(ids) // 200)]


@contextmanager
def _serving(python: Path, home: Path, manager: Mapping[str, object]) -> Iterator[str]:
    """gunicorn with the same workers, threads and keep-alive as `oapip serve`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    (home / "config.yml").write_text(yaml.safe_dump(_configuration(url, manager)))
    (home / "openapi.json").write_text('{"openapi": "3.0.2", "paths": {}}')
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("OAPIP_", "PYGEOAPI_"))}
    environment |= {"PYGEOAPI_CONFIG": str(home / "config.yml"), "PYGEOAPI_OPENAPI": str(home / "openapi.json")}
    command = [str(python), "-m", "gunicorn", "pygeoapi.flask_app:APP", "--bind", f"127.0.0.1:{port}"]
    command += ["--worker-class", "gthread", "--workers", "2", "--threads", "8", "--keep-alive", "15"]
    with (home / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=home, env=environment, stdout=log, stderr=log)
        try:
            _wait(url, process, home / "log")
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_LIMIT
    while time.monotonic() < end and process.poll() is None:
        try:
            if requests.get(f"{url}/processes/echo-0000?f=json", timeout=START_LIMIT).status_code == 200:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise RuntimeError(f"stock pygeoapi did not start: {log.read_text()[-2000:]}")


def _configuration(url: str, manager: Mapping[str, object]) -> dict[str, object]:
    text = {"en": "bench"}
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": 5000},
            "url": url,
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "languages": ["en-US"],
            "limits": {"default_items": 10, "max_items": 10_000},
            "map": {"url": "http://localhost/{z}/{x}/{y}.png", "attribution": ""},
            "manager": dict(manager),
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                "title": text,
                "description": text,
                "keywords": {"en": ["bench"]},
                "terms_of_service": "none",
                "url": url,
            },
            "license": {"name": "none", "url": url},
            "provider": {"name": "bench", "url": url},
            "contact": {"name": "bench"},
        },
        "resources": {
            f"echo-{number:04}": {"type": "process", "processor": {"name": "HelloWorld"}} for number in range(PROCESSES)
        },
    }
