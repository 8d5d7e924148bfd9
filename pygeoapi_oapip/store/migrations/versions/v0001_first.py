"""Jobs, processes with their revisions, and the counter of their changes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the first tables."""
    _jobs()
    op.create_table(
        "processes",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("deployed", sa.Boolean, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_table(
        "process_revisions",
        sa.Column("process_id", sa.Text, primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("package", sa.Text),
        sa.Column("document", sa.Text),
        sa.Column("source", sa.LargeBinary),
    )
    changes = op.create_table(
        "process_changes",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(changes, [{"id": 1, "value": 0}])


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("process_id", sa.Text, nullable=False),
        sa.Column("process_revision", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("engine", sa.Text, nullable=False),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("goal", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("ended", sa.Boolean, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("started", sa.BigInteger),
        sa.Column("finished", sa.BigInteger),
        sa.Column("not_before", sa.BigInteger),
        sa.Column("progress", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("outputs", sa.Text),
        sa.Column("request", sa.Text, nullable=False),
    )
    newest = sa.text("created DESC")
    op.create_index("jobs_by_created", "jobs", [newest, "id"])
    op.create_index("jobs_by_owner", "jobs", ["owner", newest, "id"])
    op.create_index("jobs_by_process", "jobs", ["process_id", newest, "id"])
    op.create_index("jobs_by_status", "jobs", ["status", newest, "id"])
    unfinished, ended = sa.column("ended").is_(sa.false()), sa.column("ended").is_(sa.true())
    op.create_index("jobs_open", "jobs", ["created", "id"], sqlite_where=unfinished, postgresql_where=unfinished)
    op.create_index("jobs_ended", "jobs", ["finished", "id"], sqlite_where=ended, postgresql_where=ended)
