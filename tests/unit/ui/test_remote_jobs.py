"""Jobs whose process is one of another server."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.ui.pages import render

SPEC = importlib.util.spec_from_file_location("ui_documents_again", Path(__file__).with_name("documents.py"))
assert SPEC is not None and SPEC.loader is not None
SAMPLES = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(SAMPLES)
FAR = "http://other.example/processes/ndvi"


@pytest.mark.parametrize("page", ["job", "jobs"])
def test_a_process_of_another_server_has_no_page_here(page: str) -> None:
    job: dict[str, Any] = {**SAMPLES.JOB, "processID": FAR}
    document = job if page == "job" else {**SAMPLES.DOCUMENTS["jobs"], "jobs": [job]}
    html = render(page, {"doc": document}, SAMPLES.BASE)
    assert FAR in html
    assert "/processes/http" not in html
