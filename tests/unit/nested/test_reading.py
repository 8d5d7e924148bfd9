from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pygeoapi_oapip.errors import AddressForbidden, NoSuchProcess, OapipError, PlanRejected, Unavailable
from pygeoapi_oapip.model.execution import HAS_NESTED, ExecutionRequest
from pygeoapi_oapip.model.identity import ANONYMOUS, Principal
from pygeoapi_oapip.model.json import JSON
from pygeoapi_oapip.model.process import Input, Output, Process
from pygeoapi_oapip.model.value import Inline, Many, Nested, nested_of
from pygeoapi_oapip.nested import reading
from pygeoapi_oapip.nested.addresses import OwnAddresses
from pygeoapi_oapip.nested.reading import DEEPEST, MOST, NestedReader, NestedSources, Rules
from pygeoapi_oapip.packages.enclosed import enclosed_package, stored_request
from pygeoapi_oapip.packages.remote import is_remote, read_remote
from pygeoapi_oapip.validate import validate

INTEGER: dict[str, Any] = {"type": "integer"}
FILE: dict[str, Any] = {"type": "string", "format": "binary", "contentMediaType": "text/plain"}
ELSEWHERE = "http://other.example/processes/far"


def process(process_id: str, inputs: Mapping[str, Input], outputs: Mapping[str, dict[str, Any]]) -> Process:
    made = {name: Output(name, name, schema) for name, schema in outputs.items()}
    return Process(process_id, "1", process_id, "", dict(inputs), made, None)


def of(schema: dict[str, Any], **more: Any) -> Input:
    return Input("i", "I", schema, **more)


ADD = process("add", {"a": of({**INTEGER, "maximum": 100}), "b": of(INTEGER, min_occurs=0)}, {"sum": INTEGER})
SPLIT = process(
    "split",
    {"file": of(FILE)},
    {"parts": {"type": "array", "items": FILE}, "count": INTEGER, "table": {"type": "array", "items": INTEGER}},
)
JOIN = process("join", {"files": of(FILE, max_occurs=None)}, {"file": FILE})
MATRIX = process("matrix", {"m": of({"type": "array", "items": {"type": "array", "items": INTEGER}})}, {"n": INTEGER})
QUIET = process("quiet", {}, {})
OBJECT = process(
    "object", {"o": of({"type": "object"}), "p": of({"type": "object", "properties": {"process": {}}})}, {}
)
LOCAL = {item.id: item for item in (ADD, SPLIT, JOIN, MATRIX, QUIET, OBJECT)}
FAR = read_remote(
    {"id": "far", "inputs": {"n": {"schema": INTEGER}}, "outputs": {"x": {"schema": INTEGER}, "y": {}}}, ELSEWHERE
)


class Elsewhere:
    def process(self, address: str) -> Process:
        if address == ELSEWHERE:
            return FAR
        if "away" in address:
            raise Unavailable("it answers 503 now")
        if "internal" in address:
            raise AddressForbidden("it is inside")
        raise NoSuchProcess(f"there is no process {address}")


def find(principal: Principal, process_id: str) -> Process:
    if process_id not in LOCAL:
        raise NoSuchProcess(f"There is no process {process_id!r}.")
    return LOCAL[process_id]


def admit(principal: Principal, found: Process, body: JSON) -> ExecutionRequest:
    if found is QUIET:
        raise PlanRejected("it needs a container")
    return validate(body, found)


RULES = Rules(find, admit, lambda found: found.engine or "local", stored_request)
READER = NestedReader(NestedSources(OwnAddresses("http://here.example"), Elsewhere()), RULES)


def read(process_id: str, inputs: Any) -> ExecutionRequest:
    body: JSON = {"inputs": inputs}
    return validate(READER.replaced(ANONYMOUS, LOCAL[process_id], body), LOCAL[process_id])


def nested(request: ExecutionRequest) -> dict[str, Nested]:
    return {f"{name}{at}": item for name, value in request.inputs.items() for at, item in nested_of(value)}


def refused(process_id: str, inputs: Any) -> OapipError:
    with pytest.raises(OapipError) as caught:
        read(process_id, inputs)
    return caught.value


@pytest.mark.requirement("part3/nested-processes/process-execution")
def test_an_input_is_an_output_of_another_process() -> None:
    request = read("add", {"a": {"process": "add", "inputs": {"a": 1, "b": 2}}, "b": 3})
    found = nested(request)["a"]
    assert (found.process_id, found.output, found.engine, found.spread) == ("add", "sum", "local", False)
    assert ExecutionRequest.from_json(found.request).inputs == {"a": Inline(1), "b": Inline(2)}
    assert set(ExecutionRequest.from_json(found.request).outputs or {}) == {"sum"}
    assert request.inputs["b"] == Inline(3)


