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


def exchange_settings(folder: Path, **more: Any) -> Settings:
    """Settings of jobs whose files go through a bucket; the keys are in files of the folder."""
    (folder / "key").write_text("the-access-key", encoding="utf-8")
    (folder / "secret").write_text("the-secret-key", encoding="utf-8")
    exchange = {
        "endpoint": "http://127.0.0.1:9",
        "bucket": "exchange",
        "access_key": {"file": str(folder / "key")},
        "secret_key": {"file": str(folder / "secret")},
    }
    return settings(**{"volumes": {"storage_class": "x", "exchange": exchange}, **more})
