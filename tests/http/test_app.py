"""The whole WSGI application in a process of its own: pygeoapi is loaded once per process, by its configuration."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pygeoapi_oapip.wiring import default_configuration

SCRIPT = """
import json, sys
from pygeoapi_oapip.app import APP
from werkzeug.test import Client
client = Client(APP)
found = {}
for path in json.loads(sys.argv[1]):
    response = client.get(path)
    found[path] = [response.status_code, response.content_type, response.text]
print("ANSWERS" + json.dumps(found))
"""


def configuration(home: Path, **server: Any) -> dict[str, Any]:
    found = default_configuration("http://localhost:5000", home)
    found["server"] |= server
    return found


def start(home: Path, document: object, paths: list[str]) -> subprocess.CompletedProcess[str]:
    file = home / "config.yml"
    file.write_text(document if isinstance(document, str) else yaml.safe_dump(document), encoding="utf-8")
    environment = {key: text for key, text in os.environ.items() if key != "PYGEOAPI_OPENAPI"}
    environment |= {"PYGEOAPI_CONFIG": str(file), "OAPIP_RECONCILE": "0"}
    command = [sys.executable, "-c", SCRIPT, json.dumps(paths)]
    return subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=600, check=False)


def answers(done: subprocess.CompletedProcess[str]) -> dict[str, list[Any]]:
    assert done.returncode == 0, done.stderr
    found: dict[str, list[Any]] = json.loads(done.stdout.partition("ANSWERS")[2])
    return found


def test_pygeoapi_and_the_door_are_one_application(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("id,x,y\n1,2,3\n", encoding="utf-8")
    document = configuration(tmp_path)
    document["resources"]["points"] = {
        "type": "collection",
        "title": "Points",
        "description": "Points",
        "keywords": ["points"],
        "extents": {"spatial": {"bbox": [-180, -90, 180, 90], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}},
        "providers": [
            {
                "type": "feature",
                "name": "CSV",
                "data": str(tmp_path / "points.csv"),
                "id_field": "id",
                "geometry": {"x_field": "x", "y_field": "y"},
            }
        ],
    }
    paths = [
        "/",
        "/conformance",
        "/openapi",
        "/processes",
        "/collections/points/items?f=json",
        "/none",
        "/collections/x/y",
    ]
    found = answers(start(tmp_path, document, paths))
    landing = {link["rel"] for link in json.loads(found["/"][2])["links"]}
    assert {"service-desc", "data", "processes", "job-list"} <= landing
    classes = json.loads(found["/conformance"][2])["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in classes
    assert "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core" in classes
    defined = json.loads(found["/openapi"][2])["paths"]
    assert "/collections/points/items" in defined and "/jobs/{jobID}" in defined
    assert found["/processes"][0] == 200
    assert json.loads(found["/collections/points/items?f=json"][2])["features"][0]["geometry"]["coordinates"] == [2, 3]
    assert found["/none"][:2] == [404, "application/json"]
    assert found["/collections/x/y"][0] == 404 and "html" not in found["/collections/x/y"][1]


def test_a_prefix_of_pygeoapi_holds_for_both(tmp_path: Path) -> None:
    document = configuration(tmp_path, api_rules={"api_version": "1.2.3", "url_prefix": "v{api_major}"})
    found = answers(start(tmp_path, document, ["/v1/processes", "/v1/", "/v1/collections?f=json", "/v1"]))
    assert [row[0] for row in found.values()] == [200, 200, 200, 200]
    assert json.loads(found["/v1/processes"][2])["links"][0]["href"].startswith("http://localhost:5000/v1/processes")


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("server: [", "is not YAML"),
        ({"server": {"manager": {"name": "x", "typo": 1}}}, "server.manager.typo: unknown key"),
        ({"server": {"url": "http://localhost"}, "resources": {}}, "pygeoapi does not start with this configuration"),
    ],
)
def test_a_wrong_configuration_ends_with_a_sentence(tmp_path: Path, document: object, text: str) -> None:
    done = start(tmp_path, document, [])
    assert done.returncode == 1
    assert text in done.stderr and "Traceback" not in done.stderr
