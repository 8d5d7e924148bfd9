"""The pygeoapi configuration file, with `${NAME:-default}` taken from the environment.

It is read as `pygeoapi.util.yaml_load` reads it, except that variables are replaced in quoted texts too. Own code,
because pygeoapi takes half a second to load, which each process of the server and each command would pay.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import yaml

from .errors import ConfigurationError

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def read_document(path: Path) -> dict[str, Any]:
    """The configuration of a file.

    Raises:
        ConfigurationError: it cannot be read, is not YAML, has no `server` block, or needs a variable that is not set.
    """
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from None
    except KeyError as missing:
        raise ConfigurationError(f"{path}: the environment variable {missing.args[0]} is not set") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigurationError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict) or not isinstance(document.get("server"), dict):
        raise ConfigurationError(f"{path}: a pygeoapi configuration has a `server` block")
    return document


class _Loader(yaml.SafeLoader):
    def construct_text(self, node: yaml.ScalarNode) -> bool | float | int | str:
        text = self.construct_scalar(node)
        return _typed(_VARIABLE.sub(_value, text)) if _VARIABLE.search(text) else text


_Loader.add_constructor("tag:yaml.org,2002:str", _Loader.construct_text)


def _value(match: re.Match[str]) -> str:
    found = os.environ.get(match[1], match[2])
    if found is None:
        raise KeyError(match[1])
    return found


def _typed(text: str) -> bool | float | int | str:
    """As `pygeoapi.util.get_typed_value`."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        if "." in text:
            return float(text)
        return text if len(text) > 1 and text.startswith("0") else int(text)
    except ValueError:
        return text
