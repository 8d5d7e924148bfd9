"""The blocks of the configuration for what is done with results, wherever they are kept."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from .setting_values import Block, Seconds, Secret


def _http_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#@\s]*)?", value):
        raise ValueError("is not an http or https URL without user, query and fragment")
    return value.rstrip("/")


Endpoint = Annotated[str, AfterValidator(_http_url)]
"""URL of a server."""


class Registration(Block):
    """A catalogue that results are made known in."""

    type: Literal["stac", "eoepca"] = Field(
        description="`stac`: STAC API Transactions; `eoepca`: the `register-json` and `register` calls of EOEPCA."
    )
    url: Endpoint = Field(description="Of the STAC API; or what `/register` is added to; `{user}` in it is the user.")
    token: Secret | None = Field(None, repr=False, description="Bearer token for it.")
    timeout: Seconds = Field(10.0, gt=0, description="For connecting, and for an answer.")


class ResultOptions(Block):
    """What all storages have in common."""

    collections: bool = Field(
        True, description="Serve Directory outputs that hold a STAC catalogue as one STAC Collection."
    )
    items: bool = Field(False, description="Write a minimal STAC Item beside each plain file of the results.")
    registration: Registration | None = Field(None, description="")
