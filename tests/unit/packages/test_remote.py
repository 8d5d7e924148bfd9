"""Descriptions of processes of other servers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pygeoapi_oapip.errors import UnresolvableReference
from pygeoapi_oapip.model.process import Process
from pygeoapi_oapip.packages.remote import ENGINE, asking_for, is_remote, read_remote, remote_process

ADDRESS = "https://other.example/oapi/processes/ndvi"
EXECUTE = "http://www.opengis.net/def/rel/ogc/1.0/execute"


def read(**members: Any) -> Process:
    return read_remote({"id": "ndvi", **members}, ADDRESS)


def execution(process: Process) -> object:
    assert process.package is not None
    return process.package.document["execution"]


def test_inputs_and_outputs_keep_what_is_validated_here() -> None:
    process = read(
        title="NDVI",
        inputs={
            "one": {"schema": {"type": "integer"}},
            "some": {"title": "Some", "schema": {"type": "string"}, "minOccurs": 0, "maxOccurs": 3},
            "all": {"schema": {"type": "string"}, "maxOccurs": "unbounded"},
            "told elsewhere": {"schema": {"$ref": "https://schemas.example/x.yaml"}},
            "odd": None,
        },
        outputs={"map": {"schema": {"type": "string", "contentMediaType": "image/tiff"}}},
    )
    limits = {name: (item.min_occurs, item.max_occurs) for name, item in process.inputs.items()}
    assert limits["one"] == (1, 1) and limits["some"] == (0, 3) and limits["all"] == (1, None)
    assert process.inputs["some"].title == "Some"
    assert process.inputs["told elsewhere"].schema == {}
    assert process.outputs["map"].schema == {"type": "string", "contentMediaType": "image/tiff"}
    assert (process.id, process.title, process.engine, process.revision) == (ADDRESS, "NDVI", ENGINE, 0)


def test_lists_of_older_servers_are_read() -> None:
    process = read(inputs=[{"id": "a", "schema": {"type": "number"}}, "x"], outputs=[{"id": "b"}])
    assert (list(process.inputs), list(process.outputs)) == (["a"], ["b"])


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        (None, f"{ADDRESS}/execution"),
        ([], f"{ADDRESS}/execution"),
        ([{"rel": EXECUTE, "href": "https://other.example/run/ndvi"}], "https://other.example/run/ndvi"),
        ([{"rel": "execute", "href": "ndvi/jobs"}], "https://other.example/oapi/processes/ndvi/jobs"),
        ([{"rel": EXECUTE, "href": "http://127.0.0.1/admin"}], f"{ADDRESS}/execution"),
        ([{"rel": EXECUTE, "href": "http://[::1"}, 3, {"rel": EXECUTE}], f"{ADDRESS}/execution"),
        ([{"rel": "self", "href": "https://other.example/x"}], f"{ADDRESS}/execution"),
    ],
)
@pytest.mark.requirement("part3/remote-core-processes/process-execution")
def test_it_is_executed_where_its_server_says_and_nowhere_else(links: Any, expected: str) -> None:
    assert execution(read(links=links)) == expected


def test_a_query_of_the_address_does_not_get_into_the_path() -> None:
    assert execution(read_remote({"id": "a"}, ADDRESS + "?f=json")) == f"{ADDRESS}/execution"


@pytest.mark.parametrize(
    "document", [None, [], "x", 3, {}, {"id": 3}, {"id": "a", "inputs": "x"}, {"id": "a", "outputs": 3}]
)
def test_other_documents_are_refused(document: Any) -> None:
    with pytest.raises(UnresolvableReference, match="is not the description of a process"):
        read_remote(document, ADDRESS)


def test_the_package_is_enough_to_know_the_process_again() -> None:
    process = read(outputs={"a": {"schema": {"type": "integer"}}, "b": {}})
    assert process.package is not None and is_remote(process.package)
    one = asking_for(process.package, "b")
    assert one.document["outputs"] == {"b": {}}
    assert list(remote_process(one).outputs) == ["a", "b"]


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=12,
)
MEMBERS = ("title", "inputs", "outputs", "links", "version", "outputTransmission", "description")


@settings(max_examples=200, deadline=None)
@given(st.fixed_dictionaries({"id": st.text()}, optional={name: JSON for name in MEMBERS}))
def test_any_description_is_read_or_refused(document: dict[str, Any]) -> None:
    try:
        process = read_remote(document, ADDRESS)
    except UnresolvableReference:
        return
    assert process.package is not None
    json.dumps(process.package.document)
    assert str(execution(process)).startswith("https://other.example/")
