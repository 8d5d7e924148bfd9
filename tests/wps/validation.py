"""WPS messages against the schemas of `schemas/`, without the network."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from pathlib import Path

from lxml import etree

HERE = Path(__file__).with_name("schemas")
OFFICIAL = "OAPIP_WPS_SCHEMAS"
"""Environment variable: a folder with OGC's own files: `wps/1.0.0/wpsAll.xsd`, `wps/2.0/wps.xsd`, what they import."""
_OWN = {"1.0.0": "own/wps-1.0.0.xsd", "2.0.0": "own/wps-2.0.xsd"}
_OFFICIAL = {"1.0.0": "wps/1.0.0/wpsAll.xsd", "2.0.0": "wps/2.0/wps.xsd"}
_SHOWN = 5


class NotValid(AssertionError):
    """A message that its schema does not allow; the text names the first errors with their lines, and the message."""


class _Local(etree.Resolver):  # type: ignore[misc]  # lxml has no types
    """Answers with files of one folder alone, also for the addresses under which OGC and W3C publish them."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder.resolve()

    def resolve(self, system_url: str, public_id: str, context: object) -> object:
        path = system_url.removeprefix("file://")
        for published, local in (("http://schemas.opengis.net/", ""), ("http://www.w3.org/", "w3c/")):
            if system_url.startswith(published):
                path = str(self._folder / local / system_url.removeprefix(published))
        found = Path(path).resolve()
        if not found.is_relative_to(self._folder) or not found.is_file():
            raise etree.XMLSchemaParseError(f"{system_url} is no file of {self._folder.name}")
        return self.resolve_filename(str(found), context)


@functools.cache
def schema(version: str) -> Sequence[etree.XMLSchema]:
    """The schemas of a version ("1.0.0", "2.0.0"): ours, and OGC's where `OAPIP_WPS_SCHEMAS` names them."""
    found = [_load(HERE, _OWN[version])]
    if official := os.environ.get(OFFICIAL):
        found.append(_load(Path(official), _OFFICIAL[version]))
    return tuple(found)


def validate(version: str, message: bytes) -> etree._Element:
    """Parse a message and validate it.

    Args:
        version: "1.0.0" or "2.0.0".
        message: the bytes of the document.

    Returns:
        The root element. Raises NotValid with the first errors where it is no XML or not allowed.
    """
    try:
        root = etree.fromstring(message, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise NotValid(f"not XML: {error}\n{message[:2000]!r}") from None
    for each in schema(version):
        if not each.validate(root):
            errors = "\n".join(f"line {line.line}: {line.message}" for line in list(each.error_log)[:_SHOWN])
            raise NotValid(f"not valid in WPS {version}:\n{errors}\n{message[:4000].decode('utf-8', 'replace')}")
    return root


def _load(folder: Path, name: str) -> etree.XMLSchema:
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_Local(folder))
    return etree.XMLSchema(etree.parse(str(folder / name), parser))
