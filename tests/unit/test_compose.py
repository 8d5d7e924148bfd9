"""The example for docker compose: what its files say of each other. No container is run here."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pygeoapi_oapip.settings import load_settings
from pygeoapi_oapip.settings_auth import OidcAuth

FOLDER = Path(__file__).resolve().parents[2] / "docker" / "compose"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the folder with its secrets."""
    if shutil.which("openssl") is None:
        pytest.skip("not installed: openssl")
    folder = tmp_path_factory.mktemp("compose") / "compose"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("secret"))
    subprocess.run(["sh", str(folder / "secrets")], check=True, timeout=300)
    return folder


def compose() -> Any:
    return yaml.safe_load((FOLDER / "compose.yaml").read_text())


def test_files_and_secrets_that_are_named_are_there(made: Path) -> None:
    document = compose()
    for name, secret in document["secrets"].items():
        assert (made / secret["file"]).stat().st_size, name
    for service in document["services"].values():
        assert set(service.get("secrets", ())) <= set(document["secrets"])
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert (made / source).is_file() if source.startswith("./") else source in document["volumes"]
        assert set(service.get("depends_on", ())) <= set(document["services"])


def test_secrets_are_made_once_and_nobody_else_reads_them(made: Path) -> None:
    before = {path.name: path.read_bytes() for path in (made / "secret").iterdir()}
    subprocess.run(["sh", str(made / "secrets")], check=True, timeout=300)
    assert {path.name: path.read_bytes() for path in (made / "secret").iterdir()} == before
    assert (made / "secret").stat().st_mode & 0o777 == 0o700
    assert (made / "secret" / "tls.key").stat().st_mode & 0o777 == 0o600


def test_the_configuration_loads_and_fits_the_rest(made: Path) -> None:
    document = compose()
    text = (FOLDER / "oapip.yml").read_text().replace("/run/secrets/", f"{made}/secret/")
    server = yaml.safe_load(text)["server"]
    settings = load_settings(server["manager"])
    assert isinstance(settings.auth, OidcAuth) and settings.auth.login is not None
    assert settings.auth.login.client_secret == (made / "secret" / "client-secret").read_text().strip()
    assert list(settings.proxy.trusted) == [document["services"]["proxy"]["networks"]["inside"]["ipv4_address"]]
    assert settings.connection.split("@")[1] == "database/oapip"
    used = set(re.findall(r"/run/secrets/([\w.-]+)", (FOLDER / "oapip.yml").read_text()))
    assert used == set(document["services"]["server"]["secrets"])
    host = server["url"].removeprefix("https://")
    assert host in document["services"]["proxy"]["networks"]["inside"]["aliases"]
    assert str(settings.auth.issuers[0].issuer).startswith(f"{server['url']}/auth/")


def test_the_proxy_leads_to_services_and_sets_each_header_itself() -> None:
    text = (FOLDER / "nginx.conf").read_text()
    assert set(re.findall(r"proxy_pass http://([a-z]+):", text)) <= set(compose()["services"])
    for name in ("For", "Proto", "Host", "Port", "Prefix"):
        assert f"X-Forwarded-{name} " in text
    assert set(re.findall(r"/run/secrets/([\w.-]+);", text)) == set(compose()["services"]["proxy"]["secrets"])
