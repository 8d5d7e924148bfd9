"""What is written down, and what is not."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from pygeoapi_oapip.auth.basic import BasicPasswords
from pygeoapi_oapip.auth.passwords import Account, hash_password, write_account
from pygeoapi_oapip.cli import main
from pygeoapi_oapip.errors import StoreUnavailable, Unauthorized
from pygeoapi_oapip.model.job import utc_now
from pygeoapi_oapip.settings import load_settings
from pygeoapi_oapip.settings_auth import BasicAuth
from pygeoapi_oapip.store.audit import AuditEntry
from pygeoapi_oapip.store.sql import SqlAuditStore
from pygeoapi_oapip.wiring import Wired, default_configuration

from .site import Site

SECRET = "a-secret-input"
PACKAGE = {
    "data": "{cwlVersion: v1.2, class: CommandLineTool, id: noted, baseCommand: echo, inputs: {}, outputs: {}}",
    "content_type": "application/cwl+yaml",
}


def entries(site: Site, who: str | None = None) -> list[AuditEntry]:
    return list(SqlAuditStore(site.wired.database).entries(1000, who))


def test_deeds_and_refusals_are_written_down_without_secrets(site: Site) -> None:
    site.ask("alice", "POST", "/processes", **PACKAGE)
    run = {"json": {"inputs": {"message": SECRET}}, "headers": {"Prefer": "wait=100"}}
    made = site.ask("alice", "POST", "/processes/echo/execution", **run)
    job = made.headers["Location"].rpartition("/")[2]
    site.ask("alice", "PUT", f"/jobs/{job}/sharing", json={"groups": ["hydro"]})
    site.ask("alice", "GET", f"/jobs/{job}/results")
    site.ask("carol", "GET", f"/jobs/{job}/results")
    site.ask("carol", "DELETE", f"/jobs/{job}")
    site.ask("bob", "GET", f"/jobs/{job}/results")
    site.ask("root", "DELETE", "/alice/ogc-api/processes/noted", environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    found = [(one.who, one.context, one.what, one.object, one.outcome) for one in reversed(entries(site))]
    assert found == [
        ("alice", "", "deploy", "process:noted", "done"),
        ("alice", "", "execute echo", f"job:{job}", "done"),
        ("alice", "", "share with hydro", f"job:{job}", "done"),
        ("carol", "", "read results", f"job:{job}", "done"),
        ("carol", "", "dismiss", f"job:{job}", "403 Forbidden"),
        ("root", "alice", "undeploy", "process:noted", "done"),
    ]
    assert entries(site, "root")[0].address == "192.0.2.7"
    assert SECRET not in repr(entries(site))


def test_texts_that_would_break_a_line_are_written_in_one(site: Site) -> None:
    store = SqlAuditStore(site.wired.database)
    for text in ("a\nb", "a\x1b[31mb", "a\0b", "a\u202eb", "\ud800", "x" * 5000):
        store.append(AuditEntry(utc_now(), "mallory", "", "", text, f"process:{text}", "done"))
        store.append(AuditEntry(utc_now(), text, "", "", "deploy", "", "done"))
        assert len(store.entries(6, text)) == 1, "it is found by the name that it was written with"
    for one in store.entries(6, "mallory"):
        assert one.what.isprintable() and one.object.isprintable() and len(one.object) <= 500


def test_deed_is_done_although_it_cannot_be_written_down(site: Site, monkeypatch: Any, caplog: Any) -> None:
    def full(self: SqlAuditStore, entry: AuditEntry) -> None:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(SqlAuditStore, "append", full)
    run = {"json": {"inputs": {"message": "x"}}, "headers": {"Prefer": "wait=100"}}
    assert site.ask("alice", "POST", "/processes/echo/execution", **run).status_code == 200
    assert "the audit lacks an entry" in caplog.text


def test_administrator_reads_it_on_the_command_line(site: Site, tmp_path: Path) -> None:
    site.ask("bob", "POST", "/processes", **PACKAGE)
    manager = {
        "connection": site.wired.settings.connection,
        "auth": {"type": "oidc", "issuers": [{"issuer": "https://id.example.org", "audience": ["api"]}]},
    }
    file = tmp_path / "config.yml"
    file.write_text(yaml.safe_dump({"server": {"url": "https://example.org", "manager": manager}}))
    done = CliRunner().invoke(main, ["audit", "--config", str(file), "--user", "bob", "--json"])
    assert done.exit_code == 0, done.output
    [entry] = json.loads(done.stdout)["entries"]
    assert (entry["who"], entry["what"], entry["object"]) == ("bob", "deploy", "process:noted")
    done = CliRunner().invoke(main, ["audit", "--config", str(file), "--since", "2999-01-01"])
    assert "no entries" in done.output


def test_old_entries_go_where_the_administrator_wants_it(site: Site) -> None:
    store = SqlAuditStore(site.wired.database)
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    store.append(AuditEntry(moment, "old", "", "", "deploy", "", "done"))
    assert site.wired.forget_audit() == 0, "for ever, unless the configuration says otherwise"
    assert store.entries(10, "old")
    assert store.forget(moment + timedelta(days=1)) == 1
    assert store.entries(10, "old") == []


def test_configuration_sets_the_age(tmp_path: Path) -> None:
    configuration = default_configuration("https://example.org", tmp_path)["server"]["manager"]
    basic = {"type": "basic", "file": str(tmp_path / "unused")}
    settings = load_settings({**configuration, "auth": basic, "retention": {"audit": "30d"}})
    wired = Wired(settings, {}, "https://example.org")
    try:
        store = SqlAuditStore(wired.database)
        for days in (0, 20, 31, 400):
            moment = datetime.now(UTC) - timedelta(days=days)
            store.append(AuditEntry(moment, f"of {days} days", "", "", "deploy", "", "done"))
        assert wired.forget_audit in wired.upkeep.further
        wired.reap()
        assert [one.who for one in store.entries(10)] == ["of 0 days", "of 20 days"]
    finally:
        wired.close()


def test_wrong_password_is_written_down_and_a_name_that_nobody_has_is_not(tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    write_account(file, Account("alice", hash_password("the right one"), frozenset(), frozenset()))
    found: list[tuple[str, ...]] = []
    passwords = BasicPasswords(BasicAuth(file=file), log=lambda *row: found.append(row))
    for name in ("alice", "my secret typed as a name"):
        with pytest.raises(Unauthorized):
            passwords.verify(base64.b64encode(f"{name}:wrong".encode()).decode(), "192.0.2.1")
    assert passwords.verify(base64.b64encode(b"alice:the right one").decode(), "192.0.2.1").name == "alice"
    assert [row[:2] for row in found] == [("log in", "alice"), ("log in", "anonymous")]
    assert "wrong name or password" in found[0][2] and found[0][3] == "192.0.2.1"
