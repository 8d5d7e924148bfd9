"""How a client says who it is, by the kind of `auth` in the settings (Part 1 /req/oas30/security)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...settings import Auth

Schemes = Mapping[str, Mapping[str, Any]]


def schemes(auth: Auth) -> Schemes:
    """Security Scheme Objects by name for a kind of authentication; none where everybody may do everything."""
    if auth.type == "oidc":
        schemes = {_name(number): _provider(item.issuer) for number, item in enumerate(auth.issuers, 1)}
        if auth.login is not None:
            # what `oapip login` needs to know
            schemes["oidc"] |= {"x-oapip-client-id": auth.login.client_id, "x-oapip-resource": auth.login.resource}
        return schemes | {
            "bearer": {"type": "http", "scheme": "bearer", "description": "An access token of the identity provider."}
        }
    if auth.type == "basic":
        return {"basic": {"type": "http", "scheme": "basic", "description": "Name and password."}}
    return {}


def _name(number: int) -> str:
    return "oidc" if number == 1 else f"oidc{number}"


def _provider(issuer: str) -> dict[str, Any]:
    address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    return {"type": "openIdConnect", "openIdConnectUrl": address}


def secured(paths: Mapping[str, Any]) -> dict[str, Any]:
    """The same paths where each operation may answer 401 and 403."""
    return {path: {key: _secured(value) for key, value in item.items()} for path, item in paths.items()}


def _secured(operation: Any) -> Any:
    if not isinstance(operation, Mapping) or "responses" not in operation:
        return operation
    named = {"401": "Unauthorized", "403": "Forbidden"}
    refused = {code: {"$ref": f"#/components/responses/{name}"} for code, name in named.items()}
    return {**operation, "responses": {**refused, **operation["responses"]}}
