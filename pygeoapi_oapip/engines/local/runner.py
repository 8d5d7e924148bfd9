"""Runs one job with cwltool, in a child of the fork server. The only module that drives cwltool."""

from __future__ import annotations

import logging
import os
import resource
import threading
import time
import traceback
import urllib.parse
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from cwl_utils.types import CWLObjectType
from cwltool.context import LoadingContext, RuntimeContext
from cwltool.errors import UnsupportedRequirement, WorkflowException
from cwltool.executors import JobExecutor, MultithreadedJobExecutor, SingleJobExecutor
from cwltool.load_tool import default_loader, make_tool, resolve_and_validate_document
from cwltool.loghandler import defaultStreamHandler
from cwltool.mutation import MutationManager
from cwltool.process import Process
from cwltool.utils import visit_class
from cwltool.workflow import Workflow
from rdflib import Graph, URIRef
from ruamel.yaml.comments import CommentedMap
from schema_salad.exceptions import ValidationException
from schema_salad.fetcher import DefaultFetcher
from schema_salad.sourceline import cmap, strip_dup_lineno

from ...model.run import RunState
from ...packages.checksums import reads_checksums
from ...packages.cwltool_check import load_schema
from ...packages.ontology import carried
from . import javascript, processes
from .carried import Carried, as_read
from .containerjobs import ImageUnavailable
from .containers import label, remove_containers, remove_job_containers
from .guards import StagedOnly, make_guarded_tool, room
from .joblog import JobLogHandler, PathHider
from .progress import Progress, all_parts
from .record import JobFolder, Record
from .secretstore import Secrets

BASE = "file:///package.cwl"
"""The address that the package gets; nothing is ever read from it."""

_EXPRESSION_TIME = 20.0
_LONGEST_MESSAGE = 4000


class NoFetcher(DefaultFetcher):
    """Refuses to read anything: a package is self-contained."""

    def fetch_text(self, url: str, content_types: list[str] | None = None) -> str:
        """The cached text of `url`."""
        text = self.cache.get(url)
        if isinstance(text, str):
            return text
        raise ValidationException(f"{url} is not part of the package")

    def check_exists(self, url: str) -> bool:
        """True: links were checked when the package was deployed."""
        return True


_URLS = 4096
_LARGEST_EXAMPLE = 100_000
"""Bytes of a plan that is worth loading ahead."""

VERSIONS = ("v1.2", "v1.1", "v1.0")
"""Of CWL; all are brought up to the first when they run."""


def warm(version: str = VERSIONS[0]) -> None:
    """Fill cwltool's caches for a version of CWL, in the fork server, so that its children find them."""
    javascript.available()
    _widen_url_cache()
    load_schema("v1.0")  # cwltool takes File and Directory from it, for all versions
    load(_smallest(version), "")


def _widen_url_cache() -> None:
    """Each load splits the same 300 URLs of the vocabulary; the cache of the standard library holds 128."""
    cached: Any = urllib.parse.urlsplit
    if cached.cache_parameters()["maxsize"] < _URLS:
        setattr(urllib.parse, "urlsplit", lru_cache(_URLS, typed=True)(cached.__wrapped__))  # noqa: B010 (for mypy)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A document that a spare runner has loaded already."""

    document: Record
    entry: str
    tool: Process


_rehearsed: list[Rehearsed] = []
"""At most one, in a spare runner."""


def rehearse(example: JobFolder | None = None) -> None:
    """Touch what a run will touch, in a spare runner: its copies of the server's memory pages are made now.

    Args:
        example: the last job; the next one is likely to run the same package, which is then loaded already.
    """
    try:
        plan = example.read("plan") if example is not None and example.size("plan") < _LARGEST_EXAMPLE else None
        if plan is not None:
            tool = load(as_read(plan["document"]), plan["entry"])
            _rehearsed.append(Rehearsed(plan["document"], plan["entry"], tool))
            return
    except (OSError, ValidationException, WorkflowException) as error:
        logging.getLogger(__name__).debug("the last package is no example: %s", error)
    load(_smallest(VERSIONS[0]), "")


def _tool_of(document: Record, entry: str) -> Process:
    for known in _rehearsed:
        if known.entry == entry and known.document == document:
            return known.tool
    return load(as_read(document), entry)


