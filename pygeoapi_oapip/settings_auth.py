"""The blocks of the configuration that say who is who."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from .setting_values import Block, Seconds, Secret

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
"""Signatures that a public key verifies. `none` and HMAC are not among them, and cannot be chosen."""

ROLES = ("user", "deployer", "operator", "admin")
"""The roles of `model.identity.Role`, which this module cannot see."""

_NOBODY = "anonymous"


def _issuer(value: str) -> str:
    parts = urlsplit(value)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or parts.username:
        raise ValueError("is not an https URL without user, query and fragment")
    if parts.scheme == "http" and host not in ("localhost", "::1") and not host.startswith("127."):
        raise ValueError("must be https, except on this machine: who can change the answers could make tokens")
    return value


def _algorithms(value: tuple[str, ...]) -> tuple[str, ...]:
    for name in value:
        if name not in ALGORITHMS:
            raise ValueError(f"{name!r} is not allowed (possible: {', '.join(ALGORITHMS)})")
    return _some(value)


def _some(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value or not all(value):
        raise ValueError("needs at least one entry, and none may be empty")
    return value


def _roles(value: tuple[str, ...]) -> tuple[str, ...]:
    for name in value:
        if name not in ROLES:
            raise ValueError(f"there is no role {name!r} (possible: {', '.join(ROLES)})")
    return value


def _prefix(value: str) -> str:
    if not re.fullmatch(r"(?:[A-Za-z0-9][A-Za-z0-9_@+.-]{0,30})?", value):
        raise ValueError("may have letters, digits and _@+.- only")
    return value


def _named(value: Mapping[str, TokenFor]) -> Mapping[str, TokenFor]:
    for name in value:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,50}", name):
            raise ValueError(f"{name!r}: a name may have letters, digits, _ and -")
    return value


def _networks(value: tuple[str, ...]) -> tuple[str, ...]:
    for text in value:
        try:
            ip_network(text)
        except ValueError as error:
            raise ValueError(f"{text!r} is neither an address nor a network such as 10.0.0.0/8 ({error})") from None
    return value


Url = Annotated[str, AfterValidator(_issuer)]
RoleNames = Annotated[tuple[str, ...], AfterValidator(_roles)]


class Introspection(Block):
    """Asking the issuer about tokens that are no JWT (RFC 7662)."""

    url: Url | None = Field(None, description="None: what the issuer's discovery document says.")
    client_id: str = Field(description="The client as which the server asks.")
    client_secret: Secret = Field(repr=False, description="Its secret.")
    keep: Seconds = Field(60.0, description="Time that an answer counts; a revoked token works as long.")


class Exchange(Block):
    """Getting tokens of users for other services from the issuer (RFC 8693), see `auth.on_behalf`."""

    client_id: str = Field(description="The client as which the server asks; its tokens have to be for this server.")
    client_secret: Secret = Field(repr=False, description="Its secret.")


class RoleNamesOfIssuer(Block):
    """What the issuer calls the roles."""

    user: tuple[str, ...] = Field(("oapip-user",), description="Values that give the role `user`.")
    deployer: tuple[str, ...] = Field(("oapip-deployer",), description="Values that give the role `deployer`.")
    operator: tuple[str, ...] = Field(("oapip-operator",), description="Values that give the role `operator`.")
    admin: tuple[str, ...] = Field(("oapip-admin",), description="Values that give the role `admin`.")


class Issuer(Block):
    """An OpenID Connect provider whose access tokens are taken."""

    issuer: Url = Field(description="Exactly as in the `iss` claim of its tokens.")
    audience: Annotated[tuple[str, ...], AfterValidator(_some)] = Field(
        description="Values of `aud`, one of which a token must have."
    )
    clients: tuple[str, ...] = Field(
        (), description="Tokens that were issued to one of these clients (`azp`) are taken too, whatever their `aud`."
    )
    preset: Literal["plain", "keycloak"] = Field("plain", description="Where claims are, unless the next keys say it.")
    user_claim: str | None = Field(None, description="The user's name; none: `sub`, keycloak: `preferred_username`.")
    groups_claim: str | None = Field(None, description="The user's groups; none: `groups`.")
    role_claims: tuple[str, ...] = Field(
        (),
        description="Where roles are; `[]`: `roles`, keycloak: `realm_access.roles` and those of the clients in "
        "`audience`.",
    )
    roles: RoleNamesOfIssuer = Field(default_factory=RoleNamesOfIssuer)
    user_prefix: Annotated[str, AfterValidator(_prefix)] = Field(
        "", description="Put before the names of users and groups; each issuer needs another one."
    )
    algorithms: Annotated[tuple[str, ...], AfterValidator(_algorithms)] = Field(
        ("RS256", "PS256", "ES256", "Ed25519"), description="Signatures that are accepted."
    )
    leeway: Seconds = Field(30.0, le=300, description="By how much the clocks may differ, at most 5m.")
    jwks_url: Url | None = Field(None, description="Where its keys are; none: what its discovery document says.")
    keys_for: Seconds = Field(600.0, ge=10, description="Time after which its keys are read again.")
    keep_keys: Seconds = Field(86400.0, description="Time that its keys count while it cannot be reached.")
    ca: Path | None = Field(None, description="File with the certificates that are trusted instead.")
    introspection: Introspection | None = Field(None, description="")
    exchange: Exchange | None = Field(None, description="")


class TokenFor(Block):
    """A service that is asked with tokens of users: what the issuer is told of it. One of the three is needed."""

    audience: str = Field("", description="The name of the service at the issuer (RFC 8693 `audience`).")
    resource: str = Field("", description="Its address (RFC 8693 `resource`), where the issuer wants to know that.")
    scopes: tuple[str, ...] = Field((), description="What the token shall allow; `[]`: what the issuer gives.")

    @model_validator(mode="after")
    def _somebody(self) -> TokenFor:
        if not (self.audience or self.resource or self.scopes):
            raise ValueError(
                "give `audience`, `resource` or `scopes`: else the token would be for nobody in particular"
            )
        return self


def _sealing_key(value: str) -> str:
    if len(sealing_bytes(value)) != KEY_BYTES:
        raise ValueError(f"is not {KEY_BYTES} random bytes in base64 (openssl rand -base64 {KEY_BYTES})")
    return value


KEY_BYTES = 32
SealingKey = Annotated[Secret, AfterValidator(_sealing_key)]


def sealing_bytes(text: str) -> bytes:
    """The bytes of a key in base64, of either alphabet; none where it is not base64."""
    try:
        return b64decode(
            text.strip().replace("-", "+").replace("_", "/") + "=" * (-len(text.strip()) % 4), validate=True
        )
    except ValueError:
        return b""


class OnBehalf(Block):
    """Jobs act at other services with tokens of their owners, which the issuers exchange (`issuers[].exchange`)."""

    key: SealingKey = Field(
        repr=False, description="32 random bytes in base64: what tokens are sealed with until their jobs need them."
    )
    old_keys: tuple[SealingKey, ...] = Field(
        (), repr=False, description="Keys from before, with which tokens are opened still."
    )
    tokens: Annotated[Mapping[str, TokenFor], AfterValidator(_named)] = Field(
        description="The services, by a name that the other settings (`user_token`) use."
    )
    missing: Literal["fail", "without"] = Field(
        "fail", description="A job whose token is not there, or has expired: `fail`, or go on `without` one."
    )


class Login(Block):
    """How browsers log in: the code flow of the issuer, with PKCE."""

    client_id: str = Field(description="The client as which the server asks for tokens.")
    client_secret: Secret | None = Field(None, repr=False, description="Its secret; none for a public client.")
    scopes: tuple[str, ...] = Field(("openid", "profile"), description="What is asked for.")
    resource: str = Field("", description="The API that the token is for (RFC 8707), where the issuer wants to know.")
    session: Seconds = Field(8 * 3600.0, description="Time after which a user has to log in again.")


class Rules(Block):
    """What all kinds of authentication have in common."""

    anonymous: Literal["nothing", "see", "run"] = Field(
        "nothing", description="What those may do who do not say who they are: see, or also run, public processes."
    )
    default_roles: RoleNames = Field(
        ("user", "deployer"), description="Roles of everybody who has logged in; `[]`: only those that are given."
    )
    admins: tuple[str, ...] = Field((), description="Names of users who have the role `admin`.")

    @model_validator(mode="after")
    def _names(self) -> Rules:
        if _NOBODY in self.admins:
            raise ValueError(f"admins: {_NOBODY} is nobody's name")
        if {"admin", "operator"} & set(self.default_roles):
            raise ValueError("default_roles: admin and operator are given by name only")
        return self


class Proxy(Block):
    """Reverse proxies before the server, and what they may say of a request."""

    trusted: Annotated[tuple[str, ...], AfterValidator(_networks)] = Field(
        (),
        description="Addresses or networks of proxies whose `X-Forwarded-For`, `-Proto`, `-Host`, `-Port` and "
        "`-Prefix` count; `[]`: nobody's.",
    )
    hosts: tuple[str, ...] = Field(
        (), description="Hosts that `X-Forwarded-Host` may name, beside that of `server.url`; `*`: any."
    )

    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """`trusted`, read."""
        return tuple(ip_network(text) for text in self.trusted)


class NoAuth(Block):
    """Nobody is asked: everything belongs to everybody who reaches the server."""

    type: Literal["none"] = "none"


class OidcAuth(Rules):
    """Bearer tokens of OpenID Connect providers."""

    type: Literal["oidc"] = "oidc"
    issuers: tuple[Issuer, ...] = Field(description="")
    login: Login | None = Field(None, description="")
    on_behalf: OnBehalf | None = Field(None, description="")

    @model_validator(mode="after")
    def _exchanging(self) -> OidcAuth:
        if self.on_behalf is not None and all(item.exchange is None for item in self.issuers):
            raise ValueError("on_behalf: no issuer exchanges tokens (issuers[].exchange)")
        return self

    @model_validator(mode="after")
    def _distinct(self) -> OidcAuth:
        if not self.issuers:
            raise ValueError("issuers: at least one is needed")
        for key in ("issuer", "user_prefix"):
            values = [getattr(item, key) for item in self.issuers]
            if len(set(values)) < len(values):
                raise ValueError(f"issuers: two have the same {key}, so their users could not be told apart")
        return self


class BasicAuth(Rules):
    """Names and passwords from a file (`oapip passwd`), for small sites behind https."""

    type: Literal["basic"] = "basic"
    file: Path = Field(description="The file of names and hashed passwords.")


Auth = Annotated[NoAuth | OidcAuth | BasicAuth, Field(discriminator="type")]
"""Who is who."""