def test_the_stored_request_tells_that_it_waits() -> None:
    request = read("add", {"a": {"process": "add", "inputs": {"a": 1}}})
    stored = json.loads(json.dumps(request.to_json()))
    assert stored[HAS_NESTED] is True
    assert ExecutionRequest.from_json(stored) == request
    assert HAS_NESTED not in ExecutionRequest({"a": Inline(1)}).to_json()


@pytest.mark.requirement("part3/nested-processes/process-execution")
def test_the_output_is_the_one_that_is_named_else_the_first() -> None:
    inner = {"process": "split", "inputs": {"file": "text"}}
    assert nested(read("add", {"a": {**inner, "outputs": {"count": {}}}}))["a"].output == "count"
    assert nested(read("add", {"a": {**inner, "outputs": {"count": None}}}))["a"].output == "count"
    assert nested(read("join", {"files": inner}))["files[0]"].output == "parts"


def test_processes_nest_in_nested_processes() -> None:
    deepest = {"process": "../processes/add", "inputs": {"a": 4}}
    request = read("add", {"a": {"process": "add", "inputs": {"a": deepest}}})
    inner = ExecutionRequest.from_json(nested(request)["a"].request)
    assert nested(inner)["a"].process == "../processes/add"


def test_places_in_arrays() -> None:
    one = {"process": "join", "inputs": {"files": ["x"]}}
    many = {"process": "split", "inputs": {"file": "text"}}
    request = read("join", {"files": ["a", one, {"href": "http://example.org/b"}, many]})
    found = nested(request)
    assert {place: item.spread for place, item in found.items()} == {"files[1]": False, "files[3]": True}
    assert isinstance(request.inputs["files"], Many)


def test_arrays_of_arrays_of_one_value() -> None:
    row = {"process": "split", "inputs": {"file": "t"}, "outputs": {"table": {}}}
    cell = {"process": "add", "inputs": {"a": 1}}
    found = nested(read("matrix", {"m": [[1, cell], row]}))
    assert {place: item.spread for place, item in found.items()} == {"m[0][1]": False, "m[1]": False}


@pytest.mark.requirement("part3/remote-core-processes/referenced-process")
def test_a_process_of_another_server_brings_its_package() -> None:
    form = {"process": ELSEWHERE, "inputs": {"n": {"process": "http://here.example/processes/add", "inputs": {"a": 1}}}}
    found = nested(read("add", {"a": form}))["a"]
    assert (found.engine, found.revision, found.process_id, found.output) == ("remote", 0, ELSEWHERE, "x")
    package = enclosed_package(found.request)
    assert package is not None and is_remote(package)
    assert package.document["outputs"] == {"x": INTEGER}
    assert nested(ExecutionRequest.from_json(found.request))["n"].process_id == "add"


def test_relative_references_in_a_remote_process_are_of_that_server() -> None:
    form = {"process": ELSEWHERE, "inputs": {"n": {"process": "add", "inputs": {"a": 1}}}}
    error = refused("add", {"a": form})
    assert error.detail == "inputs.a.inputs.n.process: there is no process http://other.example/processes/add"


def test_a_plain_object_is_none() -> None:
    form = {"process": "add", "inputs": {}}
    body = cast(JSON, {"inputs": {"o": {"process": 3}, "p": form, "x": form}})
    assert READER.replaced(ANONYMOUS, OBJECT, body) is body
    extra = cast(JSON, {"inputs": {"o": {**form, "colour": "red"}}})
    assert READER.replaced(ANONYMOUS, OBJECT, extra) is extra


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ({"process": "nope"}, "inputs.a.process: There is no process 'nope'."),
        ({"process": ""}, "inputs.a.process: must be the address of a process, of at most 2000 characters"),
        ({"process": "file:///etc/passwd"}, "inputs.a.process: must be an http or https URL"),
        ({"process": "add"}, "inputs.a.inputs.a: is required"),
        ({"process": "add", "inputs": []}, "inputs.a.inputs: must be an object"),
        ({"process": "add", "inputs": {"a": 101}}, "inputs.a.inputs.a: must be at most 100 (is 101)"),
        ({"process": "add", "inputs": {"a": 1, "c": 1}}, "inputs.a.inputs.c: the process has no such input"),
        ({"process": "add", "inputs": {"a": 1}, "outputs": []}, "inputs.a.outputs: must be an object"),
        ({"process": "add", "inputs": {"a": 1}, "outputs": {"b": {}}}, "inputs.a.outputs.b: the process has no such"),
        (
            {"process": "split", "inputs": {"file": "t"}, "outputs": {"count": {}, "parts": {}}},
            "inputs.a.outputs: must name one output (names 2)",
        ),
        ({"process": "split", "inputs": {"file": "t"}}, "inputs.a: the output parts of split is an array of a file"),
        ({"process": "quiet"}, "inputs.a.process: quiet has no output"),
        ({"process": "add", "inputs": {"a": 1}, "filter": "x"}, "inputs.a.filter: is not supported for a nested"),
        ({"process": "http://x.example/away"}, "inputs.a.process: it answers 503 now"),
        ({"process": "http://x.example/internal"}, "inputs.a.process: it is inside"),
        (
            {"process": "add", "inputs": {"a": {"process": "add", "inputs": {"a": "x"}}}},
            'inputs.a.inputs.a.inputs.a: must be of type integer (is string: "x")',
        ),
    ],
)
def test_what_is_refused_names_place_and_rule(form: JSON, text: str) -> None:
    error = refused("add", {"a": form})
    assert error.detail.startswith(text)
    assert error.location.startswith("inputs.a")


