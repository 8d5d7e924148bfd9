"""Values of an execute request -> job order of a process without a package (`NO_PACKAGE`).

A package says by its CWL types what a value becomes. A process of the server itself knows that on its own, so the order
keeps the values as they were given; only references are replaced by files.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..model.json import JSON, JSONObject
from ..model.value import InputValue, Many, Reference, input_to_json
from .joborder import FileSource


def plain_job_order(inputs: Mapping[str, InputValue], files: FileSource) -> JSONObject:
    """The job order: by input id `{value, type, encoding}`, `{file, type}` with a CWL File, or `{many: [...]}`.

    Args:
        inputs: validated values by input id.
        files: stages the references.

    Raises:
        OapipError: what `files` raises.
    """
    return {name: _entry(name, value, files) for name, value in inputs.items()}


def unstaged_job_order(inputs: Mapping[str, InputValue]) -> JSONObject:
    """The same before staging: references are `{href, type}`."""
    return {name: input_to_json(value) for name, value in inputs.items()}


def _entry(name: str, value: InputValue, files: FileSource) -> JSON:
    if isinstance(value, Many):
        return {"many": [_entry(name, item, files) for item in value.items]}
    if isinstance(value, Reference):
        file = files.reference(name, value.href, value.media_type, False)
        return {"file": file, "type": value.media_type}
    return input_to_json(value)
