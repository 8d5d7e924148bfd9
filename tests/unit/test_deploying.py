"""deploying and adhoc over a memory store: what may be changed, and how an ad-hoc request is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pygeoapi_oapip.adhoc import read_adhoc
from pygeoapi_oapip.auth.policy import Policy
from pygeoapi_oapip.deploying import Deployments
from pygeoapi_oapip.errors import (
    BadRequest,
    DuplicateProcess,
    ImmutableProcess,
    InvalidPackage,
    OapipError,
    PreconditionFailed,
    UnresolvableReference,
    UnsupportedMediaType,
)
from pygeoapi_oapip.model.identity import ANONYMOUS, EVERYTHING
from pygeoapi_oapip.model.process import Process
from pygeoapi_oapip.ogcapi import bodies
from pygeoapi_oapip.operations import Deployment
from pygeoapi_oapip.packages.deployment import read_deployment
from pygeoapi_oapip.packages.fetch import refuse_all
from pygeoapi_oapip.packages.parts import read_parts
from pygeoapi_oapip.staging.base import Fetched, Staged
from pygeoapi_oapip.staging.transfer import Intake
from pygeoapi_oapip.store.memory import MemoryProcessStore

CWL: dict[str, Any] = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "id": "tool",
    "baseCommand": "echo",
    "inputs": {"a": "int?", "b": "File[]?"},
    "outputs": {"out": "stdout"},
}
OGC = "application/ogcapppkg+json"


class Nothing:
    """A `Stager` that reads nothing."""

    schemes: frozenset[str] = frozenset()

    def check(self, url: str) -> None:
        refuse_all(url)

    def fetch(self, url: str, max_bytes: int) -> Fetched:
        raise UnresolvableReference(f"nothing is read here: {url}")

    def stage(self, url: str, folder: Path, intake: Intake | None = None) -> Staged:
        raise UnresolvableReference(f"nothing is read here: {url}")


def cwl(**members: Any) -> Deployment:
    return Deployment(json.dumps({**CWL, **members}).encode(), "application/cwl+json")


def packaged(**description: Any) -> Deployment:
    return Deployment(json.dumps({"processDescription": description, "executionUnit": CWL}).encode(), OGC)


@pytest.fixture
def store() -> MemoryProcessStore:
    return MemoryProcessStore()


@pytest.fixture
def deployments(store: MemoryProcessStore) -> Deployments:
    return Deployments(store, Policy(), Nothing(), 100_000)


def present(store: MemoryProcessStore) -> Process:
    return store.get("tool", EVERYTHING)


@pytest.mark.requirement("part2/deploy-replace-undeploy/deploy-response-duplicate")
def test_an_id_is_deployed_once_and_the_error_names_it(deployments: Deployments) -> None:
    assert deployments.deploy(ANONYMOUS, cwl()).id == "tool"
    with pytest.raises(DuplicateProcess) as caught:
        deployments.deploy(ANONYMOUS, cwl())
    assert caught.value.members == {"processID": "tool"}


def test_of_two_deployments_at_once_one_is_a_duplicate(store: MemoryProcessStore, deployments: Deployments) -> None:
    inner = store.add

    def beaten(process: Process, *, most: int = 0) -> Process:
        inner(process)
        return inner(process)

    store.add = beaten  # type: ignore[method-assign]
    with pytest.raises(DuplicateProcess) as caught:
        deployments.deploy(ANONYMOUS, cwl())
    assert caught.value.members == {"processID": "tool"}


@pytest.mark.parametrize("deployment", [cwl(id="CWL"), packaged(id="CWL")])
def test_the_id_of_ad_hoc_executions_is_reserved(deployments: Deployments, deployment: Deployment) -> None:
    with pytest.raises(ImmutableProcess, match="kept for ad-hoc"):
        deployments.deploy(ANONYMOUS, deployment)


def test_replacing_keeps_id_and_owner(store: MemoryProcessStore, deployments: Deployments) -> None:
    deployments.deploy(ANONYMOUS, cwl())
    after = deployments.replace(ANONYMOUS, present(store), cwl(id="other", label="Two"), None)
    assert (after.id, after.title, after.revision, after.owner) == ("tool", "Two", 2, "anonymous")
    assert deployments.replace(ANONYMOUS, present(store), packaged(id="tool"), 2).revision == 3
    with pytest.raises(InvalidPackage, match="is of 'other'"):
        deployments.replace(ANONYMOUS, present(store), packaged(id="other"), None)


def test_changes_of_a_state_that_is_past_are_refused(store: MemoryProcessStore, deployments: Deployments) -> None:
    deployments.deploy(ANONYMOUS, cwl())
    old = present(store)
    with pytest.raises(PreconditionFailed):
        deployments.replace(ANONYMOUS, old, cwl(), 7)
    deployments.replace(ANONYMOUS, old, cwl(), 1)
    for change in (
        lambda: deployments.replace(ANONYMOUS, old, cwl(), 1),
        lambda: deployments.undeploy(ANONYMOUS, old, 1),
    ):
        with pytest.raises(PreconditionFailed, match="at the same time"):
            change()
    assert present(store).revision == 2
    deployments.undeploy(ANONYMOUS, present(store), 2)


def test_a_locked_process_is_never_changed(store: MemoryProcessStore, deployments: Deployments) -> None:
    deployments.deploy(ANONYMOUS, packaged(id="tool", mutable=False))
    for change in (
        lambda: deployments.deploy(ANONYMOUS, cwl()),
        lambda: deployments.replace(ANONYMOUS, present(store), cwl(), None),
        lambda: deployments.undeploy(ANONYMOUS, present(store), None),
    ):
        with pytest.raises(ImmutableProcess, match="mutable: false"):
            change()


def adhoc(body: Any, kind: str, **query: str) -> Any:
    source = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_adhoc(source, kind, query, bodies.parse)


@pytest.mark.requirement("part3/cwl-workflows/adhoc-cwl-execution")
def test_the_forms_of_an_ad_hoc_request_mean_the_same() -> None:
    request = {"inputs": {"a": 1}, "outputs": {"out": {}}, "response": "raw"}
    found = [
        adhoc(CWL, "application/cwl+json", inputs='{"a": 1}', outputs='{"out": {}}', response="raw"),
        adhoc({**request, "process": CWL}, "application/json"),
        adhoc({**request, "cwl": CWL}, ""),
    ]
    for item in found:
        assert (json.loads(item.deployment.body), item.request) == (CWL, request)
        assert item.deployment.media_type == "application/cwl+json"
    unit = adhoc({**request, "executionUnit": {"value": CWL}, "processDescription": {"id": "x"}}, OGC, w="tool")
    assert json.loads(unit.deployment.body) == {"executionUnit": {"value": CWL}, "processDescription": {"id": "x"}}
    assert (unit.deployment.workflow, unit.request) == ("tool", request)


def form(*parts: tuple[str, bytes]) -> tuple[bytes, str]:
    body = b"".join(b"--B\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n" for head, content in parts)
    return body + b"--B--\r\n", "multipart/form-data; boundary=B"


def field(name: str, filename: str = "", kind: str = "") -> str:
    file = f'; filename="{filename}"' if filename else ""
    return f'Content-Disposition: form-data; name="{name}"{file}' + (f"\r\nContent-Type: {kind}" if kind else "")


def test_fields_of_a_form_are_read() -> None:
    found = adhoc(
        *form(
            (field("cwl", "x.cwl"), json.dumps(CWL).encode()),
            (
                field("inputs", "job.yml"),
                b"a: 1\nb: [{class: File, location: ./f.bin}, {href: 'cid:f.bin', type: x/y}]",
            ),
            (field("w"), b" tool "),
            (field("response"), b"document"),
            (field("data", "f.bin", "image/tiff"), b"\x00\xff"),
        )
    )
    assert found.deployment.body == json.dumps(CWL).encode() and found.deployment.workflow == "tool"
    assert found.request["response"] == "document"
    assert found.request["inputs"]["a"] == 1
    assert found.request["inputs"]["b"] == [
        {"value": "AP8=", "encoding": "base64", "mediaType": "image/tiff"},
        {"value": "AP8=", "encoding": "base64", "mediaType": "x/y"},
    ]


def test_of_several_documents_only_these_are_the_package() -> None:
    found = adhoc(
        *form(
            (field("cwl", "a.cwl"), json.dumps(CWL).encode()),
            (field("cwl", "b.cwl"), json.dumps({**CWL, "id": "b"}).encode()),
            (field("secret", "data.txt", "text/plain"), b"of the user"),
        )
    )
    parts = read_parts(found.deployment.body, found.deployment.content_type).parts
    assert [part.filename for part in parts] == ["a.cwl", "b.cwl"]
    assert b"of the user" not in found.deployment.body


@pytest.mark.parametrize(
    ("body", "kind", "query", "error"),
    [
        (b"x", "text/plain", {}, UnsupportedMediaType),
        (b"{", "application/json", {}, BadRequest),
        (b"[]", "", {}, BadRequest),
        (b"{}", "", {}, BadRequest),
        (b'{"process": "https://example.com/x"}', "", {}, BadRequest),
        (b"cwlVersion: v1.2", "application/cwl", {"inputs": "{"}, BadRequest),
        (b"cwlVersion: v1.2", "application/cwl", {"outputs": "NaN"}, BadRequest),
        (*form((field("inputs"), b"{}")), {}, BadRequest),
        (*form((field("cwl"), b"x"), (field("inputs"), b"{")), {}, BadRequest),
        (*form((field("cwl"), b"x"), ("Content-Type: application/json", b"[]")), {}, BadRequest),
    ],
)
def test_wrong_requests_are_refused(body: bytes, kind: str, query: dict[str, str], error: type[OapipError]) -> None:
    with pytest.raises(error):
        read_adhoc(body, kind, query, bodies.parse)


KEYS = st.sampled_from(
    "cwlVersion class id $graph inputs outputs steps run type items baseCommand requirements executionUnit value unit "
    "href image config bindings inputBindings processDescription process mutable keywords metadata schema oneOf "
    "minOccurs maxOccurs default cpuMin deploymentProfile command glob enum".split()
)
LEAVES = st.sampled_from(
    [None, True, False, 0, -1, 1.5, 10**30, "", "x", "v1.2", "CommandLineTool", "Workflow", "docker", "a/b:1", "#x",
     "tool", "array", "File", "http://example.com/x", "file:///etc/passwd", "\ud800", "a\x00b", "unbounded"]
)  # fmt: skip
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=25
)
SEEDS = st.sampled_from([CWL, {"executionUnit": CWL}, {"executionUnit": {"type": "docker", "image": "x"}}, {}])
KINDS = st.sampled_from(["application/cwl+json", "application/json", OGC, "text/yaml", ""])
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@FUZZ
@given(SEEDS, st.dictionaries(KEYS, VALUES, max_size=6), KINDS, st.none() | st.sampled_from(["tool", "x", "\ud800"]))
@example(
    {"executionUnit": {"type": "docker", "image": "x"}},
    {"processDescription": {"id": "a", "inputs": {"x": None}}},
    OGC,
    None,
)
def test_whatever_is_deployed_is_a_process_or_one_of_our_errors(
    seed: dict[str, Any], changes: dict[str, Any], kind: str, workflow: str | None
) -> None:
    body = json.dumps({**seed, **changes}).encode()
    try:
        process = read_deployment(body, kind, workflow=workflow, fetch=refuse_all, max_bytes=100_000)
    except OapipError as error:
        assert error.status < 500 and error.detail
    else:
        assert process.id and process.package is not None


MEMBERS = st.sampled_from("inputs outputs response executionUnit process cwl cwlVersion mode w".split())


@FUZZ
@given(st.dictionaries(MEMBERS, VALUES, max_size=5), st.dictionaries(MEMBERS, st.text(max_size=20), max_size=3), KINDS)
def test_whatever_is_executed_ad_hoc_is_read_or_refused(body: dict[str, Any], query: dict[str, str], kind: str) -> None:
    try:
        found = read_adhoc(json.dumps(body).encode(), kind, query, bodies.parse)
    except OapipError as error:
        assert error.status < 500 and error.detail
    else:
        assert found.deployment.body and isinstance(found.request, dict)


@settings(FUZZ, max_examples=60)
@given(st.binary(max_size=200), st.sampled_from(["multipart/related; boundary=B", "multipart/form-data; boundary=B"]))
@example(
    b"--B\r\nContent-Type: application/cwl; charset=\xff\r\nContent-ID: <\xff>\r\n\r\n\xff\r\n--B--",
    "multipart/related; boundary=B",
)
@example(
    b"--B\r\nContent-Transfer-Encoding: base64\r\nContent-Type: application/cwl\r\n\r\n%%%\r\n--B--",
    "multipart/related; boundary=B",
)
@example(
    b"--B\r\nContent-Disposition: form-data; name*=x'y; filename*0*=utf-9''%ff\r\n\r\n\r\n--B--",
    "multipart/form-data; boundary=B",
)
def test_whatever_the_parts_are_there_is_an_answer(noise: bytes, kind: str) -> None:
    for body in (noise, b"--B\r\n" + noise + b"\r\n\r\n" + json.dumps(CWL).encode() + b"\r\n--B--"):
        for read in (
            lambda: read_deployment(body, kind, workflow=None, fetch=refuse_all, max_bytes=100_000),  # noqa: B023
            lambda: read_adhoc(body, kind, {}, bodies.parse),  # noqa: B023
        ):
            try:
                read()
            except OapipError as error:
                assert error.status < 500 and error.detail
