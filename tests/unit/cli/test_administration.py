"""`oapip unlock`: the administrator's way to a process that nobody can change over HTTP."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from pygeoapi_oapip.cli import main
from pygeoapi_oapip.model.identity import EVERYTHING
from pygeoapi_oapip.model.process import Source
from pygeoapi_oapip.store.database import Database
from pygeoapi_oapip.store.migrations import upgrade
from pygeoapi_oapip.store.sql import SqlProcessStore
from pygeoapi_oapip.testing.process_store_contract import a_process
from pygeoapi_oapip.wiring import default_configuration


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    path = tmp_path / "pygeoapi-config.yml"
    path.write_text(yaml.safe_dump(default_configuration("http://localhost:5000", tmp_path)))
    return path


@pytest.fixture
def processes(tmp_path: Path) -> SqlProcessStore:
    database = Database(f"sqlite:///{tmp_path / 'oapip.db'}", None)
    upgrade(database)
    return SqlProcessStore(database)


def unlock(configuration: Path, process_id: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["unlock", process_id, "--config", str(configuration)])
    return done.exit_code, done.output


def test_a_locked_process_is_unlocked_once(configuration: Path, processes: SqlProcessStore) -> None:
    processes.add(replace(a_process(), locked=True))
    assert unlock(configuration, "buffer") == unlock(configuration, "buffer") == (0, "buffer can be changed\n")
    found = processes.get("buffer", EVERYTHING)
    assert found.mutable and found.revision == 2
    assert found.package == a_process().package


def test_what_is_not_deployed_is_told(configuration: Path, processes: SqlProcessStore) -> None:
    processes.add(replace(a_process(), source=Source.CONFIGURED))
    assert unlock(configuration, "buffer")[0] == 1
    code, text = unlock(configuration, "none")
    assert code == 1 and "none" in text
