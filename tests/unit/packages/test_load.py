"""packages.load: entry points, references, validation, packing."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from pygeoapi_oapip.errors import (
    AddressForbidden,
    AmbiguousWorkflow,
    InvalidPackage,
    OapipError,
    TooLarge,
    WorkflowNotFound,
)
from pygeoapi_oapip.model.process import Package
from pygeoapi_oapip.packages import fetch
from pygeoapi_oapip.packages.describe import describe
from pygeoapi_oapip.packages.load import load_local_package, load_package

WebMaker = Callable[[Mapping[str, bytes]], Any]

TOOL = b"""
cwlVersion: v1.2
class: CommandLineTool
id: echo
baseCommand: echo
inputs: {message: {type: string, inputBinding: {}}}
outputs: {out: stdout}
"""

WORKFLOW = b"""
cwlVersion: v1.2
class: Workflow
id: wf
inputs: {text: string}
outputs: {result: {type: File, outputSource: say/out}}
steps: {say: {run: RUN, in: {message: text}, out: [out]}}
"""

BASE = "https://example.com/apps/wf.cwl"


def load(source: bytes | str, **options: Any) -> Package:
    return load_package(source if isinstance(source, bytes) else source.encode(), "application/cwl", **options)


def graph(*processes: Mapping[str, Any]) -> bytes:
    return json.dumps({"cwlVersion": "v1.2", "$graph": list(processes)}).encode()


def tool(name: str, **members: Any) -> dict[str, Any]:
    return {"class": "CommandLineTool", "id": name, "baseCommand": "true", "inputs": [], "outputs": [], **members}


def workflow(name: str, *runs: str) -> dict[str, Any]:
    steps = {f"s{i}": {"run": f"#{run}", "in": [], "out": []} for i, run in enumerate(runs)}
    return {"class": "Workflow", "id": name, "inputs": [], "outputs": [], "steps": steps}


def test_a_tool_is_kept_as_it_was_sent() -> None:
    found = load(TOOL)
    assert found.source == TOOL
    assert found.document == yaml.safe_load(TOOL)
    assert (found.entry, found.cwl_version, found.media_type) == ("", "v1.2", "application/cwl")
    assert not found.requires_container
    assert not found.requires_javascript


@pytest.mark.parametrize(
    ("processes", "entry", "chosen"),
    [
        ([workflow("wf", "a"), tool("a")], None, "#wf"),
        ([tool("a"), workflow("wf", "a")], "a", "#a"),
        ([tool("a"), workflow("wf", "a")], "#wf", "#wf"),
        ([tool("a"), tool("main")], None, "#main"),
        ([tool("#a"), tool("b"), workflow("#w", "a")], None, "#w"),
        ([tool("only")], None, "#only"),
    ],
)
def test_the_entry_point(processes: list[dict[str, Any]], entry: str | None, chosen: str) -> None:
    assert load(graph(*processes), entry=entry).entry == chosen


def test_several_entry_points_are_listed() -> None:
    with pytest.raises(AmbiguousWorkflow, match="one of: w1, w2"):
        load(graph(workflow("w1", "a"), workflow("w2", "a"), tool("a")))


@pytest.mark.parametrize("source", [graph(workflow("wf", "a"), tool("a")), TOOL])
def test_an_unknown_entry_point_is_refused_with_the_list(source: bytes) -> None:
    with pytest.raises(WorkflowNotFound, match="no process 'nope'. It has: (wf, a|echo)"):
        load(source, entry="nope")


def test_the_fragment_of_the_address_is_the_entry_point() -> None:
    source = graph(tool("a"), tool("b"))
    assert load(source, base_url="https://example.com/x.cwl#b").entry == "#b"
    assert load(source, base_url="https://example.com/x.cwl#b", entry="a").entry == "#a"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (TOOL.replace(b"baseCommand", b"basecommand"), "basecommand"),
        (TOOL.replace(b"string", b"strin"), "strin"),
        (TOOL.replace(b"cwlVersion: v1.2", b""), "`cwlVersion` is missing"),
        (TOOL.replace(b"v1.2", b"v2.0"), "cwlVersion 'v2.0' is not supported"),
        (TOOL.replace(b"CommandLineTool", b"Tool"), "no process"),
        (TOOL.replace(b"CommandLineTool", b"Operation"), "Operation"),
        (WORKFLOW.replace(b"say/out", b"say/none").replace(b"RUN", b"'#x'"), "x"),
        (b"cwlVersion: v1.2\n$graph: {}", "$graph"),
        (b"cwlVersion: v1.2\n$graph: []", "no process"),
        (b"cwlVersion: v1.2\n$graph: [1]", "no process"),
        (b"cwlVersion: v1.2\nclass: Workflow\ninputs: 1\noutputs: 2\nsteps: 3", "package.cwl"),
        (b"cwlVersion: v1.2\nclass: Workflow\ninputs: []\noutputs: []\nsteps: [[1]]", "package.cwl"),
        (graph(workflow("w", "w")), "w"),
    ],
)
def test_invalid_documents_are_refused_with_the_place(source: bytes, text: str) -> None:
    start = time.process_time()
    with pytest.raises(InvalidPackage) as caught:
        load(source)
    assert text in caught.value.detail
    assert "package.invalid" not in caught.value.detail
    assert "\x1b" not in caught.value.detail
    assert len(caught.value.detail.splitlines()) <= 21
    assert time.process_time() - start < 40


def test_links_between_steps_are_checked() -> None:
    source = json.loads(graph(workflow("w", "a"), tool("a", inputs={"n": {"type": "int"}})))
    source["$graph"][0]["inputs"] = {"text": "string"}
    source["$graph"][0]["steps"]["s0"]["in"] = {"n": "text"}
    with pytest.raises(InvalidPackage, match="incompatible"):
        load(json.dumps(source).encode())


def test_a_document_too_large_is_refused() -> None:
    with pytest.raises(TooLarge):
        load(TOOL, max_bytes=10)


@pytest.mark.parametrize(
    "reference",
    [
        b"$include: file:///etc/hostname",
        b"$include: /etc/hostname",
        b"$include: ../../../../etc/hostname",
        b"$import: file:///etc/hostname",
    ],
)
@pytest.mark.parametrize("base", ["", BASE])
def test_files_of_the_server_are_never_read(reference: bytes, base: str, web: WebMaker) -> None:
    pages = web({})
    with pytest.raises(OapipError) as caught:
        load(TOOL + b"doc: {" + reference + b"}\n", base_url=base, fetch=pages)
    assert all(url.startswith("https://example.com/") for url in pages.asked)
    assert Path("/etc/hostname").read_text().strip() not in caught.value.detail


def test_a_relative_reference_without_address_is_explained() -> None:
    with pytest.raises(InvalidPackage, match="'tools/echo.cwl', relative to itself, but was sent without an address"):
        load(WORKFLOW.replace(b"RUN", b"tools/echo.cwl"))


def test_references_are_read_by_fetch_only_and_packed(web: WebMaker) -> None:
    pages = web({"https://example.com/apps/echo.cwl": TOOL})
    found = load(WORKFLOW.replace(b"RUN", b"echo.cwl"), base_url=BASE, fetch=pages)
    assert set(pages.asked) == {"https://example.com/apps/echo.cwl"}
    assert found.entry == "#wf"
    assert "example.com" not in json.dumps(found.document)
    again = load(json.dumps(found.document), entry=found.entry)
    assert again.document == found.document
    assert describe(found).inputs.keys() == {"text"}


def test_what_fetch_refuses_is_what_the_user_sees(web: WebMaker) -> None:
    def refuse(url: str) -> bytes:
        raise AddressForbidden(f"{url} is not allowed here.")

    with pytest.raises(AddressForbidden, match=r"http://10\.0\.0\.1/x\.cwl is not allowed"):
        load(WORKFLOW.replace(b"RUN", b"http://10.0.0.1/x.cwl"), fetch=refuse)


def test_imports_and_includes_are_put_in_place(web: WebMaker) -> None:
    source = b"""
