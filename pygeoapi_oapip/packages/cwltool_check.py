"""The only module that touches cwltool: validates a document and hands out what it resolved.

cwltool and schema-salad keep schemas in module globals: callers hold `LOCK`.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

from ..errors import InvalidPackage, OapipError
from .fetch import NOWHERE, Reader

if TYPE_CHECKING:
    from cwltool.context import LoadingContext

LOCK = threading.RLock()
_log = logging.getLogger(__name__)
_MAX_LINES = 20
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_EXTENSIONS = {"v1.0": "", "v1.1": "-v1.1", "v1.2": "-v1.2"}


@cache
def prepare_cwltool() -> None:
    """Import cwltool with its extensions. It reads the schema of each CWL version when a document first needs it."""
    import cwltool.workflow  # noqa: F401  (sets the constructor of tool objects)
    from cwltool.process import use_custom_schema

    for version, suffix in _EXTENSIONS.items():
        text = files("cwltool").joinpath(f"extensions{suffix}.yml").read_text("utf-8")
        use_custom_schema(version, "http://commonwl.org/cwltool", text)


@cache
def load_schema(version: str) -> None:
    """Read the schema of a CWL version (0.2 to 1 s, once per process)."""
    from cwltool.process import get_schema

    from .cwltool_schemas import quick_schemas

    prepare_cwltool()
    with quick_schemas():
        get_schema(version)


def load_schemas() -> None:
    """Read the schemas of all CWL versions."""
    for version in _EXTENSIONS:
        load_schema(version)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep cwltool's and schema-salad's warnings about a stranger's document out of the server's log."""
    loggers = [logging.getLogger(name) for name in ("cwltool", "salad", "rdflib.term")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def explained(reader: Reader) -> Iterator[None]:
    """Turn whatever cwltool raises into an InvalidPackage, or into the error of the reference behind it."""
    try:
        yield
    except OapipError:
        raise reader.error or InvalidPackage("A reference in the package could not be read.") from None
    except Exception as error:  # noqa: BLE001  cwltool raises what it likes on malformed documents
        if reader.error is not None:
            raise reader.error from None
        _log.debug("cwltool on a package", exc_info=True)
        raise InvalidPackage(explain(error, reader)) from None


def explain(error: Exception, reader: Reader) -> str:
    """What cwltool says, without colours, addresses that only this server knows, and forced line breaks."""
    text = _ANSI.sub("", str(error)).strip()
    for name in reader.hidden_names():
        text = re.sub(r"(?:[^\s'\"()]*/)" + re.escape(name), name, text)
    text = text.replace(NOWHERE, "")
    lines: list[str] = []
    for line in text.splitlines():
        if line[:30].isspace() and lines:
            lines[-1] += " " + line.strip()
        elif line.strip():
            lines.append(re.sub(r"(:\d+:)\s+", r"\1 ", line.rstrip()))
    if type(error).__module__.partition(".")[0] not in ("cwltool", "cwl_utils", "schema_salad"):
        lines.insert(0, f"The document cannot be read as CWL ({type(error).__name__}).")
    if len(lines) > _MAX_LINES:
        lines[_MAX_LINES:] = [f"... and {len(lines) - _MAX_LINES} more lines"]
    return "\n".join(line[:500] for line in lines) or "The document is not valid CWL."


def loading_context(reader: Reader) -> LoadingContext:
    """A fresh cwltool context that reaches out by `reader` only, and starts no program."""
    prepare_cwltool()
    from cwltool.context import LoadingContext
    from cwltool.load_tool import default_loader
    from cwltool.workflow import default_make_tool

    from .salad import SaladFetcher

    context = LoadingContext()
    context.construct_tool_object = default_make_tool
    context.fetcher_constructor = lambda cache, session: SaladFetcher(reader)
    context.skip_schemas = True
    context.disable_js_validation = True  # jshint would need node
    context.doc_cache = False
    context.loader = default_loader(context.fetcher_constructor, doc_cache=False)
    return context


def validate(uri: str, reader: Reader) -> None:
    """Validate the process at `uri` with all that it runs: schema, references, types of links.

    Raises:
        InvalidPackage: in cwltool's words.
    """
    from cwltool.load_tool import fetch_document, make_tool, resolve_and_validate_document

    with explained(reader):
        context, document, uri = fetch_document(uri, loading_context(reader))
        context, uri = resolve_and_validate_document(context, document, uri)
        make_tool(uri, context)


def resolve(uri: str, context: LoadingContext) -> tuple[Any, str]:
    """The process at `uri` with absolute ids, imports in place, in its own CWL version.

    Returns:
        The process (or list of them), and its version.
    """
    from cwltool.load_tool import fetch_document, resolve_and_validate_document

    context = context.copy()
    context.metadata = {}
    context.do_update = False
    context, document, uri = fetch_document(uri, context)
    context, uri = resolve_and_validate_document(context, document, uri, preprocess_only=True)
    assert context.loader is not None
    process, metadata = context.loader.resolve_ref(uri)
    version = context.metadata.get("cwlVersion") or cast("dict[str, Any]", metadata).get("cwlVersion")
    return process, str(version).rpartition("#")[2].removeprefix("cwl:")


def upgrade(process: Any, uri: str, version: str, target: str, context: LoadingContext) -> Any:
    """The process in a newer CWL version, with what that version would change about it written out."""
    from cwltool.update import update
    from ruamel.yaml.comments import CommentedMap

    assert context.loader is not None
    return update(process, context.loader, uri, False, CommentedMap({"cwlVersion": version}), target)
