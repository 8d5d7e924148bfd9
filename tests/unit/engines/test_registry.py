"""Engines by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from pygeoapi_oapip.engines import registry
from pygeoapi_oapip.engines.local.engine import LocalEngine
from pygeoapi_oapip.errors import ConfigurationError
from pygeoapi_oapip.settings import Engine as EngineSettings
from pygeoapi_oapip.settings import LocalEngine as Settings


def test_a_block_becomes_its_engine(tmp_path: Path) -> None:
    engine = registry.make_engine("mine", Settings(), tmp_path)
    assert isinstance(engine, LocalEngine) and engine.name == "mine"


def test_an_unknown_type_names_the_known_ones(tmp_path: Path) -> None:
    block = cast(EngineSettings, SimpleNamespace(type="cloud"))
    with pytest.raises(ConfigurationError, match=r"engines\.mine\.type: cloud is not one of local"):
        registry.make_engine("mine", block, tmp_path)


def test_a_missing_sdk_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    types = {"local": registry.EngineType(".nowhere:Engine", "hpc")}
    monkeypatch.setattr(registry, "ENGINE_TYPES", types)
    with pytest.raises(ConfigurationError, match=r"install pygeoapi-oapip\[hpc\]"):
        registry.make_engine("mine", Settings(), tmp_path)


def test_the_registry_and_the_engine_load_no_cwltool() -> None:
    code = "import sys; from pygeoapi_oapip.engines import registry; from pygeoapi_oapip.engines.local import engine; "
    code += "sys.exit('cwltool' in sys.modules or 'quickjs' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
