"""Requests of WPS 2.0.0 as key-value pairs (14-065 clause 10.2).

The standard has no pairs for Execute. As other servers do, those of 1.0.0 are taken (`DataInputs`, `ResponseDocument`,
`RawDataOutput`), and `mode` and `response` as in XML; the answers are those of 2.0.0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from ..faults import InvalidParameter, MissingParameter, UnknownOperation
from ..terms import Form, Mode
from ..v1.execute_kvp import read_execute
from .asked import OPERATIONS, Asked, DescribeProcess, Dismiss, GetCapabilities, GetResult, GetStatus
from .choices import choice
from .elements import VERSIONS

_NOTHING: Mapping[str, str] = MappingProxyType({})


def read(parameters: Mapping[str, str], raw: Mapping[str, str] = _NOTHING) -> Asked:
    """The request that the parameters of a GET are.

    Args:
        parameters: names in lower case.
        raw: the same, values not decoded: Execute splits them before it decodes them.

    Raises:
        MissingParameter, InvalidParameter, UnknownOperation: the locator names the parameter.
    """
    _require(parameters, "service", ("WPS", "wps"))
    name = _operation(parameters)
    if name != "GetCapabilities":
        _require(parameters, "version", VERSIONS)
    return _execute(parameters, raw) if name == "Execute" else _READERS[name](parameters)


def _execute(parameters: Mapping[str, str], raw: Mapping[str, str]) -> Asked:
    asked = read_execute(parameters, raw)
    mode = parameters.get("mode", "").strip().lower()
    response = parameters.get("response", "").strip().lower()
    stored = asked.store and asked.status
    return replace(
        asked,
        mode=choice(mode, "mode", Mode) if mode else (Mode.ASYNC if stored else Mode.SYNC),
        form=choice(response, "response", Form) if response else asked.form,
    )


def _require(parameters: Mapping[str, str], name: str, allowed: Sequence[str]) -> None:
    value = parameters.get(name, "").strip()
    if not value:
        raise MissingParameter(f"the parameter {name} is missing (it must be {allowed[0]})", location=name)
    if value not in allowed:
        raise InvalidParameter(f"{name} must be {allowed[0]} (is {value[:60]!r})", location=name)


def _operation(parameters: Mapping[str, str]) -> str:
    value = parameters.get("request", "").strip()
    if not value:
        raise MissingParameter("the parameter request is missing", location="request")
    found = next((name for name in OPERATIONS if name.lower() == value.lower()), None)
    if found is None:
        told = f"there is no operation {value[:60]!r} (operations: {', '.join(OPERATIONS)})"
        raise UnknownOperation(told, location=value[:60])
    return found


def _capabilities(parameters: Mapping[str, str]) -> Asked:
    return GetCapabilities(
        accept_versions=_listed(parameters, "acceptversions"),
        sections=_listed(parameters, "sections"),
        accept_formats=_listed(parameters, "acceptformats"),
        update_sequence=parameters.get("updatesequence", "").strip(),
    )


def _listed(parameters: Mapping[str, str], name: str) -> tuple[str, ...]:
    parts = (part.strip() for part in parameters.get(name, "").split(","))
    return tuple(dict.fromkeys(filter(None, parts)))


def _describe(parameters: Mapping[str, str]) -> Asked:
    identifiers = _listed(parameters, "identifier")
    if not identifiers:
        raise MissingParameter("the parameter identifier is missing", location="identifier")
    return DescribeProcess(identifiers, parameters.get("lang", parameters.get("language", "")).strip())


def _job(parameters: Mapping[str, str]) -> str:
    job_id = parameters.get("jobid", "").strip()
    if not job_id:
        raise MissingParameter("the parameter jobID is missing", location="jobID")
    return job_id


_READERS: Mapping[str, Callable[[Mapping[str, str]], Asked]] = MappingProxyType(
    {
        "GetCapabilities": _capabilities,
        "DescribeProcess": _describe,
        "GetStatus": lambda parameters: GetStatus(_job(parameters)),
        "GetResult": lambda parameters: GetResult(_job(parameters)),
        "Dismiss": lambda parameters: Dismiss(_job(parameters)),
    }
)
