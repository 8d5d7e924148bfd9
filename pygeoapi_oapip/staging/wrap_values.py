"""Values for the inputs of stage tools that are not the data: from the settings, and which of them are secret."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from ..errors import ConfigurationError
from ..model.json import JSON
from ..packages.cwltypes import CWLType
from ..packages.joborder import fits
from ..packages.schemas import type_text
from ..packages.wrap_tools import StageTool, is_uri
from ..settings import Settings
from ..settings_s3 import S3Access, S3Credentials, S3Storage
from ..settings_staging_wrap import Parameter, UserToken

_PREFIX = "ADES_"
"""Older tools have this before the names of their inputs."""
_OF_JOB = {"process": "process", "sub_path": "process", "collection_id": "collection_id"}
"""Inputs whose value follows from the job -> setting."""


@dataclass(frozen=True, slots=True)
class Value:
    """What a tool gets."""

    value: JSON
    secret: bool


class Values:
    """The values of one server.

    Args:
        settings: of the server.
        workspace: the bucket of a user, where each has an own one.
        tokens: by the id of a job and the name of a service, see `staging.base.TokenOf`.
    """

    def __init__(
        self,
        settings: Settings,
        workspace: Callable[[str], S3Storage] | None = None,
        tokens: Callable[[str, str], str | None] | None = None,
    ) -> None:
        self._tokens = tokens
        wrap = settings.staging.wrap
        self._patterns = {name: getattr(wrap, setting) for name, setting in _OF_JOB.items()}
        self._known: dict[str, Parameter] = dict(_from_settings(settings))
        self._known |= wrap.additional_parameters
        self._workspace = workspace

    def _of(self, owner: str) -> Mapping[str, Parameter]:
        """The values for a user ("": for nobody, to see which there are)."""
        if self._workspace is None:
            return self._known
        bucket = self._workspace(owner) if owner else _SOMEBODY
        return {**self._known, **dict(_stage_out(bucket))}

    def find(self, name: str, cwl: CWLType, job_id: str, owner: str) -> Value | None:
        """The value for an input; None where there is none.

        Args:
            name: of the input.
            cwl: its type.
            job_id: stands for `{job}`.
            owner: of the job.

        Raises:
            ConfigurationError: the value does not fit the type.
        """
        plain = name.removeprefix(_PREFIX)
        values = self._of(owner)
        known = values.get(name, values.get(plain))
        if known is None and plain in self._patterns:
            known = str(self._patterns[plain]).replace("{job}", job_id)
        if known is None:
            return None
        if isinstance(known, UserToken):
            return Value(_fitting(known.service, cwl, name), True)  # in its place: the token itself is no part of a job
        if isinstance(known, SecretStr):
            return Value(_fitting(known.get_secret_value(), cwl, name), True)
        return Value(_fitting(known, cwl, name), False)

    def text(self, name: str, owner: str, job_id: str = "") -> str:
        """A value as text; "" where there is none. Raises Forbidden: the job has no token of its owner."""
        values = self._of(owner)
        known = values.get(name, values.get(name.removeprefix(_PREFIX), ""))
        if isinstance(known, UserToken):
            return (self._tokens and self._tokens(job_id, known.service)) or ""
        return known.get_secret_value() if isinstance(known, SecretStr) else str(known)

    def require(self, tool: StageTool) -> None:
        """Raises ConfigurationError: an input of a tool that must have a value has none."""
        for name, item in tool.hoisted.items():
            try:
                found = self.find(name, item.type, "job", "")
            except ConfigurationError as error:
                raise ConfigurationError(f"{tool.key}: {error}") from None
            if found is None and not item.optional:
                raise ConfigurationError(
                    f"{tool.key}: the tool's input {name} ({type_text(item.type)}) has no value: give it in "
                    "server.manager.staging.wrap.additional_parameters"
                )


_SOMEBODY = S3Storage(
    bucket="bucket", credentials=S3Credentials.model_construct(access_key="key", secret_key="key", session_token=None)
)
"""Stands for the bucket of any user."""


def _from_settings(settings: Settings) -> Iterator[tuple[str, Parameter]]:
    """STAGEOUT_* of the storage of results, STAGEIN_* of the first S3 source that has keys."""
    if isinstance(settings.storage, S3Storage):
        yield from _stage_out(settings.storage)
    source = next((source for source in settings.staging.s3 if source.credentials is not None), None)
    if source is not None:
        yield from _access("STAGEIN", source)


def _stage_out(storage: S3Storage) -> Iterator[tuple[str, Parameter]]:
    yield "STAGEOUT_OUTPUT", storage.bucket
    yield from _access("STAGEOUT", storage)


def _access(word: str, access: S3Access) -> Iterator[tuple[str, Parameter]]:
    yield f"{word}_AWS_REGION", access.region
    yield f"{word}_AWS_SERVICEURL", access.endpoint or f"https://s3.{access.region}.amazonaws.com"
    if access.credentials is not None:
        yield f"{word}_AWS_ACCESS_KEY_ID", SecretStr(access.credentials.access_key)
        yield f"{word}_AWS_SECRET_ACCESS_KEY", SecretStr(access.credentials.secret_key)
        if access.credentials.session_token:
            yield f"{word}_AWS_SESSION_TOKEN", SecretStr(access.credentials.session_token)


def _fitting(value: JSON, cwl: CWLType, name: str) -> JSON:
    if is_uri(cwl) and isinstance(value, str):
        return {"value": value}
    if cwl.kind == "string" and not isinstance(value, str | bool):
        value = str(value)
    if not fits(cwl, value):
        raise ConfigurationError(f"the value of {name} is not of type {type_text(cwl)}")
    return value
