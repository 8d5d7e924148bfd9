"""Values come back as they are, files with their bytes and media types."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.engines.builtin.echo import Echo
from pygeoapi_oapip.engines.builtin.echo_description import DESCRIPTION
from pygeoapi_oapip.errors import InvalidInputs
from pygeoapi_oapip.model.process import JobControl, Source
from pygeoapi_oapip.model.value import FileOutput, Inline, InputValue, ListOutput, Literal, Many, OutputValue, Reference
from pygeoapi_oapip.packages.plainorder import plain_job_order
from pygeoapi_oapip.validate import validate

TIFF = b"II*\x00\x08\x00\x00\x00"


class Files:
    """References are files of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def reference(self, input_id: str, href: str, media_type: str, is_directory: bool) -> dict[str, Any]:
        path = self.folder / href.rpartition("/")[2]
        return {"class": "File", "location": path.as_uri(), "basename": path.name}

    def literal(self, input_id: str, content: bytes, media_type: str, index: int) -> dict[str, Any]:
        raise AssertionError("a built-in process gets values as they are")


def echoed(folder: Path, values: dict[str, InputValue]) -> dict[str, OutputValue]:
    files = Files(folder / "inputs")
    return dict(Echo().outputs(plain_job_order(values, files), folder))


def file_of(value: OutputValue, folder: Path) -> tuple[bytes, str, str]:
    assert isinstance(value, FileOutput)
    content = (folder / value.href).read_bytes()
    assert len(content) == value.size
    return content, value.media_type, value.name


def test_description_is_what_the_suites_need() -> None:
    inputs, outputs = DESCRIPTION.inputs, DESCRIPTION.outputs
    first = next(iter(inputs.values()))
    assert {key: first.schema[key] for key in first.schema if key != "example"} == {"type": "string"}
    assert next(iter(outputs)) == first.id
    assert all(item.min_occurs == 0 for item in inputs.values())
    assert set(outputs) == set(inputs) - {"pause", "fail"}
    assert DESCRIPTION.job_control == (JobControl.SYNC, JobControl.ASYNC, JobControl.DISMISS)
    assert DESCRIPTION.source is Source.BUILTIN and not DESCRIPTION.mutable and DESCRIPTION.package is None
    arrays = [item for item in inputs.values() if item.schema.get("type") == "array"]
    assert arrays and all("items" in item.schema for item in arrays)
    boxes: Any = inputs["bbox"].schema["allOf"]
    assert boxes[0]["format"] == "ogc-bbox" and all("format" in member for member in boxes)
    assert any("oneOf" in item.schema for item in inputs.values())
    assert [item.title for item in inputs.values()] == list(dict.fromkeys(item.title for item in inputs.values()))


def suite_value(schema: Any) -> Any:
    """What the OGC suite for Part 1 sends to an input of this schema when it fills all it can; None: nothing."""
    kinds = [schema] if "type" in schema else [branch for branch in schema.get("oneOf", ()) if "type" in branch]
    found: Any = None
    for kind in kinds:
        if kind["type"] == "string" and "format" not in schema and "contentMediaType" not in kind:
            found = "teststring"
        elif kind["type"] == "object":
            found = {"value": "teststring"}
        elif kind["type"] == "array":
            found = [1, 2, 3]
    return found


def test_what_the_ogc_suite_sends_is_valid() -> None:
    sent = {key: suite_value(item.schema) for key, item in DESCRIPTION.inputs.items()}
    given = {key: value for key, value in sent.items() if value is not None}
    assert {"message", "names", "measure", "geometry", "numbers"} == set(given)
    assert set(validate({"inputs": given}, DESCRIPTION).inputs) == set(given)
    assert validate({"inputs": {"message": "teststring", "pause": 5}}, DESCRIPTION).inputs["pause"] == Inline(5)
    box: Any = {"bbox": [51.9, 7, 52, 7.1], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}
    validate({"inputs": {"bbox": box}}, DESCRIPTION)
    image: Any = {"value": base64.b64encode(TIFF).decode(), "format": {"mediaType": "image/tiff", "encoding": "base64"}}
    validate({"inputs": {"image": image}}, DESCRIPTION)


@pytest.mark.parametrize("name", [key for key, item in DESCRIPTION.inputs.items() if "contentMediaType" in item.schema])
def test_what_the_ogc_suite_calls_a_wrong_format_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputs, match=f"inputs.{name}"):
        validate({"inputs": {name: {"type": "wrong/type_6f1c"}}}, DESCRIPTION)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cloudCover", 101),
        ("cloudCover", 0.5),
        ("flag", "yes"),
        ("resolution", 30),
        ("band", "swir"),
        ("time", 3),
        ("numbers", [1, "two"]),
        ("names", ["n"] * 11),
        ("bbox", {"bbox": [1, 2, 3]}),
        ("measure", {"unit": "K"}),
        ("image", "no base64!"),
        ("pause", -1),
        ("pause", 3601),
        ("fail", "true"),
        ("message", 1),
    ],
)
def test_values_that_do_not_fit_are_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidInputs, match=f"inputs.{name}"):
        validate({"inputs": {name: value}}, DESCRIPTION)


