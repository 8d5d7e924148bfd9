from __future__ import annotations

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
