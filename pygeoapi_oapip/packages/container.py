"""Execution units that are container images (Part 2 classes `docker` and `ogcapppkg`), made into CWL.

The convention is in docs/packages.md: the image's entry point gets the literal inputs as `--ID VALUE` and the files as
`--ID PATH`, runs in an empty folder, and leaves each output there under its id.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import InvalidPackage
from ..model.json import JSON, JSONObject
from .document import as_list
from .jsontypes import Kind, kind_of, media_types_of, output_patterns

CONTAINERS = ("docker", "oci")
PROFILE = "//www.opengis.net/profiles/eoc/dockerizedApplication"
"""`deploymentProfile` of a container image, without its scheme (the text and its examples differ in http and https)."""

_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,511}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")
_IANA = "https://www.iana.org/assignments/media-types/"
_MIB_PER_GB = 1e9 / 2**20
_BINDINGS: Mapping[str, type | tuple[type, ...]] = {
    "prefix": str,
    "position": (int, str),
    "valueFrom": str,
    "itemSeparator": str,
    "shellQuote": bool,
    "separate": bool,
}


def is_container(unit: JSONObject) -> bool:
    """True for an execution unit of type `docker` or `oci`, or with an `image`."""
    return unit.get("type") in CONTAINERS or "image" in unit


def container_tool(unit: JSONObject, description: JSONObject, profile: JSON) -> JSONObject:
    """The CWL CommandLineTool of a container image.

    Args:
        unit: the executionUnit ({type, image, deployment, config, bindings, command}).
        description: the process description: its inputs and outputs are the tool's.
        profile: `deploymentProfile` of the application package, if it has one.

    Raises:
        InvalidPackage: no image, no process description, or a member that is not of its type; `location` names it.
    """
    if profile is not None and str(profile).partition(":")[2] != PROFILE:
        raise _refuse("deploymentProfile", f"must be http:{PROFILE} for a container image (is {str(profile)[:100]!r})")
    if not description.get("id"):
        raise _refuse("processDescription", "is needed with an `id`, `inputs` and `outputs` for a container image")
    bindings = _object(unit.get("bindings"), "executionUnit.bindings")
    inputs = _parameters(description, "inputs")
    outputs = _parameters(description, "outputs")
    given = _bindings(bindings, "inputBindings", inputs)
    found = _bindings(bindings, "outputBindings", outputs)
    single = len(outputs) == 1
    tool_inputs = {name: _input(name, item, given.get(name)) for name, item in inputs.items()}
    tool_outputs = {name: _output(name, item, found.get(name), single) for name, item in outputs.items()}
    command = _command(unit.get("command"))
    return {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "id": description["id"],
        "requirements": _requirements(unit, [*tool_inputs.values(), *tool_outputs.values()]),
        **({"baseCommand": command} if command else {}),
        "arguments": [],
        "inputs": tool_inputs,
        "outputs": tool_outputs,
    }


def _refuse(place: str, text: str) -> InvalidPackage:
    return InvalidPackage(f"`{place}` {text}.", location=place)


def _object(value: JSON, place: str) -> JSONObject:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _refuse(place, "must be an object")
    return value


def _parameters(description: JSONObject, kind: str) -> dict[str, JSONObject]:
    """The inputs or outputs of a description by id."""
    place = f"processDescription.{kind}"
    value = description.get(kind)
    if value is not None and not isinstance(value, Mapping | list):
        raise _refuse(place, "must be an object keyed by id")
    found: dict[str, JSONObject] = {}
    for item in as_list(value, "id"):
        name = item.get("id") if isinstance(item, Mapping) else None
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise _refuse(f"{place}.{str(name)[:100]}", "has an id that is not allowed: letters, digits, `_.-` are")
        found[name] = item
    return found


def _bindings(bindings: JSONObject, kind: str, known: Mapping[str, Any]) -> dict[str, JSONObject]:
    place = f"executionUnit.bindings.{kind}"
    found = {}
    for name, item in _object(bindings.get(kind), place).items():
        if name not in known:
            raise _refuse(f"{place}.{name[:100]}", f"is of no known id ({', '.join(known) or 'none'})")
        found[name] = _object(item, f"{place}.{name}")
    return found


def _command(value: JSON) -> list[str]:
    words = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    if value is not None and (not words or not all(isinstance(word, str) and word for word in words)):
        raise _refuse("executionUnit.command", "must be a word or a list of words")
    return [str(word) for word in words]


def _input(name: str, item: JSONObject, binding: JSONObject | None) -> dict[str, Any]:
    kind = kind_of(item, f"processDescription.inputs.{name}")
    cwl_type: Any = {"type": "array", "items": kind.cwl} if kind.many else kind.cwl
    tool: dict[str, Any] = {
        "type": ["null", cwl_type] if kind.optional else cwl_type,
        "inputBinding": _input_binding(name, binding),
    }
    if kind.default is not None:
        tool["default"] = kind.default
    formats = [_IANA + media_type for media_type in media_types_of(item)]
    if kind.cwl == "File" and formats:
        tool["format"] = formats
    return tool | _texts(item)


def _input_binding(name: str, binding: JSONObject | None) -> dict[str, Any]:
    if binding is None:
        return {"prefix": f"--{name}"}
    place = f"executionUnit.bindings.inputBindings.{name}"
    found: dict[str, Any] = {}
    for key, value in binding.items():
        wanted = _BINDINGS.get(key)
        if wanted is None:
            raise _refuse(f"{place}.{key[:100]}", f"is not one of {', '.join(_BINDINGS)}")
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise _refuse(f"{place}.{key}", "is not of its type")
        found[key] = value
    return found


def _output(name: str, item: JSONObject, binding: JSONObject | None, single: bool) -> dict[str, Any]:
    kind = kind_of(item, f"processDescription.outputs.{name}")
    glob = _glob(name, binding) or output_patterns(name, kind, media_types_of(item), single)
    cwl_type: Any = {"type": "array", "items": kind.cwl} if kind.many else kind.cwl
    tool: dict[str, Any] = {"type": ["null", cwl_type] if kind.optional else cwl_type}
    tool["outputBinding"] = {"glob": glob} | _evaluation(kind)
    formats = media_types_of(item)
    if kind.cwl == "File" and len(formats) == 1:
        tool["format"] = _IANA + formats[0]
    return tool | _texts(item)


def _evaluation(kind: Kind) -> dict[str, Any]:
    """How a literal output is read: a string is the whole file, everything else its JSON content."""
    if kind.cwl in ("File", "Directory"):
        return {}
    text = "self[0].contents"
    value = text if kind.cwl == "string" and not kind.many else f"JSON.parse({text})"
    return {"loadContents": True, "outputEval": f"$(self.length ? {value} : null)"}


def _glob(name: str, binding: JSONObject | None) -> list[str]:
    glob = (binding or {}).get("glob")
    patterns = [glob] if isinstance(glob, str) else glob
    if binding is None:
        return []
    if not isinstance(patterns, list) or not patterns or not all(isinstance(item, str) for item in patterns):
        place = f"executionUnit.bindings.outputBindings.{name}.glob"
        raise _refuse(place, "must be a pattern or a list of patterns")
    return [str(pattern) for pattern in patterns]


def _texts(item: JSONObject) -> dict[str, str]:
    pairs = (("label", item.get("title")), ("doc", item.get("description")))
    return {key: text for key, text in pairs if isinstance(text, str) and text}


def _requirements(unit: JSONObject, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    config = _object(unit.get("config"), "executionUnit.config")
    found: dict[str, Any] = {"DockerRequirement": {"dockerPull": _image(unit.get("image"))}}
    resources = {
        cwl: round(number * factor, 3)
        for key, cwl, factor in (
            ("cpuMin", "coresMin", 1.0),
            ("cpuMax", "coresMax", 1.0),
            ("memoryMin", "ramMin", _MIB_PER_GB),
            ("memoryMax", "ramMax", _MIB_PER_GB),
            ("storageTempMin", "tmpdirMin", _MIB_PER_GB),
            ("storageOutputsMin", "outdirMin", _MIB_PER_GB),
        )
        if (number := _number(config, key)) is not None
    }
    for least, most in (("coresMin", "coresMax"), ("ramMin", "ramMax")):
        if resources.get(least, 0) > resources.get(most, resources.get(least, 0)):
            raise _refuse("executionUnit.config", "has a minimum that is larger than its maximum")
    if resources:
        found["ResourceRequirement"] = resources
    limit = _number(config, "jobTimeout")
    if limit is not None:
        found["ToolTimeLimit"] = {"timelimit": max(1, round(limit))}
    network = config.get("networkAccess", config.get("network"))
    if network is not None and not isinstance(network, bool):
        raise _refuse("executionUnit.config.networkAccess", "must be true or false")
    if network:
        found["NetworkAccess"] = {"networkAccess": True}
    if any(item.get("inputBinding", {}).get("shellQuote") is False for item in parameters):
        found["ShellCommandRequirement"] = {}
    if any("$(" in str(item) or "${" in str(item) for item in parameters):
        found["InlineJavascriptRequirement"] = {}
    return found


def _image(value: JSON) -> str:
    name = re.sub(r"^(?:docker|oci)://", "", value) if isinstance(value, str) else ""
    if not _IMAGE.fullmatch(name):
        raise _refuse("executionUnit.image", f"must be the reference of a container image (is {str(value)[:100]!r})")
    return name


def _number(config: JSONObject, key: str) -> float | None:
    value = config.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1e9:
        raise _refuse(f"executionUnit.config.{key}", f"must be a number above 0 (is {str(value)[:40]})")
    return float(value)
