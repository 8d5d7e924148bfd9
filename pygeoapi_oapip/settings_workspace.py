"""The block of the configuration for results in the workspaces of their users; and the choice of all storages."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from .setting_values import Seconds, Secret
from .settings_results import Endpoint, ResultOptions
from .settings_s3 import LocalStorage, Presigning, S3Storage, key_prefix

_NAME = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"


class WorkspaceStorage(Presigning, ResultOptions):
    """Results are kept in the bucket that a workspace API names for the owner of the job."""

    type: Literal["workspace"] = "workspace"
    api: Endpoint = Field(description="URL of the workspace API; `/workspaces/PREFIX-USER` is added.")
    prefix: Annotated[str, Field(pattern=f"^({_NAME})?$")] = Field(
        "ws", description="What the names of workspaces begin with; empty: they are the names of the users."
    )
    folder: Annotated[str, AfterValidator(key_prefix)] = Field(
        "processing-results", description="What the keys of all objects start with."
    )
    token: Secret | None = Field(None, repr=False, description="Bearer token for the workspace API.")
    user_token: str = Field(
        "",
        description="The token of the job's owner for the workspace API: a name of `auth.on_behalf.tokens`. It is used "
        "when results are stored; `token` at all other times.",
    )
    timeout: Seconds = Field(10.0, gt=0, description="For connecting to the workspace API, and for its answer.")
    give_up_after: Seconds = Field(
        900.0, description="Time after which a job fails whose workspace cannot be asked for (API down, 5xx)."
    )
    keep_credentials: Seconds = Field(
        300.0, gt=0, description="Time that credentials are kept in memory, at most until they expire."
    )
    fallback: Literal["none", "local"] = Field(
        "none", description="`local`: results of users without a workspace stay on this server; `none`: the job fails."
    )
    endpoint: Endpoint | None = Field(None, description="URL of the S3 server where the workspace API tells none.")
    region: str = Field("us-east-1", description="Region of the buckets where the workspace API tells none.")


Storage = Annotated[LocalStorage | S3Storage | WorkspaceStorage, Field(discriminator="type")]
"""Where results are kept."""
