"""What wiring needs of the SQL stores, in one place."""

from .database import Database
from .migrations import upgrade
from .sql_accounts import SqlAccountStore
from .sql_audit import SqlAuditStore
from .sql_job_tokens import SqlJobTokenStore
from .sql_jobs import SqlJobStore
from .sql_notifications import SqlNotificationStore
from .sql_processes import SqlProcessStore
from .sql_sessions import SqlSessionStore

__all__ = [
    "Database",
    "SqlAccountStore",
    "SqlAuditStore",
    "SqlJobStore",
    "SqlJobTokenStore",
    "SqlNotificationStore",
    "SqlProcessStore",
    "SqlSessionStore",
    "upgrade",
]
