"""The quick parser reads cwltool's schema files as the slow one does, and nobody else sees it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cwltool
import pytest
import schema_salad
import yaml
from ruamel.yaml.main import YAML
from schema_salad.utils import yaml_no_ts

from pygeoapi_oapip.packages.cwltool_schemas import parse, quick_schemas

CWLTOOL, SALAD = Path(str(cwltool.__file__)).parent, Path(str(schema_salad.__file__)).parent
FILES = [
    *(path for version in ("v1.0", "v1.1", "v1.2") for path in (CWLTOOL / "schemas" / version).glob("*.yml")),
    *CWLTOOL.glob("extensions*.yml"),
    SALAD / "metaschema" / "metaschema.yml",
    SALAD / "metaschema" / "metaschema_base.yml",
]

pytestmark = pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML is here without libyaml")


def places(value: Any) -> Iterator[Any]:
    """Where everything in a document is."""
    if hasattr(value, "lc"):
        yield value.lc.line, value.lc.col, {key: list(place) for key, place in (value.lc.data or {}).items()}
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from places(inner)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_schema_is_the_same_with_its_positions(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    slow, quick = yaml_no_ts().load(text), parse(text)
    assert quick == slow
    assert list(places(quick)) == list(places(slow))


@pytest.mark.parametrize(
    "text",
    ["yes", "on", "2001-12-14", "1:30", "'1'", "1", "-1", "1.5", "true", "null", "~", "''"],
)
def test_scalars_are_those_of_yaml_1_2(text: str) -> None:
    slow, quick = yaml_no_ts().load(f"a: {text}")["a"], parse(f"a: {text}")["a"]
    assert quick == slow and isinstance(slow, type(quick))


def test_only_this_thread_reads_quickly_and_only_for_a_while() -> None:
    found: list[Any] = []

    def elsewhere() -> None:
        found.append(YAML(typ="rt").load("a: 1  # comment"))

    before = (YAML.load, YAML.load_all)
    with quick_schemas():
        here = YAML(typ="rt").load("a: 1  # comment")
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert here == found[0] == {"a": 1}
    assert found[0].ca.items and not here.ca.items
    assert (YAML.load, YAML.load_all) == before


def test_the_methods_are_put_back_after_an_error() -> None:
    before = (YAML.load, YAML.load_all)
    with pytest.raises(yaml.YAMLError), quick_schemas():
        YAML(typ="rt").load("a: [")
    assert (YAML.load, YAML.load_all) == before
