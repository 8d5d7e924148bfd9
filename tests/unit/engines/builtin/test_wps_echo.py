"""The echo process of the WPS 2.0 suite: same program, other ids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.engines.builtin.echo import Echo
from pygeoapi_oapip.engines.builtin.wps_echo import DESCRIPTION, NAMES, WPS_ECHO
from pygeoapi_oapip.engines.registry import builtin_engine
from pygeoapi_oapip.errors import InvalidInputs
from pygeoapi_oapip.model.execution import Plan
from pygeoapi_oapip.model.process import NO_PACKAGE, Source
from pygeoapi_oapip.model.value import FileOutput, Literal, OutputValue
from pygeoapi_oapip.packages.plainorder import unstaged_job_order
from pygeoapi_oapip.settings import OWN_PROCESSES
from pygeoapi_oapip.validate import validate

XML = "<testElement>hello_complex</testElement>"


def echoed(folder: Path, inputs: dict[str, Any]) -> dict[str, OutputValue]:
    order = unstaged_job_order(validate({"inputs": inputs}, DESCRIPTION).inputs)
    return dict(Echo(DESCRIPTION, NAMES).outputs(order, folder))


def test_description_is_what_the_suite_needs() -> None:
    assert WPS_ECHO in OWN_PROCESSES and DESCRIPTION.id == WPS_ECHO and DESCRIPTION.source is Source.BUILTIN
    assert list(DESCRIPTION.outputs) == ["literalOutput", "complexOutput", "boundingboxOutput"]
    texts = [item.id for item in DESCRIPTION.inputs.values() if item.schema.get("type") == "string"]
    assert texts[-1] == "literalInput", "the suite takes the last literal of type string"
    assert all(item.min_occurs == 0 for item in DESCRIPTION.inputs.values())
    kinds: Any = DESCRIPTION.inputs["complexInput"].schema["oneOf"]
    assert kinds[0]["contentMediaType"] == "application/xml"


def test_each_input_comes_back_as_its_output(tmp_path: Path) -> None:
    box: Any = {"bbox": [11.0, 46.2, 11.6, 46.6], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}
    made = echoed(tmp_path, {"literalInput": "hello_literal", "complexInput": XML, "boundingboxInput": box, "pause": 1})
    assert made["literalOutput"] == Literal("hello_literal")
    assert made["boundingboxOutput"] == Literal(box)
    file = made["complexOutput"]
    assert isinstance(file, FileOutput) and (file.name, file.media_type) == ("complexOutput.xml", "application/xml")
    assert (tmp_path / file.href).read_text() == XML
    assert len(made) == 3


def test_format_of_the_request_comes_back(tmp_path: Path) -> None:
    made = echoed(tmp_path, {"complexInput": {"value": "plain", "mediaType": "text/plain"}})["complexOutput"]
    assert isinstance(made, FileOutput) and made.media_type == "text/plain"


def test_nothing_to_echo_is_refused() -> None:
    with pytest.raises(InvalidInputs, match="literalInput, complexInput, boundingboxInput"):
        Echo(DESCRIPTION, NAMES).check({"pause": {"value": 1, "type": "", "encoding": ""}})


def test_the_engine_runs_it(tmp_path: Path) -> None:
    order = unstaged_job_order(validate({"inputs": {"literalInput": "x"}}, DESCRIPTION).inputs)
    (tmp_path / "outputs").mkdir()
    engine = builtin_engine()
    run = engine.submit(Plan("job", WPS_ECHO, NO_PACKAGE, order, tmp_path, "anonymous"))
    assert engine.outputs(run) == {"literalOutput": Literal("x")}
