"""An execute request (Part 1 execute.yaml) against a process description: nothing starts that cannot fit.

Every refusal names the part of the request and the rule, for example `inputs.size: must be at most 100 (is 250)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from .errors import BadRequest
from .model.execution import ExecutionRequest, OutputRequest, ResponseForm, Subscriber, Transmission
from .model.json import JSON, JSONObject
from .model.process import Output, Process
from .validation.inputs import read_inputs
from .validation.violations import Violation, kind_of, refusal, shown


def validate(body: JSON, process: Process) -> ExecutionRequest:
    """Read and check an execute request (/req/core/process-execute-request, -input-validation).

    Members that execute.yaml does not have are ignored.

    Args:
        body: the parsed JSON body.
        process: the description to fit.

    Raises:
        BadRequest: the body is no JSON object.
        InvalidInputs: a member does not fit. All that is wrong is told, in `detail` and, one row for each rule, in the
            problem member `errors`.
    """
    if not isinstance(body, Mapping):
        raise BadRequest(f"the body must be a JSON object with `inputs` (is {kind_of(body)})")
    found: list[Violation] = []
    _check_process(body.get("process"), process.id, found)
    request = ExecutionRequest(
        inputs=read_inputs(_member(body, "inputs", found), process.inputs, found),
        outputs=_outputs(body, process.outputs, found),
        response=_response(body.get("response"), found),
        subscriber=_subscriber(body.get("subscriber"), found),
    )
    if found:
        raise refusal(found)
    return request


def _member(body: JSONObject, name: str, found: list[Violation]) -> JSONObject:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        found.append(Violation(name, "type", f"must be an object (is {kind_of(value)})"))
        return {}
    return value


def _check_process(value: JSON, process_id: str, found: list[Violation]) -> None:
    """2.0 `process`: the URI, or the id, of the process that is executed."""
    if value is None:
        return
    named = ""
    if isinstance(value, str):
        try:
            named = unquote(urlsplit(value).path.rstrip("/").rpartition("/")[2])
        except ValueError:
            named = ""
    if process_id not in (value, named):
        told = f"must be the process of this address, {process_id} (is {shown(value)})"
        found.append(Violation("process", "process", told))


def _outputs(
    body: JSONObject, definitions: Mapping[str, Output], found: list[Violation]
) -> Mapping[str, OutputRequest] | None:
    if body.get("outputs") is None:
        return None
    wanted: dict[str, OutputRequest] = {}
    for name, value in _member(body, "outputs", found).items():
        place = f"outputs.{name}"
        if name not in definitions:
            known = ", ".join(definitions) or "none"
            found.append(Violation(place, "unknown", f"the process has no such output (outputs: {known})"))
        elif value is not None and not isinstance(value, Mapping):
            found.append(Violation(place, "type", f"must be an object (is {kind_of(value)})"))
        else:
            wanted[name] = _output(value or {}, place, found)
    return wanted


def _output(wanted: JSONObject, place: str, found: list[Violation]) -> OutputRequest:
    mode = wanted.get("transmissionMode")
    if mode not in (None, "value", "reference"):
        told = f"must be value or reference (is {shown(mode)})"
        found.append(Violation(f"{place}.transmissionMode", "enum", told))
        mode = None
    form = wanted.get("format")
    # 2.0 has the members of the format beside `transmissionMode`
    if form is not None and not isinstance(form, Mapping):
        found.append(Violation(f"{place}.format", "type", f"must be an object (is {kind_of(form)})"))
    nested = form.get("mediaType") if isinstance(form, Mapping) else None
    media_type = nested if wanted.get("mediaType") is None else wanted["mediaType"]
    if media_type is not None and not isinstance(media_type, str):
        found.append(Violation(f"{place}.format.mediaType", "type", "must be a string"))
        media_type = None
    encoding = form.get("encoding") if isinstance(form, Mapping) else None
    return OutputRequest(
        Transmission(mode) if isinstance(mode, str) else None,
        media_type or "",
        encoding if encoding == "base64" else "",
    )


def _response(value: JSON, found: list[Violation]) -> ResponseForm | None:
    if value in ("raw", "document"):
        return ResponseForm(str(value))
    if value is not None:
        found.append(Violation("response", "enum", f"must be raw or document (is {shown(value)})"))
    return None


def _subscriber(value: JSON, found: list[Violation]) -> Subscriber | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        found.append(Violation("subscriber", "type", f"must be an object (is {kind_of(value)})"))
        return None
    addresses = []
    for name in ("successUri", "inProgressUri", "failedUri"):
        address = value.get(name)
        if address is None or address == "":
            address = ""
        elif not isinstance(address, str) or not _is_http(address):
            told = f"must be an http or https URL (is {shown(address)})"
            found.append(Violation(f"subscriber.{name}", "format", told))
            address = ""
        addresses.append(address)
    return Subscriber(*addresses)


def _is_http(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
