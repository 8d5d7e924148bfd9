"""The blocks of the configuration for inputs by reference: access to web servers, STAC, the cache."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from .setting_values import Block, Bytes, Secret

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}", re.ASCII)
_OF_THE_CONNECTION = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "keep-alive", "expect"}
    | {"range", "if-range", "accept-encoding", "proxy-authorization", "proxy-connection"}
)


def _headers(value: Mapping[str, str]) -> Mapping[str, str]:
    for name, text in value.items():
        if not _HEADER.fullmatch(name) or name.lower() in _OF_THE_CONNECTION:
            raise ValueError(f"{name!r} is not a header that can be set here")
        if not text.isascii() or not text.isprintable():
            raise ValueError(f"the value of {name} is not a line of ASCII characters")
    return value


class HttpAccess(Block):
    """What is sent to web servers that inputs come from, so that they let this server read."""

    hosts: tuple[str, ...] = Field(
        description="Host names, with `*` as wildcard; `HOST:PORT` where the port is not that of the scheme."
    )
    token: Secret | None = Field(None, repr=False, description="For Bearer authentication.")
    username: str = Field("", description="For HTTP Basic authentication.")
    password: Secret | None = Field(None, repr=False, description="For HTTP Basic authentication.")
    user_token: str = Field(
        "", description="The token of the job's owner for this service: a name of `auth.on_behalf.tokens`."
    )
    headers: Annotated[Mapping[str, Secret], AfterValidator(_headers)] | None = Field(
        None, repr=False, description="Further headers, `NAME: SECRET`."
    )
    insecure: bool = Field(False, description="Also over `http`, where everybody on the way can read it.")

    @model_validator(mode="after")
    def _one_way(self) -> HttpAccess:
        if sum((self.token is not None, self.password is not None, bool(self.user_token))) > 1:
            raise ValueError("give `token`, or `username` and `password`, or `user_token`, not more than one")
        if bool(self.username) != (self.password is not None):
            raise ValueError("`username` and `password` belong together")
        if self.token is None and self.password is None and not self.headers and not self.user_token:
            raise ValueError("give `token`, `username` and `password`, `user_token`, or `headers`")
        return self


class Stac(Block):
    """STAC items, collections and searches as inputs."""

    assets: tuple[str, ...] = Field(
        (), description="Keys of the assets that are read where a reference names none, with `*` as wildcard."
    )
    roles: tuple[str, ...] = Field((), description="The same by role; an asset that has one of them is read.")
    types: tuple[str, ...] = Field((), description="The same by media type, with `*` as wildcard.")
    max_items: int = Field(1000, ge=1, description="Most items of a collection or search.")


class InputCache(Block):
    """Files of inputs that are kept, and used again as long as the server says that they are the same."""

    folder: Path = Field(Path("var/input-cache"), description="Where; all processes of a server share it.")
    max_bytes: Bytes = Field(0, description="Size of all together; 0: no cache.")
    share: Literal["copy", "link"] = Field(
        "copy",
        description="A job gets a copy of its own (without reading, where the file system can); or a hard link, where "
        "tools run in containers and cannot write to inputs.",
    )