cwlVersion: v1.2
class: ExpressionTool
id: js
requirements:
  - class: SchemaDefRequirement
    types: [{$import: types.yml}]
  - class: InlineJavascriptRequirement
    expressionLib: [{$include: lib.js}]
inputs: {box: "types.yml#box"}
outputs: {n: int}
expression: "${ return {n: f()}; }"
"""
    types = b"{name: box, type: record, fields: {west: double, east: 'double?'}}"
    lib = b"function f() { return {a: [1, 2}; }"
    pages = web({"https://example.com/apps/types.yml": types, "https://example.com/apps/lib.js": lib})
    found = load(source, base_url=BASE, fetch=pages)
    assert lib.decode() in json.dumps(found.document)
    assert found.requires_javascript
    schema: Any = describe(found).inputs["box"].schema
    assert schema["properties"]["west"] == {"type": "number", "format": "double"}
    assert schema["required"] == ["west"]
    assert load(json.dumps(found.document), entry=found.entry).document == found.document


def test_unknown_hints_and_schemas_cause_no_access(web: WebMaker) -> None:
    pages = web({})
    source = (
        TOOL
        + b"""
$namespaces: {ex: "http://example.com/", s: "https://schema.org/"}
$schemas: ["https://schema.org/version/latest/schemaorg.rdf"]
hints: {"ex:Foo": {bar: 1}}
s:softwareVersion: 1.2.3
"""
    )
    found = load(source, fetch=pages)
    assert pages.asked == []
    assert "$schemas" not in found.document
    assert describe(found).version == "1.2.3"


def test_too_many_references_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MAX_REFERENCES", 10)

    def endless(url: str) -> bytes:
        number = int(url.rpartition("/")[2].partition(".")[0])
        return WORKFLOW.replace(b"RUN", f"{number + 1}.cwl".encode())

    with pytest.raises(InvalidPackage, match="more than 10 other documents"):
        load(WORKFLOW.replace(b"RUN", b"0.cwl"), base_url="https://example.com/wf.cwl", fetch=endless)


def test_an_alias_bomb_behind_a_reference_is_refused(web: WebMaker) -> None:
    bomb = b"a: &a [" + b"x," * 10_000 + b"x]\nb: [*a,*a,*a,*a,*a,*a]"
    with pytest.raises(InvalidPackage, match="values"):
        load(
            WORKFLOW.replace(b"RUN", b"bomb.cwl"),
            base_url=BASE,
            fetch=web({"https://example.com/apps/bomb.cwl": bomb}),
        )


def test_tools_of_an_older_version_keep_its_rules(web: WebMaker) -> None:
    old = TOOL.replace(b"v1.2", b"v1.0")
    pages = web({"https://example.com/apps/old.cwl": old})
    found = load(WORKFLOW.replace(b"RUN", b"old.cwl"), base_url=BASE, fetch=pages)
    assert found.cwl_version == "v1.2"
    graph: Any = found.document["$graph"]
    hints = {hint["class"]: hint for process in graph for hint in process.get("hints", [])}
    assert hints["NetworkAccess"]["networkAccess"] is True


def test_an_old_package_keeps_its_version() -> None:
    assert load(TOOL.replace(b"v1.2", b"v1.0")).document["cwlVersion"] == "v1.0"


@pytest.mark.parametrize(
    ("members", "container", "javascript"),
    [
        ({"requirements": {"DockerRequirement": {"dockerPull": "x"}}}, True, False),
        ({"hints": {"DockerRequirement": {"dockerPull": "x"}}}, False, False),
        ({"requirements": [{"class": "InlineJavascriptRequirement"}]}, False, True),
        ({"hints": [{"class": "InlineJavascriptRequirement"}]}, False, True),
    ],
)
def test_what_a_package_needs(members: dict[str, Any], container: bool, javascript: bool) -> None:
    found = load(graph(workflow("w", "a"), tool("a", **members), tool("other")), entry="w")
    assert (found.requires_container, found.requires_javascript) == (container, javascript)
    assert not load(graph(tool("b"), tool("a", **members)), entry="b").requires_container


def test_cwltool_extensions_are_known() -> None:
    source = (
        TOOL
        + b"""
