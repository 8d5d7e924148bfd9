from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pygeoapi_oapip.engines.calrissian import refusals as module
from pygeoapi_oapip.engines.calrissian.client import Refused
from pygeoapi_oapip.engines.calrissian.refusals import Refusals
from pygeoapi_oapip.errors import EngineUnavailable


class Events:
    def __init__(self, answer: Any) -> None:
        self.answer, self.asked = answer, 0

    def get(self, path: str, **query: str) -> Mapping[str, Any]:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"items": self.answer}


def job(uid: str) -> dict[str, Any]:
    return {"metadata": {"uid": uid}}


def test_one_request_tells_of_all_jobs() -> None:
    rows = [{"involvedObject": {"uid": uid}, "message": f"no room for {uid}"} for uid in "ab"]
    events = Events(rows)
    found = Refusals(events, "x")  # type: ignore[arg-type]
    assert [found.of(job(uid)) for uid in "abc"] == ["no room for a", "no room for b", ""]
    assert events.asked == 1


@pytest.mark.parametrize("fault", [Refused(403, "no"), EngineUnavailable("away")])
def test_a_cause_that_cannot_be_had_is_none(fault: Exception) -> None:
    found = Refusals(Events(fault), "")  # type: ignore[arg-type]
    assert found.of(job("a")) == "" == found.of({"metadata": {}})


def test_what_is_old_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FRESH", 0.0)
    events = Events([])
    found = Refusals(events, "x")  # type: ignore[arg-type]
    found.of(job("a"))
    events.answer = [{"involvedObject": {"uid": "a"}, "message": "full"}]
    assert found.of(job("a")) == "full"
