"""`oapip reap`: what it removes, and what it says beforehand."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from pygeoapi_oapip.cli import main
from pygeoapi_oapip.errors import NoSuchJob
from pygeoapi_oapip.model.identity import EVERYTHING
from pygeoapi_oapip.model.job import Job, Phase, utc_now
from pygeoapi_oapip.store.database import Database
from pygeoapi_oapip.store.migrations import upgrade
from pygeoapi_oapip.store.sql import SqlJobStore
from pygeoapi_oapip.wiring import default_configuration


def reap(tmp_path: Path, *options: str) -> str:
    configuration = default_configuration("http://localhost:5000", tmp_path)
    configuration["server"]["manager"]["retention"] = {"jobs": 0, "jobs_per_user": 1}
    path = tmp_path / "pygeoapi-config.yml"
    path.write_text(yaml.safe_dump(configuration))
    done = CliRunner().invoke(main, ["reap", *options, "--config", str(path)])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def jobs(tmp_path: Path) -> SqlJobStore:
    database = Database(f"sqlite:///{tmp_path / 'oapip.db'}", None)
    upgrade(database)
    return SqlJobStore(database)


def ended(jobs: SqlJobStore) -> str:
    job = jobs.add(Job.new("p", 1, "alice", "local", {}))
    return jobs.save(job.advance(Phase.SUCCESSFUL, utc_now(), usage={"result_bytes": 7})).id


def test_dry_run_tells_what_would_go_and_removes_nothing(tmp_path: Path, jobs: SqlJobStore) -> None:
    old, new = ended(jobs), ended(jobs)
    told = reap(tmp_path, "--dry-run")
    assert old in told and new not in told
    assert "alice" in told and "7" in told and "more than 1 jobs of this user" in told
    assert jobs.get(old, EVERYTHING).ended


def test_dry_run_with_nothing_to_do_says_so(tmp_path: Path, jobs: SqlJobStore) -> None:
    ended(jobs)
    assert "no job would be removed" in reap(tmp_path, "--dry-run")


def test_what_was_told_goes(tmp_path: Path, jobs: SqlJobStore) -> None:
    old, new = ended(jobs), ended(jobs)
    assert "1 expired jobs removed" in reap(tmp_path)
    with pytest.raises(NoSuchJob):
        jobs.get(old, EVERYTHING)
    assert jobs.get(new, EVERYTHING).ended