def load(document: Mapping[str, Any], entry: str) -> Process:
    """Make a runnable process of a packed CWL document, which was validated when it was deployed.

    Args:
        document: as `Package.document`.
        entry: as `Package.entry`.

    Raises:
        ValidationException, WorkflowException: it is not valid all the same.
    """
    if document.get("cwlVersion") in VERSIONS:
        load_schema(str(document["cwlVersion"]))
    context = LoadingContext(
        {
            "construct_tool_object": make_guarded_tool,
            "fetcher_constructor": NoFetcher,
            "do_validate": False,
            "disable_js_validation": True,
            "skip_schemas": True,
            "doc_cache": False,
            # files have the names that their owners gave them, with spaces and umlauts; CWL allows any
            "relax_path_checks": True,
        }
    )
    context.loader = default_loader(NoFetcher, doc_cache=False)
    plain = {key: value for key, value in document.items() if key != "$schemas"}
    whole = cast(CommentedMap, cmap({"id": BASE, **plain}, fn=BASE))
    context.loader.idx[BASE] = whole
    fragment = entry.rpartition("#")[2]
    context, uri = resolve_and_validate_document(context, whole, f"{BASE}#{fragment}" if fragment else BASE)
    assert context.loader is not None
    context.loader.graph = _ontology(document)
    return make_tool(uri, context)


def _ontology(document: Mapping[str, Any]) -> Graph:
    """What the package knows about formats, apart from the graph of the CWL schema, which all packages share."""
    graph = Graph()
    for subject, predicate, target in carried(document):
        graph.add((URIRef(subject), URIRef(predicate), URIRef(target)))
    return graph


def run(folder: JobFolder, changed: Callable[[], None]) -> None:
    """Run the job of a folder and write its report. Standard error is the job's log already.

    Args:
        folder: the job's; `plan.json` is there.
        changed: called after each report of progress.
    """
    plan = folder.read("plan")
    assert plan is not None
    Execution(folder, plan, changed).run()


class Execution:
    """One run.

    Args:
        folder: the job's.
        plan: as `LocalEngine.submit` wrote it.
        changed: as in `run`.
    """

    def __init__(self, folder: JobFolder, plan: Record, changed: Callable[[], None]) -> None:
        self.folder = folder
        self.plan = plan
        self.changed = changed
        self.hide: Callable[[str], str] = PathHider(folder.workspace)
        self.began = time.monotonic()
        self.cpu_before = _cpu_seconds()
        self.ending = threading.Lock()
        self.progress = Progress(folder, {}, changed, self._end_overdue)

    def run(self) -> None:
        """Load, execute, report; whatever goes wrong becomes the report."""
        _set_up_logging()
        self._watch_time()
        try:
            outputs = self._execute()
        except (ValidationException, WorkflowException) as error:
            self._fail(_first_words(error, UnsupportedRequirement))
        except OSError as error:
            self._fail(f"The job's folder cannot be used: {error.strerror or type(error).__name__}")
        except UnicodeEncodeError as error:  # the paths of results become URLs, of UTF-8
            self._fail(_not_utf8(error))
        except Exception as error:  # noqa: BLE001  (the job's edge: a defect of cwltool is this job's failure, no more)
            traceback.print_exc()
            self._fail(f"cwltool could not run the package: {type(error).__name__}: {error}")
        else:
            self._succeed(outputs)

    def _execute(self) -> CWLObjectType:
        javascript.choose(self.plan["javascript"])
        document = Carried(self.folder.work / "carried").settle(self.plan["document"])
        tool = _tool_of(document, self.plan["entry"])
        order = as_read(self.plan["job_order"])
        steps = all_parts([step.tool for step in _steps(tool)], self.plan["job_order"])
        name = self.plan["process"]
        secrets = Secrets(tool, order, Path(self.plan["secrets"]) if "secrets" in self.plan else None)
        self.hide = secrets.hide(self.hide)
        self.progress = Progress(self.folder, steps or {name: 0}, self.changed, self._end_overdue)
        logging.getLogger("cwltool").addHandler(self.progress)
        executor, context = self._context(tool)
        context.secret_store = secrets
        outputs, status = executor(tool, order, context)
        if status != "success" or outputs is None:
            raise WorkflowException(self._explain(status))
        return outputs

    def _context(self, tool: Process) -> tuple[JobExecutor, RuntimeContext]:
        context = RuntimeContext(
            {
                "outdir": str(self.folder.outputs),
                "tmpdir_prefix": f"{self.folder.work.resolve()}{os.sep}",
                "basedir": str(self.folder.workspace),
                "name": self.plan["process"],
                "compute_checksum": reads_checksums(self.plan["document"]),
                "use_container": bool(self.plan["containers"]),
                "podman": self.plan["containers"] == "podman",
                "eval_timeout": _EXPRESSION_TIME,
                "path_mapper": StagedOnly,
            }
        )
        if not (self.plan["parallel_steps"] and isinstance(tool, Workflow)):
            single = SingleJobExecutor()
            single.output_dirs.add(room())
            return single, context
        executor = MultithreadedJobExecutor()
        executor.output_dirs.add(room())
        executor.max_cores = self.plan["budget"]["cores"]
        executor.max_ram = int(self.plan["budget"]["memory"] / 2**20)
        context.select_resources = executor.select_resources
        return executor, context

    def _explain(self, status: str) -> str:
        if self.progress.misnamed is not None:
            return _not_utf8(self.progress.misnamed)
        failure = self.progress.failure
        if failure is None:
            return "\n".join(self.progress.errors) or f"cwltool reports {status}"
        where = f"Step {failure.step}: the tool" if len(self.progress.steps) > 1 else "The tool"
        said = "".join(f"\n{line}" for line in failure.lines)
        return f"{where} {failure.reason}{':' if said else '.'}{said}"

    def _succeed(self, outputs: CWLObjectType) -> None:
        visit_class(outputs, ("File",), MutationManager().unset_generation)
        visit_class(outputs, ("File", "Directory"), _strip_paths)
        self.progress.finish_tool(True, 0)
        self._finish(RunState.SUCCEEDED, "", progress=100, outputs=outputs)

    def _fail(self, message: str) -> None:
        message = self.hide(strip_dup_lineno(message)).strip()
        logging.getLogger("cwltool").error("%s", message)
        with suppress(OSError):  # the disk is full: the report makes room
            self.progress.finish_tool(False)
        self._finish(RunState.FAILED, message[:_LONGEST_MESSAGE])

    def _finish(self, state: RunState, message: str, **more: Any) -> None:
        self.ending.acquire()  # never released: one thread ends the run, and the process with it
        left = processes.end_children(self.folder.work.resolve())
        cancelled = self.folder.cancelled
        if left or cancelled:  # the client of a container may be gone while the container is not
            remove_job_containers(self.folder)
        if cancelled:
            state, message, more = RunState.CANCELLED, "The job was dismissed.", {}
        steps = [step.to_json() for step in self.progress.in_order() if step.state]
        more |= {"steps": steps, "usage": self._usage()}
        try:
            self.folder.finish(state, message, **more)
        except OSError as error:
            own = message if state is RunState.FAILED else f"The report of the job cannot be written: {error.strerror}"
            self._finish_on_full_disk(own)

    def _finish_on_full_disk(self, message: str) -> None:
        """Make room by removing what a failed job does not keep, so that at least the failure can be told."""
        import shutil

        for folder in (self.folder.work, self.folder.outputs):
            shutil.rmtree(folder, ignore_errors=True)
        self.folder.finish(RunState.FAILED, message)

    def _usage(self) -> dict[str, float]:
        own, tools = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        usage = {
            "cpu_seconds": round(_cpu_seconds() - self.cpu_before, 3),
            "wall_seconds": round(time.monotonic() - self.began, 3),
        }
        if tools.ru_maxrss > own.ru_maxrss:  # a forked tool starts with the size of this process
            usage["peak_memory_bytes"] = tools.ru_maxrss * 1024
        return usage

    def _watch_time(self) -> None:
        if self.plan["time_limit"] > 0:
            timer = threading.Timer(self.plan["time_limit"], self._end_late)
            timer.daemon = True
            timer.start()

    def _end_late(self) -> None:
        if not self.ending.acquire(blocking=False):
            return
        own = processes.mark(os.getpid())
        processes.stop_members(own, self.folder.work.resolve(), self.plan["stop_grace"])
        remove_job_containers(self.folder)
        limit = self.plan["time_limit"]
        self.folder.finish(RunState.FAILED, f"The job exceeded the time limit of {limit:g} seconds.")
        self.changed()
        os._exit(0)

    def _end_overdue(self, outdir: str) -> None:
        """End the rest of a tool that cwltool has sent SIGTERM to: it may ignore it, and its children never got it."""

        def end() -> None:
            processes.stop_members(None, Path(outdir), 0.0)
            remove_containers(self.plan["containers"], label("tool", Path(outdir)))

        late = threading.Timer(self.plan["stop_grace"], end)
        late.daemon = True
        late.start()


