"""`oapip audit`: who did what."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from .administration import config_option, explained
from .configuration import find_configuration
from .printing import print_json, print_table


@click.command()
@click.option("--user", metavar="NAME", help="Only what this user did.")
@click.option("--since", type=click.DateTime(), metavar="TIME", help="Only since this time (UTC).")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@config_option
def audit(user: str | None, since: datetime | None, limit: int, as_json: bool, file: Path | None) -> None:
    """Show who did what, newest first.

    Reads the database of the server, also while it runs. Written down where `auth` is not `none`: changes, executions,
    dismissals, sharing, readings of the results of others, and what was refused.
    """
    settings = find_configuration(file).settings
    from ..store.sql import Database, SqlAuditStore, upgrade

    with explained():
        database = Database(settings.connection, settings.connection_password)
        upgrade(database)
        found = SqlAuditStore(database).entries(limit, user, since and since.replace(tzinfo=UTC))
    if as_json:
        print_json({"entries": [{**asdict(one), "moment": one.moment.isoformat()} for one in found]})
        return
    rows = [
        [f"{one.moment:%Y-%m-%d %H:%M:%S}", one.who, one.context, one.address, one.what, one.object, one.outcome]
        for one in found
    ]
    print_table(("time (UTC)", "who", "for", "from", "what", "object", "outcome"), rows, "no entries")
