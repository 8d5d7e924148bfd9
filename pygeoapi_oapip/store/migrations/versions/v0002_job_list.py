"""Indexes by which any page of the job list is found at the same cost, whatever the filters."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replace the indexes of the list."""
    for name in ("jobs_by_created", "jobs_by_owner", "jobs_by_process", "jobs_by_status"):
        op.drop_index(name, "jobs")
    page: list[str | sa.TextClause] = [sa.text("created DESC"), "id", "started", "finished"]
    op.create_index("jobs_by_status", "jobs", ["status", *page, "process_id"])
    op.create_index("jobs_by_owner", "jobs", ["owner", "status", *page, "process_id"])
    op.create_index("jobs_by_process", "jobs", ["process_id", "status", *page])
    op.create_index("jobs_by_owner_process", "jobs", ["owner", "process_id", "status", *page])
    started, finished = sa.column("started", sa.BigInteger), sa.column("finished", sa.BigInteger)
    running = sa.and_(sa.column("ended").is_(sa.false()), started.is_not(sa.null()))
    op.create_index("jobs_running", "jobs", page[:2], sqlite_where=running, postgresql_where=running)
    timed = sa.and_(started.is_not(sa.null()), finished.is_not(sa.null()))
    duration = finished - started
    op.create_index("jobs_by_duration", "jobs", [duration], sqlite_where=timed, postgresql_where=timed)