$namespaces: {cwltool: "http://commonwl.org/cwltool#"}
requirements:
  cwltool:CUDARequirement: {cudaVersionMin: "11.4", cudaComputeCapability: "3.0", cudaDeviceCountMin: 1}
"""
    )
    assert load(source).document["requirements"]


def test_many_threads_get_the_same_packages() -> None:
    sources = [TOOL.replace(b"id: echo", f"id: e{n}".encode()) for n in range(8)]
    found: dict[int, Any] = {}
    threads = [threading.Thread(target=lambda n=n: found.__setitem__(n, load(sources[n]).document)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[n]["id"] for n in range(8)] == [f"e{n}" for n in range(8)]


@pytest.mark.parametrize(
    "name",
    ["schemadef-wf.cwl", "revsort-packed.cwl", "mixed-versions/wf-v10.cwl", "search.cwl", "stage-array-dirs.cwl"],
)
def test_packed_documents_of_the_suite_load_alone(name: str, suite: Path) -> None:
    found = load_local_package(suite / name, "main" if name == "search.cwl" else None)
    again = load(json.dumps(found.document), entry=found.entry or None)
    assert again.document == found.document
    assert "file:" not in json.dumps(found.document)


@pytest.mark.parametrize("name", ["tool-v10", "tool-v11", "wf-v10", "wf-v11", "wf-v12"])
def test_invalid_documents_of_the_suite_are_refused(name: str, suite: Path) -> None:
    with pytest.raises(InvalidPackage, match=r"invalid-\w+-v1\d.cwl:\d+:\d+: "):
        load_local_package(suite / "mixed-versions" / f"invalid-{name}.cwl")
