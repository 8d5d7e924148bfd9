from __future__ import annotations

import gzip

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pygeoapi_oapip.ui.static_files import static_blueprint


@pytest.fixture
def client() -> FlaskClient:
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(static_blueprint())
    app.register_blueprint(static_blueprint(), url_prefix="/<user>/ogc-api", name="below_user")
    return app.test_client()


@pytest.mark.parametrize("prefix", ["", "/alice/ogc-api"])
def test_a_file_is_served_with_its_type_and_may_be_cached(client: FlaskClient, prefix: str) -> None:
    with client.get(f"{prefix}/oapip-static/oapip.css") as response:
        assert response.status_code == 200
        assert response.mimetype == "text/css"
        assert response.headers["Cache-Control"] == "public, max-age=3600"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_that_has_not_changed_is_not_sent_again(client: FlaskClient) -> None:
    with client.get("/oapip-static/job.js") as first:
        tag = first.headers["ETag"]
    with client.get("/oapip-static/job.js", headers={"If-None-Match": tag}) as second:
        assert second.status_code == 304
        assert second.data == b""


@pytest.mark.parametrize("name", ["absent.js", "../pages.py", "%2e%2e/pages.py", ".", ""])
def test_nothing_else_is_served(client: FlaskClient, name: str) -> None:
    with client.get(f"/oapip-static/{name}") as response:
        assert response.status_code == 404


def test_texts_are_compressed_for_those_who_take_it(client: FlaskClient) -> None:
    with client.get("/oapip-static/form.js") as plain:
        content = plain.data
        assert "Content-Encoding" not in plain.headers
        assert "Accept-Encoding" in plain.headers["Vary"]
    with client.get("/oapip-static/form.js", headers={"Accept-Encoding": "br, gzip"}) as packed:
        assert packed.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in packed.headers["Vary"]
        assert int(packed.headers["Content-Length"]) == len(packed.data) < len(content) / 2
        assert gzip.decompress(packed.data) == content
        assert packed.mimetype == "text/javascript"
        tag = packed.headers["ETag"]
    headers = {"Accept-Encoding": "gzip", "If-None-Match": tag}
    with client.get("/oapip-static/form.js", headers=headers) as again:
        assert again.status_code == 304


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("form.js", {"Accept-Encoding": "gzip;q=0"}),
        ("form.js", {"Accept-Encoding": "gzip", "Range": "bytes=0-9"}),
        ("leaflet/images/layers.png", {"Accept-Encoding": "gzip"}),
        ("noscript.css", {"Accept-Encoding": "gzip"}),
    ],
)
def test_others_get_the_file_as_it_is(client: FlaskClient, name: str, headers: dict[str, str]) -> None:
    with client.get(f"/oapip-static/{name}", headers=headers) as response:
        assert response.status_code in (200, 206)
        assert "Content-Encoding" not in response.headers
