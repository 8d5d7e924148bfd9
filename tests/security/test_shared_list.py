"""Jobs that others share: who finds them in the list, and what is told of their owners."""

from __future__ import annotations

from typing import Any

from .site import Site


def job(site: Site, user: str) -> str:
    body = {"json": {"inputs": {"message": "x"}}, "headers": {"Prefer": "wait=30"}}
    return site.ask(user, "POST", "/processes/echo/execution", **body).headers["Location"].rpartition("/")[2]


def listed(site: Site, user: str | None, query: str = "?shared=true", prefix: str = "") -> dict[str, dict[str, Any]]:
    answer: Any = site.ask(user, "GET", f"{prefix}/jobs{query}")
    assert answer.status_code == 200, answer.text
    return {row["jobID"]: row for row in answer.json["jobs"]}


def test_list_of_shared_jobs_has_those_and_no_others(site: Site) -> None:
    private, group, public, own = job(site, "alice"), job(site, "alice"), job(site, "alice"), job(site, "carol")
    site.ask("alice", "PUT", f"/jobs/{group}/sharing", json={"groups": ["hydro"]})
    site.ask("alice", "PUT", f"/jobs/{public}/sharing", json={"public": True})
    site.ask("carol", "PUT", f"/jobs/{own}/sharing", json={"groups": ["hydro"]})
    found = listed(site, "carol")
    assert set(found) & {private, group, public, own} == {group, public}
    assert all(row["shared"] is True and "owner" not in row for row in found.values())
    assert set(listed(site, "bob")) & {private, group, public, own} == {public}
    assert group not in listed(site, "carol", "") and own in listed(site, "carol", "")
    assert "shared" not in listed(site, "carol", "")[own]
    for one in (group, public):
        assert site.ask("carol", "GET", f"/jobs/{one}/results").status_code == 200
    assert set(listed(site, "carol", "?shared=true&limit=1")) < set(found)
    site.ask("alice", "PUT", f"/jobs/{group}/sharing", json={})
    assert group not in listed(site, "carol")


def test_owner_is_told_to_those_who_look_after_the_server_alone(site: Site) -> None:
    private = job(site, "alice")
    for user in ("olga", "root"):
        assert listed(site, user, "")[private]["owner"] == "alice"
        status: Any = site.ask(user, "GET", f"/jobs/{private}").json
        assert status["owner"] == "alice" and "shared" not in status
    mine: Any = site.ask("alice", "GET", f"/jobs/{private}").json
    assert "owner" not in mine and "shared" not in mine


def test_strangers_and_contexts_have_no_list_of_shared_jobs(site: Site, open_site: Site) -> None:
    assert site.ask(None, "GET", "/jobs?shared=true").status_code == 401
    assert site.ask("guest", "GET", "/jobs?shared=true").status_code == 403
    assert site.ask("bob", "GET", "/alice/ogc-api/jobs?shared=true").status_code == 403
    assert listed(open_site, None) == {}
    assert site.ask("bob", "GET", "/jobs?shared=yes").status_code == 400


def test_pages_show_the_form_to_owners_and_the_mark_to_others(site: Site) -> None:
    group = job(site, "alice")
    site.ask("alice", "PUT", f"/jobs/{group}/sharing", json={"groups": ["hydro"]})
    html = {"headers": {"Accept": "text/html"}}
    for user, form in (("alice", True), ("carol", False), ("olga", False), ("root", False)):
        page = site.ask(user, "GET", f"/jobs/{group}", **html).text
        assert ('id="sharing"' in page) is form
        assert ("data-dismiss" in page) is (user != "carol")
    assert '<span class="tag">shared</span>' in site.ask("carol", "GET", "/jobs?shared=true", **html).text
    assert '<span class="tag owner">alice</span>' in site.ask("olga", "GET", "/jobs", **html).text
    assert 'id="sharing"' not in site.ask("carol", "GET", "/processes/echo", **html).text
