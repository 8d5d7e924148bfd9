from __future__ import annotations

from typing import Any

import pytest

from pygeoapi_oapip.engines.calrissian.inpod.overlay import overlaid


@pytest.mark.parametrize(
    ("base", "part", "whole"),
    [
        ({"a": 1, "b": {"c": 2}}, {"b": {"d": 3}}, {"a": 1, "b": {"c": 2, "d": 3}}),
        ({"a": 1}, {"a": None}, {}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ([{"name": "x", "v": 1}], [{"name": "x", "v": 2}, {"name": "y"}], [{"name": "x", "v": 2}, {"name": "y"}]),
        (
            {"containers": [{"name": "step", "image": "i"}]},
            {"containers": [{"env": []}]},
            {"containers": [{"name": "step", "image": "i", "env": []}]},
        ),
        ({"containers": [{"a": 1}]}, {"containers": [{"b": 2}]}, {"containers": [{"a": 1, "b": 2}]}),
        ([], [{"key": "a"}], [{"key": "a"}]),
        ([{"key": "a"}], [{"key": "b"}], [{"key": "a"}, {"key": "b"}]),
        (
            [{"name": "v", "mountPath": "/a"}],
            [{"name": "v", "mountPath": "/b"}],
            [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/b"}],
        ),
    ],
)
def test_a_part_is_laid_over_the_whole(base: Any, part: Any, whole: Any) -> None:
    assert overlaid(base, part) == whole


def test_neither_value_is_changed() -> None:
    base, part = {"rows": [{"name": "x"}]}, {"rows": [{"name": "x", "v": 1}]}
    overlaid(base, part)
    assert base == {"rows": [{"name": "x"}]} and part == {"rows": [{"name": "x", "v": 1}]}
