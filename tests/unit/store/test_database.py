from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pygeoapi_oapip.errors import ConfigurationError, StoreUnavailable
from pygeoapi_oapip.model.identity import EVERYTHING
from pygeoapi_oapip.store.base import JobQuery
from pygeoapi_oapip.store.sql import Database, SqlJobStore, SqlProcessStore, upgrade
from pygeoapi_oapip.testing.store_contract import job_at

from .child import begin
from .processes import check_that_a_killed_claimer_leaves_whole_leases


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/oapip.db", busy_timeout=30)
    upgrade(made)
    yield made
    made.close()


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://h/d", "sqlite://", "sqlite:///:memory:", "no+such://x", "/var/x.db"]
)
def test_a_wrong_url_is_a_configuration_error_that_names_the_key(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"server\.manager\.connection"):
        Database(url)


def test_a_password_is_never_shown() -> None:
    for database in (Database("postgresql://u@h/d", "s3cret"), Database("postgresql+psycopg://u:s3cret@h/d")):
        assert "s3cret" not in f"{database!r} {database} {database.address}"


def test_nothing_is_opened_before_the_first_use(tmp_path: Path) -> None:
    Database(f"sqlite:///{tmp_path}/oapip.db")
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_database_is_read_and_says_so_at_a_write(database: Database) -> None:
    job = SqlJobStore(database).add(job_at())
    frozen = Database(f"sqlite:///file:{database.file}?mode=ro&uri=true")
    jobs = SqlJobStore(frozen)
    assert jobs.get(job.id, EVERYTHING) == job
    with pytest.raises(StoreUnavailable, match="read-only"):
        jobs.save(job)
    assert jobs.get(job.id, EVERYTHING) == job
    frozen.close()


def test_a_lock_of_another_program_is_waited_for_then_reported_then_gone(database: Database) -> None:
    jobs = SqlJobStore(database)
    job = jobs.add(job_at())
    hasty = Database(f"sqlite:///{database.file}", busy_timeout=0.3)
    with begin("lock", database) as other:
        assert other.stdout is not None and other.stdout.readline() == "locked\n"
        with pytest.raises(StoreUnavailable, match="locked") as error:
            SqlJobStore(hasty).save(job)
        hasty.close()
        assert str(database.file) not in error.value.detail
        other.kill()
        other.communicate()
    assert jobs.save(job).version == 2


def test_a_full_database_says_so_and_goes_on_when_there_is_room(database: Database) -> None:
    jobs = SqlJobStore(database)
    job = jobs.add(job_at())
    with database.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    big = job_at()
    with pytest.raises(StoreUnavailable, match="full"):
        for _ in range(100):
            jobs.add(job_at(message="x" * 10_000))
    with pytest.raises(StoreUnavailable, match="full"):
        jobs.add(job_at(id=big.id, message="x" * 100_000))
    assert big.id not in {one.id for one in jobs.list(JobQuery(limit=200), EVERYTHING).jobs}
    database.close()
    assert jobs.save(job).version == 2


def test_a_file_that_is_no_database_is_reported(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"this is text, not a database" * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        upgrade(Database(f"sqlite:///{tmp_path}/x.db"))


def test_a_folder_that_is_gone_is_reported(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        SqlProcessStore(Database(f"sqlite:///{tmp_path}/none/x.db")).revision()


def test_a_deleted_file_is_noticed_and_never_written_on(database: Database) -> None:
    jobs = SqlJobStore(database)
    jobs.add(job_at())
    for file in Path(str(database.file)).parent.iterdir():
        file.unlink()
    with pytest.raises(StoreUnavailable, match="no tables"):
        jobs.add(job_at())
    upgrade(database)
    jobs.add(job_at())
    assert sum(jobs.counts().values()) == 1


def test_a_failed_block_writes_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as connection:
        connection.exec_driver_sql("UPDATE process_changes SET value = 99")
        raise RuntimeError
    assert SqlProcessStore(database).revision() == 0


def test_threads_of_one_process_write_in_turn(database: Database) -> None:
    jobs = SqlJobStore(database)
    threads = [threading.Thread(target=lambda: [jobs.add(job_at()) for _ in range(5)], name=str(n)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(jobs.counts().values()) == 40


def test_a_forked_child_opens_its_own_connections(database: Database) -> None:
    jobs = SqlJobStore(database)
    job = jobs.add(job_at())
    with database.write():  # the fork happens while this process writes
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = 0 if jobs.get(job.id, EVERYTHING) == job else 2
            finally:
                os._exit(code)
        assert os.waitpid(pid, 0)[1] == 0
    assert jobs.save(job).version == 2


def test_commits_are_synchronous_where_a_loss_would_matter(database: Database) -> None:
    found = {}
    for durable in (True, False, True):
        with database.write(durable=durable) as connection:
            found[durable] = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    assert found == {True: 2, False: 1}


def test_the_file_uses_a_write_ahead_log(database: Database) -> None:
    connection = sqlite3.connect(str(database.file))
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_killed_claimer_leaves_whole_leases(database: Database) -> None:
    check_that_a_killed_claimer_leaves_whole_leases(database)


def waits_of_many(database: Database, jobs: SqlJobStore) -> list[float]:
    """Seconds until each of twelve threads gave up, that came one after the other and found the file locked."""
    waited: list[float] = []

    def add() -> None:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="locked"):
            jobs.add(job_at())
        waited.append(time.monotonic() - began)

    with begin("lock", database) as other:
        assert other.stdout is not None and other.stdout.readline() == "locked\n"
        threads = [threading.Thread(target=add) for _ in range(12)]
        for thread in threads:
            thread.start()
            time.sleep(0.05)
        for thread in threads:
            thread.join()
        other.kill()
        other.communicate()
    return waited


def test_threads_wait_for_a_lock_no_longer_than_one_does_and_a_few_at_most(database: Database) -> None:
    patient = Database(f"sqlite:///{database.file}", busy_timeout=2.0)
    jobs = SqlJobStore(patient)
    for _ in range(4):  # where the machine stalls, all are late
        waited = waits_of_many(database, jobs)
        if min(waited) < max(waited) - 0.2:
            break
    # one after the other, their waits would take 24 s and more
    assert max(waited) < 20.0
    assert min(waited) < max(waited) - 0.2, "some gave up before their patience was at its end"
    jobs.add(job_at())
    patient.close()
