"""How a client says who it is, by the kind of `auth` in the settings (Part 1 /req/oas30/security)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...settings import Auth

Schemes = Mapping[str, Mapping[str, Any]]

_BY_TYPE: Mapping[str, Schemes] = {"none": {}}


def schemes(auth: Auth) -> Schemes:
    """Security Scheme Objects by name for a kind of authentication; none where everybody may do everything."""
    return _BY_TYPE[auth.type]


def secured(paths: Mapping[str, Any]) -> dict[str, Any]:
    """The same paths where each operation may answer 401."""
    return {path: {key: _secured(value) for key, value in item.items()} for path, item in paths.items()}


def _secured(operation: Any) -> Any:
    if not isinstance(operation, Mapping) or "responses" not in operation:
        return operation
    refused = {"401": {"$ref": "#/components/responses/Unauthorized"}}
    return {**operation, "responses": {**refused, **operation["responses"]}}
