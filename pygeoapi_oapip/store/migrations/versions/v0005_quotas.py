"""The order in which waiting jobs start, what users may have at once, and how fast.

What the packages of jobs that are there already ask for is not known; the results of ended ones are not counted.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, put unfinished jobs into their places, make the indexes and tables."""
    op.add_column("jobs", sa.Column("place", sa.Text, nullable=False, server_default="none"))
    for name in ("cores", "memory"):
        op.add_column("jobs", sa.Column(name, sa.Float, nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("kept", sa.BigInteger, nullable=False, server_default="0"))
    _places()
    _indexes()
    op.create_table(
        "accounts",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("groups", sa.Text, nullable=False, server_default="[]"),
        sa.Column("roles", sa.Text, nullable=False, server_default="[]"),
        sa.Column("kept", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("served", sa.BigInteger, nullable=False, server_default="0"),
    )
    op.create_table(
        "rates",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("used_until", sa.BigInteger, nullable=False),
    )


def _places() -> None:
    op.execute(
        "UPDATE jobs SET place = CASE "
        "WHEN phase <> 'accepted' OR lease_owner IS NOT NULL THEN 'held' "
        "WHEN goal = 'dismiss' OR request LIKE '%\"nested\"\\:true%' THEN 'none' ELSE 'waits' END "
        f"WHERE {_open()} AND phase <> 'created'"
    )


def _indexes() -> None:
    op.drop_index("jobs_open", "jobs")
    waiting, holding = sa.text("place = 'waits'"), sa.text("place = 'held'")
    moving = sa.text(f"{_open()} AND (phase != 'created' OR goal = 'dismiss') AND place != 'waits'")
    for name, columns, where in (
        ("jobs_waiting", ["owner", "engine", "created", "id"], waiting),
        ("jobs_holding", ["owner", "cores", "memory"], holding),
        ("jobs_moving", ["created", "id"], moving),
    ):
        op.create_index(name, "jobs", columns, sqlite_where=where, postgresql_where=where)


def _open() -> str:
    return "ended IS 0" if op.get_bind().dialect.name == "sqlite" else "ended IS false"
