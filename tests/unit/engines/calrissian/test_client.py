"""The client turns every answer, and every missing one, into a value, a refusal or an EngineUnavailable."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pygeoapi_oapip.engines.calrissian.client import Cluster, Refused
from pygeoapi_oapip.engines.calrissian.preflight import Preflight
from pygeoapi_oapip.errors import EngineUnavailable

from .conftest import settings

Answer = Callable[[http.server.BaseHTTPRequestHandler, Any], tuple[int, bytes]]


class Api:
    """A server that answers as a test says, and keeps what was asked."""

    def __init__(self) -> None:
        self.answer: Answer = lambda handler, body: (200, b"{}")
        self.asked: list[tuple[str, str, str, Any]] = []
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                api.asked.append((self.command, self.path, str(self.headers.get("Authorization")), body))
                status, content = api.answer(self, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_DELETE = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    yield api
    api.server.shutdown()
    api.server.server_close()


@pytest.fixture
def cluster(api: Api, tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(settings(kubeconfig=str(kubeconfig(tmp_path, api.url))))
    yield cluster
    cluster.close()


def kubeconfig(folder: Path, url: str) -> Path:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"token": "a-token"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def says(status: int, document: Any) -> Answer:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return lambda handler, body: (status, content)


def test_requests_carry_the_token_and_the_query(api: Api, cluster: Cluster) -> None:
    api.answer = says(200, {"items": []})
    assert cluster.get("/api/v1/pods", labelSelector="a=b,c=d") == {"items": []}
    assert api.asked == [("GET", "/api/v1/pods?labelSelector=a%3Db%2Cc%3Dd", "Bearer a-token", None)]


def test_objects_are_made_and_removed_with_what_they_own(api: Api, cluster: Cluster) -> None:
    api.answer = says(201, {"metadata": {"uid": "u"}})
    assert cluster.create("/jobs", {"kind": "Job"}) == {"metadata": {"uid": "u"}}
    assert cluster.delete("/jobs/x") is True
    assert [(method, body) for method, _, _, body in api.asked] == [
        ("POST", {"kind": "Job"}),
        ("DELETE", {"propagationPolicy": "Background"}),
    ]


def test_removing_what_is_not_there_is_no_fault(api: Api, cluster: Cluster) -> None:
    api.answer = says(404, {"message": "not found"})
    assert cluster.delete("/jobs/x") is False


@pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 422])
def test_a_refusal_has_the_words_of_the_cluster(api: Api, cluster: Cluster, status: int) -> None:
    api.answer = says(status, {"message": "because"})
    with pytest.raises(Refused, match="because") as caught:
        cluster.create("/jobs", {})
    assert caught.value.status == status


@pytest.mark.parametrize("status", [401, 429, 500, 502, 503, 504])
def test_what_may_pass_is_temporary(api: Api, cluster: Cluster, status: int) -> None:
    api.answer = says(status, {"message": "busy"})
    with pytest.raises(EngineUnavailable, match="the cluster does not serve: busy"):
        cluster.get("/jobs")
    assert len(api.asked) == 1, "the reconciler tries again, not the client"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"<html>"])
def test_an_answer_that_is_no_object_is_temporary(api: Api, cluster: Cluster, content: bytes) -> None:
    api.answer = says(200, content)
    with pytest.raises(EngineUnavailable):
        cluster.get("/jobs")


@pytest.mark.parametrize("content", [b"", b"<html>"])
def test_a_refusal_without_words_has_its_status(api: Api, cluster: Cluster, content: bytes) -> None:
    api.answer = says(403, content)
    with pytest.raises(Refused, match="status 403"):
        cluster.get("/jobs")


def test_no_server_is_temporary(tmp_path: Path) -> None:
    cluster = Cluster(settings(kubeconfig=str(kubeconfig(tmp_path, "http://127.0.0.1:9"))))
    with pytest.raises(EngineUnavailable, match="cannot be reached"):
        cluster.get("/jobs")


@pytest.mark.parametrize("content", [None, "", "[]", "contexts: 3"])
def test_a_kubeconfig_that_cannot_be_read_is_told_without_its_path(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(content)
    with pytest.raises(EngineUnavailable, match="the configuration of the cluster cannot be read") as caught:
        Cluster(settings(kubeconfig=str(path))).get("/jobs")
    assert str(tmp_path) not in caught.value.detail


def test_a_watch_gives_its_events(api: Api, cluster: Cluster) -> None:
    api.answer = says(200, b'{"type": "ADDED", "object": {"a": 1}}\n\n{"type": "DELETED", "object": {}}\n')
    assert [event["type"] for event in cluster.watch("/jobs", 1)] == ["ADDED", "DELETED"]
    assert "watch=1" in api.asked[0][1] and "timeoutSeconds=1" in api.asked[0][1]


def test_an_error_within_a_watch_is_a_refusal(api: Api, cluster: Cluster) -> None:
    api.answer = says(200, {"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}})
    with pytest.raises(Refused, match="too old") as caught:
        list(cluster.watch("/jobs", 1))
    assert caught.value.status == 410


def test_a_watch_that_breaks_off_is_temporary(api: Api, cluster: Cluster) -> None:
    api.answer = says(200, b'{"type": "ADDED", "object": {}}\n{"type": "AD')
    with pytest.raises(EngineUnavailable, match="broke off"):
        list(cluster.watch("/jobs", 1))


def may(*verbs: str) -> Answer:
    """An API where the account has these verbs, and all claims are there."""

    def answer(handler: http.server.BaseHTTPRequestHandler, body: Any) -> tuple[int, bytes]:
        if body is None:
            return 200, b'{"status": {"phase": "Bound"}}'
        asked = body["spec"]["resourceAttributes"]
        allowed = f"{asked['resource']} {asked['verb']}" in verbs
        return 201, json.dumps({"status": {"allowed": allowed}}).encode()

    return answer


JOBS = tuple(f"jobs {verb}" for verb in ("create", "list", "get", "delete"))
WATCHING = ("jobs watch", "pods list", "pods watch", "events list")


def test_health_is_well_where_all_rights_are_there(api: Api, cluster: Cluster) -> None:
    api.answer = may(*JOBS, *WATCHING, "persistentvolumeclaims get")
    health = Preflight(settings(), cluster).health(30.0)
    assert (health.ok, health.detail) == (True, "namespace default of the cluster answers")


def test_health_names_each_verb_that_is_missing(api: Api, cluster: Cluster) -> None:
    api.answer = may("jobs create", "jobs get", "persistentvolumeclaims get", *WATCHING)
    health = Preflight(settings(namespace="ns"), cluster).health(30.0)
    assert not health.ok
    assert health.detail == (
        "the account of this server may not do this in the namespace ns: jobs: list, delete (role job-manager-role)"
    )


def test_health_asks_for_claims_where_jobs_have_volumes(api: Api, cluster: Cluster) -> None:
    api.answer = may(*JOBS, *WATCHING, "persistentvolumeclaims get")
    own = settings(volumes={"claim": "jobs", "storage_class": "fast"})
    health = Preflight(own, cluster).health(30.0)
    assert not health.ok and "persistentvolumeclaims: create (role volume-manager-role)" in health.detail


def test_health_names_each_secret_that_cannot_be_copied(api: Api, cluster: Cluster) -> None:
    api.answer = may(*JOBS, *WATCHING, "persistentvolumeclaims get", "namespaces create", "namespaces get")
    copied = {"pull_secrets": ["registry"], "env_from_secrets": ["keys"], "namespaces": {"secrets_from": "origin"}}
    health = Preflight(settings(namespace="oapip-{user}", **copied), cluster).health(30.0)
    assert not health.ok
    for name in ("registry", "keys"):
        assert f"in the namespace origin: secrets/{name}: get (role secret-reader-role)" in health.detail
    asked = [
        row["spec"]["resourceAttributes"] for *_, row in api.asked if row and row["kind"].startswith("SelfSubject")
    ]
    reviews = {
        (row["namespace"], row["name"]) for row in asked if row["resource"] == "secrets" and row["verb"] == "get"
    }
    assert reviews == {("origin", "registry"), ("origin", "keys")}


def test_health_of_a_cluster_that_is_away(api: Api, cluster: Cluster) -> None:
    api.answer = says(503, {"message": "etcd is gone"})
    health = Preflight(settings(), cluster).health(30.0)
    assert (health.ok, health.detail) == (False, "the cluster does not serve: etcd is gone")
