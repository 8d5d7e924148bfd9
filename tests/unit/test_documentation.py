"""The documentation tells what the code does: keys, commands, examples."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import click
import pytest
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pygeoapi_oapip import setting_values, settings
from pygeoapi_oapip.cli import main
from pygeoapi_oapip.cli.configuration import read_configuration
from pygeoapi_oapip.cli.failures import ExitCode

ROOT = Path(__file__).parents[2]
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
COMMANDS = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "m"), (1.0, "s"))
SIZES = ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"))


def blocks(model: type[BaseModel], path: str) -> Iterator[tuple[str, type[BaseModel]]]:
    yield path, model
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if get_origin(annotation) is Mapping:
            continue  # the same block by name
        if get_origin(annotation) is tuple and _is_block(get_args(annotation)[0]):
            yield from blocks(get_args(annotation)[0], f"{path}.{name}[]")
        kinds = [kind for kind in (get_args(annotation) or (annotation,)) if _is_block(kind)]
        for kind in kinds if get_origin(annotation) is not tuple else ():
            what = f" ({kind.model_fields['type'].default})" if len(kinds) > 1 else ""
            yield from blocks(kind, f"{path}.{name}{what}")


def _is_block(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def all_blocks() -> Iterator[tuple[str, type[BaseModel]]]:
    yield from blocks(settings.Settings, "server.manager")
    annotation = get_args(settings.Engine)[0]
    kinds = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    for kind in kinds:
        yield from blocks(kind, f"server.manager.engines.NAME ({kind.model_fields['type'].default})")


def kind_of(field: FieldInfo) -> str:
    for name in ("Bytes", "Seconds"):
        if get_args(getattr(settings, name))[1] in field.metadata:
            return {"Bytes": "size", "Seconds": "duration"}[name]
    annotation = field.annotation
    if get_origin(annotation) in (Union, types.UnionType) and type(None) in get_args(annotation):
        annotation = get_args(annotation)[0]
    if annotation is setting_values.Bytes:
        return "size"
    if get_origin(annotation) is Mapping and _is_block(get_args(annotation)[1]):
        return "blocks by name"
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if "_secret" in repr((annotation, field.metadata)):
        return "secret"
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return _kind_of_type(annotation)


def _kind_of_type(annotation: object) -> str:
    if get_origin(annotation) is tuple and _is_block(get_args(annotation)[0]):
        return "block"
    if get_origin(annotation) is tuple:
        return "list of " + {"str": "texts", "Path": "paths", "Mapping": "mappings"}[get_args(annotation)[0].__name__]
    names: dict[object, str] = {str: "text", int: "number", float: "number", bool: "`true`, `false`", Path: "path"}
    return names.get(annotation, "block")


def default_of(field: FieldInfo, kind: str) -> str:
    value = field.default
    if kind == "blocks by name":
        return "`{}`"
    if field.is_required():
        return "required"
    if kind == "size" and value:
        return next(f"`{value // unit}{name}`" for unit, name in SIZES if value % unit == 0)
    if kind == "duration" and value:
        return next(f"`{value / unit:g}{name}`" for unit, name in UNITS if value % unit == 0)
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return "`[" + ", ".join(f'"{item}"' for item in value) + "]`"
    text = str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
    return f"`{text}`"


def rows(model: type[BaseModel]) -> Iterator[str]:
    """The lines that docs/configuration.md must have for a block."""
    for name, field in model.model_fields.items():
        kind = kind_of(field)
        if kind != "block" and not (name == "type" and not field.description):
            yield f"| `{name}` | {kind} | {default_of(field, kind)} | {field.description} |"


def documented() -> Iterator[tuple[str, str]]:
    for path, model in all_blocks():
        for row in rows(model):
            yield path, row


@pytest.mark.parametrize(("path", "row"), list(documented()))
def test_each_key_is_documented_with_type_default_and_meaning(path: str, row: str) -> None:
    section = CONFIGURATION.partition(f"### `{path}`")[2].partition("\n### ")[0]
    assert row in section, f"docs/configuration.md lacks under `{path}`:\n{row}"


def test_no_key_is_documented_that_does_not_exist() -> None:
    known = {row for _, row in documented()}
    written = {line for line in CONFIGURATION.splitlines() if line.startswith("| `") and line.count("|") == 5}
    assert written <= known


def examples() -> Iterator[Path]:
    yield from sorted((ROOT / "config").glob("*.yml"))
    yield ROOT / "pygeoapi_oapip" / "cli" / "examples" / "pygeoapi-config.yml"


@pytest.mark.parametrize("path", list(examples()), ids=lambda path: path.name)
def test_each_example_configuration_loads(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in re.findall(r"env: (\w+)", path.read_text(encoding="utf-8")):
        monkeypatch.setenv(name, "secret")
    assert read_configuration(path).settings.engines


def test_the_complete_example_loads_and_has_every_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAPIP_DB_PASSWORD", "secret")
    [text] = re.findall(r"```yaml\n(server:.*?)```", CONFIGURATION, flags=re.DOTALL)
    path = tmp_path / "example.yml"
    path.write_text(text)
    assert read_configuration(path).settings.connection_password == "secret"
    assert set(yaml.safe_load(text)["server"]["manager"]) == set(settings.Settings.model_fields)


def commands(group: click.Group, before: str = "oapip") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{before} {name}")
        else:
            yield f"{before} {name}", command


@pytest.mark.parametrize(("name", "command"), list(commands(main)))
def test_each_command_and_option_is_documented(name: str, command: click.Command) -> None:
    assert f"`{name}" in COMMANDS
    section = COMMANDS.partition(f"`{name}")[2].partition("\n`oapip ")[0]
    shared = {"--server", "--json", "--help"}
    options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    missing = sorted(option for option in options - shared if option not in section)
    assert not missing, f"docs/cli.md lacks under {name}: {missing}"


def test_each_exit_code_is_documented() -> None:
    written = {int(code) for code in re.findall(r"^\| (\d+) \|", COMMANDS, flags=re.MULTILINE)}
    assert written == {int(code) for code in ExitCode}


def direct_dependencies() -> Mapping[str, Any]:
    text = (ROOT / "setup.py").read_text(encoding="utf-8")
    block = text.partition("install_requires=[")[2].partition("]")[0]
    return dict.fromkeys(re.findall(r'"([A-Za-z0-9_-]+)', block))


@pytest.mark.parametrize("name", list(direct_dependencies()))
def test_each_dependency_is_justified(name: str) -> None:
    assert re.search(rf"^\| {re.escape(name)} \|", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE)
