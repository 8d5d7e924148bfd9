"""The configuration that a command works with: found, written where there is none, checked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ..configuration_file import read_document
from ..errors import ConfigurationError
from .failures import CommandError, ExitCode

if TYPE_CHECKING:
    from ..settings import Settings

HOME = Path("var")
"""Where a server without a configuration keeps its data, below the current folder."""

DEFAULT_URL = "${OAPIP_URL:-http://localhost:5000}"
"""`serve` tells the address that it is bound to in OAPIP_URL."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """A pygeoapi configuration file, with its manager block checked."""

    path: Path
    document: Mapping[str, Any]
    settings: Settings

    @property
    def server(self) -> Mapping[str, Any]:
        """The `server` block."""
        block = self.document.get("server")
        return block if isinstance(block, dict) else {}


def find_configuration(file: Path | None) -> Configuration:
    """Read `file`, else the file that PYGEOAPI_CONFIG names, else `var/pygeoapi-config.yml`, which is written first
    where it is absent.

    Raises:
        CommandError: it cannot be read, or a key is wrong.
    """
    named = file or (Path(os.environ["PYGEOAPI_CONFIG"]) if os.environ.get("PYGEOAPI_CONFIG") else None)
    return read_configuration(named or _default_file())


def read_configuration(path: Path) -> Configuration:
    """Read and check a configuration file, with `${NAME:-default}` taken from the environment as pygeoapi does.

    Raises:
        CommandError: it cannot be read, is not YAML, or a key is wrong.
    """
    from ..settings import load_settings  # pydantic takes longer to load than most commands to run

    try:
        document = read_document(path)
    except ConfigurationError as error:
        raise CommandError(str(error), ExitCode.USAGE) from None
    try:
        settings = load_settings(document["server"].get("manager") or {})
    except ConfigurationError as error:
        raise CommandError(f"{path}: {error}", ExitCode.USAGE) from None
    return Configuration(path.resolve(), document, settings)


def _default_file() -> Path:
    path = HOME / "pygeoapi-config.yml"
    if not path.exists():
        from ..wiring import default_configuration

        path.parent.mkdir(parents=True, exist_ok=True)
        document = default_configuration("http://localhost:5000", HOME.resolve())
        document["server"]["url"] = DEFAULT_URL
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
        path.write_text("# Written by `oapip serve`, which does not change it again.\n" + text, encoding="utf-8")
    return path
