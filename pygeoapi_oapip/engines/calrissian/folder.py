"""The files by which this server and the pod of a job know of each other.

run/plan.json, run/app.cwl, run/order.json, run/*.py     written by `write_plan`, read in the pod
run/events.jsonl, run/usage.json, run/exit.json, logs/   written in the pod
run/cancel.json, run/verdict.json                        in the workspace: what this server decided
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ...model.json import JSONObject
from ...packages.ontology import carried
from ...taking import take_file
from ..run_files import write_document
from .places import Places
from .pod_code import pod_code

_SURROGATES = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\.")
_OPEN = 0o777


class JobFolder:
    """The files of one job.

    Args:
        workspace: the job's folder on this server.
        where: where the parts of it are.
    """

    def __init__(self, workspace: Path, where: Places) -> None:
        self.workspace = workspace
        self.where = where
        self._count = 0

    @property
    def planned(self) -> bool:
        """True once everything is written that the pod needs (`decide("planned", ...)` comes last)."""
        return (self.workspace / "run" / "planned.json").exists()

    @property
    def forgotten(self) -> bool:
        """True once nothing is elsewhere any more (`remove`)."""
        return (self.workspace / "run" / "forgotten.json").exists()

    def make(self, user: int, group: int) -> None:
        """Make the folders that pods write to. Raises OSError."""
        self.run.mkdir(parents=True, exist_ok=True)
        (self.where.server_in / "run").mkdir(parents=True, exist_ok=True)
        (self.where.server_in / "inputs").mkdir(exist_ok=True)
        out = self.where.server_out
        for name in (".", "run", "logs", "logs/steps", "outputs", "work"):
            (out / name).mkdir(parents=True, exist_ok=True)
            _give(out / name, user, group)

    def write_plan(self, plan: JSONObject, document: JSONObject, order: JSONObject) -> None:
        """Write all that the pod needs. Raises OSError."""
        run = self.where.server_in / "run"
        for source in pod_code() if not self.where.secret else ():
            shutil.copyfile(source, run / source.name)
        (run / "app.cwl").write_text(_as_yaml(self._with_formats(document)), "utf-8")
        (run / "order.json").write_text(_as_yaml(self._in_pod(order)), "utf-8")
        write_document(run / "plan.json", plan, durable=False)

    @property
    def run(self) -> Path:
        """The folder of this server's own decisions."""
        return self.workspace / "run"

    def decide(self, name: str, document: JSONObject) -> None:
        """Write a decision of this server. Raises OSError."""
        write_document(self.run / f"{name}.json", document, durable=False)

    def decided(self, name: str) -> JSONObject | None:
        """A decision, or None."""
        return _read(self.run / f"{name}.json")

    def told(self, name: str) -> JSONObject | None:
        """A document from the pod, or None. Its content is not to be trusted."""
        return _read(self._out(f"run/{name}.json"))

    def events(self) -> Iterator[Mapping[str, Any]]:
        """What happened to the steps, oldest first."""
        try:
            rows = self._out("run/events.jsonl").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return
        for row in rows:
            try:
                event = json.loads(row)
            except ValueError:
                continue  # still being written
            if isinstance(event, dict) and all(isinstance(event.get(key), str) for key in ("step", "event")):
                yield event

    def logs(self) -> Iterator[tuple[str, Path]]:
        """Name of the step ("" for Calrissian itself) and file of each log."""
        leader = self._out("logs/leader.log")
        if leader.is_file():
            yield "", leader
        steps = self._out("logs/steps")
        for path in sorted(steps.glob("*.log")) if steps.is_dir() else ():
            yield path.stem, path

    def collect(self) -> None:
        """Move what is in another place than the workspace to it. May be called again. Raises OSError."""
        out = self.where.server_out
        if out == self.workspace or not out.is_dir():
            return
        for name in ("run", "logs", "outputs"):
            if (out / name).is_dir():
                shutil.copytree(out / name, self.workspace / name, dirs_exist_ok=True, symlinks=True)
        write_document(self.run / "collected.json", {}, durable=False)

    def remove(self) -> None:
        """Remove what the workspace does not keep. Idempotent."""
        shutil.rmtree(self.workspace / "work", ignore_errors=True)
        for folder in {self.where.server_in, self.where.server_out} - {self.workspace}:
            shutil.rmtree(folder, ignore_errors=True)
        write_document(self.run / "forgotten.json", {}, durable=False)

    def _out(self, name: str) -> Path:
        kept = self.workspace / name
        return kept if (self.run / "collected.json").exists() else self.where.server_out / name

    def keep(self, events: str, usage: Any, report: Any) -> None:
        """Write what the pod has told by other means than the volume; the report comes last. Raises OSError."""
        self.run.mkdir(parents=True, exist_ok=True)
        (self.run / "events.jsonl").write_text(events, encoding="utf-8")
        for name, document in (("usage", usage), ("exit", report)):
            if isinstance(document, dict):
                write_document(self.run / f"{name}.json", document, durable=False)

    def _with_formats(self, document: JSONObject) -> JSONObject:
        """The package; what it carries of ontologies of formats (`$schemas`) is in a file, as cwltool reads it."""
        plain = {key: value for key, value in document.items() if key != "$schemas"}
        triples = carried(document)
        if not triples:
            return plain
        lines = "".join(f"<{s}> <{p}> <{o}> .\n" for s, p, o in triples)
        (self.where.server_in / "run" / "formats.ttl").write_text(lines, encoding="utf-8")
        return {**plain, "$schemas": [f"file://{self.where.pod_in}/run/formats.ttl"]}

    def _in_pod(self, value: Any) -> Any:
        """A copy of a job order whose locations are those in the pod; files are brought there."""
        if isinstance(value, list):
            return [self._in_pod(item) for item in value]
        if not isinstance(value, dict):
            return value
        copy = {key: self._in_pod(item) for key, item in value.items() if key != "path"}
        location = value.get("location") or value.get("path")
        if value.get("class") in ("File", "Directory") and isinstance(location, str):
            parts = urlsplit(location)
            if parts.scheme in ("", "file"):
                copy["location"] = f"file://{quote(self._brought(Path(unquote(parts.path))))}"
        return copy

    def _brought(self, source: Path) -> str:
        inputs = self.where.server_in / "inputs"
        if source.is_relative_to(inputs):
            return f"{self.where.inputs}/{source.relative_to(inputs).as_posix()}"
        self._count += 1
        target = inputs / f"given-{self._count}" / source.name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, copy_function=_take)
            else:
                _take(str(source), str(target))
        return f"{self.where.inputs}/{target.relative_to(inputs).as_posix()}"


def _take(source: str, target: str) -> None:
    take_file(Path(source).resolve(), Path(target))


def _give(folder: Path, user: int, group: int) -> None:
    """Let the user of the pods write to a folder: by owning it where this server may say so."""
    if os.geteuid() == 0:
        os.chown(folder, user, group)
    elif os.geteuid() != user and folder.stat().st_uid == os.geteuid():
        folder.chmod(_OPEN)


def _as_yaml(document: Any) -> str:
    """JSON that is YAML too: characters beyond 16 bits are themselves, as YAML has no surrogate pairs."""

    def joined(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0]
        return bytes.fromhex(match[1] + match[2]).decode("utf-16-be")

    return _SURROGATES.sub(joined, json.dumps(document))


def _read(path: Path) -> JSONObject | None:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
