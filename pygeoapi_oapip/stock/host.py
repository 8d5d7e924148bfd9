"""The pygeoapi that runs us, as far as its manager may know it."""

from __future__ import annotations

import sys
from typing import Any

_HOSTS = ("pygeoapi.flask_app", "pygeoapi.starlette_app")


def _host() -> Any:
    """The `API` object of the running pygeoapi, or None outside a server."""
    modules = (sys.modules.get(name) for name in _HOSTS)
    return next((api for module in modules if (api := getattr(module, "api_", None)) is not None), None)


def base_url() -> str:
    """The address of the landing page without a `/` at its end; "" outside a server."""
    return str(getattr(_host(), "base_url", "")).rstrip("/")


def announce(process_id: str) -> None:
    """pygeoapi looks for page templates under the resource of the process, and fails where a deployed process has none.

    The type is one that pygeoapi passes over, so that the entry is not taken for a configured process; its conformance
    page takes all others for collections, and wants the list of their providers.
    """
    resources = getattr(_host(), "config", {}).get("resources")
    if isinstance(resources, dict):
        resources.setdefault(process_id, {"type": "deployed-process", "providers": []})
