"""Errors as WPS exceptions: the code, locator and HTTP status of each, for each version."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import (
    AddressForbidden,
    BadRequest,
    InvalidInputs,
    NoSuchJob,
    NoSuchProcess,
    OapipError,
    ResultNotReady,
    TooLarge,
    UnknownOutput,
    UnresolvableReference,
)

V1 = "1.0.0"
V2 = "2.0.0"


class MissingParameter(BadRequest):
    """A parameter or input that has to be there is not."""

    code = "MissingParameterValue"


class InvalidParameter(BadRequest):
    """A parameter has a value that is not allowed."""

    code = "InvalidParameterValue"


class UnknownOperation(BadRequest):
    """There is no such operation (OWS Common: 501)."""

    status = 501
    code = "OperationNotSupported"


class VersionNotOffered(BadRequest):
    """No version that the client takes is offered."""

    code = "VersionNegotiationFailed"


class UnknownFormat(BadRequest):
    """An output is not there in the format that was asked for."""


class UnknownMode(BadRequest):
    """The process does not run in the mode that was asked for."""


class UnreadableXML(BadRequest):
    """The body is not XML that this server reads."""

    code = "NoApplicableCode"


class StillRunning(OapipError):
    """A synchronous execution takes longer than the administrator lets a request wait; the job goes on.

    The request asks for what it cannot have: 400, since proxies may send it again after 504, and OWSLib would not show
    the text."""

    status = 400
    code = "NoApplicableCode"


@dataclass(frozen=True, slots=True)
class Report:
    """What an exception report says."""

    code: str
    locator: str
    text: str
    status: int


_RULES_2 = {
    "unknown": "NoSuchInput",
    "minOccurs": "MissingParameterValue",
    "maxOccurs": "TooManyInputs",
    "mediaType": "NoSuchFormat",
}
_CODES_2: tuple[tuple[type[OapipError], str], ...] = (
    (NoSuchProcess, "NoSuchProcess"),
    (NoSuchJob, "NoSuchJob"),
    (ResultNotReady, "ResultNotReady"),
    (UnknownOutput, "NoSuchOutput"),
    (UnknownFormat, "NoSuchFormat"),
    (UnknownMode, "NoSuchMode"),
    (TooLarge, "SizeExceeded"),
    (UnresolvableReference, "DataNotAccessible"),
    (AddressForbidden, "DataNotAccessible"),
)
_CODES_1: tuple[tuple[type[OapipError], str], ...] = (
    (NoSuchProcess, "InvalidParameterValue"),
    (NoSuchJob, "InvalidParameterValue"),
    (UnknownOutput, "InvalidParameterValue"),
    (TooLarge, "FileSizeExceeded"),
    (UnresolvableReference, "InvalidParameterValue"),
    (AddressForbidden, "InvalidParameterValue"),
)
_ALLOWED_1 = frozenset(
    {
        "MissingParameterValue",
        "InvalidParameterValue",
        "NoApplicableCode",
        "NotEnoughStorage",
        "ServerBusy",
        "FileSizeExceeded",
        "StorageNotSupported",
        "VersionNegotiationFailed",
        "OperationNotSupported",
    }
)
"""WPS 1.0.0 tables 38 and 62, OWS Common 1.1 table 25."""
_ALLOWED_2 = (_ALLOWED_1 - {"NotEnoughStorage", "FileSizeExceeded", "StorageNotSupported"}) | {
    *_RULES_2.values(),
    *(code for _, code in _CODES_2),
    "TooManyOutputs",
    "InvalidUpdateSequence",
    "WrongInputData",
}


def report(error: OapipError, version: str) -> Report:
    """The exception that an error is.

    Args:
        error: any error that a user may see.
        version: `V1` or `V2`.

    Returns:
        A code that the version knows, `NoApplicableCode` for all others.
    """
    code = _code_1(error) if version == V1 else _code_2(error)
    return Report(code, locator_of(error), error.detail, error.status)


def locator_of(error: OapipError) -> str:
    """What an error is about, as WPS names it: `size` for `inputs.size[2].x`; a process is its `identifier`."""
    if isinstance(error, NoSuchProcess):
        return error.location or "identifier"
    if isinstance(error, NoSuchJob):
        return error.location or "jobID"
    place = re.match(r"(?:inputs|outputs)\.([^.\[]*)", error.location)
    return place[1] if place else error.location


def _code_1(error: OapipError) -> str:
    if _rule(error) == "minOccurs":
        return "MissingParameterValue"
    code = next((code for kind, code in _CODES_1 if isinstance(error, kind)), error.code)
    return code if code in _ALLOWED_1 else "NoApplicableCode"


def _code_2(error: OapipError) -> str:
    rule = _rule(error)
    if isinstance(error, InvalidInputs) and error.location.startswith("inputs"):
        return _RULES_2.get(rule, "WrongInputData")
    if isinstance(error, InvalidInputs) and error.location.startswith("outputs") and rule == "unknown":
        return "NoSuchOutput"
    code = next((code for kind, code in _CODES_2 if isinstance(error, kind)), error.code)
    return code if code in _ALLOWED_2 else "NoApplicableCode"


def _rule(error: OapipError) -> str:
    """The rule that the first violation breaks (`validation.violations`)."""
    rows = error.members.get("errors")
    first = rows[0] if isinstance(rows, list) and rows else {}
    return str(first.get("rule") or "") if isinstance(first, Mapping) else ""
