"""`make bench`: the figures of docs/benchmarks.md, each measured in this run against what a user has otherwise.

python tests/bench/run.py [--quick] [--write docs/benchmarks.md] [--only NAME ...]
"""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path

if __name__ == "__main__":
    # pygeoapi installs a package of the same name
    package = types.ModuleType("tests")
    package.__path__ = [str(Path(__file__).resolve().parents[1])]
    sys.modules["tests"] = package
    # the folder of this file, of which nothing is imported by its own name
    sys.path.pop(0)
    raise SystemExit(importlib.import_module("tests.bench.measure").main())
