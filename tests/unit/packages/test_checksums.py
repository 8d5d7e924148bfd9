"""Checksums are computed where an expression may read them only."""

from __future__ import annotations

import pytest

from pygeoapi_oapip.packages.checksums import reads_checksums


@pytest.mark.parametrize(
    ("expression", "read"),
    [("$(inputs.file.size)", False), ("$(inputs.file.checksum)", True), ('${ return self[0]["checksum"]; }', True)],
)
def test_expressions_that_read_checksums_are_seen(expression: str, read: bool) -> None:
    assert reads_checksums({"class": "CommandLineTool", "arguments": [{"valueFrom": expression}]}) is read
