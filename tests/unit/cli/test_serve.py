from __future__ import annotations

import socket
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from pygeoapi_oapip.cli import main
from pygeoapi_oapip.cli.configuration import Configuration, find_configuration, read_configuration
from pygeoapi_oapip.cli.failures import CommandError
from pygeoapi_oapip.cli.serve import answers, describe_parts, listen, read_bind


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    path = tmp_path / "c.yml"
    path.write_text("server: {bind: {host: 0.0.0.0, port: 8080}, manager: {}}")
    return read_configuration(path)


@pytest.mark.parametrize(
    ("bind", "expected"),
    [
        (None, ("0.0.0.0", 8080)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:80", ("::1", 80)),
        (":8000", ("127.0.0.1", 8000)),
        ("8000", ("127.0.0.1", 8000)),
    ],
)
def test_bind_is_host_and_port(configuration: Configuration, bind: str | None, expected: tuple[str, int]) -> None:
    assert read_bind(bind, configuration) == expected


@pytest.mark.parametrize("bind", ["localhost", "localhost:", "localhost:http", "a:70000", "a:-1", ""])
def test_a_wrong_bind_is_refused(configuration: Configuration, bind: str) -> None:
    with pytest.raises(CommandError, match="is not HOST:PORT"):
        read_bind(bind, configuration)


def test_port_0_is_a_free_port() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1] > 0


def test_an_address_in_use_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "c.yml"
    path.write_text("server: {manager: {}}")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        result = CliRunner().invoke(main, ["serve", "--config", str(path), "--bind", bind])
    assert result.exit_code == 1
    assert result.stderr == (f"oapip: {bind} is in use (is a server running already?); choose another with --bind\n")


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(CommandError, match="is not an address of this machine"):
        listen("192.0.2.1", 0)


def test_an_unknown_host_is_refused() -> None:
    with pytest.raises(CommandError, match="cannot be used"):
        listen("host.invalid", 0)


def test_nobody_answers_where_nobody_listens() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    assert not answers("127.0.0.1", port)


def test_the_ready_line_names_store_and_engine(configuration: Configuration) -> None:
    assert describe_parts(configuration) == "store sqlite; engine local"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("server: {manager: {retension: 1d}}", "server.manager.retension: unknown key"),
        ("server: {manager: {retention: {jobs: soon}}}", "server.manager.retention.jobs: is not a duration"),
        ("server: {manager: {connection_password: hunter2}}", "never in the YAML text"),
        ("server: {manager: {default_engine: moon}}", "no engine is named 'moon'"),
        ("server: {url: '${OAPIP_NOT_SET}'}", "the environment variable OAPIP_NOT_SET is not set"),
        ("a: [", "is not YAML"),
        ("[1]", "has a `server` block"),
        ("resources: {}", "has a `server` block"),
    ],
)
def test_a_wrong_configuration_ends_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "c.yml"
    path.write_text(text)
    result = CliRunner().invoke(main, ["serve", "--config", str(path)])
    assert result.exit_code == 2
    assert reason in result.stderr
    assert "hunter2" not in result.output
    assert "Traceback" not in result.output


def test_a_missing_configuration_is_named() -> None:
    result = CliRunner().invoke(main, ["serve", "--config", "nowhere.yml"])
    assert (result.exit_code, result.stderr) == (2, "oapip: nowhere.yml: No such file or directory\n")


def test_variables_of_the_environment_are_read_with_their_types(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_PORT", "81")
    path = tmp_path / "c.yml"
    path.write_text("server: {bind: {port: '${SOME_PORT}'}, url: '${SOME_URL:-http://a}/x', manager: {}}")
    server = read_configuration(path).server
    assert (server["bind"], server["url"]) == ({"port": 81}, "http://a/x")


def test_without_a_configuration_the_defaults_are_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYGEOAPI_CONFIG", raising=False)
    monkeypatch.delenv("OAPIP_URL", raising=False)
    first = find_configuration(None)
    assert first.path == tmp_path / "var" / "pygeoapi-config.yml"
    assert first.server["url"] == "http://localhost:5000"
    monkeypatch.setenv("OAPIP_URL", "http://localhost:81")
    first.path.write_text(first.path.read_text() + "# mine\n")
    assert find_configuration(None).server["url"] == "http://localhost:81"
    assert first.path.read_text().endswith("# mine\n")


def test_the_configuration_named_in_the_environment_counts_before_the_defaults(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYGEOAPI_CONFIG", str(configuration.path))
    assert find_configuration(None).path == configuration.path


def test_init_writes_files_that_work_and_overwrites_none(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    assert CliRunner().invoke(main, ["init", str(folder)]).exit_code == 0
    assert read_configuration(folder / "pygeoapi-config.yml").settings.packages == (Path("packages"),)
    assert yaml.safe_load((folder / "packages" / "count-words.cwl").read_text())["id"] == "count-words"
    again = CliRunner().invoke(main, ["init", str(folder)])
    assert again.exit_code == 2
    assert "is there already" in again.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tool", "message"),
    [
        (
            "class: CommandLineTool\nbaseCommand: 'true'\ninputs: []\noutputs: []\n",
            "one input for the address to fetch",
        ),
        ("class: Nothing\n", "stage_in: in.yaml"),
        (None, "stage_in: in.yaml"),
    ],
)
def test_a_stage_tool_that_cannot_be_used_ends_the_start(tmp_path: Path, tool: str | None, message: str) -> None:
    path, file = tmp_path / "c.yml", tmp_path / "in.yaml"
    if tool is not None:
        file.write_text(f"cwlVersion: v1.2\n{tool}")
    manager = {"output_dir": str(tmp_path / "jobs"), "staging": {"wrap": {"stage_in": str(file)}}}
    path.write_text(yaml.safe_dump({"server": {"manager": manager}}))
    result = CliRunner().invoke(main, ["serve", "--config", str(path), "--bind", "127.0.0.1:0"])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"oapip: {path}: server.manager.staging.wrap.stage_in: in.yaml")
    assert message in result.stderr and "Traceback" not in result.stderr
