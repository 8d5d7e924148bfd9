"""The connection to the database: lazy, fork-safe, and the one place where transactions begin and driver faults end."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError, NoSuchModuleError

from ..errors import ConfigurationError
from .faults import translated
from .turn import Turn

_KEY = "server.manager.connection"
_OLDEST_SQLITE = (3, 35)
"""RETURNING."""

_INHERITED: list[Engine] = []
"""Engines of a parent process. They are kept, because closing a SQLite connection that was carried across a fork
breaks the parent's (https://www.sqlite.org/howtocorrupt.html section 2.6)."""


_LONGEST_PAUSE = 0.01
"""Seconds between two tries to begin; SQLite's own pauses of 100 ms miss the gaps between the writes of others."""


class _Live:
    """What belongs to one process: an engine, and the turn of the threads that write."""

    def __init__(self, engine: Engine, turn: Turn) -> None:
        self.engine = engine
        self.turn = turn


class Database:
    """A SQLite file or a PostgreSQL database. Nothing is opened before the first use, and each process opens its own.

    Args:
        url: `sqlite:///FILE` or `postgresql+psycopg://USER@HOST/DB`.
        password: of the database user; never shown.
        busy_timeout: seconds to wait for a lock that another program holds.

    Raises:
        ConfigurationError: the URL is not one of these, or its driver is missing.
    """

    def __init__(self, url: str, password: str | None = None, *, busy_timeout: float = 10.0) -> None:
        self._url = _checked(url, password)
        self._busy_timeout = busy_timeout
        self._live: dict[int, _Live] = {}

    def __repr__(self) -> str:
        return f"Database({self._url.render_as_string(hide_password=True)!r})"

    @property
    def address(self) -> URL:
        """Where it is; its text hides the password."""
        return self._url

    @property
    def sqlite(self) -> bool:
        """True for a SQLite file."""
        return self._url.get_backend_name() == "sqlite"

    @property
    def dialect(self) -> Dialect:
        """How SQLAlchemy writes its statements; nothing is opened for it."""
        return self._url.get_dialect()()

    @property
    def file(self) -> str | None:
        """The path of the SQLite file; None for PostgreSQL, and where the URL is a `file:` URI."""
        name = self._url.database
        return name if self.sqlite and name and not name.startswith("file:") else None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads.

        Raises:
            StoreUnavailable: see `faults`.
        """
        with translated(), self._here().engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """A transaction that writes: committed at the end of the block, rolled back by any exception.

        Args:
            durable: survives power loss as soon as it is committed. False: it survives the death of any program, and
                power loss only with the next durable one (SQLite; docs/store.md). PostgreSQL does as its server says.

        In SQLite it is the only one that writes from its begin on (BEGIN IMMEDIATE). Threads of this process queue
        for it here, because SQLite itself has no queue: it sleeps and tries again, up to 100 ms at a time.

        Raises:
            StoreUnavailable: see `faults`; nothing was written.
        """
        live = self._here()
        if not self.sqlite:
            with translated(), live.engine.begin() as connection:
                yield connection
            return
        with live.turn.taken() as left, translated(), live.engine.connect() as connection:
            sync = "FULL" if durable else "NORMAL"
            with connection.execution_options(oapip_sync=sync, oapip_wait=left).begin():
                live.turn.begun()
                yield connection

    def number(self, query: str) -> int:
        """The one integer that a query without parameters gives.

        Raises:
            StoreUnavailable: see `faults`.
        """
        row = self.row(query, {})
        assert row is not None
        return int(row[0])

    def row(self, query: str, values: Mapping[str, Any]) -> Sequence[Any] | None:
        """The first row of a query in the words of the driver, with named parameters; the fastest way to read.

        Raises:
            StoreUnavailable: see `faults`.
        """
        if not self.sqlite:
            with self.read() as connection:
                return connection.exec_driver_sql(query, values).first()
        with translated():
            pooled = self._here().engine.raw_connection()
            try:
                cursor = pooled.cursor()
                cursor.execute(query, values)
                found: Sequence[Any] | None = cursor.fetchone()
                cursor.close()
                return found
            finally:
                pooled.close()

    def close(self) -> None:
        """Close the connections of this process; the next use opens new ones."""
        live = self._live.pop(os.getpid(), None)
        if live is not None:
            live.turn.close()
            with translated():
                live.engine.dispose()

    def _here(self) -> _Live:
        pid = os.getpid()
        live = self._live.get(pid)
        if live is None:
            for other in [key for key in self._live if key != pid]:
                _INHERITED.append(self._live.pop(other).engine)
            # setdefault is atomic, and a lock could be one that another thread held at the fork
            live = self._live.setdefault(pid, _Live(self._engine(), self._turn()))
        return live

    def _turn(self) -> Turn:
        return Turn(self._busy_timeout, None if self.file is None else f"{self.file}-turn")

    def _engine(self) -> Engine:
        try:
            return self._sqlite_engine() if self.sqlite else self._postgres_engine()
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                f"{_KEY}: the driver {error.name!r} is not installed (pip install 'pygeoapi-oapip[postgres]')"
            ) from None

    def _postgres_engine(self) -> Engine:
        return create_engine(
            self._url,
            hide_parameters=True,
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
            pool_size=10,
            max_overflow=20,
            pool_timeout=self._busy_timeout,
            connect_args={
                "connect_timeout": max(2, round(self._busy_timeout)),
                "tcp_user_timeout": 10_000,
                "options": f"-c lock_timeout={round(self._busy_timeout * 1000)}",
                "application_name": "pygeoapi-oapip",
            },
        )

    def _sqlite_engine(self) -> Engine:
        engine = create_engine(
            self._url,
            hide_parameters=True,
            pool_size=10,
            max_overflow=100,
            pool_timeout=self._busy_timeout,
            # isolation_level None: the driver begins nothing by itself; `_begin` does
            connect_args={"check_same_thread": False, "isolation_level": None, "timeout": self._busy_timeout},
        )
        event.listen(engine, "connect", self._opened)
        event.listen(engine, "checkout", self._taken)
        event.listen(engine, "begin", _begin)
        return engine

    def _opened(self, connection: sqlite3.Connection, record: Any) -> None:
        record.info["file"] = self._identity()
        connection.execute("PRAGMA foreign_keys=ON")
        if self.file is not None:
            self._use_wal(connection)

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        # SQLite does not wait for its lock here, so processes that open a new file at once must
        deadline = time.monotonic() + self._busy_timeout
        while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            try:
                connection.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _taken(self, connection: sqlite3.Connection, record: Any, proxy: Any) -> None:
        if self._identity() != record.info["file"]:
            raise DisconnectionError("the database file was replaced")

    def _identity(self) -> tuple[int, int] | None:
        if self.file is None:
            return None
        try:
            status = os.stat(self.file)
        except OSError:
            return None
        return status.st_dev, status.st_ino


def _begin(connection: Connection) -> None:
    # by the driver: SQLAlchemy's way takes ten times as long
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)
    options = connection.get_execution_options()
    if "oapip_sync" not in options:
        driver.execute("BEGIN")
        return
    driver.execute(f"PRAGMA synchronous={options['oapip_sync']}")
    _begin_to_write(driver, options["oapip_wait"])


def _begin_to_write(driver: sqlite3.Connection, patience: float) -> None:
    deadline = time.monotonic() + patience
    pause = 0.0005
    milliseconds = driver.execute("PRAGMA busy_timeout").fetchone()[0]
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while not _began(driver, last=time.monotonic() >= deadline):
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
    finally:
        driver.execute(f"PRAGMA busy_timeout={milliseconds}")


def _began(driver: sqlite3.Connection, last: bool) -> bool:
    try:
        driver.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if last or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def _checked(url: str, password: str | None) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError):
        raise ConfigurationError(f"{_KEY}: is not a database URL (for example sqlite:///var/oapip.db)") from None
    if backend == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
        return parsed if password is None else parsed.set(password=password)
    if backend != "sqlite":
        raise ConfigurationError(
            f"{_KEY}: {backend} is not supported (sqlite:///FILE or postgresql+psycopg://USER@HOST/DB)"
        )
    if parsed.database in (None, "", ":memory:"):
        raise ConfigurationError(f"{_KEY}: needs a file (sqlite:///FILE): a database in memory loses its jobs")
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise ConfigurationError(f"{_KEY}: SQLite {sqlite3.sqlite_version} is too old, 3.35 or newer is needed")
    return parsed.set(drivername="sqlite+pysqlite")
