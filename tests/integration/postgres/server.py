"""A real PostgreSQL server for tests: own folder, own free loopback port, unprivileged user."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from itertools import count
from pathlib import Path

import psycopg

_PASSWORD = "made-for-tests"


def binaries() -> Path | None:
    """The folder of `initdb` and `pg_ctl`: of PATH, of `pg_config --bindir`, or Debian's newest."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if shutil.which("pg_config") is not None:
        told = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)
        folders.insert(0, Path(told.stdout.strip()))
    return next((folder for folder in folders if (folder / "initdb").is_file()), None)


def _unprivileged() -> int | None:
    """Root may not run PostgreSQL: the account that does it, None for the present one."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    return names.get("postgres", names.get("nobody"))


class Server:
    """A server that can be stopped and started again on the same port."""

    password = _PASSWORD

    def __init__(self, folder: Path) -> None:
        self._bin = folder
        self._numbers = count()
        self._user = _unprivileged()
        self._root = Path(tempfile.mkdtemp(prefix="oapip-pg-"))
        if self._user is not None:
            os.chown(self._root, self._user, -1)
        secret = self._root / "secret"
        secret.write_text(_PASSWORD, encoding="ascii")
        if self._user is not None:
            os.chown(secret, self._user, -1)
        self._run("initdb", "-D", str(self._data), "-U", "oapip", "-A", "scram-sha-256", f"--pwfile={secret}", "-N")
        self._start_somewhere()

    @property
    def _data(self) -> Path:
        return self._root / "data"

    def url(self, name: str = "postgres") -> str:
        """The URL of a database, without password."""
        return f"postgresql+psycopg://oapip@127.0.0.1:{self.port}/{name}"

    def new_database(self) -> str:
        """Make an empty database. Returns its URL, without password."""
        name = f"oapip{next(self._numbers)}"
        address = self.url().replace("+psycopg", "")
        with psycopg.connect(address, password=self.password, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def _start_somewhere(self) -> None:
        """Start it on a free port; another one where a program takes that meanwhile."""
        for attempt in range(5):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port: int = free.getsockname()[1]
            try:
                self.start()
            except subprocess.CalledProcessError:
                if attempt == 4:
                    raise
            else:
                return

    def start(self) -> None:
        """Start and wait until it answers."""
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -c unix_socket_directories={self._root} -c fsync=off"
        self._run(
            "pg_ctl", "-D", str(self._data), "-l", str(self._root / "log"), "-w", "-t", "240", "-o", options, "start"
        )

    def stop(self) -> None:
        """Stop at once, as in a crash."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")

    def remove(self) -> None:
        """Stop and delete everything."""
        self.stop()
        shutil.rmtree(self._root)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._bin / program), *arguments],
            check=True,
            cwd=self._root,
            user=self._user,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
