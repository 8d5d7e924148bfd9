from __future__ import annotations

from pathlib import Path
from typing import Any

from pygeoapi_oapip.engines.calrissian.folder import JobFolder
from pygeoapi_oapip.engines.calrissian.places import places
from pygeoapi_oapip.settings import CalrissianEngine as Settings

JOB_ID = "6f9619ff-8b86-d011-b42d-00c04fc964ff"


def settings(**more: Any) -> Settings:
    return Settings.model_validate({"volumes": {"claim": "jobs"}, **more})


def folder_of(tmp_path: Path, **volumes: Any) -> JobFolder:
    chosen = settings(**({"volumes": volumes} if volumes else {}))
    workspace = tmp_path / JOB_ID
    workspace.mkdir(exist_ok=True)
    return JobFolder(workspace, places(chosen.volumes, JOB_ID, workspace))
