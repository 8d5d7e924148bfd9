"""Expressions in the embedded engine behave as in node, with limits."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cwl_utils.errors import JavascriptException
from cwl_utils.sandboxjs import JSEngine, NodeJSEngine
from cwltool.errors import WorkflowException

from pygeoapi_oapip.engines.local import javascript
from pygeoapi_oapip.engines.local.javascript import EmbeddedEngine
from pygeoapi_oapip.engines.local.record import JobFolder


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("(1 + 1)", 2),
        ("{return [1, 'a', null, {b: 2.5}];}", [1, "a", None, {"b": 2.5}]),
        ("(inputs.name.split('.').slice(0, -1).join('.'))", "a.b"),
        ("{var r = {}; for (var i = 0; i < 3; i++) r['k' + i] = i; return r;}", {"k0": 0, "k1": 1, "k2": 2}),
        ("('\\u2028é\\n')", "\u2028é\n"),
        ("(9007199254740991)", 9007199254740991),
        ("(NaN)", None),
        ("(true)", True),
        ("(JSON.parse(JSON.stringify({a: new Date(0)})).a)", "1970-01-01T00:00:00.000Z"),
    ],
)
def test_values_are_those_of_javascript(expression: str, value: object) -> None:
    found = EmbeddedEngine().eval(expression, 'var inputs = {"name": "a.b.c"};')
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("expression", "cause"),
    [
        ("(nothing)", "ReferenceError: nothing is not defined"),
        ("(inputs.a.b)", "TypeError"),
        ("{return 1 +;}", "SyntaxError"),
        ("{throw 'mine';}", "mine"),
        ("{undeclared = 1; return 1;}", "ReferenceError"),
        ("{}", "no value"),
        ("{function f() { f(); } f();}", "RangeError"),
        ("{var a = []; while (true) a.push('x'.repeat(1e6) + a.length);}", "out of memory"),
        ("(require('fs'))", "require is not defined"),
        ("(process.env)", "process is not defined"),
    ],
)
def test_errors_say_what_is_wrong(expression: str, cause: str) -> None:
    with pytest.raises(JavascriptException, match=cause) as caught:
        EmbeddedEngine(memory=32 * 2**20).eval(expression, "var inputs = {};")
    assert "Javascript expression was: " in str(caught.value)


def test_an_endless_expression_is_ended() -> None:
    began = time.monotonic()
    with pytest.raises(JavascriptException, match="Long-running script killed after 0.2 seconds"):
        EmbeddedEngine().eval("{while (true) {}}", timeout=0.2)
    assert time.monotonic() - began < 200


def test_expressions_do_not_see_each_other() -> None:
    engine = EmbeddedEngine()
    assert engine.eval("{this.left = 1; return 1;}".replace("this.", "globalThis.")) == 1
    assert engine.eval("(typeof globalThis.left)") == "undefined"


def test_references_need_no_javascript() -> None:
    assert EmbeddedEngine().regex_eval("inputs", ".a[1]['b']", {"a": [1, {"b": 3}]}) == 3


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[JSEngine]]:
    """What `choose` gives to cwltool."""
    engines: list[JSEngine] = []
    monkeypatch.setattr(javascript, "set_js_engine", engines.append)
    yield engines


def without_quickjs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "quickjs", None)  # what makes an import of it fail


def test_the_embedded_engine_is_preferred(chosen: list[JSEngine]) -> None:
    javascript.choose("auto")
    javascript.choose("embedded")
    javascript.choose("node")
    assert [type(engine) for engine in chosen] == [EmbeddedEngine, EmbeddedEngine, NodeJSEngine]


def test_node_takes_over_where_the_embedded_engine_cannot_be_loaded(
    chosen: list[JSEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_quickjs(monkeypatch)
    javascript.choose("auto")
    assert [type(engine) for engine in chosen] == [NodeJSEngine]


def test_an_embedded_engine_that_is_demanded_and_not_there_is_named(
    chosen: list[JSEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_quickjs(monkeypatch)
    with pytest.raises(WorkflowException, match="quickjs"):
        javascript.choose("embedded")
    assert not chosen


@pytest.mark.skipif(not (shutil.which("node") or shutil.which("nodejs")), reason="node is not installed")
def test_node_gives_the_values_of_expressions(chosen: list[JSEngine], monkeypatch: pytest.MonkeyPatch) -> None:
    without_quickjs(monkeypatch)
    javascript.choose("auto")
    assert chosen[0].eval("(inputs.name.length)", 'var inputs = {"name": "abc"};') == 3


def test_a_job_runs_its_expressions_with_node_where_quickjs_is_missing(tmp_path: Path) -> None:
    """In a process of its own, as a broken module can be simulated only before it is loaded."""
    if not (shutil.which("node") or shutil.which("nodejs")):
        pytest.skip("node is not installed")
    (tmp_path / "quickjs.py").write_text("raise ImportError('broken')\n")
    folder = JobFolder(tmp_path / "job")
    folder.make()
    tool = {
        "cwlVersion": "v1.2",
        "class": "ExpressionTool",
        "requirements": {"InlineJavascriptRequirement": {}},
        "inputs": {"n": "int"},
        "outputs": {"m": "int"},
        "expression": "${ return {m: inputs.n * 2}; }",
    }
    plan = {"document": tool, "entry": "", "job_order": {"n": 21}, "process": "p", "containers": "", "time_limit": 0}
    folder.create("plan", plan | {"javascript": "auto", "parallel_steps": False, "stop_grace": 1.0})
    code = (
        "import sys; from pathlib import Path; from pygeoapi_oapip.engines.local import runner, record; "
        "runner.run(record.JobFolder(Path(sys.argv[1])), lambda: None)"
    )
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[4])])
    subprocess.run(
        [sys.executable, "-c", code, str(folder.workspace)], env=os.environ | {"PYTHONPATH": path}, check=True
    )
    record = folder.read("exit")
    assert record is not None and record["outputs"] == {"m": 42}
