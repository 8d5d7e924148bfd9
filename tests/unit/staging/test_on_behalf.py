"""What staging does with tokens of the owners of jobs: which hosts get them, and who does not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from pygeoapi_oapip.errors import Forbidden
from pygeoapi_oapip.model.json import JSONObject
from pygeoapi_oapip.model.value import FileOutput
from pygeoapi_oapip.settings import Staging, load_settings
from pygeoapi_oapip.settings_workspace import WorkspaceStorage
from pygeoapi_oapip.staging.router import make_stager
from pygeoapi_oapip.staging.s3_client import Clients
from pygeoapi_oapip.staging.storage import OWNER_NOTE, LocalStorage
from pygeoapi_oapip.staging.user_storage import UserStorage
from pygeoapi_oapip.staging.workspace import LocalWorkspaces
from pygeoapi_oapip.staging.workspace_api import WorkspaceApi
from pygeoapi_oapip.staging.wrap import wrapping
from pygeoapi_oapip.testing.fake_workspace_api import FakeWorkspaceApi

from .small_s3 import SmallS3

JOB = "0b5a5c1e-0000-4000-8000-000000000001"


class Site(ThreadingHTTPServer):
    """Notes who asks; `/to?URL` leads elsewhere."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        super().__init__(("127.0.0.1", 0), _Asked)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Asked(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.seen.append((self.path.partition("?")[0], self.headers.get("Authorization", "")))
        to = self.path.partition("/to?")[2]
        item: dict[str, Any] = {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": "i",
            "geometry": None,
            "properties": {},
            "links": [],
        }
        body = json.dumps({**item, "assets": {"a": {"href": "./a.tif"}}}).encode()
        self.send_response(302 if to else 200)
        if to:
            self.send_header("Location", to)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"same"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site()
    yield server
    server.shutdown()
    server.server_close()


def inputs_of(folder: Path, site: Site, job: str = JOB, **more: Any) -> Any:
    """The inputs of a job; 127.0.0.1 wants a token of the user, 127.0.0.2 does not."""
    access = {"hosts": [f"127.0.0.1:{site.server_port}"], "user_token": "data", "insecure": True, **more}
    cache = {"folder": str(folder / "cache"), "max_bytes": "1MB"}
    staging = Staging.model_validate({"allow_internal": True, "http": [access], "cache": cache})
    workspaces = LocalWorkspaces(folder, make_stager(staging), staging=staging, tokens=token_of)
    workspaces.prepare(job)
    return workspaces.inputs(job, frozenset())


def token_of(job_id: str, name: str) -> str | None:
    if job_id == "none":
        raise Forbidden("there is no token of the job's owner for data: it has expired before the job needed it")
    return None if job_id == "without" else f"{name}-of-{job_id}"


def read(inputs: Any, url: str, is_directory: bool = False) -> JSONObject:
    return inputs.complete({"x": inputs.reference("x", url, "", is_directory)})  # type: ignore[no-any-return]


def test_each_job_reads_with_its_own_token(site: Site, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{site.server_port}"
    for job in ("one", "other", "without"):
        read(inputs_of(tmp_path, site, job), f"{url}/a.tif")
    assert site.seen == [("/a.tif", "Bearer data-of-one"), ("/a.tif", "Bearer data-of-other"), ("/a.tif", "")]
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()], "kept for nobody else"


def test_documents_and_assets_of_a_catalogue_are_read_with_it_too(site: Site, tmp_path: Path) -> None:
    read(inputs_of(tmp_path, site), f"http://127.0.0.1:{site.server_port}/item.json", is_directory=True)
    assert set(site.seen) == {("/item.json", f"Bearer data-of-{JOB}"), ("/a.tif", f"Bearer data-of-{JOB}")}


