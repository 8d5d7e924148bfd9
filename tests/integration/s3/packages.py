"""Packages whose results are files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

SCRIPT = """
printf 'hello world' > one.txt
mkdir -p "many/ä b" nothing
n=0
while [ $n -lt $0 ]; do printf "file $n" > many/$n.txt; n=$((n + 1)); done
printf odd > "many/ä b/#?%41 c.txt"
"""

FILES = json.dumps(
    {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "id": "files",
        "requirements": {"InlineJavascriptRequirement": {}},
        "baseCommand": ["sh", "-c", SCRIPT],
        "inputs": {"count": {"type": "int", "inputBinding": {}}},
        "outputs": {
            "one": {"type": "File", "outputBinding": {"glob": "one.txt"}},
            "many": {"type": "Directory", "outputBinding": {"glob": "many"}},
            "nothing": {"type": "Directory", "outputBinding": {"glob": "nothing"}},
            "number": {"type": "int", "outputBinding": {"outputEval": "$(inputs.count)"}},
        },
    }
)

READ = json.dumps(
    {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "id": "read",
        "baseCommand": ["sh", "-c", 'cat "$0"; printf "|"; find -L "$1" -type f | sort | xargs -d "\\n" cat; echo "|"'],
        "inputs": {
            "file": {"type": "File", "inputBinding": {"position": 1}},
            "folder": {"type": "Directory", "inputBinding": {"position": 2}},
        },
        "outputs": {"said": {"type": "stdout"}},
        "stdout": "said.txt",
    }
)
"""Says what a file and the files of a folder hold."""


def inner(output: str) -> Mapping[str, Any]:
    """An input that is an output of `files`."""
    return {"process": "files", "inputs": {"count": 2}, "outputs": {output: {}}}


BIG = json.dumps(
    {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "id": "big",
        "baseCommand": ["sh", "-c", 'dd if=/dev/urandom of=big.bin bs=1048576 count="$0" 2>/dev/null'],
        "inputs": {"mebibytes": {"type": "int", "inputBinding": {}}},
        "outputs": {"big": {"type": "File", "outputBinding": {"glob": "big.bin"}}},
    }
)
