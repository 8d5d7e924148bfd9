from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import select

import pygeoapi_oapip.store.migrations as migrations
from pygeoapi_oapip.errors import ConfigurationError, NoSuchProcess
from pygeoapi_oapip.model.identity import EVERYTHING, Scope
from pygeoapi_oapip.model.job import Goal, Job, Phase
from pygeoapi_oapip.store.base import JobQuery
from pygeoapi_oapip.store.process_rows import process_row
from pygeoapi_oapip.store.rows import job_row
from pygeoapi_oapip.store.sql import Database, SqlAccountStore, SqlJobStore, SqlProcessStore, upgrade
from pygeoapi_oapip.store.tables import accounts, jobs, process_revisions
from pygeoapi_oapip.testing.process_store_contract import a_process
from pygeoapi_oapip.testing.store_contract import NOON, SECOND, job_at

from .processes import check_that_many_start_at_once
from .schemas import schema_of


def _early_row(job: Job) -> dict[str, Any]:
    """A row as it was before there were quotas."""
    later = ("place", "cores", "memory", "kept")
    return {name: value for name, value in job_row(job).items() if name not in later}


def _database(folder: Path, name: str = "oapip") -> Database:
    return Database(f"sqlite:///{folder}/{name}.db")


def test_the_steps_make_the_same_tables_as_a_fresh_start(tmp_path: Path) -> None:
    fresh, stepped = _database(tmp_path), _database(tmp_path, "steps")
    upgrade(fresh)
    with stepped.write() as connection:
        migrations.migrate(connection, migrations.HEAD)
    upgrade(stepped)
    with fresh.read() as one, stepped.read() as other:
        assert schema_of(one) == schema_of(other)
        assert len(schema_of(one)) == 14
    assert SqlProcessStore(stepped).revision() == SqlProcessStore(fresh).revision() == 0


def test_the_known_revisions_are_those_of_the_scripts() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    scripts = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(scripts)) == migrations.REVISIONS


def test_jobs_of_the_first_schema_are_listed_after_the_steps(tmp_path: Path) -> None:
    database = _database(tmp_path)
    with database.write() as connection:
        migrations.migrate(connection, "0001")
        job = job_at(phase=Phase.SUCCESSFUL, started=NOON, finished=NOON + SECOND)
        connection.execute(jobs.insert().values(_early_row(job)))
    upgrade(database)
    for query in (JobQuery(), JobQuery(min_duration=1.0), JobQuery(process_ids=("buffer",), max_duration=1.0)):
        assert [one.id for one in SqlJobStore(database).list(query, Scope("alice")).jobs] == [job.id]
    database.close()


def test_processes_of_the_third_schema_keep_owner_revisions_and_packages(tmp_path: Path) -> None:
    database = _database(tmp_path)
    with database.write() as connection:
        migrations.migrate(connection, "0003")
        for process_id, deployed in (("echo", 1), ("gone", 0)):
            row = f"('{process_id}', 'anonymous', {deployed}, 2)"
            connection.exec_driver_sql(f"INSERT INTO processes (id, owner, deployed, revision) VALUES {row}")
        for process_id, number in (("echo", 1), ("echo", 2), ("gone", 1), ("gone", 2)):
            process = replace(
                a_process(process_id, "anonymous", f"{number}.0"), revision=number, created=NOON, updated=NOON
            )
            connection.execute(process_revisions.insert().values(process_row(process)))
        job = job_at(phase=Phase.SUCCESSFUL, process_id="gone", process_revision=1)
        connection.execute(jobs.insert().values(_early_row(job)))
    upgrade(database)
    store = SqlProcessStore(database)
    assert store.get("echo", Scope("alice")).version == "2.0"
    assert [one.version for one in store.history("echo", Scope("alice"))] == ["2.0", "1.0"]
    with pytest.raises(NoSuchProcess):
        store.get("gone", EVERYTHING)
    kept = SqlJobStore(database).get(job.id, EVERYTHING)
    found = store.get(kept.process_id, EVERYTHING, kept.process_revision, kept.process_owner)
    assert found.version == "1.0" and found.package is not None
    assert store.add(a_process("gone", "anonymous")).revision == 3
    assert store.add(a_process("echo", "alice")).revision == 1
    database.close()


def test_unfinished_jobs_of_the_fourth_schema_have_their_places(tmp_path: Path) -> None:
    database = _database(tmp_path)
    made = {
        "waits": job_at(1),
        "leased": job_at(2, lease_owner="w", lease_until=NOON + SECOND),
        "running": job_at(3, phase=Phase.RUNNING, started=NOON),
        "dismissed": job_at(4, goal=Goal.DISMISS),
        "nested": replace(job_at(5), request={"inputs": {}, "nested": True}),
        "created": job_at(6, phase=Phase.CREATED),
        "ended": job_at(7, phase=Phase.FAILED, started=NOON, finished=NOON),
    }
    with database.write() as connection:
        migrations.migrate(connection, "0004")
        for job in made.values():
            connection.execute(jobs.insert().values(_early_row(job)))
    upgrade(database)
    with database.read() as connection:
        found = {job_id: place for job_id, place in connection.execute(select(jobs.c.id, jobs.c.place)).all()}
    places = {name: found[job.id] for name, job in made.items()}
    held = {"leased": "held", "running": "held"}
    assert places == dict.fromkeys(made, "none") | held | {"waits": "waits"}
    claimed = SqlJobStore(database).claim("v", NOON + SECOND, 9, NOON)
    assert [job.id for job in claimed] == [made[n].id for n in ("running", "dismissed", "nested", "waits")]
    database.close()


def test_members_of_groups_of_the_fifth_schema_are_known(tmp_path: Path) -> None:
    database = _database(tmp_path)
    with database.write() as connection:
        migrations.migrate(connection, "0005")
        known = [("alice", '["hydro", "all"]'), ("bob", "[]"), ("carol", '["hydro"]')]
        for name, groups in known:
            connection.execute(accounts.insert().values(name=name, groups=groups, roles="[]"))
    upgrade(database)
    store = SqlAccountStore(database)
    assert store.members("hydro") == {"alice", "carol"}
    assert store.members("all") == {"alice"}


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    database = _database(tmp_path)
    upgrade(database)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match="9999, which is newer"):
        upgrade(database)


def test_many_processes_start_at_once(tmp_path: Path) -> None:
    check_that_many_start_at_once(_database(tmp_path))


def test_a_start_does_not_import_alembic(tmp_path: Path) -> None:
    code = (
        "import sys; from pygeoapi_oapip.store.sql import Database, upgrade; "
        f"d = Database('sqlite:///{tmp_path}/x/y.db'); upgrade(d); upgrade(d); print('alembic' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
