"""docker/kubernetes/server and the images fit the program: what one names, the other has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pygeoapi_oapip.cli.configuration import read_configuration
from pygeoapi_oapip.settings import CalrissianEngine

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "docker" / "kubernetes" / "server"
CONFIGURATIONS = {
    "base": "base/pygeoapi-config.yml",
    "three-claims": "three-claims/pygeoapi-config.yml",
    "volume-per-job": "volume-per-job/pygeoapi-config.yml",
}
CLASSES = {"base": None, "three-claims": None, "volume-per-job": "standard"}


def objects(path: str) -> list[Any]:
    return list(yaml.safe_load_all((SERVER / path).read_text(encoding="utf-8")))


def pod(row: Any) -> Any:
    return row["spec"]["template"]["spec"]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the Deployment sets, as far as the configuration has no default for it."""
    [deployment] = [row for row in objects("base/server.yaml") if row["kind"] == "Deployment"]
    for row in pod(deployment)["containers"][0]["env"]:
        monkeypatch.setenv(row["name"], row.get("value", "from-the-cluster"))


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("way", CONFIGURATIONS)
def test_a_server_reads_the_configuration(way: str) -> None:
    settings = read_configuration(SERVER / CONFIGURATIONS[way]).settings
    engine = settings.engines[settings.default_engine]
    assert isinstance(engine, CalrissianEngine)
    assert engine.namespace == "from-the-cluster" and engine.kubeconfig is None
    assert engine.volumes.storage_class == CLASSES[way]
    [deployment] = [row for row in objects("base/server.yaml") if row["kind"] == "Deployment"]
    spec = pod(deployment)
    mounts = {row["name"]: row["mountPath"] for row in spec["containers"][0]["volumeMounts"]}
    assert mounts["jobs"] == str(settings.output_dir)
    assert (spec["securityContext"]["runAsUser"], spec["securityContext"]["fsGroup"]) == (
        engine.run_as_user,
        engine.run_as_group,
    )


@pytest.mark.usefixtures("environment")
def test_a_class_of_volumes_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAPIP_STORAGE_CLASS", "fast")
    monkeypatch.setenv("OAPIP_ACCESS_MODE", "ReadWriteMany")
    [engine] = read_configuration(SERVER / CONFIGURATIONS["volume-per-job"]).settings.engines.values()
    assert isinstance(engine, CalrissianEngine)
    assert (engine.volumes.storage_class, engine.volumes.access_mode) == ("fast", "ReadWriteMany")


def test_the_configurations_differ_in_their_volumes_only() -> None:
    first, second, third = (objects(name)[0] for name in CONFIGURATIONS.values())
    volumes = [row["server"]["manager"]["engines"]["cluster"].pop("volumes") for row in (first, second, third)]
    assert first == second == third
    assert volumes[0] != volumes[1] != volumes[2] != volumes[0]


def test_three_claims_are_mounted_where_the_configuration_says() -> None:
    volumes = objects(CONFIGURATIONS["three-claims"])[0]["server"]["manager"]["engines"]["cluster"]["volumes"]
    spec = pod(objects("three-claims/mounts.yaml")[0])
    claims = {row["name"]: row["persistentVolumeClaim"]["claimName"] for row in spec["volumes"]}
    mounts = {claims[row["name"]]: row["mountPath"] for row in spec["containers"][0]["volumeMounts"]}
    assert mounts == {
        volumes["input_claim"]: volumes["input_folder"],
        volumes["output_claim"]: volumes["output_folder"],
    }
    made = yaml.safe_load_all((SERVER.parent / "three-claims" / "claims.yaml").read_text(encoding="utf-8"))
    assert {*mounts, volumes["tmp_claim"]} == {row["metadata"]["name"] for row in made}


@pytest.mark.parametrize("image", ["server", "runner"])
def test_what_an_image_copies_is_there_and_is_not_kept_from_it(image: str) -> None:
    copied = re.findall(r"^COPY ((?!--).*)$", (ROOT / "docker" / image / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    allowed = [row[1:] for row in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if row.startswith("!")]
    sources = [source for row in copied for source in row.split()[:-1]]
    assert sources
    for source in sources:
        assert (ROOT / source).exists() and any(source == row or source.startswith(f"{row}/") for row in allowed), (
            source
        )
