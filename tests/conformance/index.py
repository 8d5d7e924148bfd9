"""Which test holds which requirement: collected from the markers of the tests, written into docs/conformance.md."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("requirements.yaml")
PAGE = ROOT / "docs" / "conformance.md"
BEGIN, END = "<!-- requirements: made by `make conformance-index` -->", "<!-- end of requirements -->"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row of the list."""

    id: str
    reason: str = ""
    """Why there is no test; "" where there must be one."""


@dataclass(frozen=True, slots=True)
class Group:
    """The requirements of one part."""

    title: str
    rows: tuple[Requirement, ...]


def groups() -> list[Group]:
    """The list of requirements."""
    loaded = yaml.safe_load(LIST.read_text(encoding="utf-8"))
    return [Group(group["title"], tuple(_row(part, row) for row in group["rows"])) for part, group in loaded.items()]


def _row(part: str, row: str | Mapping[str, str]) -> Requirement:
    if isinstance(row, str):
        return Requirement(f"{part}/{row}")
    ((name, reason),) = row.items()
    return Requirement(f"{part}/{name}", reason)


def marked() -> dict[str, list[str]]:
    """Requirement id -> the tests that carry its marker, as `FILE::TEST`."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        name = path.relative_to(ROOT).as_posix()
        for test, ids in _markers(ast.parse(path.read_text(encoding="utf-8"))):
            for identifier in ids:
                found.setdefault(identifier, []).append(f"{name}::{test}")
    return found


def _markers(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    whole = [
        identifier
        for node in tree.body
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "pytestmark" for target in node.targets)
        for identifier in _ids(node.value)
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            own = [identifier for decorator in node.decorator_list for identifier in _ids(decorator)]
            yield node.name, [*whole, *own]


def _ids(node: ast.AST) -> Iterator[str]:
    """The texts given to every `...requirement(...)` below a node."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "requirement":
            yield from (str(arg.value) for arg in call.args if isinstance(arg, ast.Constant))


def table() -> str:
    """The part of docs/conformance.md between its two comments."""
    tests = marked()
    lines = []
    for group in groups():
        met = sum(row.id in tests for row in group.rows)
        lines += ["", f"### {group.title}", "", f"{met} of {len(group.rows)} have tests.", "", "| requirement | test |"]
        lines.append("|---|---|")
        lines += [f"| `{row.id.partition('/')[2]}` | {_cell(row, tests.get(row.id, []))} |" for row in group.rows]
    return "\n".join(lines).strip() + "\n"


def _cell(row: Requirement, tests: list[str]) -> str:
    if not tests:
        return row.reason
    file, _, test = tests[0].partition("::")
    more = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
    return f"[{test}](../{file}){more}"


def page() -> str:
    """docs/conformance.md with the table as it is now."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)} written\n")
