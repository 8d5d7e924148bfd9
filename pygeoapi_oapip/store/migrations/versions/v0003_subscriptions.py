"""What subscribers have been told. Jobs that are in the table already are older than call-backs, and have none."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of subscriptions."""
    op.create_table(
        "subscriptions",
        sa.Column("job_id", sa.Text, sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("due", sa.BigInteger, nullable=False),
        sa.Column("wants_progress", sa.Boolean, nullable=False),
        sa.Column("told", sa.Integer),
        sa.Column("progress_due", sa.BigInteger),
        sa.Column("progress_attempts", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("first_try", sa.BigInteger),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_until", sa.BigInteger),
    )
    unfinished = sa.column("outcome") == sa.literal("open", literal_execute=True)
    op.create_index(
        "subscriptions_open", "subscriptions", ["due"], sqlite_where=unfinished, postgresql_where=unfinished
    )
