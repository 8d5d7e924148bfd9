"""Values of inputs that a package declares to be secret (`cwltool:Secrets`), kept apart from the job.

The request of a job, and with it the database, the input object and all answers, have a placeholder for each. The
values are in a file that only this server's user can read, beside the folders of the jobs, until the job has ended. A
placeholder means something in the job that it was made for, and nowhere else.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from .errors import JobFailed, OapipError, StorageUnavailable
from .model.execution import DEFINITION, HAS_NESTED, PARENT, SECRET_INPUTS
from .model.job import Job
from .model.json import JSON, JSONObject
from .model.run import JobID

SEALED = "sealed"
"""Member of a stored request: name of the file with the values."""
SETTLED = 600.0
"""Seconds after which a file without a job is left over, and not of a job that is just being made."""


class Sealing:
    """The secret values of all jobs. Thread-safe.

    Args:
        folder: made where it is missing, for this user alone. All servers of one database need the same one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def sealed(self, job: Job, told: JSONObject | None = None) -> Iterator[Job]:
        """The job with placeholders for its secrets, which are on the disk when it is given; nothing stays there where
        the block raises an `OapipError`.

        Args:
            job: whose request may hold secrets (`SECRET_INPUTS`).
            told: the request that its definition makes, where its own one is not made yet (Part 4).

        Raises:
            StorageUnavailable: the disk is full or read-only.
        """
        name = f"{job.id}.{uuid.uuid4().hex}"
        marks = _Marks(name)
        marks.request(told or {})
        request = marks.definition(marks.request(job.request))
        if not marks.of:
            yield job
            return
        self._write(name, {mark: value for value, mark in marks.of.items()})
        try:
            yield replace(job, request={**request, SEALED: name})
        except OapipError:
            self._path(name).unlink(missing_ok=True)
            raise

    def writing(self, write: Callable[[Job], Job]) -> Callable[[Job], Job]:
        """`write`, with placeholders for the secrets of what is written. What it returns raises as `sealed`."""

        def write_sealed(job: Job) -> Job:
            with self.sealed(job) as kept:
                return write(kept)

        return write_sealed

    def opened(self, request: JSONObject, part: JSON) -> Any:
        """A part of a request with the values in place. Raises JobFailed, StorageUnavailable."""
        values = self._values(request)
        return replaced(part, values) if values else part

    def values(self, request: JSONObject, order: JSONObject) -> Mapping[str, str]:
        """Placeholder -> value, of those that occur in the input object of a job.

        Raises:
            JobFailed: the values are not on this machine.
            StorageUnavailable: they cannot be read now.
        """
        found = self._values(request)
        text = json.dumps(order) if found else ""
        return {mark: value for mark, value in found.items() if mark in text}

    def drop(self, job: Job) -> None:
        """Remove the values of a job; those of nested processes go with the job that waits for them. Idempotent."""
        if SEALED in job.request and PARENT not in job.request:
            for path in self._folder.glob(f"{job.id}.*"):
                path.unlink(missing_ok=True)

    def sweep(self, gone: Callable[[JobID], bool]) -> int:
        """Remove what is left of jobs that were never made, or that have ended; gives the number of files.

        Args:
            gone: whether a job has ended or is not known.
        """
        before = time.time() - SETTLED
        paths = [path for path in self._folder.glob("*.*") if _age_of(path) < before]
        old = [path for path in paths if gone(path.name.partition(".")[0])]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def _values(self, request: JSONObject) -> Mapping[str, str]:
        name = request.get(SEALED)
        if not isinstance(name, str):
            return {}
        try:
            found = json.loads(self._path(name).read_bytes())
        except FileNotFoundError:
            raise JobFailed("the secret values of the job are not on this server any more") from None
        except OSError as error:
            raise StorageUnavailable(f"the secret values of the job cannot be read: {error.strerror}") from error
        return {str(mark): str(value) for mark, value in found.items()}

    def _path(self, name: str) -> Path:
        return self._folder / name

    def _write(self, name: str, values: Mapping[str, str]) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
            with os.fdopen(os.open(self._path(name), flags, 0o600), "w", encoding="utf-8") as file:
                json.dump(dict(values), file)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StorageUnavailable(f"secret values cannot be kept: {error.strerror}") from error


class _Marks:
    """A placeholder for each secret text of a request.

    Args:
        name: of the file with the values; requests of nested processes name it, too.
    """

    def __init__(self, name: str) -> None:
        self.of: dict[str, str] = {}
        self._name = name

    def request(self, request: JSONObject) -> JSONObject:
        """A stored request with placeholders, also in its nested processes; the same one where nothing is secret."""
        names, inputs = request.get(SECRET_INPUTS) or (), request.get("inputs")
        if not isinstance(inputs, Mapping) or not (names or HAS_NESTED in request):
            return request
        changed = {key: self._input(stored, key in cast("list[str]", names)) for key, stored in inputs.items()}
        return {**request, "inputs": changed}

    def definition(self, request: JSONObject) -> JSONObject:
        """The request with the same placeholders in the definition (Part 4) that is kept beside it."""
        kept = request.get(DEFINITION)
        if not self.of or not isinstance(kept, Mapping):
            return request
        return {**request, DEFINITION: {**kept, "inputs": replaced(kept.get("inputs"), self.of)}}

    def _input(self, stored: JSON, secret: bool) -> JSON:
        row = cast("dict[str, Any]", stored)
        if "many" in row:
            return {**row, "many": [self._input(item, secret) for item in row["many"]]}
        if "nested" in row:
            inner = self.request(row["nested"]["request"])
            return {**row, "nested": {**row["nested"], "request": {**inner, SEALED: self._name}}}
        return {**row, "value": self._texts(row["value"])} if secret and "value" in row else row

    def _texts(self, value: JSON) -> JSON:
        if isinstance(value, str) and value:
            return self.of.setdefault(value, f"(secret-{uuid.uuid4().hex})")
        if isinstance(value, Mapping):
            return {key: self._texts(item) for key, item in value.items()}
        return [self._texts(item) for item in value] if isinstance(value, list | tuple) else value


def replaced(value: JSON, texts: Mapping[str, str]) -> JSON:
    """A copy with other texts in the place of whole texts; names of members stay."""
    if isinstance(value, str):
        return texts.get(value, value)
    if isinstance(value, Mapping):
        return {key: replaced(item, texts) for key, item in value.items()}
    return [replaced(item, texts) for item in value] if isinstance(value, list | tuple) else value


def _age_of(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()