def test_a_redirect_takes_it_to_no_other_host(site: Site, tmp_path: Path) -> None:
    port = site.server_port
    read(inputs_of(tmp_path, site), f"http://127.0.0.1:{port}/to?http://localhost:{port}/b.tif")
    assert site.seen == [("/to", f"Bearer data-of-{JOB}"), ("/b.tif", "")]


def test_it_is_not_sent_in_clear_unless_the_settings_say_so(site: Site, tmp_path: Path) -> None:
    read(inputs_of(tmp_path, site, insecure=False), f"http://127.0.0.1:{site.server_port}/a.tif")
    assert site.seen == [("/a.tif", "")]


def test_a_job_without_a_token_reads_nothing_and_says_why(site: Site, tmp_path: Path) -> None:
    with pytest.raises(Forbidden, match=r"inputs\.x: there is no token .* it has expired"):
        read(inputs_of(tmp_path, site, "none"), f"http://127.0.0.1:{site.server_port}/a.tif")
    assert site.seen == []


def test_nobody_is_asked_without_a_token_whether_the_input_is_there(site: Site, tmp_path: Path) -> None:
    access = {"hosts": [f"127.0.0.1:{site.server_port}"], "user_token": "data", "insecure": True}
    stager = make_stager(Staging.model_validate({"allow_internal": True, "http": [access]}))
    stager.probe(f"http://127.0.0.1:{site.server_port}/a.tif", 60.0)
    assert site.seen == []


def test_workspace_api_is_asked_as_the_user_when_results_are_stored(s3: SmallS3, tmp_path: Path) -> None:
    keys = {"endpoint": s3.endpoint, "access": "AK", "secret": "SK", "region": "us-east-1", "bucketname": "bucket"}
    (tmp_path / "own").write_text("of-the-server")
    with FakeWorkspaceApi({"ws-alice": keys}) as api:
        block = {"api": api.url, "folder": "jobs", "user_token": "w", "token": {"file": str(tmp_path / "own")}}
        settings = WorkspaceStorage.model_validate(block)
        storage = UserStorage(
            settings, WorkspaceApi(settings), Clients(), (tmp_path, LocalStorage()), lambda job: token_of(job, "w")
        )
        folder = tmp_path / JOB
        (folder / "outputs").mkdir(parents=True)
        (folder / "outputs" / "a.txt").write_text("hello")
        (folder / OWNER_NOTE).write_text('{"owner": "alice"}')
        storage.admit("alice")
        assert api.tokens == [], "there is no token before there is a job"
        output = FileOutput("outputs/a.txt", "a.txt", "text/plain", 5)
        [value] = storage.publish(JOB, {"f": output}, folder, lambda: True).values()
        assert isinstance(value, FileOutput)
        assert api.tokens == [f"Bearer w-of-{JOB}"]
        later = UserStorage(settings, WorkspaceApi(settings), Clients(), (tmp_path, LocalStorage()))
        assert b"".join(later.content(value.href).pieces()) == b"hello"
        assert api.tokens[1:] == ["Bearer of-the-server"]


def test_stage_tools_get_it_as_a_secret(tmp_path: Path) -> None:
    tool = {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "id": "fetch",
        "baseCommand": "true",
        "inputs": {"folder": "Directory", "TOKEN": "string"},
        "outputs": {"address": {"type": "string", "outputBinding": {"glob": "x"}}},
    }
    (tmp_path / "out.yaml").write_text(yaml.safe_dump(tool))
    block = {"stage_out": str(tmp_path / "out.yaml"), "additional_parameters": {"TOKEN": {"user_token": "data"}}}
    found = wrapping(load_settings({"staging": {"wrap": block}}), token_of)
    assert found is not None
    kind = next(iter(found.tools("any").values())).hoisted["TOKEN"].type
    value = found.values.find("TOKEN", kind, JOB, "alice")
    assert value is not None and value.secret
    assert found.values.text("TOKEN", "alice", JOB) == f"data-of-{JOB}"
    with pytest.raises(Forbidden, match="expired"):
        found.values.text("TOKEN", "alice", "none")
