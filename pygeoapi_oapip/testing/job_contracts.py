"""All suites that every job store passes, as one class."""

from __future__ import annotations

from .fair_contract import JobTurnContract, QuotaContract
from .job_list_contract import JobPagesContract
from .notification_contract import CreatedJobContract
from .store_contract import JobLeaseContract, JobListContract, JobStoreContract


class JobContracts(
    JobStoreContract,
    JobLeaseContract,
    JobListContract,
    JobPagesContract,
    CreatedJobContract,
    JobTurnContract,
    QuotaContract,
):
    """Needs a fixture `jobs`: an empty store."""
