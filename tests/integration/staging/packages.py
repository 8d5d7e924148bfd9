"""A package that says what its inputs hold."""

from __future__ import annotations

import json

_SCRIPT = """
cd "$0"
find -L . -type f ! -name '*.json' | LC_ALL=C sort | while read -r name; do
  printf '%s=' "$name"; cat "$name"; echo
done
"""

LISTING = json.dumps(
    {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "id": "listing",
        "baseCommand": ["sh", "-c", _SCRIPT],
        "inputs": {"folder": {"type": "Directory", "inputBinding": {}}},
        "outputs": {"said": {"type": "stdout"}},
        "stdout": "said.txt",
    }
)
"""Says what the files of a folder hold, apart from JSON documents."""

CATALOGUE = json.dumps(
    {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "id": "catalogue",
        "baseCommand": ["cat"],
        "arguments": ["$(inputs.folder.path)/catalog.json"],
        "inputs": {"folder": "Directory"},
        "outputs": {"said": {"type": "stdout"}},
        "stdout": "said.json",
    }
)
"""Gives the root of a catalogue."""

SIZES = json.dumps(
    {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "id": "sizes",
        "baseCommand": ["stat", "-L", "-c", "%s"],
        "inputs": {"files": {"type": "File[]", "inputBinding": {}}},
        "outputs": {"said": {"type": "stdout"}},
        "stdout": "said.txt",
    }
)
"""Says how large its files are."""
