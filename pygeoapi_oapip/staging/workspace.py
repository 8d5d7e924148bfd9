"""Job folders on a file system, and how inputs get into them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

from ..model.json import JSONObject
from ..settings import Staging
from .arrivals import disk_faults
from .base import JobFiles, OnBehalf, Stager, Storage
from .input_folder import InputFolder
from .storage import HERE, MARK, WHOLE, LocalStorage

STAC_DOCUMENTS = "stac-*.json"
"""Pattern of the names that `collecting` saves catalogues under."""
_PARTS = ("inputs", "work", "outputs", "logs")


class LocalWorkspaces:
    """`{output_dir}/{job}/` for each job.

    Args:
        output_dir: of the settings.
        stager: reads inputs.
        storage: where results go; none: they stay in the folders.
        staging: limits for inputs; none: the defaults.
        tokens: by the id of a job and the name of a service, see `TokenOf`; none: inputs are read without.
    """

    def __init__(
        self,
        output_dir: Path,
        stager: Stager,
        storage: Storage | None = None,
        staging: Staging | None = None,
        tokens: Callable[[str, str], str | None] | None = None,
    ) -> None:
        self._root = output_dir.absolute()
        self._stager = stager
        self._storage = storage or LocalStorage()
        self._staging = staging or Staging()
        self._tokens = tokens

    @property
    def storage(self) -> Storage:
        """Where results are kept."""
        return self._storage

    def path(self, job_id: str) -> Path:
        """Where the folder of a job is."""
        return self._root / job_id

    def prepare(self, job_id: str) -> Path:
        """Make the folder with its parts."""
        folder = self._root / job_id
        with disk_faults():
            for part in _PARTS:
                (folder / part).mkdir(parents=True, exist_ok=True)
        return folder

    def inputs(self, job_id: str, reads: frozenset[str]) -> JobFiles:
        """Writes below `inputs`."""
        stager = self._stager
        if self._tokens is not None and isinstance(stager, OnBehalf):
            stager = stager.on_behalf(partial(self._tokens, job_id))
        return InputFolder(self._root / job_id / "inputs", stager, reads, self._staging, self._storage)

    def save(self, job_id: str, name: str, document: JSONObject) -> None:
        """Write a JSON document by rename."""
        target = self._root / job_id / name
        partial = target.with_name(f"{name}.{os.getpid()}.part")
        with disk_faults():
            partial.write_text(json.dumps(document), encoding="utf-8")
            partial.replace(target)

    def load(self, job_id: str, name: str) -> JSONObject | None:
        """Read a document that `save` wrote; one cut short by a power failure counts as none."""
        try:
            return cast(JSONObject, json.loads((self._root / job_id / name).read_bytes()))
        except (OSError, ValueError):
            return None

    def free(self, job_id: str, outputs: bool) -> None:
        """Remove what an ended job does not need."""
        if outputs:
            self._discard(job_id)
            for document in (self._root / job_id).glob(STAC_DOCUMENTS):
                document.unlink(missing_ok=True)
        here = not self._storage.remote or (self._root / job_id / HERE).exists()
        for part in ("inputs", "work", *(("outputs",) if outputs or not here else ())):
            shutil.rmtree(self._root / job_id / part, ignore_errors=True)

    def remove(self, job_id: str) -> None:
        """Remove the whole folder. What is stored and belongs to the user stays, unless it is only a part."""
        folder = self._root / job_id
        if not (self._storage.of_users and (folder / WHOLE).exists()):
            self._discard(job_id)
        shutil.rmtree(self._root / job_id, ignore_errors=True)

    def _discard(self, job_id: str) -> None:
        folder = self._root / job_id
        if (folder / MARK).exists() or not folder.exists():
            self._storage.discard(job_id)