def test_every_example_is_valid_and_comes_back(tmp_path: Path) -> None:
    examples = {key: item.schema["example"] for key, item in DESCRIPTION.inputs.items() if "example" in item.schema}
    assert len(examples) > 12
    request = validate({"inputs": examples}, DESCRIPTION)
    outputs = echoed(tmp_path, dict(request.inputs))
    assert set(outputs) == set(examples) - {"pause"}
    plain = {key: value.value for key, value in outputs.items() if isinstance(value, Literal)}
    assert plain == {key: examples[key] for key in plain} and len(plain) > 8


def test_outputs_are_those_of_the_inputs_that_were_given(tmp_path: Path) -> None:
    assert echoed(tmp_path, {"pause": Inline(1), "number": Inline(0), "flag": Inline(False)}) == {
        "number": Literal(0),
        "flag": Literal(False),
    }


def test_contents_by_value_become_files_with_their_media_types(tmp_path: Path) -> None:
    outputs = echoed(
        tmp_path,
        {
            "image": Inline(base64.b64encode(TIFF).decode(), "image/tiff; application=geotiff", "base64"),
            "text": Inline("grüße"),
            "document": Inline("<a/>", "text/xml"),
            "geometry": Inline({"type": "Point", "coordinates": [1, 2]}),
            "feature": Inline({"type": "Feature", "geometry": None, "properties": {}}, "application/json"),
        },
    )
    assert file_of(outputs["image"], tmp_path)[:2] == (TIFF, "image/tiff; application=geotiff")
    assert file_of(outputs["text"], tmp_path) == ("grüße".encode(), "text/plain", "text.txt")
    assert file_of(outputs["document"], tmp_path)[:2] == (b"<a/>", "text/xml")
    content, media_type, name = file_of(outputs["geometry"], tmp_path)
    assert (b'"Point"' in content, media_type, name) == (True, "application/geo+json", "geometry.geojson")
    assert file_of(outputs["feature"], tmp_path)[1] == "application/json"


def test_bytes_without_a_said_encoding_are_base64_and_gml_is_text(tmp_path: Path) -> None:
    outputs = echoed(tmp_path, {"image": Inline(base64.b64encode(TIFF).decode()), "geometry": Inline("<gml:Point/>")})
    assert file_of(outputs["image"], tmp_path)[0] == TIFF
    assert file_of(outputs["geometry"], tmp_path)[:2] == (b"<gml:Point/>", "application/gml+xml; version=3.2")


@pytest.mark.parametrize("inside", [True, False])
def test_references_come_back_as_the_same_bytes(tmp_path: Path, inside: bool) -> None:
    workspace = tmp_path / "job"
    folder = (workspace if inside else tmp_path / "elsewhere") / "inputs"
    folder.mkdir(parents=True)
    (folder / "sc ene.tif").write_bytes(TIFF)
    order = plain_job_order({"image": Reference("http://host/sc ene.tif")}, Files(folder))
    for _ in range(2):
        outputs = Echo().outputs(order, workspace)
    assert file_of(outputs["image"], workspace) == (TIFF, "image/tiff", "sc ene.tif")
    result = workspace / "outputs" / "image" / "sc ene.tif"
    assert (result.stat().st_nlink > 1) is inside
    result.unlink()
    assert (folder / "sc ene.tif").read_bytes() == TIFF


def test_media_type_of_a_reference_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "inputs"
    folder.mkdir()
    (folder / "a.geojson").write_text("{}")
    (folder / "b").write_text("{}")
    values: dict[str, InputValue] = {
        "geometry": Reference("http://host/a.geojson"),
        "document": Reference("http://host/b", "application/rdf+xml"),
    }
    outputs = echoed(tmp_path, values)
    assert file_of(outputs["geometry"], tmp_path)[1] == "application/geo+json"
    assert file_of(outputs["document"], tmp_path)[1] == "application/rdf+xml"


def test_arrays_of_values_come_back_as_arrays(tmp_path: Path) -> None:
    outputs = echoed(tmp_path, {"names": Many((Inline("a"), Inline("b"))), "text": Many((Inline("x"), Inline("y")))})
    assert outputs["names"] == Literal(["a", "b"])
    assert isinstance(outputs["text"], ListOutput)
    assert [file_of(item, tmp_path)[0] for item in outputs["text"].items] == [b"x", b"y"]


def test_log_repeats_values_up_to_a_length(tmp_path: Path) -> None:
    values: dict[str, InputValue] = {"message": Inline("m" * 10_000), "image": Reference("http://host/a.tif")}
    log = Echo().course(plain_job_order(values, Files(tmp_path))).log
    assert len(log[0]) < 250 and log[0].endswith("…")
    assert log[1] == "image = a.tif"
