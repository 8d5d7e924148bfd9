"""Tests that take minutes, or stop parts of the cluster for long: run where OAPIP_LONG=1 asks for them."""

from __future__ import annotations

import os

import pytest

long = pytest.mark.skipif(os.environ.get("OAPIP_LONG") != "1", reason="takes minutes; OAPIP_LONG=1 runs it")
