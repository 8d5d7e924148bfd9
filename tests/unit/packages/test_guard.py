"""packages.guard: what strangers send."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pygeoapi_oapip.errors import InvalidPackage, TooLarge
from pygeoapi_oapip.packages.guard import MAX_DEPTH, MAX_NODES, parse_mapping, parse_value

BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 9)) for i in range(8)
)


@pytest.mark.parametrize(
    "text",
    ["on", "yes", "n", "2020-01-01", "0777", "0x1F", "0o17", "1_000", "1e3", "1.5", ".5", "~", "", "'5'"]
    + ["12:30:45", "+7", "-0", "true", "FALSE", "Null", "- a\n- b", "1.2.3", "0b11", "|\n  a\n  b", "'{x}'"],
)
def test_scalars_are_read_as_cwl_tools_read_them(text: str) -> None:
    document = f"a: {text}\n" if not text.startswith("- ") else "a:\n" + text
    expected = YAML(typ="rt").load(document)["a"]
    found = parse_mapping(document.encode())["a"]
    if text == "2020-01-01":
        assert found == text
    else:
        assert found == expected
        assert isinstance(found, bool) == isinstance(expected, bool)


def test_aliases_and_merge_keys_give_values_that_share_nothing() -> None:
    found = parse_mapping(b"a: &x {k: [1]}\nb: *x\nc: {<<: *x, l: 2}\nd: {<<: [*x, {m: 3}], k: 4}")
    assert found == {"a": {"k": [1]}, "b": {"k": [1]}, "c": {"k": [1], "l": 2}, "d": {"k": 4, "m": 3}}
    found["a"]["k"].append(2)
    assert found["b"] == {"k": [1]}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (b"a: 1\nb: 2\na: 3", "'a' is given twice in one mapping (line 3, column 1)"),
        (b'{"a": 1, "a": 2}', "'a' is given twice"),
        (b'{"a": NaN}', "NaN"),
        (b"a: .nan", "NaN"),
        (b"a: -.inf", "infinite"),
        (b"a: 1e999", "infinite"),
        (b"a: &x [*x]", "stands for a value that holds it (line 1, column 8)"),
        (b"a: *x", "alias"),
        (b"a: [\n- x", "line 2"),
        (b"\xff\xfea", "not UTF-8"),
        ("a: 1".encode("utf-16-le"), "not UTF-8"),
        (b"a: !!python/object/apply:os.system [x]", "tag"),
        (b"a: !local 1", "tag"),
        (b"- 1", "must be a mapping"),
        (b"", "must be a mapping"),
        (b"text", "must be a mapping"),
        (b"a: \x01", "not valid YAML"),
        (b"a: 1\n---\nb: 2", "more than one"),
        (b"[1]: 2", "key"),
        (b"{a: {<<: 1}}", "merge key"),
        (b'{"a": ' + b"9" * 5000 + b"}", "digits"),
        (b'{"a": "\\ud800"}', "not valid"),
        (b"[" * 100_000, "deeper"),
        (b'{"a":' * 5000, "deeper"),
    ],
)
def test_bad_documents_are_refused_with_the_reason(source: bytes, text: str) -> None:
    with pytest.raises(InvalidPackage) as caught:
        parse_mapping(source)
    assert text in caught.value.detail


@pytest.mark.parametrize(
    "source", [BOMB, BOMB + b"z: " + b"[" * 90, b"a: &a [" + b"x," * 10_000 + b"x]\nb: [*a,*a,*a,*a,*a]"]
)
def test_alias_bombs_cost_nothing(source: bytes) -> None:
    start = time.process_time()
    with pytest.raises(InvalidPackage, match=f"more than {MAX_NODES}"):
        parse_mapping(source)
    assert time.process_time() - start < 40


def test_a_huge_body_is_refused_before_it_is_read() -> None:
    body = b"x" * 50_000_000
    start = time.process_time()
    with pytest.raises(TooLarge, match="50000000 bytes"):
        parse_mapping(body)
    assert time.process_time() - start < 10


@pytest.mark.parametrize("open_close", [(b"[", b"]"), (b'{"a":', b"}")])
def test_depth_up_to_the_limit_is_read(open_close: tuple[bytes, bytes]) -> None:
    begin, end = open_close
    depth = MAX_DEPTH - 2
    assert parse_mapping(b'{"k":' + begin * depth + b"1" + end * depth + b"}")
    with pytest.raises(InvalidPackage, match="deeper"):
        parse_mapping(b'{"k":' + begin * MAX_DEPTH + b"1" + end * MAX_DEPTH + b"}")


JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(), JSON_VALUES, max_size=4))
def test_every_json_object_is_read_as_it_is(value: dict[str, Any]) -> None:
    source = json.dumps(value).encode()
    try:
        found = parse_mapping(source)
    except InvalidPackage:
        assert b"\\ud" in source or b"\\u0000" in source
    else:
        assert found == value


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab:-[]{}&*!,'\"|>%#@\n 01.~<", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_value(text.encode())
    except InvalidPackage as error:
        assert error.detail


@pytest.mark.parametrize("form", ['{"a": %s}', "a: %s"])
@pytest.mark.parametrize(
    ("text", "value"),
    [("1.23e5", 123000), ("-1E3", -1000), ("1.0", 1.0), ("1.5e0", 1.5), ("1e-05", 1e-5), ("1e25", 1e25)],
)
def test_whole_numbers_with_an_exponent_are_whole(form: str, text: str, value: float) -> None:
    found = parse_mapping((form % text).encode())["a"]
    assert (found, type(found)) == (value, type(value))
