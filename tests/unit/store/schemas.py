"""A description of all tables that two databases can be compared by."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, inspect, text


def schema_of(connection: Connection) -> dict[str, Any]:
    """Columns, keys and indexes by table; with the texts of indexes, which hold their order and condition."""
    found = inspect(connection)
    tables: dict[str, Any] = {}
    for table in sorted(set(found.get_table_names()) - {"alembic_version"}):
        # a column that came later stands at the end; all statements name their columns
        columns = sorted((one["name"], str(one["type"]), one["nullable"]) for one in found.get_columns(table))
        tables[table] = (columns, found.get_pk_constraint(table)["constrained_columns"])
    if connection.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
    else:
        query = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname LIKE 'jobs%'"
        query += " ORDER BY indexname"
    tables["indexes"] = [(name, " ".join(sql.split())) for name, sql in connection.execute(text(query)).all()]
    return tables
