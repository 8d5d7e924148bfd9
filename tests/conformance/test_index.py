"""Every requirement has a test or a reason, and docs/conformance.md says which."""

from __future__ import annotations

from tests.conformance.index import PAGE, groups, marked, page


def test_every_requirement_has_a_test_or_a_reason() -> None:
    tests = marked()
    assert [row.id for group in groups() for row in group.rows if not row.reason and row.id not in tests] == []


def test_what_has_a_test_gives_no_reason_for_having_none() -> None:
    tests = marked()
    assert [row.id for group in groups() for row in group.rows if row.reason and row.id in tests] == []


def test_every_marker_names_a_requirement() -> None:
    known = {row.id for group in groups() for row in group.rows}
    assert {name: tests for name, tests in marked().items() if name not in known} == {}


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()
