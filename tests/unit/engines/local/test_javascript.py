"""Expressions in the embedded engine behave as in node, with limits."""

from __future__ import annotations

import time

import pytest
from cwl_utils.errors import JavascriptException

from pygeoapi_oapip.engines.local.javascript import EmbeddedEngine


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
    assert time.monotonic() - began < 5


def test_expressions_do_not_see_each_other() -> None:
    engine = EmbeddedEngine()
    assert engine.eval("{this.left = 1; return 1;}".replace("this.", "globalThis.")) == 1
    assert engine.eval("(typeof globalThis.left)") == "undefined"


def test_references_need_no_javascript() -> None:
    assert EmbeddedEngine().regex_eval("inputs", ".a[1]['b']", {"a": [1, {"b": 3}]}) == 3
