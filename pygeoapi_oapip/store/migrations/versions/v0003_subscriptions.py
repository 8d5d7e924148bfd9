"""What subscribers have been told, and jobs that are created before they are started.

Jobs that are in the table already are older than callbacks, and have none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of subscriptions; leave jobs that are only created out of the index of work."""
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
    unfinished = sa.column("outcome") == sa.literal_column("'open'")
    op.create_index(
        "subscriptions_open", "subscriptions", ["due"], sqlite_where=unfinished, postgresql_where=unfinished
    )
    started = sa.or_(
        sa.column("phase") != sa.literal_column("'created'"), sa.column("goal") == sa.literal_column("'dismiss'")
    )
    work = sa.and_(sa.column("ended").is_(sa.false()), started)
    op.drop_index("jobs_open", "jobs")
    op.create_index("jobs_open", "jobs", ["created", "id"], sqlite_where=work, postgresql_where=work)
