"""The door's options as the administrator's configuration gives them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ..settings import Settings
from .definition.security import schemes
from .door import DoorOptions

_PART3 = "http://www.opengis.net/spec/ogcapi-processes-3/0.0/conf/"
_AD_HOC = _PART3 + "cwl-workflows"
_REMOTE = _PART3 + "remote-core-processes"


def door_options(configuration: Mapping[str, Any], settings: Settings, prefix: str = "") -> DoorOptions:
    """What the door needs of a configuration: the metadata in its first language, addresses and limits."""
    server, metadata = configuration["server"], configuration.get("metadata") or {}
    language = str((server.get("languages") or ["en"])[0])
    identification = metadata.get("identification") or {}
    return DoorOptions(
        base_url=str(server.get("url") or "").rstrip("/") + prefix,
        title=_in(language, identification.get("title")) or "OGC API - Processes",
        description=_in(language, identification.get("description")),
        contact=_pick(metadata.get("contact"), ("name", "url", "email")),
        license=_pick(metadata.get("license"), ("name", "url")),
        notice=_notice(str(server.get("url") or ""), settings),
        cors=bool(server.get("cors", False)),
        body_bytes=settings.limits.body_bytes,
        page=settings.limits.page,
        max_page=settings.limits.max_page,
        max_wait=settings.sync.max_wait,
        conformance=tuple(_switched(settings)),
        security=schemes(settings.auth),
        eoepca=settings.compat.eoepca,
        login=settings.auth.type == "oidc" and settings.auth.login is not None,
    )


def _switched(settings: Settings) -> Iterator[str]:
    """Conformance classes of what the administrator can switch off."""
    if settings.adhoc_cwl:
        yield _AD_HOC
    if settings.nested.remote != ():
        yield _REMOTE


def _notice(url: str, settings: Settings) -> str:
    """Design 8: a server that others can reach and that asks nobody who they are says so on its pages."""
    host = urlsplit(url).hostname or ""
    if settings.auth.type != "none" or host in ("localhost", "::1") or host.startswith("127."):
        return ""
    return (
        "This server does not ask who you are: everyone who reaches it can deploy and run processes, and see all jobs."
    )


def _in(language: str, text: object) -> str:
    """A text of the metadata, which may be a mapping from languages to texts."""
    if isinstance(text, Mapping):
        short = language.partition("-")[0]
        return str(next((text[key] for key in (language, short) if key in text), next(iter(text.values()), "")))
    return str(text or "")


def _pick(block: object, names: Iterable[str]) -> dict[str, str]:
    if not isinstance(block, Mapping):
        return {}
    return {name: str(block[name]) for name in names if block.get(name)}