def test_all_violations_of_a_nested_process_are_told_with_their_places() -> None:
    error = refused("add", {"a": {"process": "add", "inputs": {"a": 101, "b": "x"}}})
    assert [row["location"] for row in error.members["errors"]] == ["inputs.a.inputs.a", "inputs.a.inputs.b"]
    assert "inputs.a.inputs.a: must be at most 100" in error.detail
    assert "inputs.a.inputs.b: must be of type integer" in error.detail


def test_temporary_and_forbidden_stay_what_they_are() -> None:
    assert isinstance(refused("add", {"a": {"process": "http://x.example/away"}}), Unavailable)
    assert isinstance(refused("add", {"a": {"process": "http://x.example/internal"}}), AddressForbidden)


def test_slow_servers_do_not_hold_a_request_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PATIENCE", -1.0)
    error = refused("add", {"a": {"process": ELSEWHERE, "inputs": {"n": 1}}})
    assert isinstance(error, Unavailable)
    assert "took more than" in error.detail
    assert nested(read("add", {"a": chain(2)}))


def chain(depth: int) -> JSON:
    value: JSON = 1
    for _ in range(depth):
        value = {"process": "add", "inputs": {"a": value}}
    return value


def test_depth_is_limited() -> None:
    assert nested(read("add", {"a": chain(DEEPEST)}))
    assert "nested too deep" in refused("add", {"a": chain(DEEPEST + 1)}).detail
    assert "nested too deep" in refused("add", {"a": chain(200)}).detail


def test_number_is_limited() -> None:
    one = {"process": "join", "inputs": {"files": ["x"]}}
    assert len(nested(read("join", {"files": [one] * MOST}))) == MOST
    error = refused("join", {"files": [one] * (MOST + 1)})
    assert error.detail == f"inputs.files[{MOST}]: is one nested process too many (at most {MOST} in a request)"


@pytest.mark.parametrize("body", [None, 1, "x", [], {}, {"inputs": None}, {"inputs": [1]}, {"inputs": {"a": 1}}])
def test_bodies_without_nested_processes_stay_the_same_object(body: JSON) -> None:
    assert READER.replaced(ANONYMOUS, ADD, body) is body


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
NAMES = st.sampled_from(
    ["process", "inputs", "outputs", "filter", "a", "b", "file", "files", "href", "value", "sum", "x"]
)
REFERENCES = st.one_of(
    st.sampled_from(
        ["add", "split", "join", "matrix", "quiet", "../processes/add", ELSEWHERE, "//", "http://[", "\x00"]
    ),
    st.text(max_size=12),
)
FORMS = st.deferred(
    lambda: st.fixed_dictionaries(
        {"process": REFERENCES},
        optional={"inputs": st.one_of(VALUES, st.dictionaries(NAMES, VALUES, max_size=3)), "outputs": VALUES},
    )
)
VALUES: st.SearchStrategy[Any] = st.deferred(
    lambda: st.one_of(SCALARS, FORMS, st.lists(VALUES, max_size=3), st.dictionaries(NAMES, VALUES, max_size=3))
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(LOCAL)), st.dictionaries(NAMES, VALUES, max_size=3))
def test_hostile_forms_are_read_or_refused_and_nothing_else(process_id: str, inputs: dict[str, Any]) -> None:
    try:
        request = read(process_id, inputs)
    except OapipError as error:
        assert error.status in (400, 403, 503)
        return
    assert ExecutionRequest.from_json(json.loads(json.dumps(request.to_json()))).inputs.keys() == request.inputs.keys()
