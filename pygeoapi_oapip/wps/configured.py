"""The WPS door as the administrator's configuration gives it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ..operations import Operations
from ..settings import Settings
from ..staging.router import make_stager
from .application import Addresses, WpsDoor
from .door import Contact, WpsOptions
from .references import ReferenceReader
from .waiting import Waiting

_MOST_TEXT = 10
"""MB of one text of an XML document: the parser's own limit, so the largest complex input by value."""


def wps_door(operations: Operations, configuration: Mapping[str, Any], settings: Settings, prefix: str) -> WpsDoor:
    """The door.

    Args:
        operations: the service.
        configuration: the whole pygeoapi configuration.
        settings: its manager block.
        prefix: path that comes before all others (`api_rules.url_prefix`), or "".
    """
    # code is loaded before the web processes are forked, so that they share it
    for name in ("v1.pywps_parts", "v2.binding"):
        import_module(f".{name}", __package__)
    server = configuration["server"]
    addresses = Addresses(str(server.get("url") or "").rstrip("/") + prefix, settings.wps.path)
    cors = bool(server.get("cors", False))
    return WpsDoor(operations, wps_options(configuration, settings), addresses, settings.limits.body_bytes, cors)


def wps_options(configuration: Mapping[str, Any], settings: Settings) -> WpsOptions:
    """What both versions need of a configuration: the metadata in its first language, and limits."""
    language = str((configuration["server"].get("languages") or ["en-US"])[0])
    metadata = configuration.get("metadata") or {}
    known = _Metadata(language, metadata)
    largest = settings.limits.body_bytes // 1_000_000
    return WpsOptions(
        read=ReferenceReader(settings.staging, make_stager(settings.staging, settings.storage)),
        title=known.text("identification", "title") or "WPS",
        abstract=known.text("identification", "description"),
        keywords=known.words("identification", "keywords"),
        fees="NONE",
        access_constraints="NONE",
        contact=Contact(
            provider=known.text("provider", "name"),
            site=known.text("provider", "url"),
            name=known.text("contact", "name"),
            email=known.text("contact", "email"),
            phone=known.text("contact", "phone"),
        ),
        language=language,
        max_wait=settings.wps.max_wait,
        waiting=Waiting(settings.wps.max_waiting),
        retention=settings.retention.jobs,
        max_megabytes=max(1, min(_MOST_TEXT, largest)),
    )


class _Metadata:
    """The block `metadata` of a pygeoapi configuration, whose texts may be mappings from languages to texts."""

    def __init__(self, language: str, metadata: Mapping[str, Any]) -> None:
        self._languages = (language, language.partition("-")[0])
        self._metadata = metadata

    def text(self, block: str, name: str) -> str:
        """One text; "" where there is none."""
        found = self._in(self._value(block, name))
        return found if isinstance(found, str) else str(found or "")

    def words(self, block: str, name: str) -> tuple[str, ...]:
        """A list of texts."""
        found = self._in(self._value(block, name))
        return tuple(str(word) for word in found) if isinstance(found, list | tuple) else ()

    def _value(self, block: str, name: str) -> object:
        found = self._metadata.get(block)
        return found.get(name) if isinstance(found, Mapping) else None

    def _in(self, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        return next((value[key] for key in self._languages if key in value), next(iter(value.values()), ""))
