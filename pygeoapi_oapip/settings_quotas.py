"""The blocks of the configuration that bound what one user may have."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, field_validator

from .setting_values import Block, Bytes
from .settings_auth import ROLES


class Quota(Block):
    """What one user may have; 0: any amount. What is left out is said elsewhere (see `limits.quotas`)."""

    queued: int | None = Field(None, ge=0, description="Jobs that wait to start; one more is refused (429).")
    running: int | None = Field(None, ge=0, description="Jobs that run at once; further ones wait.")
    cores: float | None = Field(None, ge=0, description="Cores of the jobs that run at once; further ones wait.")
    memory: Bytes | None = Field(None, description="Memory of the jobs that run at once; further ones wait.")
    storage: Bytes | None = Field(
        None, description="Results that are kept; where they take it all, executions are refused (507)."
    )
    processes: int | None = Field(None, ge=0, description="Deployed processes; one more is refused (507).")
    deploys_per_minute: int | None = Field(
        None, ge=0, description="Deployments and replacements in a minute, also those that fail; one more: 429."
    )


class Together(Block):
    """What all members of a group may have together; 0: any amount."""

    queued: int = Field(0, ge=0, description="As above, of all members.")
    running: int = Field(0, ge=0, description="As above, of all members.")
    cores: float = Field(0, ge=0, description="As above, of all members.")
    memory: Bytes = Field(0, description="As above, of all members.")
    storage: Bytes = Field(0, description="As above, of all members.")
    deploys_per_minute: int = Field(0, ge=0, description="As above, of all members.")


class GroupQuota(Quota):
    """What each member of a group may have, and all of them together."""

    together: Together = Field(default_factory=Together)


class Quotas(Block):
    """Quotas of users. The one of a user's name counts, else the largest of his groups, else the largest of his roles,
    else the default; each key by itself."""

    default: Quota = Field(default_factory=Quota)
    roles: Mapping[str, Quota] = Field(default_factory=dict, description="By role; for each user who has it.")
    groups: Mapping[str, GroupQuota] = Field(
        default_factory=dict,
        description="By group; for each user who is in it, and under `together` for all of them.",
    )
    users: Mapping[str, Quota] = Field(default_factory=dict, description="By name; `anonymous` where `auth` is none.")

    @field_validator("roles")
    @classmethod
    def _known(cls, value: Mapping[str, Quota]) -> Mapping[str, Quota]:
        for name in value:
            if name not in ROLES:
                raise ValueError(f"there is no role {name!r} (possible: {', '.join(ROLES)})")
        return value
