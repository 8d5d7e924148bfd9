"""The schema of the database, step by step, and `upgrade`, which every process calls at its start."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, select, text

from ...errors import ConfigurationError
from ..database import Database
from ..identity_tables import metadata
from ..tables import alembic_version, process_changes

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006")
"""All steps, oldest first; a test holds them against the scripts."""

HEAD = REVISIONS[-1]

_LOCK = 0x6F61706970
"""Key of the advisory lock: the letters `oapip`."""


def upgrade(database: Database) -> None:
    """Bring the database to the schema of this version; any number of processes may call it at once.

    One query where it is there already. An empty database gets all tables at once; an older one goes
    through the steps. All of it is one transaction.

    Raises:
        ConfigurationError: the database was written by a newer version of this server.
        StoreUnavailable: the database is locked, read-only or cannot be reached.
    """
    if database.file is not None and not Path(database.file).exists():
        Path(database.file).parent.mkdir(parents=True, exist_ok=True)
    with database.read() as connection:
        if _version(connection) == HEAD:
            return
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        version = _version(connection)
        if version is None:
            create(connection)
        elif version != HEAD:
            migrate(connection, HEAD)


def create(connection: Connection) -> None:
    """Make all tables of the newest schema in an empty database."""
    metadata.create_all(connection)
    alembic_version.create(connection)
    connection.execute(process_changes.insert().values(id=1, value=0))
    connection.execute(alembic_version.insert().values(version_num=HEAD))


def migrate(connection: Connection, target: str) -> None:
    """Go through the steps from the present schema to `target`, in the transaction of `connection`."""
    # here only: the import of alembic takes more than a second
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, target)


def _version(connection: Connection) -> str | None:
    """The version that the database has; None for an empty one."""
    if not inspect(connection).has_table(alembic_version.name):
        return None
    version = connection.execute(select(alembic_version.c.version_num)).scalar()
    if version is not None and version not in REVISIONS:
        raise ConfigurationError(
            f"server.manager.connection: the database has schema {version}, which is newer than this server "
            f"knows ({HEAD}): install the version of pygeoapi-oapip that wrote it, or a later one"
        )
    return version
