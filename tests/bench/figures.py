"""Rows of the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One row of the table."""

    what: str
    ours: str
    other: str = ""
    ratio: float | None = None
    target: str = ""
    held: bool | None = None


def milliseconds(seconds: float) -> str:
    """For people."""
    return f"{seconds * 1000:.2f} ms" if seconds < 0.1 else f"{seconds * 1000:.0f} ms"


def below(what: str, seconds: float, limit: float) -> Figure:
    """A duration that must not pass a limit."""
    return Figure(what, milliseconds(seconds), target=f"below {limit * 1000:.0f} ms", held=seconds < limit)


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    lines = ["| what | this server | against | ratio | target | held |", "|---|---|---|---|---|---|"]
    for figure in figures:
        ratio = "" if figure.ratio is None else _ratio(figure.ratio)
        held = {True: "yes", False: "**no**", None: ""}[figure.held]
        lines.append(f"| {figure.what} | {figure.ours} | {figure.other} | {ratio} | {figure.target} | {held} |")
    return "\n".join(lines)


def _ratio(value: float) -> str:
    return f"1/{1 / value:.0f}" if value < 0.2 else f"{value:.2f}" if value < 10 else f"{value:.0f}"
