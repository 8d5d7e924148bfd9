"""A plan as a RunRequest of WES: the document and small inputs as attachments, large ones where the cluster sees them.

The job's id is in the tags and in the name of the document, so that a run of this job can be found again at servers
that do not keep tags.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ...errors import JobFailed
from ...model.execution import Plan
from ...model.json import JSON, JSONObject
from ...model.process import Package
from ...model.run import JobID
from ...settings import WesEngine as Settings
from .api import ServiceInfo
from .quirks import Quirks

TAG = "oapip-job"
"""The tag that holds the job's id."""
MOST_FILES = 2000
"""Input files in one request."""
_DOCUMENT = re.compile(r"(?:^|/)([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.cwl$")
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The parts of POST runs."""

    fields: Mapping[str, str]
    files: Sequence[tuple[str, bytes]]

    def tagged(self, more: Mapping[str, str]) -> RunRequest:
        """The same with further tags."""
        tags = {**more, **json.loads(self.fields["tags"])}
        return RunRequest({**self.fields, "tags": json.dumps(tags)}, self.files)


def user_tags(settings: Settings, plan: Plan) -> Mapping[str, str]:
    """Tags that tell whose job it is, where the settings say so."""
    if not settings.tell_user:
        return {}
    return {"oapip-user": plan.owner, "oapip-groups": ",".join(plan.groups)}


def document_name(job_id: JobID) -> str:
    """The name of the attached document of a job."""
    return f"{job_id}.cwl"


def job_of(request: Mapping[str, Any]) -> JobID:
    """The job of a request, as the server repeats it; "" where it is not one of ours."""
    tags = request.get("tags")
    if isinstance(tags, Mapping) and isinstance(tags.get(TAG), str):
        return str(tags[TAG])
    named = _DOCUMENT.search(str(request.get("workflow_url") or "").partition("#")[0])
    return named[1] if named else ""


def run_request(
    job_id: JobID, run: tuple[str, Package, JSONObject], settings: Settings, quirks: Quirks, info: ServiceInfo
) -> RunRequest:
    """What to send for a job.

    Args:
        job_id: of the job.
        run: process id, package, and job order with its files staged.
        settings: of the engine.
        quirks: of the server.
        info: what the server says of itself.

    Raises:
        JobFailed: the inputs are too large, and the cluster does not see their folder.
        OSError: an input cannot be read.
    """
    process_id, package, order = run
    inputs = Inputs(settings)
    params = {name: inputs.value(item) for name, item in order.items()}
    document = json.dumps(package.document, ensure_ascii=False).encode("utf-8", "replace")
    entry = package.entry.rpartition("#")[2]
    name = document_name(job_id)
    fields = {
        "workflow_url": f"{name}#{entry}" if entry else name,
        "workflow_type": (info.cwl() or ("CWL", ()))[0],
        "workflow_type_version": info.spelled(package.cwl_version) or package.cwl_version,
        "workflow_params": json.dumps(params),
        "tags": json.dumps({TAG: job_id, "oapip-process": process_id}),
    }
    options = engine_parameters(job_id, process_id, settings, quirks)
    if options:
        fields["workflow_engine_parameters"] = json.dumps(options)
    return RunRequest(fields, [(name, document), *inputs.attached()])


def engine_parameters(job_id: JobID, process_id: str, settings: Settings, quirks: Quirks) -> dict[str, str | None]:
    """The options of a run: of the batch system, of the administrator, and of the administrator for this process."""
    found: dict[str, Any] = {}
    if quirks.batch_system and settings.batch_system:
        found[quirks.batch_system] = settings.batch_system
    if quirks.retries:
        found[quirks.retries] = settings.retry_count
    if quirks.any_file_names:
        found[quirks.any_file_names] = None
    if quirks.destination and isinstance(settings.outputs, str):
        found[quirks.destination] = f"{settings.outputs.rstrip('/')}/{job_id}"
    found |= settings.engine_parameters
    found |= settings.processes.get(process_id, {})
    return {name: _text(value) for name, value in found.items()}


def bucket_of(job_id: JobID, process_id: str, settings: Settings, quirks: Quirks) -> str:
    """The address below which the results of a job may be in S3, with a `/` at its end; "" where they may not."""
    chosen = (
        engine_parameters(job_id, process_id, settings, quirks).get(quirks.destination) if quirks.destination else ""
    )
    place = chosen or (settings.outputs if isinstance(settings.outputs, str) else "")
    return f"{place.rstrip('/')}/" if place.startswith("s3://") else ""


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


class Inputs:
    """Rewrites the locations of one job order, and collects what has to be attached.

    Args:
        settings: of the engine.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._shared = {Path(here).resolve(): there for here, there in settings.inputs.items()}
        self._files: dict[str, Path] = {}
        self._size = 0

    def attached(self) -> Iterator[tuple[str, bytes]]:
        """Names and contents of the attachments. Raises OSError."""
        for name, path in self._files.items():
            yield name, path.read_bytes()

    def value(self, value: JSON) -> JSON:
        """A value of the job order as the cluster reads it. Raises JobFailed, OSError."""
        if isinstance(value, Mapping):
            found = {key: self.value(item) for key, item in value.items()}
            return self._placed(found) if value.get("class") in ("File", "Directory") else found
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [self.value(item) for item in value]
        return value

    def _placed(self, found: dict[str, JSON]) -> JSON:
        location = str(found.get("location") or "")
        if urlsplit(location).scheme != "file":
            return found
        path = Path(unquote(urlsplit(location).path))
        found.setdefault("basename", path.name)
        there = self._seen_by_cluster(path)
        if there:
            found["location"] = there
        elif found["class"] == "Directory":
            del found["location"]
            found["listing"] = list(self._listing(path))
        else:
            found["location"] = self._attach(path)
        return found

    def _seen_by_cluster(self, path: Path) -> str:
        real = path.resolve()
        for here, there in self._shared.items():
            if real.is_relative_to(here):
                return (Path(there) / real.relative_to(here)).as_uri()
        return ""

    def _listing(self, folder: Path) -> Iterator[JSON]:
        inside = folder.resolve()
        for entry in sorted(os.scandir(folder), key=lambda item: item.name):
            path = Path(entry.path)
            if not path.resolve().is_relative_to(inside):
                continue  # a link out of the input
            if entry.is_dir():
                below = list(self._listing(path)) if not entry.is_symlink() else []
                yield {"class": "Directory", "basename": entry.name, "listing": below}
            elif entry.is_file():
                yield {"class": "File", "basename": entry.name, "location": self._attach(path)}

    def _attach(self, path: Path) -> str:
        """A relative location; servers clean the names of attachments, so it has plain letters only."""
        self._size += path.stat().st_size
        limit = self._settings.max_attachment
        if self._size > limit:
            raise JobFailed(
                f"the inputs are larger than {limit} bytes, which is the most that is sent to the WES server "
                "(max_attachment); larger ones must be in a folder that the cluster sees (inputs)"
            )
        if len(self._files) >= MOST_FILES:
            raise JobFailed(f"the inputs have more than {MOST_FILES} files, too many to be sent to the WES server")
        plain = _UNSAFE.sub("_", path.name)[-100:].lstrip(".-") or "file"
        name = f"inputs/{len(self._files) + 1}/{plain}"
        self._files[name] = path
        return name
