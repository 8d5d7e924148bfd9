"""pygeoapi's own Flask application beside ours: loading it, and reading the documents that are merged with ours."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import yaml
from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from ..errors import ConfigurationError
from ..ui.pages import static_path, templates_path
from .door import Host

_SHARED = ("", "processes", "jobs", "conformance", "openapi")
"""First path segments that pygeoapi has too, and that we answer."""


def load(configuration: Mapping[str, Any]) -> Flask:
    """pygeoapi's Flask application for a configuration; once in each process, as pygeoapi reads it at import.

    Its pages get our templates where `server.templates` is not set. Where `PYGEOAPI_OPENAPI` names no file, the
    document of its collections is made here.

    Raises:
        ConfigurationError: pygeoapi does not start with this configuration.
    """
    whole = deepcopy(dict(configuration))
    # pygeoapi wants one more package for this; `allow_all_origins` does it for both applications.
    whole["server"].pop("cors", None)
    whole["server"].setdefault("templates", {"path": str(templates_path()), "static": str(static_path())})
    # pygeoapi looks for the templates of its tile matrix sets at the top of the configuration
    whole.setdefault("path", whole["server"]["templates"].get("path"))
    with TemporaryDirectory(prefix="oapip-") as folder:
        config_file = Path(folder) / "config.yml"
        config_file.write_text(yaml.safe_dump(whole), encoding="utf-8")
        try:
            with _environment(PYGEOAPI_CONFIG=str(config_file), PYGEOAPI_OPENAPI=_openapi_file(whole, Path(folder))):
                return cast(Flask, import_module("pygeoapi.flask_app").APP)
        except Exception as error:  # any fault of pygeoapi with a configuration is told to its author
            cause = f"{type(error).__name__}: {error}"
            raise ConfigurationError(f"pygeoapi does not start with this configuration: {cause}") from error


def segments(app: Flask, prefix: str = "") -> frozenset[str]:
    """The first path segments, below the prefix, that pygeoapi answers and we do not."""
    rules = (str(rule.rule).removeprefix(prefix) for rule in app.url_map.iter_rules())
    return frozenset({rule.lstrip("/").partition("/")[0] for rule in rules} - set(_SHARED))


def documents(app: Flask, prefix: str = "") -> Host:
    """pygeoapi's landing page, conformance and API documents, each read at first use.

    Args:
        app: its application.
        prefix: its path prefix (`api_rules.url_prefix`).
    """

    def read(path: str) -> Callable[[], dict[str, Any]]:
        @lru_cache(maxsize=1)
        def once() -> dict[str, Any]:
            environ = EnvironBuilder(path=prefix + path, query_string={"f": "json"}).get_environ()
            body, status, _ = run_wsgi_app(app, environ, buffered=True)
            return cast("dict[str, Any]", json.loads(b"".join(body))) if status.startswith("200") else {}

        return once

    conformance = read("/conformance")
    return Host(read("/"), lambda: conformance().get("conformsTo", []), read("/openapi"))


def _openapi_file(configuration: Mapping[str, Any], folder: Path) -> str:
    named = os.environ.get("PYGEOAPI_OPENAPI", "")
    if named and Path(named).is_file():
        return named
    target = folder / "openapi.yml"
    resources = configuration.get("resources") or {}
    others = {key: row for key, row in resources.items() if row.get("type") != "process"}
    document: Mapping[str, Any] = {"openapi": "3.0.2", "paths": {}}
    if others:
        document = import_module("pygeoapi.openapi").get_oas({**deepcopy(dict(configuration)), "resources": others})
    # JSON is YAML; pygeoapi parses the file into a mapping because of its name.
    target.write_text(json.dumps(document, default=str), encoding="utf-8")
    return str(target)


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, old in before.items():
            if old is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = old
