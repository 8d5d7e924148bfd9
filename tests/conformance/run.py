"""Runs the CWL conformance tests through a server of its own and with bare cwltool, and compares them test by test.

    make conformance            both runs, about ten minutes; writes the result into docs/conformance.md
    python tests/conformance/run.py --recorded --every 8

Ends with 1 if a test fails that bare `cwltool --enable-dev` passes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from pygeoapi_oapip.testing.live_server import LiveServer

ROOT = Path(__file__).resolve().parents[2]
SUITE = ROOT.parent / "shared" / "data" / "cwl-v1.2-half"
PAGE = ROOT / "docs" / "conformance.md"
BEGIN, END = "<!-- cwl: made by `make conformance` -->", "<!-- end of cwl -->"
TIMEOUT = 180
"""Seconds for one test."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one test."""

    state: str
    """`passed`, `failed` or `unsupported`."""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Test:
    """A row of conformance_tests.yaml."""

    __test__ = False
    id: str
    tool: str


def main(arguments: Sequence[str]) -> int:
    """Run, compare, print, write; the exit code."""
    options = _parser().parse_args(arguments)
    if not (options.suite / "conformance_tests.yaml").is_file():
        print("conformance: skipped: the tests of CWL v1.2 are not beside this checkout (--suite FOLDER)")
        return 0
    with TemporaryDirectory(prefix="oapip-conformance-") as name:
        folder = Path(name)
        tests = select(options.suite, folder / "tests.yaml", options.every)
        served = through_a_server(folder, options.suite)
        bare = None if options.recorded else run(folder, "bare", ["cwltool"], ["--enable-dev"], {})
    return report(tests, served, bare, options.recorded)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", type=Path, default=SUITE, help="folder that holds conformance_tests.yaml")
    parser.add_argument("--every", type=int, default=1, help="only every Nth test")
    parser.add_argument("--recorded", action="store_true", help="compare with docs/conformance.md, not with cwltool")
    return parser


def select(suite: Path, target: Path, every: int) -> list[Test]:
    """Write the chosen tests with absolute paths for cwltest."""
    rows = yaml.safe_load((suite / "conformance_tests.yaml").read_text(encoding="utf-8"))[::every]
    for row in rows:
        for key in ("tool", "job"):
            if row.get(key):
                row[key] = str(suite.resolve() / row[key])
    target.write_text(yaml.safe_dump(rows), encoding="utf-8")
    return [Test(str(row["id"]), Path(row["tool"].partition("#")[0]).name) for row in rows]


def through_a_server(folder: Path, suite: Path) -> list[Outcome]:
    """Run the tests with `oapip cwl-runner` against a server that this starts and stops."""
    files = str((suite / "tests").resolve())
    with LiveServer(folder / "server", {"staging": {"allow_files": [files]}}) as server:
        return run(folder, "server", ["oapip"], ["cwl-runner"], {"OAPIP_SERVER": server.url})


def run(folder: Path, name: str, tool: list[str], extra: list[str], environment: dict[str, str]) -> list[Outcome]:
    """Run cwltest; one outcome for each test, in the order of the file."""
    report = folder / f"{name}.xml"
    bin_folder = Path(sys.executable).parent
    command = [str(bin_folder / "cwltest"), "--test", str(folder / "tests.yaml"), "--tool", *tool, "-j", "2"]
    command += ["--timeout", str(TIMEOUT), "--junit-xml", str(report), "--", *extra]
    path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    began = time.monotonic()
    with (folder / f"{name}.log").open("wb") as log:
        subprocess.run(
            command, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL, check=False,
            env={**os.environ, "PATH": path, **environment},
        )  # fmt: skip
    outcomes = [_outcome(case) for case in ElementTree.parse(report).getroot().iter("testcase")]
    print(f"conformance: {name}: {_counts(outcomes)}, {time.monotonic() - began:.0f} s", flush=True)
    return outcomes


def _outcome(case: ElementTree.Element) -> Outcome:
    for tag, state in (("skipped", "unsupported"), ("failure", "failed"), ("error", "failed")):
        found = case.find(tag)
        if found is not None:
            return Outcome(state, _last_line(case.findtext("system-err") or found.get("message") or ""))
    return Outcome("passed")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""


def _counts(outcomes: Sequence[Outcome]) -> str:
    states = [outcome.state for outcome in outcomes]
    return ", ".join(f"{states.count(state)} {state}" for state in ("passed", "failed", "unsupported"))


def report(tests: Sequence[Test], served: Sequence[Outcome], bare: Sequence[Outcome] | None, recorded: bool) -> int:
    """Print the tests that the server does not pass, and write them where both ran."""
    if len(served) != len(tests) or (bare is not None and len(bare) != len(tests)):
        print("conformance: cwltest did not run all tests", file=sys.stderr)
        return 1
    others = [(test, outcome) for test, outcome in zip(tests, served, strict=True) if outcome.state != "passed"]
    for test, outcome in others:
        print(f"conformance: {test.id}: {outcome.state}: {outcome.cause}")
    if bare is None:
        known = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
        lost = [test.id for test, _ in others if f"`{test.id}`" not in known]
    else:
        passed = {test.id for test, outcome in zip(tests, bare, strict=True) if outcome.state == "passed"}
        lost = [test.id for test, _ in others if test.id in passed]
        write(len(tests), served, bare, others)
    if lost:
        print(f"conformance: passed by cwltool{' or before' if recorded else ''}, not here: {', '.join(lost)}")
        return 1
    print("conformance: every test that cwltool passes, passes through the server")
    return 0


def write(
    number: int, served: Sequence[Outcome], bare: Sequence[Outcome], others: Sequence[tuple[Test, Outcome]]
) -> None:
    """Put the result into docs/conformance.md."""
    lines = [
        f"{number} tests. Through the server: {_counts(served)}. Bare `cwltool --enable-dev`: {_counts(bare)}.",
        "",
        "| not passed through the server | tool | what is said |",
        "|---|---|---|",
        *(f"| `{test.id}` | {test.tool} | {outcome.state}: {_cell(outcome.cause)} |" for test, outcome in others),
    ]
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n" + "\n".join(lines) + f"\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
