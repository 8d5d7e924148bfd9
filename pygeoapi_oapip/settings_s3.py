"""The blocks of the configuration for S3: where results are kept, and where inputs may come from."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from .setting_values import Block, Seconds, Secret
from .settings_results import Endpoint, ResultOptions


def _at_most_a_week(value: float) -> float:
    if not 1 <= value <= 7 * 86400:
        raise ValueError("must be from 1s to 7d")
    return value


class S3Credentials(Block):
    """The keys of an S3 account."""

    access_key: Secret = Field(repr=False, description="Access key id.")
    secret_key: Secret = Field(repr=False, description="Secret access key.")
    session_token: Secret | None = Field(None, repr=False, description="Of temporary credentials.")


BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
"""Regular expression of a bucket name."""


def key_prefix(value: str) -> str:
    """A prefix of keys without a `/` at its ends. Raises ValueError."""
    parts = value.strip("/").split("/")
    if not all(re.fullmatch(r"[\w.=+-]{1,100}", part, re.ASCII) and part not in (".", "..") for part in parts):
        raise ValueError("is not a path of letters, digits and .=+-_ (for example processing-results)")
    return "/".join(parts)


class S3Access(Block):
    """How an S3 server is reached."""

    endpoint: Endpoint | None = Field(None, description="URL of the S3 server; none: Amazon's.")
    region: str = Field("us-east-1", description="Region of the buckets.")
    addressing: Literal["auto", "path", "virtual"] = Field(
        "auto", description="Bucket in the path or in the host name; auto: in the path where `endpoint` is given."
    )
    credentials: S3Credentials | None = Field(None, description="")


class S3Source(S3Access):
    """Buckets that inputs may come from. Without credentials they are read as anybody may (unsigned)."""

    buckets: tuple[str, ...] = Field(description="Names of the buckets, with `*` as wildcard.")


class LocalStorage(ResultOptions):
    """Results stay in the folder of the job."""

    type: Literal["local"] = "local"


class Presigning(Block):
    """Where links in results lead."""

    links: Literal["proxied", "presigned", "direct"] = Field(
        "proxied",
        description="Links in results lead to this server, straight to the S3 server (presigned), or are addresses of "
        "the form `s3://BUCKET/KEY` (direct).",
    )
    presign: Annotated[Seconds, AfterValidator(_at_most_a_week)] = Field(
        3600.0, description="Time that presigned links work, at most 7 days."
    )
    public_endpoint: Endpoint | None = Field(
        None, description="URL that presigned links start with, where users reach the S3 server by another one."
    )


class S3Storage(Presigning, S3Access, ResultOptions):
    """Results are kept in an S3 bucket. Without credentials, the keys are found as the AWS SDKs do (`AWS_*` variables,
    roles)."""

    type: Literal["s3"] = "s3"
    bucket: Annotated[str, Field(pattern=f"^{BUCKET}$")] = Field(description="Name of the bucket.")
    prefix: Annotated[str, AfterValidator(key_prefix)] = Field(
        "processing-results", description="What the keys of all objects start with."
    )
    per_user: bool = Field(False, description="A folder for each user below the prefix.")
    create_bucket: bool = Field(False, description="Make the bucket if it does not exist.")
