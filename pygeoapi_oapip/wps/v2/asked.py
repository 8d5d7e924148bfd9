"""The requests of WPS 2.0.0 as plain values; Execute is `terms.ExecuteAsked`."""

from __future__ import annotations

from dataclasses import dataclass

from ..terms import ExecuteAsked


@dataclass(frozen=True, slots=True)
class GetCapabilities:
    """What of the capabilities is wanted; () where the request does not say."""

    accept_versions: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    accept_formats: tuple[str, ...] = ()
    update_sequence: str = ""


@dataclass(frozen=True, slots=True)
class DescribeProcess:
    """The processes that are wanted."""

    identifiers: tuple[str, ...]
    language: str = ""


@dataclass(frozen=True, slots=True)
class GetStatus:
    """Status of a job."""

    job_id: str


@dataclass(frozen=True, slots=True)
class GetResult:
    """Results of a job."""

    job_id: str


@dataclass(frozen=True, slots=True)
class Dismiss:
    """End of a job."""

    job_id: str


Asked = GetCapabilities | DescribeProcess | ExecuteAsked | GetStatus | GetResult | Dismiss

OPERATIONS = ("GetCapabilities", "DescribeProcess", "Execute", "GetStatus", "GetResult", "Dismiss")
