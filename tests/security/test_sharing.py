"""What is shared is open to those, and to no others; ids of several users do not meet."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from pygeoapi_oapip.errors import Unauthorized
from pygeoapi_oapip.model.identity import ANONYMOUS, Principal
from pygeoapi_oapip.operations import Preference
from pygeoapi_oapip.store.base import JobQuery

from .site import Site

PACKAGE = """
cwlVersion: v1.2
class: CommandLineTool
id: {id}
label: of {label}
baseCommand: echo
inputs: {{}}
outputs: {{}}
"""


def deploy(site: Site, user: str, name: str, prefix: str = "") -> int:
    body = PACKAGE.format(id=name, label=user)
    return site.ask(user, "POST", f"{prefix}/processes", data=body, content_type="application/cwl+yaml").status_code


def title(site: Site, user: str, name: str, prefix: str = "") -> str | None:
    answer = site.ask(user, "GET", f"{prefix}/processes/{name}")
    return str(answer.json["title"]) if answer.status_code == 200 else None  # type: ignore[index]


def job(site: Site, user: str | None) -> str:
    made = site.ask(
        user, "POST", "/processes/echo/execution", json={"inputs": {"message": "x"}}, headers={"Prefer": "wait=100"}
    )
    assert made.status_code == 200, made.text
    return made.headers["Location"].rpartition("/")[2]


def test_two_users_deploy_the_same_id_and_each_has_his_own(site: Site) -> None:
    assert [deploy(site, user, "same") for user in ("alice", "bob", "alice")] == [201, 201, 409]
    assert (title(site, "alice", "same"), title(site, "bob", "same")) == ("of alice", "of bob")
    assert title(site, "carol", "same") is None
    assert site.ask("bob", "DELETE", "/processes/same").status_code == 204
    assert (title(site, "alice", "same"), title(site, "bob", "same")) == ("of alice", None)


def test_own_process_wins_over_a_public_one(site: Site) -> None:
    deploy(site, "alice", "wins")
    site.ask("alice", "PUT", "/processes/wins/sharing", json={"public": True})
    assert title(site, "bob", "wins") == "of alice"
    assert deploy(site, "bob", "wins") == 201
    assert (title(site, "bob", "wins"), title(site, "carol", "wins")) == ("of bob", "of alice")


def test_public_process_is_run_and_not_changed_by_others(site: Site) -> None:
    deploy(site, "alice", "open")
    assert site.ask("alice", "PATCH", "/processes/open/sharing", json={"public": True}).status_code == 200
    assert site.ask("bob", "POST", "/processes/open/execution", json={}).status_code == 201
    body = {"data": PACKAGE.format(id="open", label="bob"), "content_type": "application/cwl+yaml"}
    assert site.ask("bob", "PUT", "/processes/open", **body).status_code == 403
    assert site.ask("bob", "DELETE", "/processes/open").status_code == 403
    assert site.ask("bob", "PUT", "/processes/open/sharing", json={"public": False}).status_code == 403
    assert site.ask("bob", "GET", "/processes/open/sharing").status_code == 403
    assert title(site, "alice", "open") == "of alice"


def test_public_id_is_given_once(site: Site) -> None:
    for user in ("alice", "bob"):
        deploy(site, user, "once")
    assert site.ask("alice", "PUT", "/processes/once/sharing", json={"public": True}).status_code == 200
    assert site.ask("bob", "PUT", "/processes/once/sharing", json={"public": True}).status_code == 409


def test_id_of_the_server_is_nobody_elses(site: Site) -> None:
    assert deploy(site, "bob", "echo") == 403
    assert site.ask("bob", "PUT", "/processes/echo/sharing", json={}).status_code == 403


def test_group_sees_what_is_shared_with_it(site: Site) -> None:
    deploy(site, "alice", "ours")
    shared: Any = site.ask("alice", "PUT", "/processes/ours/sharing", json={"groups": ["hydro"]}).json
    assert (shared["public"], shared["groups"]) == (False, ["hydro"])
    assert (title(site, "carol", "ours"), title(site, "bob", "ours")) == ("of alice", None)
    site.ask("alice", "PATCH", "/processes/ours/sharing", json={"groups": []})
    assert title(site, "carol", "ours") is None


def test_things_are_shared_with_own_groups_only(site: Site) -> None:
    deploy(site, "alice", "pushed")
    for path in ("/processes/pushed/sharing", f"/jobs/{job(site, 'alice')}/sharing"):
        assert site.ask("alice", "PUT", path, json={"groups": ["forest"]}).status_code == 403
        assert site.ask("root", "PUT", path, json={"groups": ["forest"]}).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_no_body_changes_nothing(site: Site, method: str) -> None:
    deploy(site, "alice", "kept")
    site.ask("alice", "PUT", "/processes/kept/sharing", json={"public": True})
    refused: Any = site.ask("alice", method, "/processes/kept/sharing").json
    assert (refused["status"], refused["detail"]) == (400, "there is no body; a JSON object is needed")
    assert title(site, "bob", "kept") == "of alice"


@pytest.mark.parametrize(
    "body",
    [
        {"public": 1},
        {"links": "x"},
        {"groups": "hydro"},
        {"groups": [1]},
        {"groups": ["a\nb"]},
        {"users": ["bob"]},
        {"groups": ["g"] * 101},
    ],
)
def test_wrong_body_changes_nothing(site: Site, body: dict[str, object]) -> None:
    path = f"/jobs/{job(site, 'alice')}/sharing"
    site.ask("alice", "PUT", path, json={"groups": ["hydro"]})
    for method in ("PUT", "PATCH"):
        assert site.ask("alice", method, path, json=body).status_code == 400
    assert site.ask("alice", "GET", path).json["groups"] == ["hydro"]  # type: ignore[index]


def test_shared_job_is_read_and_not_dismissed(site: Site) -> None:
    name = job(site, "alice")
    reading = [
        f"/jobs/{name}{path}" for path in ("", "/results", "/results/message", "/logs", "/inputs", "/definition")
    ]
    assert {site.ask("carol", "GET", path).status_code for path in reading} == {404}
    site.ask("alice", "PUT", f"/jobs/{name}/sharing", json={"groups": ["hydro"]})
    assert {site.ask("carol", "GET", path).status_code for path in reading} == {200}
    assert {site.ask("bob", "GET", path).status_code for path in reading} == {404}
    assert site.ask("carol", "DELETE", f"/jobs/{name}").status_code == 403
    assert site.ask("carol", "PATCH", f"/jobs/{name}", json={"inputs": {}}).status_code == 403
    assert site.ask("carol", "PUT", f"/jobs/{name}/sharing", json={"public": True}).status_code == 403
    listed: Any = site.ask("carol", "GET", "/jobs?limit=100").json
    assert name not in {row["jobID"] for row in listed["jobs"]}
    site.ask("alice", "PUT", f"/jobs/{name}/sharing", json={})
    assert {site.ask("carol", "GET", path).status_code for path in reading} == {404}


def test_job_keeps_the_process_it_was_started_with(site: Site) -> None:
    """Two owners, one id and one revision number: each job has the package of its own."""
    for user in ("alice", "bob"):
        deploy(site, user, "kept")
    for user in ("alice", "bob"):
        made: Any = site.ask(user, "POST", "/processes/kept/execution", json={}).json
        package = site.ask(user, "GET", f"/jobs/{made['jobID']}/package").text
        assert f"of {user}" in package


def test_administrator_acts_in_the_context_of_a_user(site: Site) -> None:
    assert deploy(site, "root", "given", "/bob/ogc-api") == 201
    assert (title(site, "bob", "given"), title(site, "alice", "given")) == ("of root", None)
    assert deploy(site, "olga", "given2", "/bob/ogc-api") == 403
    assert site.ask("bob", "DELETE", "/processes/given").status_code == 204


def test_anonymous_run_public_processes_and_see_no_list(open_site: Site) -> None:
    name = job(open_site, None)
    assert open_site.ask(None, "GET", f"/jobs/{name}").status_code == 200
    assert open_site.ask(None, "GET", "/jobs").json["jobs"] == []  # type: ignore[index]
    assert open_site.ask("bob", "GET", f"/jobs/{name}").status_code == 404
    assert open_site.ask(None, "PUT", f"/jobs/{name}/sharing", json={"public": True}).status_code == 403
    body = {"data": PACKAGE.format(id="x", label="x"), "content_type": "application/cwl+yaml"}
    assert open_site.ask(None, "POST", "/processes", **body).status_code == 401
    assert open_site.ask(None, "GET", "/alice/ogc-api/processes").status_code == 401
    assert open_site.ask(None, "GET", "/collections").status_code == 200


def test_headers_give_no_rights(site: Site) -> None:
    name = job(site, "alice")
    lies = {
        "X-Forwarded-User": "alice",
        "X-Remote-User": "alice",
        "Remote-User": "alice",
        "X-User": "alice",
        "X-Roles": "admin",
        "X-ProcessAPI-User-Email": "alice",
        "X-Userinfo": "eyJwcmVmZXJyZWRfdXNlcm5hbWUiOiJhbGljZSJ9",
        "oapip.prefix": "/alice/ogc-api",
        "X-Forwarded-Prefix": "/alice/ogc-api",
    }
    assert site.ask("bob", "GET", f"/jobs/{name}", headers=lies).status_code == 404
    assert site.ask(None, "GET", f"/jobs/{name}", headers=lies).status_code == 401
    assert site.ask(None, "GET", f"/jobs/{name}?access_token=alice").status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/Alice/ogc-api/jobs",
        "/ALICE/ogc-api/jobs",
        "/alice%20/ogc-api/jobs",
        "/bob/ogc-api/../../alice/ogc-api/jobs",
        "/bob/../alice/ogc-api/jobs",
        "/%61lice/ogc-api/jobs",
        "/%2561lice/ogc-api/jobs",
        "/alice%2fogc-api/jobs",
        "//alice/ogc-api/jobs",
        "/alice//ogc-api/jobs",
        "/alice/ogc-api//jobs",
        "/alice/ogc-api/%2e%2e/jobs",
        "/bob/ogc-api/alice/ogc-api/jobs",
    ],
)
def test_tricks_with_the_path_open_no_other_context(site: Site, path: str) -> None:
    name = job(site, "alice")
    answer = site.ask("bob", "GET", "/", environ_overrides={"PATH_INFO": unquote(path)})
    assert answer.status_code in (403, 404) and name not in answer.text


@pytest.mark.parametrize(
    "header", ["Basic YWxpY2U6eA==", "Bearer", "alice", "Token alice", "Bearer alice, Bearer bob", ""]
)
def test_other_credentials_are_refused_and_not_passed_over(site: Site, header: str) -> None:
    for path in ("/", "/processes", "/collections", "/nothing"):
        answer = site.ask(None, "GET", path, headers={"Authorization": header})
        assert answer.status_code == 401 and answer.json["type"] == "about:blank"  # type: ignore[index]


def test_answers_are_not_kept_by_caches_in_between(site: Site) -> None:
    for path in ("/processes", f"/jobs/{job(site, 'alice')}/results", "/collections"):
        answer = site.ask("alice", "GET", path)
        assert "private" in answer.headers["Cache-Control"] or "no-store" in answer.headers["Cache-Control"]
        assert "Authorization" in ", ".join(answer.headers.getlist("Vary"))


def test_names_of_users_and_groups_are_text_in_pages(site: Site) -> None:
    name = job(site, "evil")
    site.ask("evil", "PUT", f"/jobs/{name}/sharing", json={"groups": ["<b>all"]})
    for path in ("/", "/processes", f"/jobs/{name}", f"/jobs/{name}/sharing", f"/jobs/{name}/prov", "/nothing"):
        page = site.ask("evil", "GET", path, headers={"Accept": "text/html"}).text
        assert "<!doctype html>" in page and "<script>alert" not in page and "<b>all" not in page


def test_without_the_middleware_everybody_is_nobody(site: Site) -> None:
    """As under pygeoapi that somebody starts in his own way."""
    service = site.wired.service
    for act in (
        lambda: service.processes(ANONYMOUS, 1, 0),
        lambda: service.process(ANONYMOUS, "echo"),
        lambda: service.jobs(ANONYMOUS, JobQuery()),
        lambda: service.job(ANONYMOUS, "x"),
        lambda: service.execute(ANONYMOUS, "echo", {}, Preference()),
        lambda: service.processes(Principal("anonymous", frozenset({"admin"})), 1, 0),
    ):
        with pytest.raises(Unauthorized):
            act()


def test_configuration_of_pygeoapi_is_for_administrators(site: Site) -> None:
    """pygeoapi's own `/admin`, where its administrator has switched it on."""
    for user, status in ((None, 401), ("bob", 403), ("olga", 403), ("guest", 403), ("root", 200)):
        for method, path in (("GET", "/admin/config"), ("PUT", "/admin/config"), ("GET", "/ogc-api/admin/config")):
            assert site.ask(user, method, path).status_code == status


def test_health_tells_strangers_only_whether_it_works(site: Site) -> None:
    for user in (None, "alice"):
        told: Any = site.ask(user, "GET", "/health").json
        assert all(set(part) == {"ok"} for part in told["parts"].values())
    told = site.ask("olga", "GET", "/health").json
    assert "jobs" in told["parts"]["store"]
