"""What is written down, and what is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner

from pygeoapi_oapip.cli import main
from pygeoapi_oapip.errors import StoreUnavailable
from pygeoapi_oapip.model.job import utc_now
from pygeoapi_oapip.store.audit import AuditEntry
from pygeoapi_oapip.store.sql import SqlAuditStore

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
