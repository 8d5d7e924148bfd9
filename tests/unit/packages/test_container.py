"""packages.container: container images as CWL."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pygeoapi_oapip.errors import InvalidPackage
from pygeoapi_oapip.model.process import JobControl, Process
from pygeoapi_oapip.packages.deployment import read_deployment

TIFF = {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/tiff"}
JPEG = {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/jpeg"}
PROFILE = "http://www.opengis.net/profiles/eoc/dockerizedApplication"
BAND_MATH: dict[str, Any] = {
    "processDescription": {
        "id": "BandMath",
        "title": "Band math",
        "version": "1.0.0",
        "jobControlOptions": ["sync-execute", "async-execute", "dismiss"],
        "outputTransmission": ["value", "reference"],
        "links": [],
        "additionalParameters": [{"name": "entry-point", "value": "otbcli_BandMath"}],
        "inputs": {
            "il": {"title": "Images", "maxOccurs": 1024, "schema": {"oneOf": [TIFF, JPEG]}},
            "out": {"schema": {"type": "string", "default": "float", "enum": ["uint8", "int32", "int32", "float"]}},
            "ram": {"schema": {"type": "integer", "default": 128, "nullable": True}},
            "exp": {"schema": {"type": "string"}},
        },
        "outputs": {"out": {"schema": {"oneOf": [TIFF, JPEG]}}},
    },
    "executionUnit": {"type": "docker", "image": "docker://otbtf/4.1.0-cpu"},
}


def deploy(body: dict[str, Any]) -> Process:
    source = json.dumps(body).encode()
    kind = "application/ogcapppkg+json"
    return read_deployment(source, kind, workflow=None, fetch=lambda url: b"", max_bytes=100_000)


def unit(inputs: Any = None, outputs: Any = None, profile: Any = None, **members: Any) -> dict[str, Any]:
    description = {"id": "tool", "inputs": inputs or {}, "outputs": outputs or {}}
    body = {"processDescription": description, "executionUnit": {"type": "docker", "image": "x", **members}}
    return body if profile is None else {**body, "deploymentProfile": profile}


def tool(body: dict[str, Any]) -> Any:
    package = deploy(body).package
    assert package is not None
    return package.document


@pytest.mark.requirement("part2/docker/execution-unit", "part2/docker/schema", "part2/ogcapppkg/schema")
def test_the_package_of_the_conformance_suite_is_a_process() -> None:
    found = deploy(BAND_MATH)
    assert found.package is not None and found.package.requires_container
    assert (found.id, found.title, found.version) == ("BandMath", "Band math", "1.0.0")
    assert set(found.job_control) == set(JobControl)
    assert found.inputs["il"].schema["oneOf"][0]["contentMediaType"] == "image/tiff"  # type: ignore[index,call-overload]
    assert (found.inputs["il"].min_occurs, found.inputs["il"].max_occurs) == (1, 1024)
    assert found.inputs["out"].schema == {"type": "string", "default": "float", "enum": ["uint8", "int32", "float"]}
    assert found.inputs["ram"].schema["nullable"] is True and found.inputs["ram"].min_occurs == 0
    assert found.inputs["exp"].min_occurs == 1
    assert [item["contentMediaType"] for item in found.outputs["out"].schema["oneOf"]] == [  # type: ignore[union-attr,index,call-overload]
        "image/tiff",
        "image/jpeg",
    ]
    assert found.extra["additionalParameters"][0]["name"] == "entry-point"  # type: ignore[index,call-overload]


@pytest.mark.parametrize("image", ["docker://a/b:1", "oci://a/b:1", "a/b:1", "host:5000/a/b@sha256:00ff"])
@pytest.mark.parametrize("kind", ["docker", "oci"])
def test_the_image_is_pulled_by_its_reference(image: str, kind: str) -> None:
    document = tool(unit(type=kind, image=image))
    assert document["requirements"]["DockerRequirement"] == {"dockerPull": image.partition("://")[2] or image}


def test_literals_are_options_and_files_are_paths() -> None:
    schemas = {
        "word": {"type": "string"},
        "count": {"type": "integer"},
        "share": {"type": "number"},
        "fast": {"type": "boolean"},
        "image": TIFF,
        "folder": {"type": "string", "format": "uri", "contentMediaType": "inode/directory"},
        "area": {"type": "object"},
        "box": {"allOf": [{"format": "ogc-bbox"}, {"type": "object"}]},
        "many": {"type": "array", "items": {"type": "integer"}},
        "some": None,
    }
    inputs = {name: {"schema": schema} if schema else {} for name, schema in schemas.items()}
    found = tool(unit(inputs))["inputs"]
    assert {name: item["type"] for name, item in found.items()} == {
        "word": "string",
        "count": "long",
        "share": "double",
        "fast": "boolean",
        "image": "File",
        "folder": "Directory",
        "area": "File",
        "box": "File",
        "many": {"type": "array", "items": "long"},
        "some": "string",
    }
    assert {item["inputBinding"]["prefix"] for item in found.values()} == {f"--{name}" for name in schemas}


@pytest.mark.requirement("part2/docker/bindings", "part2/docker/input-binding")
def test_bindings_say_how_an_input_is_given() -> None:
    binding = {"prefix": "-w", "position": 3, "valueFrom": "$(self)x", "itemSeparator": ",", "shellQuote": False}
    document = tool(unit({"word": {}}, bindings={"inputBindings": {"word": binding}}))
    assert document["inputs"]["word"]["inputBinding"] == binding
    assert {"ShellCommandRequirement", "InlineJavascriptRequirement"} <= set(document["requirements"])


@pytest.mark.requirement("part2/docker/output-binding")
def test_bindings_say_where_an_output_is() -> None:
    found = tool(unit(outputs={"a": {"schema": TIFF}}, bindings={"outputBindings": {"a": {"glob": "x/*.tif"}}}))
    assert found["outputs"]["a"]["outputBinding"] == {"glob": ["x/*.tif"]}


def test_outputs_are_found_by_id_or_media_type() -> None:
    both = tool(unit(outputs={"a": {"schema": TIFF}, "b": {"schema": {"type": "number"}}}))["outputs"]
    assert both["a"]["outputBinding"]["glob"] == ["a", "a.tif", "a.tiff"]
    assert both["b"]["outputBinding"]["glob"] == ["b", "b.json"]
    one = tool(unit(outputs={"a": {"schema": TIFF}}))["outputs"]
    assert one["a"]["outputBinding"]["glob"] == ["a", "*.tif", "*.tiff"]
    many = tool(unit(outputs={"a": {"schema": {"type": "array", "items": TIFF}}}))["outputs"]
    assert many["a"]["outputBinding"]["glob"] == ["a.*", "a[_-]*", "a/*"]
    folder = tool(unit(outputs={"a": {"schema": {"type": "string", "format": "directory"}}}))["outputs"]
    assert folder["a"] == {"type": "Directory", "outputBinding": {"glob": ["a"]}}


@pytest.mark.requirement("part2/docker/config")
def test_the_configuration_is_what_the_engine_reserves() -> None:
    config = {
        "cpuMin": 1,
        "cpuMax": 2,
        "memoryMin": 1,
        "memoryMax": 2,
        "storageTempMin": 1,
        "storageOutputsMin": 1,
        "jobTimeout": 30,
        "networkAccess": True,
        "gpu": "ignored",
    }
    found = tool(unit(config=config, deployment="local"))["requirements"]
    assert found["ResourceRequirement"]["ramMin"] == pytest.approx(953.674)
    assert found["ResourceRequirement"]["coresMax"] == 2
    assert found["ToolTimeLimit"] == {"timelimit": 30}
    assert found["NetworkAccess"] == {"networkAccess": True}
    assert "NetworkAccess" not in tool(unit())["requirements"]


def test_a_command_may_be_named() -> None:
    assert tool(unit(command=["sh", "-c"]))["baseCommand"] == ["sh", "-c"]
    assert tool(unit(command="run"))["baseCommand"] == ["run"]
    assert "baseCommand" not in tool(unit())


def test_limits_of_literals_are_kept_and_dangerous_ones_left_out() -> None:
    schema = {
        "type": "integer",
        "minimum": 1,
        "maximum": 9,
        "exclusiveMaximum": True,
        "pattern": "(a+)+$",
        "$ref": "http://example.com/x",
    }
    found = deploy(unit({"n": {"schema": schema}})).inputs["n"].schema
    assert found == {"type": "integer", "format": "int64", "minimum": 1, "maximum": 9, "exclusiveMaximum": True}


@pytest.mark.requirement("part2/ogcapppkg/profile-docker")
def test_the_profile_is_that_of_docker_or_refused() -> None:
    assert deploy(unit(profile=PROFILE)).id == "tool"
    assert deploy(unit(profile=PROFILE.replace("http:", "https:"))).id == "tool"
    with pytest.raises(InvalidPackage, match="deploymentProfile"):
        deploy(unit(profile="http://www.opengis.net/profiles/eoc/wpsApplication"))


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({"executionUnit": {"type": "docker", "image": "x"}}, "processDescription"),
        ({"executionUnit": {"type": "docker"}, "processDescription": {"id": "a"}}, "executionUnit.image"),
        (unit(image="a b"), "executionUnit.image"),
        (unit(image="--privileged"), "executionUnit.image"),
        (unit(image=5), "executionUnit.image"),
        (unit(config=5), "executionUnit.config"),
        (unit(config={"cpuMin": "2"}), "executionUnit.config.cpuMin"),
        (unit(config={"memoryMin": -1}), "executionUnit.config.memoryMin"),
        (unit(config={"cpuMin": 3, "cpuMax": 2}), "executionUnit.config"),
        (unit(config={"network": "yes"}), "executionUnit.config.networkAccess"),
        (unit(command=[]), "executionUnit.command"),
        (unit(command=[5]), "executionUnit.command"),
        (unit(bindings=5), "executionUnit.bindings"),
        (unit(bindings={"inputBindings": {"z": {}}}), "executionUnit.bindings.inputBindings.z"),
        (
            unit({"a": {}}, bindings={"inputBindings": {"a": {"prefix": 5}}}),
            "executionUnit.bindings.inputBindings.a.prefix",
        ),
        (unit({"a": {}}, bindings={"inputBindings": {"a": {"x": 5}}}), "executionUnit.bindings.inputBindings.a.x"),
        (
            unit(outputs={"a": {}}, bindings={"outputBindings": {"a": {}}}),
            "executionUnit.bindings.outputBindings.a.glob",
        ),
        (unit({"a": {"schema": 5}}), "processDescription.inputs.a.schema"),
        (unit({"a": {"schema": {"type": "array", "items": 5}}}), "processDescription.inputs.a.schema.items"),
        (unit({"a": {"schema": {"type": "null"}}}), "processDescription.inputs.a.schema.type"),
        (unit({"a b": {}}), "processDescription.inputs.a b"),
        (unit([5]), "processDescription.inputs.None"),
        (unit("x"), "processDescription.inputs"),
    ],
)
def test_wrong_units_are_refused_by_name(body: dict[str, Any], location: str) -> None:
    with pytest.raises(InvalidPackage) as caught:
        deploy(body)
    assert caught.value.location == location


def test_an_image_is_alone() -> None:
    image = {"type": "docker", "image": "x"}
    cwl = {"cwlVersion": "v1.2", "class": "CommandLineTool", "inputs": {}, "outputs": {}}
    with pytest.raises(InvalidPackage, match="only `executionUnit`"):
        deploy({"processDescription": {"id": "a"}, "executionUnit": [image, cwl]})
