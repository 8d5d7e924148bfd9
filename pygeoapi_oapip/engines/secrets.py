"""Secret values on their way to a run: a file that only this server's user can read, outside of the job's folder.

It is there from `submit` until the run has read it, and gone with `forget` at the latest.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path


def keep(folder: Path, job_id: str, secrets: Mapping[str, str]) -> Path | None:
    """Write the secrets of a job; None where it has none. Raises OSError.

    Args:
        folder: made where it is missing, for this user alone.
        job_id: names the file.
        secrets: placeholder -> value.
    """
    if not secrets:
        return None
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = place(folder, job_id)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        json.dump(dict(secrets), file)
    partial.replace(path)
    return path


def take(path: Path) -> Mapping[str, str]:
    """Read the secrets of a job, and remove them from the disk. Raises OSError."""
    found = json.loads(path.read_bytes())
    path.unlink()
    return {str(key): str(value) for key, value in found.items()}


def place(folder: Path, job_id: str) -> Path:
    """Where the secrets of a job are."""
    return folder / f"{job_id}.json"


def drop(folder: Path, job_id: str) -> None:
    """Remove what is left of the secrets of a job. Idempotent."""
    place(folder, job_id).unlink(missing_ok=True)
