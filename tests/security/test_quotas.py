"""One user cannot take all the room."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .site import Site


def test_user_with_too_many_jobs_is_told_to_wait_and_others_are_not(tmp_path: Path) -> None:
    site = Site(tmp_path, jobs_per_user=2)
    run: dict[str, Any] = {"json": {"inputs": {"message": "x"}}, "headers": {"Prefer": "respond-async"}}
    # nobody moves jobs on here, so that they wait
    made = [site.ask("alice", "POST", "/processes/echo/execution", **run) for _ in range(3)]
    assert [answer.status_code for answer in made] == [201, 201, 429]
    assert int(made[2].headers["Retry-After"]) > 0 and made[2].json["status"] == 429  # type: ignore[index]
    assert site.ask("bob", "POST", "/processes/echo/execution", **run).status_code == 201
    defined = site.ask("alice", "POST", "/jobs", json={"process": "echo", "inputs": {"message": "x"}})
    job = defined.headers["Location"].rpartition("/")[2]
    assert (defined.status_code, site.ask("alice", "POST", f"/jobs/{job}/results").status_code) == (201, 429)
    wps = "/wps?service=WPS&version=1.0.0&request=Execute&identifier=echo&DataInputs=message=x"
    refused = site.ask("alice", "GET", wps)
    assert refused.status_code == 429 and "ExceptionReport" in refused.text
    first = made[0].headers["Location"].rpartition("/")[2]
    assert site.ask("alice", "DELETE", f"/jobs/{first}").status_code == 200
    assert site.ask("alice", "POST", f"/jobs/{job}/results").status_code == 200
    site.wired.close()
