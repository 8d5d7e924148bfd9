"""Driver faults in words that are safe to show: what is wrong with the database, without path, address or password."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ..errors import StoreUnavailable

_LOG = logging.getLogger(__name__)

LOCKED = "The database is locked by another program; try again."
FULL = "The database is full: no space is left on its disk, or its size limit is reached."
READ_ONLY = "The database is read-only."
GONE = "The database cannot be reached: its server or its file is not there."
EMPTY = "The database has no tables of this server; it was replaced or never set up."
REFUSED = "The database refuses the user of this server."
BUSY = "The database has no free connection; try again."
DAMAGED = "The database is damaged or is not a database."
OTHER = "The database reports a fault; the log of the server has the details."

# https://www.sqlite.org/rescode.html, primary codes
_SQLITE = {
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_PROTOCOL: LOCKED,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_PERM: READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: GONE,
    sqlite3.SQLITE_IOERR: GONE,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
}

# https://www.postgresql.org/docs/current/errcodes-appendix.html; the longest prefix counts
_SQLSTATE = {
    "08": GONE,
    "25006": READ_ONLY,
    "28": REFUSED,
    "3D": GONE,
    "40": LOCKED,
    "42501": REFUSED,
    "42P01": EMPTY,
    "53": FULL,
    "53300": BUSY,
    "55P03": LOCKED,
    "57": GONE,
    "57014": LOCKED,
    "58": GONE,
}


@contextmanager
def translated() -> Iterator[None]:
    """Turn each fault of a driver into StoreUnavailable with a text that says which.

    IntegrityError passes: a violated constraint is an answer, not a fault.

    Raises:
        StoreUnavailable: the database is locked, full, read-only, empty, damaged, or cannot be reached.
    """
    try:
        yield
    except IntegrityError:
        raise
    except (SQLAlchemyError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        text = explain(error)
        _LOG.warning("%s (%s: %s)", text, type(cause).__name__, str(cause).strip())
        raise StoreUnavailable(text) from error


def explain(error: Exception) -> str:
    """The sentence for a fault of SQLAlchemy or of a driver.

    Args:
        error: what was raised; wrapped by SQLAlchemy or not.
    """
    if isinstance(error, PoolTimeoutError):
        return BUSY
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return _explain_sqlite(cause)
    state = getattr(cause, "sqlstate", None)
    if isinstance(state, str):
        return next((_SQLSTATE[state[:size]] for size in (5, 2) if state[:size] in _SQLSTATE), OTHER)
    return GONE if type(cause).__name__ in ("OperationalError", "ConnectionTimeout") else OTHER


def _explain_sqlite(cause: sqlite3.Error) -> str:
    code = getattr(cause, "sqlite_errorcode", None)
    if isinstance(code, int) and code & 0xFF in _SQLITE:
        return _SQLITE[code & 0xFF]
    return EMPTY if "no such table" in str(cause) else OTHER
