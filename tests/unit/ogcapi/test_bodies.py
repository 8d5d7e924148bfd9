from __future__ import annotations

import json

import pytest

from pygeoapi_oapip.errors import BadRequest
from pygeoapi_oapip.ogcapi.bodies import DEEPEST, parse


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32-le"])
def test_json_is_read_in_any_unicode_encoding(encoding: str) -> None:
    assert parse('{"a": "ä€😀"}'.encode(encoding)) == {"a": "ä€😀"}


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"{", "not JSON: .* line 1, column 2"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": -Infinity}', "-Infinity is not a JSON number"),
        (b'{"a": 1e999}', "number 1e999 is too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "too many digits"),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "the member 'c' is there twice"),
        (b'{"a": "\xff"}', "not valid utf-8"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"a": "\x01"}', "not JSON"),
        (b"[" * 100_000, "nested|not JSON"),
        (b"[" * 900 + b"]" * 900, "nested"),
        (b'{"a":' * 500 + b"1" + b"}" * 500, "nested"),
        (b"inputs=1&x=2", "not JSON"),
    ],
)
def test_what_is_not_strict_json_is_refused_with_the_reason(raw: bytes, text: str) -> None:
    with pytest.raises(BadRequest, match=text):
        parse(raw)


def test_many_brackets_are_fine_and_so_are_surrogate_pairs() -> None:
    assert parse(json.dumps([[]] * 1000).encode()) == [[]] * 1000
    assert parse(b'"\\ud83d\\ude00"') == "😀"
    deep = b"[" * DEEPEST + b"]" * DEEPEST
    assert parse(b"[" + deep[1:-1] + b"]") is not None
