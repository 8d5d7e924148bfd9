"""ows:ExceptionReport of OWS Common 1.1 (clause 8)."""

from __future__ import annotations

from ..door import Element
from ..faults import Report
from .vocabulary import LANG, OWS, ows, root


def exception_report(told: Report, language: str) -> Element:
    """The report of one exception.

    Args:
        told: code, locator and text.
        language: of the text.
    """
    document = root(OWS, "ExceptionReport", {"version": "1.0.0", LANG: language})
    return with_exception(document, told)


def with_exception(report: Element, told: Report) -> Element:
    """Put the exception into a report."""
    exception = ows(report, "Exception", attributes={"exceptionCode": told.code, "locator": told.locator})
    ows(exception, "ExceptionText", told.text)
    return report
