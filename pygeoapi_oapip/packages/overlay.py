"""What a `processDescription` says of a process, laid over what its CWL says. Types stay CWL's."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from ..errors import InvalidPackage
from ..model.json import JSON, JSONObject
from ..model.process import Input, JobControl, Output, Process
from .cwltypes import text_of
from .document import as_list

_ID = re.compile(r"[A-Za-z0-9_.-]+")
_KNOWN = frozenset(
    {"id", "title", "description", "version", "keywords", "metadata", "jobControlOptions", "inputs", "outputs"}
)
_OF_THE_SERVER = frozenset({"links", "mutable", "process", "processDescription", "executionUnit"})
_TRANSMISSION = ("value", "reference")


def description_of(package: JSONObject) -> JSONObject:
    """The `processDescription` of an application package, flat or with a `process` member; {} where there is none.

    Raises:
        InvalidPackage: it is not an object by value.
    """
    description: Any = package.get("processDescription")
    if description is None:
        return {}
    if isinstance(description, Mapping) and isinstance(description.get("process"), Mapping):
        description = {**description, **description["process"]}
    if not isinstance(description, Mapping) or "href" in description:
        raise InvalidPackage("`processDescription` must be an object by value.", location="processDescription")
    return description


def id_of(description: JSONObject) -> str:
    """The id that a process description gives; "" where it gives none. Raises InvalidPackage."""
    given = description.get("id")
    if given is None:
        return ""
    if not isinstance(given, str) or not _ID.fullmatch(given) or len(given) > 255:
        raise InvalidPackage(
            f"The process id {str(given)[:100]!r} is not allowed: letters, digits, `_`, `.` and `-` are.",
            location="processDescription.id",
        )
    return given


def enrich(process: Process, description: JSONObject) -> Process:
    """The process with the texts, options and further members of a description.

    Args:
        process: as the CWL describes it.
        description: as `description_of` gives it.

    Raises:
        InvalidPackage: a member is not of its type, or contradicts the CWL; `location` names it.
    """
    members: dict[str, Any] = {
        key: _text(description, key) for key in ("title", "description", "version") if description.get(key) is not None
    }
    if description.get("keywords") is not None:
        members["keywords"] = _keywords(description["keywords"])
    if description.get("metadata") is not None:
        members["metadata"] = _metadata(description["metadata"])
    if description.get("jobControlOptions") is not None:
        members["job_control"] = _job_control(description["jobControlOptions"])
    return replace(
        process,
        **members,
        inputs=_all(process.inputs, description.get("inputs"), "inputs"),
        outputs=_all(process.outputs, description.get("outputs"), "outputs"),
        locked=_locked(description.get("mutable")),
        extra=_further(description),
    )


def _further(description: JSONObject) -> JSONObject:
    found = {key: value for key, value in description.items() if key not in _KNOWN | _OF_THE_SERVER}
    modes = found.pop("outputTransmission", None)
    if modes is not None:
        found["outputTransmission"] = _transmission(modes)
    return found


def _refuse(key: str, text: str) -> InvalidPackage:
    return InvalidPackage(f"`{key}` of the process description must be {text}.", location=f"processDescription.{key}")


def _locked(mutable: JSON) -> bool:
    if mutable is not None and not isinstance(mutable, bool):
        raise _refuse("mutable", "true or false")
    return mutable is False


def _transmission(value: JSON) -> list[str]:
    words = value if isinstance(value, list) else []
    if not words or any(word not in _TRANSMISSION for word in words):
        raise _refuse("outputTransmission", f"a list of {', '.join(_TRANSMISSION)} (is {json.dumps(value)[:100]})")
    return [word for word in _TRANSMISSION if word in words]


def _text(description: JSONObject, key: str) -> str:
    value = description[key]
    if isinstance(value, Mapping | bool):
        raise _refuse(key, "text")
    return text_of(value)


def _keywords(value: JSON, place: str = "keywords") -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise _refuse(place, "a list of words")
    return tuple(value)


def _metadata(value: JSON, place: str = "metadata") -> tuple[JSONObject, ...]:
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise _refuse(place, "a list of objects")
    return tuple(value)


def _job_control(value: JSON) -> tuple[JobControl, ...]:
    words = value if isinstance(value, list) else []
    wanted = [option for option in JobControl if option.value in words]
    if not words or len(wanted) != len(set(map(str, words))):
        raise _refuse("jobControlOptions", f"a list of {', '.join(JobControl)} (is {json.dumps(value)[:100]})")
    if JobControl.SYNC not in wanted and JobControl.ASYNC not in wanted:
        raise _refuse("jobControlOptions", "a list with sync-execute or async-execute")
    return tuple(wanted)


_Described = TypeVar("_Described", Input, Output)


def _all(known: Mapping[str, _Described], given: JSON, kind: str) -> Mapping[str, _Described]:
    if given is None:
        return known
    if not isinstance(given, Mapping | list):
        raise _refuse(kind, "an object keyed by id")
    found = dict(known)
    for item in as_list(given, "id"):
        name = str(item.get("id", "")) if isinstance(item, Mapping) else str(item)[:100]
        if name not in known:
            raise InvalidPackage(
                f"The process description has {kind}.{name}, which the CWL has not ({', '.join(known) or 'none'}).",
                location=f"processDescription.{kind}.{name}",
            )
        found[name] = _one(known[name], item if isinstance(item, Mapping) else {}, f"{kind}.{name}")
    return found


def _one(known: _Described, item: JSONObject, place: str) -> _Described:
    members: dict[str, Any] = {}
    for key in ("title", "description"):
        if isinstance(item.get(key), str):
            members[key] = item[key]
        elif item.get(key) is not None:
            raise _refuse(f"{place}.{key}", "text")
    if item.get("keywords") is not None:
        members["keywords"] = _keywords(item["keywords"], f"{place}.keywords")
    if item.get("metadata") is not None:
        members["metadata"] = (*known.metadata, *_metadata(item["metadata"], f"{place}.metadata"))
    _refuse_contradiction(known, item, place)
    return replace(known, **members)


def _refuse_contradiction(known: Input | Output, item: JSONObject, place: str) -> None:
    """Refuse a description that promises what the CWL does not keep."""
    if not isinstance(known, Input):
        return
    needed = known.min_occurs > 0 and not known.schema.get("nullable")
    if item.get("minOccurs") == 0 and not isinstance(item.get("minOccurs"), bool) and needed:
        raise InvalidPackage(
            f"{place}.minOccurs of the process description is 0, and the CWL needs this input: make its type optional "
            "(`?`) or give it a default.",
            location=f"processDescription.{place}.minOccurs",
        )
    most = item.get("maxOccurs")
    many = most == "unbounded" or (isinstance(most, int) and not isinstance(most, bool) and most > 1)
    if many and known.max_occurs == 1:
        raise InvalidPackage(
            f"{place}.maxOccurs of the process description is {most}, and the CWL takes one value: make its type an "
            "array (`[]`).",
            location=f"processDescription.{place}.maxOccurs",
        )
