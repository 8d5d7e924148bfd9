"""`oapip serve`: the server, with its worker, in one command."""

from __future__ import annotations

import errno
import http.client
import ipaddress
import os
import socket
import sys
import threading
from pathlib import Path

import click

from .configuration import Configuration, find_configuration
from .failures import CommandError, ExitCode
from .logformat import LEVELS
from .stage_tools import require_stage_tools
from .supervisor import Child, Supervisor

START_LIMIT = 120.0
"""Seconds that the first answer may take."""

WEB_GRACE, WORKER_GRACE = 40.0, 20.0
"""Seconds that each process has to stop; the web server itself gives requests 30."""


@click.command()
@click.option("--config", "file", type=click.Path(path_type=Path), metavar="FILE", help="pygeoapi configuration.")
@click.option("--bind", metavar="HOST:PORT", help="Where to listen; port 0 chooses a free one.")
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Web processes.")
@click.option("--threads", type=click.IntRange(1, 256), default=8, show_default=True, help="Threads in each.")
@click.option("--log-level", type=click.Choice(LEVELS), default="info", show_default=True)
def serve(file: Path | None, bind: str | None, workers: int, threads: int, log_level: str) -> None:
    """Run the server until SIGTERM or Ctrl-C.

    The configuration is --config, else PYGEOAPI_CONFIG, else defaults with all data under ./var. Running jobs outlive
    the server, and the next start picks them up.
    """
    configuration = find_configuration(file)
    require_stage_tools(configuration)
    host, port = read_bind(bind, configuration)
    listener = listen(host, port)
    port = listener.getsockname()[1]
    url = f"http://{_in_url('localhost' if _is_loopback(host) else host)}:{port}"
    if configuration.settings.auth.type == "none" and not _is_loopback(host):
        _say(f"WARNING: {host} is reachable from elsewhere and nobody has to log in: anyone may deploy and run code")
    environment = _environment(configuration, url, log_level)
    web = {"OAPIP_RECONCILE": "0", "OAPIP_SOCKET": str(listener.fileno())}
    web |= {"OAPIP_WORKERS": str(workers), "OAPIP_THREADS": str(threads)}
    path = str(configuration.path)
    command = ["-m", "pygeoapi_oapip.cli", "worker", "--config", path, "--log-level", log_level]
    supervisor = Supervisor(
        [
            Child("web", ["-m", "pygeoapi_oapip.cli.web"], environment | web, WEB_GRACE, [listener.fileno()]),
            Child("worker", command, environment, WORKER_GRACE),
        ],
        _say,
    )
    ready_line = f"serving {url} ({workers} workers; {describe_parts(configuration)})"

    def announce() -> None:
        if answers(host, port):
            supervisor.ready = True
            _say(ready_line)

    stopped = supervisor.run(threading.Thread(target=announce, daemon=True).start, listener.close)
    _say("stopped")
    if not stopped:
        raise click.exceptions.Exit(ExitCode.FAILED)


def read_bind(bind: str | None, configuration: Configuration) -> tuple[str, int]:
    """Host and port: of `--bind`, else of `server.bind` in the configuration, else 127.0.0.1:5000.

    Raises:
        CommandError: it is not HOST:PORT.
    """
    if bind is None:
        block = configuration.server.get("bind") or {}
        bind = f"{block.get('host', '127.0.0.1')}:{block.get('port', 5000)}"
    host, colon, port = bind.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not port.isdigit() or int(port) > 65535 or (not colon and not port):
        raise CommandError(f"{bind} is not HOST:PORT", ExitCode.USAGE)
    return host, int(port)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        CommandError: the address is taken, not of this machine or not allowed.
    """
    listener = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        if listener is not None:
            listener.close()
        reasons = {
            errno.EADDRINUSE: "is in use (is a server running already?); choose another with --bind",
            errno.EADDRNOTAVAIL: "is not an address of this machine",
            errno.EACCES: "may not be used without more rights",
        }
        reason = reasons.get(error.errno or 0, f"cannot be used ({error.strerror})")
        raise CommandError(f"{host}:{port} {reason}") from None
    return listener


def answers(host: str, port: int) -> bool:
    """Wait for the first answer of `GET /`; False if none comes within `START_LIMIT` or the server ends."""
    connection = http.client.HTTPConnection(_reachable(host), port, timeout=START_LIMIT)
    try:
        connection.request("GET", "/", headers={"Accept": "application/json"})
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def describe_parts(configuration: Configuration) -> str:
    """The parts of the server in a few words, for the ready line."""
    settings = configuration.settings
    engine = settings.engines[settings.default_engine].type
    return f"store {settings.connection.partition(':')[0].partition('+')[0]}; engine {engine}"


def _environment(configuration: Configuration, url: str, log_level: str) -> dict[str, str]:
    programs = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", os.defpath)
    if programs not in path.split(os.pathsep):
        path = programs + os.pathsep + path
    known = {"PYGEOAPI_CONFIG": str(configuration.path), "OAPIP_LOG_LEVEL": log_level, "PATH": path}
    return {"OAPIP_URL": url, **os.environ, **known}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _say(line: str) -> None:
    click.echo(f"oapip: {line}", err=True)
