"""Users of a certified identity provider on one real server: tokens, contexts, jobs, logins, faults of the provider."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from pygeoapi_oapip.testing.live_server import LiveServer

from .conftest import Platform

PACKAGE = """
cwlVersion: v1.2
class: CommandLineTool
id: hello
label: of {user}
baseCommand: echo
inputs: {{word: {{type: string, inputBinding: {{}}}}}}
outputs: {{said: stdout}}
stdout: said.txt
"""


def test_two_users_deploy_run_and_read_side_by_side(platform: Platform) -> None:
    jobs = {}
    for user in ("alice", "bob"):
        body, kind = PACKAGE.format(user=user), {"Content-Type": "application/cwl+yaml"}
        made = platform.ask(user, "POST", f"/{user}/ogc-api/processes", data=body, headers=kind)
        assert made.status_code == 201, made.text
        assert made.headers["Location"] == f"{platform.server.url}/{user}/ogc-api/processes/hello"
        ran = platform.ask(
            user,
            "POST",
            f"/{user}/ogc-api/processes/hello/execution",
            json={"inputs": {"word": f"secret of {user}"}},
            headers={"Prefer": "wait=100"},
        )
        assert ran.status_code == 200, ran.text
        jobs[user] = ran.headers["Location"].rpartition("/")[2]
    for user, other in (("alice", "bob"), ("bob", "alice")):
        results = platform.ask(user, "GET", f"/jobs/{jobs[user]}/results")
        assert results.status_code == 200
        for path in ("", "/results", "/logs", "/inputs", "/package", "/results/said"):
            assert platform.ask(other, "GET", f"/jobs/{jobs[user]}{path}").status_code == 404
        assert platform.ask(other, "GET", f"/{user}/ogc-api/jobs").status_code == 403
    listed: Any = platform.ask("olga", "GET", "/jobs").json()
    assert set(jobs.values()) <= {row["jobID"] for row in listed["jobs"]}
    assert platform.ask("olga", "GET", f"/jobs/{jobs['alice']}/results").status_code == 403
    assert platform.ask("root", "GET", f"/jobs/{jobs['alice']}/results").status_code == 200


@pytest.mark.parametrize("resource", ["urn:ec", "urn:opaque"])
def test_other_tokens_of_the_provider_are_taken(platform: Platform, resource: str) -> None:
    platform.tokens[resource] = platform.provider.token("alice", resource)
    assert platform.ask(resource, "GET", "/alice/ogc-api/processes").status_code == 200


def test_token_for_another_api_is_refused(platform: Platform) -> None:
    platform.tokens["other"] = platform.provider.token("alice", "urn:other")
    answer = platform.ask("other", "GET", "/processes")
    assert answer.status_code == 401 and "audience" in answer.json()["detail"]


def test_service_is_a_user_too(platform: Platform) -> None:
    platform.tokens["service"] = platform.provider.service_token()
    assert platform.ask("service", "GET", "/service-api/ogc-api/jobs").status_code == 200


def test_browser_logs_in_and_out(platform: Platform) -> None:
    browser = requests.Session()
    url = platform.server.url
    begun = browser.get(f"{url}/login?next=/jobs%3Ff%3Dhtml", allow_redirects=False, timeout=240)
    back = platform.provider.redirected(begun.headers["Location"], "alice")
    done = browser.get(back, allow_redirects=False, timeout=240)
    assert (done.status_code, done.headers["Location"]) == (302, f"{url}/jobs?f=html")
    assert "HttpOnly" in done.headers["Set-Cookie"] and "SameSite=Lax" in done.headers["Set-Cookie"]
    assert browser.get(f"{url}/alice/ogc-api/jobs", timeout=240).status_code == 200
    assert browser.get(f"{url}/bob/ogc-api/jobs", timeout=240).status_code == 403
    run = f"{url}/processes/echo/execution"
    body = {"inputs": {"message": "x"}}
    for headers, status in (
        ({}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Prefer": "wait=100"}, 200),
        ({"Origin": url, "Prefer": "wait=100"}, 200),
    ):
        assert browser.post(run, json=body, headers=headers, timeout=60).status_code == status, headers
    assert browser.get(f"{run}?message=x", headers={"Sec-Fetch-Site": "cross-site"}, timeout=240).status_code == 403
    assert browser.get(back, timeout=240).status_code == 400, "a code is used once"
    stolen = dict(browser.cookies)
    assert browser.post(f"{url}/logout", timeout=240).status_code == 403, "another site logs nobody out"
    assert browser.post(f"{url}/logout", headers={"Sec-Fetch-Site": "same-origin"}, timeout=240).status_code == 200
    assert requests.get(f"{url}/jobs", cookies=stolen, timeout=240).status_code == 401


def oapip(platform: Platform, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {key: text for key, text in os.environ.items() if not key.startswith("OAPIP_")}
    environment |= {"XDG_CONFIG_HOME": str(home), "OAPIP_SERVER": platform.server.url}
    command = [sys.executable, "-m", "pygeoapi_oapip.cli", *words]
    return subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, timeout=600, check=False)


def test_terminal_logs_in_by_the_device_flow(platform: Platform, tmp_path: Path) -> None:
    assert "401" in oapip(platform, tmp_path, "processes").stderr
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "OAPIP_SERVER": platform.server.url}
    command = [sys.executable, "-m", "pygeoapi_oapip.cli", "login", "--scope", "openid profile"]
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as going:
        assert going.stderr is not None
        line = going.stderr.readline()
        platform.provider.approve(line.removeprefix("Open ").strip(), "alice")
        assert going.wait(240) == 0
    file = tmp_path / "oapip" / "logins.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "echo" in oapip(platform, tmp_path, "processes").stdout
    made = platform.ask("alice", "POST", "/processes/echo/execution", json={"inputs": {"message": "x"}})
    job = made.headers["Location"].rpartition("/")[2]
    assert oapip(platform, tmp_path, "share", "job", job).stdout == "private\n"
    assert oapip(platform, tmp_path, "share", "job", job, "--group", "all").stdout == "shared with all\n"
    assert platform.ask("bob", "GET", f"/jobs/{job}").status_code == 200
    assert oapip(platform, tmp_path, "share", "job", job, "--private").stdout == "private\n"
    assert platform.ask("bob", "GET", f"/jobs/{job}").status_code == 404
    assert oapip(platform, tmp_path, "logout").returncode == 0
    assert "401" in oapip(platform, tmp_path, "processes").stderr


def test_provider_that_is_down_and_comes_back_with_other_keys(platform: Platform) -> None:
    """Tokens that were made before do not work in the tests after this one."""
    assert platform.ask("alice", "GET", "/processes").status_code == 200
    platform.provider.stop()
    assert platform.ask("alice", "GET", "/processes").status_code == 200, "those who are verified go on"
    forged = platform.tokens["alice"][:-8] + "AAAAAAAA"
    platform.tokens["forged"], platform.tokens["opaque"] = forged, "never-seen-before"
    assert platform.ask("forged", "GET", "/processes").status_code == 401
    assert platform.ask("opaque", "GET", "/processes").status_code == 503
    platform.provider.start("second")
    platform.tokens["new"] = platform.provider.token("bob")
    deadline = 120
    while (status := platform.ask("new", "GET", "/bob/ogc-api/processes").status_code) != 200 and deadline:
        deadline -= 1
        time.sleep(1)
    assert status == 200
    assert platform.ask("alice", "GET", "/processes").status_code == 401, "the key of the old tokens is gone"


def test_server_that_could_never_ask_the_provider_lets_nobody_in(platform: Platform, tmp_path: Path) -> None:
    token = platform.provider.token("alice")
    platform.provider.stop()
    auth = {"type": "oidc", "issuers": [{"issuer": platform.provider.issuer, "audience": ["oapip-api"]}]}
    with LiveServer(tmp_path, {"auth": auth}, workers=1) as server:
        for value, status in ((f"Bearer {token}", 503), ("Bearer x", 401), (None, 401)):
            headers = {"Authorization": value} if value else {}
            answer = requests.get(f"{server.url}/jobs", headers=headers, timeout=60)
            assert answer.status_code == status, answer.text
