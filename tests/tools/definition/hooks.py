"""What schemathesis must know to test this server: loaded by it (`hooks` of schemathesis.toml)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import schemathesis
import yaml

REFERS = frozenset({"href", "process"})
CONTROLS = frozenset({"pause", "fail"})
ECHOES = frozenset({"execute.echo", "execute.org.n52.javaps.test.EchoProcess"})


@schemathesis.serializer("application/cwl", "application/cwl+yaml")  # type: ignore[untyped-decorator]
def cwl(context: Any, value: Any) -> bytes:
    """CWL as text; an object as JSON, which is YAML."""
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


@schemathesis.deserializer("application/cwl")  # type: ignore[untyped-decorator]
def cwl_document(context: Any, response: Any) -> Any:
    """Packages are served as they came: YAML."""
    return yaml.safe_load(response.content)


@schemathesis.check  # type: ignore[untyped-decorator]
def plain_values_are_accepted(context: Any, response: Any, case: Any) -> None:
    """An execute request that fits the schema of its process, and refers to nothing else, is never refused.

    It stands in for `positive_data_acceptance`, whose answers hold 400 for these operations.
    """
    identifier = str(case.operation.definition.raw.get("operationId", ""))
    if not identifier.startswith("execute.") or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code == 400 and not _may_be_refused(identifier, case.body):
        raise AssertionError(f"a request that fits was refused: {response.text[:1000]}")


def _may_be_refused(identifier: str, body: Any) -> bool:
    inputs = body.get("inputs") if isinstance(body, Mapping) else None
    given = {name for name, value in inputs.items() if value is not None} if isinstance(inputs, Mapping) else set()
    nothing_to_echo = identifier in ECHOES and given <= CONTROLS
    return nothing_to_echo or _refers(body)


def _refers(value: Any) -> bool:
    if isinstance(value, Mapping):
        return bool(REFERS & set(value)) or any(_refers(item) for item in value.values())
    return isinstance(value, list) and any(_refers(item) for item in value)
