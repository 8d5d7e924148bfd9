"""Sealed tokens of jobs, and the members of groups."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "job_tokens",
        sa.Column("job_id", sa.Text, primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
    )
    op.create_index("job_tokens_by_end", "job_tokens", ["ends"])
    op.create_table(
        "members",
        sa.Column("group", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
    )
    op.create_index("members_by_name", "members", ["name"])
    _fill()


def _fill() -> None:
    """The groups of the accounts that are there."""
    members = sa.table("members", sa.column("group", sa.Text), sa.column("name", sa.Text))
    known = op.get_bind().execute(sa.text('SELECT name, "groups" FROM accounts')).all()
    rows = [{"group": group, "name": name} for name, groups in known for group in set(json.loads(groups))]
    if rows:
        op.bulk_insert(members, rows)
