"""Kinds of values in the configuration: sizes, durations, secrets; and what all blocks have in common."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

_SIZE_UNITS = {"": 1, "b": 1} | {
    prefix + ending: base**power
    for power, prefix in enumerate("kmgt", start=1)
    for ending, base in (("", 1000), ("b", 1000), ("i", 1024), ("ib", 1024))
}
_TIME_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def _with_unit(value: object, units: Mapping[str, float], kind: str, example: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", str(value).lower())
    if match is None or match[2] not in units:
        raise ValueError(f"is not a {kind} (for example {example})")
    return float(match[1]) * units[match[2]]


def _secret(value: object) -> object:
    if isinstance(value, Mapping) and set(value) == {"env"}:
        name = str(value["env"])
        if name not in os.environ:
            raise ValueError(f"the environment variable {name} is not set")
        return os.environ[name]
    if isinstance(value, Mapping) and set(value) == {"file"}:
        return Path(str(value["file"])).read_text(encoding="utf-8").strip()
    raise ValueError("a secret is written as {env: NAME} or {file: PATH}, never in the YAML text")


secret_value = _secret
"""The text behind `{env: NAME}` or `{file: PATH}`. Raises ValueError for anything else."""


def _not_negative(value: float) -> float:
    if value < 0:
        raise ValueError("must not be negative")
    return value


Bytes = Annotated[
    int,
    BeforeValidator(lambda value: int(_with_unit(value, _SIZE_UNITS, "size", "10GiB"))),
    AfterValidator(_not_negative),
]
"""A size: a number of bytes, or text such as `512MiB`, `10GB`."""

Seconds = Annotated[
    float,
    BeforeValidator(lambda value: _with_unit(value, _TIME_UNITS, "duration", "30s or 2h")),
    AfterValidator(_not_negative),
]
"""A duration: a number of seconds, or text such as `30s`, `15m`, `30d`."""

Secret = Annotated[str, BeforeValidator(_secret)]
"""`{env: NAME}` or `{file: PATH}`."""


class Block(BaseModel):
    """A mapping in the YAML; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
