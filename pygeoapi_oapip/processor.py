"""The pygeoapi process plug-in: describes one CWL application package.

It tells pygeoapi what a process is; `manager.ProcessManager` runs it. pygeoapi makes an instance at every request and
for every entry of a list, so the description of a package is kept in memory, and handed out as a fresh copy each
time because pygeoapi changes what it gets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

from pygeoapi.process.base import BaseProcessor, ProcessorExecuteError

from .errors import ConfigurationError
from .model.process import Input, Output, Process, Source

_MAX_PACKAGE = 5 * 1024**2


class CWLProcessor(BaseProcessor):  # type: ignore[misc]  # pygeoapi has no types
    """A process that is a CWL application package."""

    def __init__(self, processor_def: Mapping[str, Any]) -> None:
        """Describe a package.

        Args:
            processor_def: the `processor` block of a process resource, with `package`: a path or URL, `#entry` at its
                end where the document has several entry points; or, from `ProcessManager`, `process`: a `Process`.

        Raises:
            ConfigurationError: neither is there.
            OapipError: the package cannot be read or is not valid.
        """
        process = processor_def.get("process")
        if not isinstance(process, Process):
            process = _described(processor_def)
        super().__init__(processor_def, metadata(process))
        self.supports_outputs = True

    def execute(self, data: dict[str, Any], outputs: dict[str, Any] | None = None) -> tuple[str, Any]:
        """Only `pygeoapi_oapip.manager.ProcessManager` runs packages. Raises ProcessorExecuteError."""
        text = "This process needs `name: pygeoapi_oapip.manager.ProcessManager` under `server.manager`."
        raise ProcessorExecuteError(text, user_msg=text)


def metadata(process: Process) -> dict[str, Any]:
    """The description in the form that pygeoapi works on; shares nothing with `process`."""
    return deepcopy(
        {
            "id": process.id,
            "version": process.version,
            "title": process.title or process.id,
            "description": process.description,
            "jobControlOptions": [mode.value for mode in process.job_control],
            "outputTransmission": ["value"],
            "keywords": list(process.keywords),
            "metadata": [dict(item) for item in process.metadata],
            "links": [_link(item) for item in process.metadata if isinstance(item.get("href"), str)],
            "inputs": {key: _input(item) for key, item in process.inputs.items()},
            "outputs": {key: _parameter(item) for key, item in process.outputs.items()},
        }
    )


def _link(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": str(item.get("type") or "text/html"),
        "rel": "about",
        "title": str(item.get("title") or item["href"]),
        "href": item["href"],
        "hreflang": "en-US",
    }


def _input(item: Input) -> dict[str, Any]:
    most = "unbounded" if item.max_occurs is None else item.max_occurs
    return {**_parameter(item), "minOccurs": item.min_occurs, "maxOccurs": most}


def _parameter(item: Input | Output) -> dict[str, Any]:
    return {
        "title": item.title or item.id,
        "description": item.description,
        "keywords": list(item.keywords),
        "metadata": [dict(row) for row in item.metadata],
        "schema": dict(item.schema),
    }


def _described(processor_def: Mapping[str, Any]) -> Process:
    location = processor_def.get("package")
    if not isinstance(location, str) or not location:
        raise ConfigurationError("processor.package: a path or URL of an application package is needed")
    return _describe(location, _changed(location))


def _changed(location: str) -> int:
    """Time of the last change of a local package, so that an edited file is described anew."""
    if "://" in location:
        return 0
    try:
        return Path(location.partition("#")[0]).stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=256)
def _describe(location: str, _changed_at: int) -> Process:
    from .catalogue import Entry, load_entry

    name = _name(location.partition("#")[0].rpartition("/")[2])
    return load_entry(Entry(name, Source.CONFIGURED, location), _fetch, _MAX_PACKAGE)


def _name(file_name: str) -> str:
    """A stand-in for the id, which pygeoapi does not tell a processor and puts in itself."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", file_name.partition(".")[0]).strip("-") or "process"


def _fetch(url: str) -> bytes:
    from .settings import Staging
    from .staging.router import make_stager

    return make_stager(Staging()).fetch(url, _MAX_PACKAGE).content
