"""Statements in the words of a driver: SQLAlchemy takes longer to prepare one for each run than SQLite to run it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Dialect, Select
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite


def driver_text(query: Select[Any], dialect: Dialect) -> str:
    """The text of a query for `Database.row` and `Connection.exec_driver_sql`; its parameters keep their names.

    Args:
        query: all values in it are bound parameters without a value of their own.
        dialect: of the database.
    """
    if dialect.name == "sqlite":
        dialect = SQLiteDialect_pysqlite(paramstyle="named")
    return str(query.compile(dialect=dialect))
