"""Processes of the same id of several owners, what is shared with whom, logins, and the audit.

Jobs that are there already run processes of `anonymous`: nobody else could be an owner before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put the owner into the keys; make the tables of sharing."""
    _processes()
    _revisions()
    op.create_table(
        "process_groups",
        sa.Column("process_id", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
    )
    op.create_table(
        "job_sharing",
        sa.Column("job_id", sa.Text, sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("public", sa.Boolean, nullable=False),
        sa.Column("groups", sa.Text, nullable=False),
    )
    _logins()
    _audit()


def _logins() -> None:
    op.create_table(
        "sessions",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
    )
    op.create_index("sessions_by_end", "sessions", ["expires"])


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("moment", sa.BigInteger, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("context", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("object", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
    )
    op.create_index("audit_by_moment", "audit", ["moment"])
    op.create_index("audit_by_who", "audit", ["who", "moment"])


def _processes() -> None:
    op.rename_table("processes", "processes_before")
    op.create_table(
        "processes",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("deployed", sa.Boolean, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("public", sa.Boolean, nullable=False),
        sa.Column("groups", sa.Text, nullable=False),
        # the name of the old one is still taken
        sa.PrimaryKeyConstraint("id", "owner", name="processes_key"),
    )
    no = "0" if op.get_bind().dialect.name == "sqlite" else "false"
    op.execute(
        "INSERT INTO processes (id, owner, deployed, revision, public, groups) "
        f"SELECT id, owner, deployed, revision, {no}, '[]' FROM processes_before"
    )
    op.drop_table("processes_before")


def _revisions() -> None:
    op.rename_table("process_revisions", "process_revisions_before")
    op.create_table(
        "process_revisions",
        sa.Column("process_id", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("package", sa.Text),
        sa.Column("document", sa.Text),
        sa.Column("source", sa.LargeBinary),
        sa.PrimaryKeyConstraint("process_id", "owner", "revision", name="process_revisions_key"),
    )
    names = "process_id, owner, revision, created, updated, summary, package, document, source"
    op.execute(f"INSERT INTO process_revisions ({names}) SELECT {names} FROM process_revisions_before")
    op.drop_table("process_revisions_before")
