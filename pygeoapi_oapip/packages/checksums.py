"""Whether the engine of a package need compute checksums of its files."""

from __future__ import annotations

import json

from ..model.json import JSONObject


def reads_checksums(document: JSONObject) -> bool:
    """False: no expression of a package can read `checksum` of a CWL File, so that no file need be read for it.

    The member is optional (CWL 1.2 CommandLineTool, File), no result of this server has it, and to compute it takes a
    second of CPU for each gigabyte that a step gives.
    """
    return "checksum" in json.dumps(document)
