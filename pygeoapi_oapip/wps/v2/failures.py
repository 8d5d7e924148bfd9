"""ows:ExceptionReport of OWS Common 2.0 (clause 8)."""

from __future__ import annotations

from ..door import Element
from ..faults import Report
from .elements import LANG, OWS, VERSION, ows, root


def exception_report(told: Report, language: str) -> Element:
    """The report of one exception.

    Args:
        told: code, locator and text.
        language: of the text.
    """
    document = root("ExceptionReport", {"version": VERSION, LANG: language}, OWS)
    attributes = {"exceptionCode": told.code, "locator": told.locator}
    ows(ows(document, "Exception", attributes=attributes), "ExceptionText", told.text)
    return document