def _smallest(version: str) -> Record:
    return {"cwlVersion": version, "class": "CommandLineTool", "baseCommand": "true", "inputs": [], "outputs": []}


def _cpu_seconds() -> float:
    own, tools = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + tools.ru_utime + tools.ru_stime


def _set_up_logging() -> None:
    logging.getLogger().handlers = [JobLogHandler()]
    logging.getLogger("cwltool").removeHandler(defaultStreamHandler)
    logging.captureWarnings(True)


def _steps(tool: Process) -> list[Any]:
    return list(tool.steps) if isinstance(tool, Workflow) else []


def _first_words(error: Exception, unsupported: type[Exception]) -> str:
    if isinstance(error.__cause__, ImageUnavailable):
        return str(error.__cause__)
    head = "The package needs a feature that this engine does not have: " if isinstance(error, unsupported) else ""
    return head + str(error)


def _not_utf8(error: UnicodeEncodeError) -> str:
    """The message for a name that the tool wrote in another encoding."""
    name = error.object.rstrip("/").rpartition("/")[2].encode("utf-8", "surrogateescape")
    return f"The tool made a file whose name is not UTF-8: {name.decode('utf-8', 'backslashreplace')}"


def _strip_paths(entry: Any) -> None:
    for name in ("path", "nameext", "nameroot", "dirname"):
        cast("dict[str, Any]", entry).pop(name, None)
