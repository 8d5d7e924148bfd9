"""Stage-in and stage-out tools for tests, with the contract of EOEPCA's: they keep in folders what S3 would keep."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from .shapes import small

URI = "https://raw.githubusercontent.com/eoap/schemas/main/string_format.yaml#URI"
SCHEMAS = {"types": [{"$import": URI.partition("#")[0]}]}

_FETCH = """
test -n "$1" || exit 1
if test "$2" = Directory; then mkdir made; echo "$1" > made/url.txt; else echo "$1" > made; fi
"""
_STORE = """
test "$STAGEOUT_AWS_SECRET_ACCESS_KEY" = "%s" || { echo wrong key >&2; exit 7; }
n=$(basename "$PWD"); mkdir -p "$2/$3-$n"; cp -rL "$1" "$2/$3-$n/"; printf 'file://%%s\\n' "$2/$3-$n/$(basename "$1")"
"""


def fetching(kind: str, version: str) -> Mapping[str, Any]:
    """A stage-in tool, in CWL v1.0 with a requirement of v1.1, as EOEPCA's."""
    return {
        "cwlVersion": version,
        "class": "CommandLineTool",
        "id": "fetch",
        "requirements": {
            "SchemaDefRequirement": SCHEMAS,
            "NetworkAccess": {"networkAccess": True},
            "DockerRequirement": {"dockerPull": "registry.invalid/stage:1"},
            "InlineJavascriptRequirement": {},
            "ResourceRequirement": small(version),
        },
        "baseCommand": ["sh", "-c", _FETCH, "fetch"],
        "arguments": ["$(inputs.reference.value)", kind],
        "inputs": {"reference": {"type": URI}},
        "outputs": {"staged": {"type": kind, "outputBinding": {"glob": "made"}}},
    }


def storing(kind: str, version: str, secret: str) -> Mapping[str, Any]:
    """A stage-out tool, which fails where it does not get its secret."""
    names = ("STAGEOUT_OUTPUT", "process", "STAGEOUT_AWS_SECRET_ACCESS_KEY")
    told = "${ return {'value': self[0].contents, 'type': 'URI'}; }"
    return {
        "cwlVersion": version,
        "class": "CommandLineTool",
        "id": "store",
        "requirements": {
            "SchemaDefRequirement": SCHEMAS,
            "InlineJavascriptRequirement": {},
            "ResourceRequirement": small(version),
            "EnvVarRequirement": {"envDef": {names[2]: f"$(inputs.{names[2]})"}},
        },
        "baseCommand": ["sh", "-c", _STORE % secret, "store"],
        "arguments": ["$(inputs.thing.path)", "$(inputs.STAGEOUT_OUTPUT)", "$(inputs.process)"],
        "inputs": {"thing": kind, **dict.fromkeys(names, "string")},
        "outputs": {
            "address": {"type": URI, "outputBinding": {"glob": "uri.txt", "loadContents": True, "outputEval": told}}
        },
        "stdout": "uri.txt",
    }


def write_tools(folder: Path, secret: str) -> Mapping[str, Any]:
    """Write all four, and give the block of the configuration that names them; results go to `folder/store`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "store").mkdir()
    (folder / "key").write_text(secret + "\n")
    tools = {
        "stage_in": fetching("Directory", "v1.0"),
        "stage_in_file": fetching("File", "v1.2"),
        "stage_out": storing("Directory", "v1.0", _shown(folder)),
        "stage_out_file": storing("File", "v1.2", _shown(folder)),
    }
    for name, tool in tools.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(tool))
    return {
        **{name: str(folder / f"{name}.yaml") for name in tools},
        "containers": False,
        "process": "results-{job}",
        "additional_parameters": {
            "STAGEOUT_OUTPUT": str(folder / "store"),
            "STAGEOUT_AWS_SECRET_ACCESS_KEY": {"file": str(folder / "key")},
        },
    }


def _shown(folder: Path) -> str:
    """The secret as the tool checks it: read from its file, so that it is in no CWL."""
    return f"$(cat {folder / 'key'})"
