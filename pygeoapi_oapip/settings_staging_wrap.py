"""The block of the configuration for packages that run inside stage-in and stage-out tools, as EOEPCA does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from .setting_values import Block, secret_value

_SECRET_NAME = re.compile(r"secret|password|passwd|token|private_key|access_key(?!_id)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class UserToken:
    """Stands for the token of the job's owner for a service (`auth.on_behalf.tokens`)."""

    service: str


def _parameter(value: object) -> object:
    if isinstance(value, Mapping) and set(value) == {"user_token"}:
        return UserToken(str(value["user_token"]))
    if isinstance(value, Mapping):
        return SecretStr(str(secret_value(value)))
    if not isinstance(value, str | bool | int | float):
        raise ValueError("must be a text, a number, true, false, {env: NAME}, {file: PATH} or {user_token: NAME}")
    return value


Parameter = Annotated[Any, BeforeValidator(_parameter)]
"""A plain value, or a secret, which then is a `SecretStr` or a `UserToken`."""


class StageTools(Block):
    """The tools that a package is wrapped with; what is not given does not happen."""

    stage_in: Path | None = Field(None, description="CWL file of the tool that fetches a Directory input.")
    stage_in_file: Path | None = Field(None, description="CWL file of the tool that fetches a File input.")
    stage_out: Path | None = Field(None, description="CWL file of the tool that stores a Directory output.")
    stage_out_file: Path | None = Field(None, description="CWL file of the tool that stores a File output.")


class Wrap(StageTools):
    """Packages run inside a generated workflow: stage-in steps, the package, stage-out steps."""

    additional_parameters: Mapping[str, Parameter] = Field(
        default_factory=dict,
        repr=False,
        description="Values for the other inputs of the tools, by name; secrets as `{env: NAME}`, `{file: PATH}` or "
        "`{user_token: SERVICE}` (of `auth.on_behalf.tokens`).",
    )
    process: str = Field(
        "processing-results/{job}", description="Value of the input `process` of the tools; `{job}` is the job's id."
    )
    collection_id: str = Field("{job}", description="The same for the input `collection_id`.")
    containers: bool = Field(
        True, description="Run the tools in their containers; `false`: what they need is where the engine runs them."
    )
    secret_files: Mapping[str, str] = Field(
        default_factory=dict,
        description="By name of an engine that cannot keep secrets (`wes`): path there of a JSON file with the secret "
        "values by name.",
    )
    processes: Mapping[str, StageTools | Literal[False]] = Field(
        default_factory=dict, description="Other tools for single processes, by id; `false`: no wrapping."
    )

    @model_validator(mode="after")
    def _no_plain_secret(self) -> Wrap:
        for name, value in self.additional_parameters.items():
            if _SECRET_NAME.search(name) and not isinstance(value, SecretStr | UserToken) and value != "":
                raise ValueError(
                    f"additional_parameters.{name}: a secret is written as {{env: NAME}} or {{file: PATH}}, never in "
                    "the YAML text"
                )
        return self

    @property
    def names_tools(self) -> bool:
        """True where any package is wrapped."""
        chosen = [self, *(own for own in self.processes.values() if isinstance(own, StageTools))]
        return any(getattr(own, name) for own in chosen for name in StageTools.model_fields)

    def of(self, process_id: str) -> StageTools:
        """The tools of a process; none where it is not wrapped."""
        own = self.processes.get(process_id)
        if own is None:
            return self
        return StageTools() if own is False else own
