"""The job order of processes without a package."""

from __future__ import annotations

from typing import Any

import pytest

from pygeoapi_oapip.errors import AddressForbidden
from pygeoapi_oapip.model.value import Inline, InputValue, Many, Reference
from pygeoapi_oapip.packages.plainorder import plain_job_order, unstaged_job_order


class Files:
    """Knows one host."""

    def reference(self, input_id: str, href: str, media_type: str, is_directory: bool) -> dict[str, Any]:
        if "good" not in href:
            raise AddressForbidden(f"inputs.{input_id}: {href} is not allowed")
        return {"class": "File", "location": f"file:///staged/{input_id}"}

    def literal(self, input_id: str, content: bytes, media_type: str, index: int) -> dict[str, Any]:
        raise AssertionError("values stay as they are")


def test_values_stay_and_references_become_files() -> None:
    inputs: dict[str, InputValue] = {
        "text": Inline("x", "text/plain", "base64"),
        "image": Reference("http://good/a.tif", "image/tiff"),
        "list": Many((Inline(1), Reference("http://good/b"))),
    }
    assert plain_job_order(inputs, Files()) == {
        "text": {"value": "x", "type": "text/plain", "encoding": "base64"},
        "image": {"file": {"class": "File", "location": "file:///staged/image"}, "type": "image/tiff"},
        "list": {
            "many": [
                {"value": 1, "type": "", "encoding": ""},
                {"file": {"class": "File", "location": "file:///staged/list"}, "type": ""},
            ]
        },
    }


def test_before_staging_references_are_as_they_were_given() -> None:
    assert unstaged_job_order({"image": Reference("http://bad/a.tif", "image/tiff")}) == {
        "image": {"href": "http://bad/a.tif", "type": "image/tiff"}
    }


def test_what_staging_refuses_is_refused() -> None:
    with pytest.raises(AddressForbidden, match="inputs.image"):
        plain_job_order({"image": Reference("http://bad/a.tif")}, Files())
