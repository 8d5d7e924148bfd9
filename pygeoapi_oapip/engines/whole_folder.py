"""The name of a Directory output that is the whole working folder (`glob: .`).

The folder has a name that its engine made up, another one in each run: the results, and their keys in a bucket, are
named by the output. Calrissian's pod runs this file, too: it needs Python 3.8 alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit


def name_whole(outputs: Mapping[str, Any], outdir: str) -> None:
    """Give such Directories the id of their output as `basename`.

    Args:
        outputs: of one tool, as it was collected; changed in place.
        outdir: its working folder.
    """
    for name, value in outputs.items():
        if isinstance(value, dict) and value.get("class") == "Directory" and _path(value) == os.path.realpath(outdir):
            value["basename"] = name.rpartition("#")[2].rpartition("/")[2]


def _path(directory: Mapping[str, Any]) -> str:
    location = str(directory.get("location") or directory.get("path") or "")
    path = unquote(urlsplit(location).path) if location.startswith("file:") else location
    return os.path.realpath(path) if path else ""
