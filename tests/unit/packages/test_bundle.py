"""packages.bundle and packages.parts: several CWL documents in one request."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from pygeoapi_oapip.errors import BadRequest, InvalidPackage, WorkflowNotFound
from pygeoapi_oapip.model.process import Process
from pygeoapi_oapip.packages.deployment import read_deployment
from pygeoapi_oapip.packages.parts import join_parts, read_parts

TOOL: dict[str, Any] = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "id": "say",
    "baseCommand": "echo",
    "inputs": {"word": {"type": "string", "inputBinding": {}}},
    "outputs": {"out": "stdout"},
}


def workflow(run: str, **members: Any) -> dict[str, Any]:
    return {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "id": "flow",
        "inputs": {"word": "string"},
        "outputs": {"out": {"type": "File", "outputSource": "step/out"}},
        "steps": {"step": {"run": run, "in": {"word": "word"}, "out": ["out"]}},
        **members,
    }


def multipart(*parts: tuple[str, Any], start: str = "", kind: str = "related") -> tuple[bytes, str]:
    body = b""
    for heads, content in parts:
        text = content if isinstance(content, bytes) else json.dumps(content).encode()
        body += b"--XX\r\n" + heads.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n" + text + b"\r\n"
    root = f'; start="{start}"' if start else ""
    return body + b"--XX--\r\n", f"multipart/{kind}; boundary=XX{root}"


def deploy(body: bytes, content_type: str, workflow: str | None = None, web: Any = None) -> Process:
    return read_deployment(body, content_type, workflow=workflow, fetch=web or (lambda url: b""), max_bytes=100_000)


def names(process: Process) -> set[str]:
    assert process.package is not None
    return {item["id"].lstrip("#") for item in process.package.document["$graph"]}  # type: ignore[union-attr,index,call-overload]


CWL = "Content-Type: application/cwl+json"


@pytest.mark.parametrize(
    ("run", "heads"),
    [
        ("say", ""),
        ("say.cwl", ""),
        ("./say.cwl", ""),
        ("tools/say-1.cwl", '\nContent-Disposition: attachment; filename="tools/say-1.cwl"'),
        ("cid:say@bundle.example", "\nContent-ID: <say@bundle.example>"),
        ("https://example.com/say.cwl", "\nContent-Location: https://example.com/say.cwl"),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_a_workflow_runs_the_other_parts_by_name(run: str, heads: str, order: int) -> None:
    body, kind = multipart(*[(CWL + heads, TOOL), (CWL, workflow(run))][::order])
    found = deploy(body, kind)
    assert found.id == "flow" and set(found.inputs) == {"word"} and len(names(found)) == 2
    assert found.package is not None
    assert (found.package.source, found.package.media_type) == (body, kind)


def test_start_or_w_or_the_name_main_tell_which_document_is_meant() -> None:
    other = {**TOOL, "id": "other"}
    parts = (CWL + "\nContent-ID: <one>", TOOL), (CWL + "\nContent-ID: <two>", other)
    assert deploy(*multipart(*parts)).id == "say"
    assert deploy(*multipart(*parts, start="<two>")).id == "other"
    assert deploy(*multipart(*parts), workflow="other").id == "other"
    assert deploy(*multipart(parts[0], (CWL + "\nContent-ID: <main>", other))).id == "other"


@pytest.mark.requirement("part2/cwl/deploy-exception-workflow-not-found")
def test_what_no_part_has_is_refused() -> None:
    parts = (CWL, TOOL), (CWL, {**TOOL, "id": "other"})
    with pytest.raises(WorkflowNotFound, match="no process 'none'. It has: say, other"):
        deploy(*multipart(*parts), workflow="none")
    with pytest.raises(InvalidPackage, match="`start` names 'none'"):
        deploy(*multipart(*parts, start="<none>"))
    with pytest.raises(InvalidPackage, match="refers to 'gone.cwl'"):
        deploy(*multipart((CWL, TOOL), (CWL, workflow("gone.cwl"))))


def test_an_empty_part_is_read_from_its_location(web: Any) -> None:
    page = web({"https://example.com/say.cwl": json.dumps(TOOL).encode()})
    located = CWL + "\nContent-Location: https://example.com/say.cwl"
    body, kind = multipart((located, b""), (CWL, workflow("https://example.com/say.cwl")))
    assert names(deploy(body, kind, web=page)) == {"flow", "say"}
    assert page.asked == ["https://example.com/say.cwl"]


def test_a_description_may_be_a_part() -> None:
    description = {"processDescription": {"id": "mine", "title": "T"}}
    body, kind = multipart(("Content-Type: application/json", description), (CWL, TOOL), kind="mixed")
    found = deploy(body, kind)
    assert (found.id, found.title) == ("mine", "T")


def test_several_units_are_one_package() -> None:
    body = {"executionUnit": [{"unit": TOOL}, {"unit": workflow("say.cwl")}]}
    found = deploy(json.dumps(body).encode(), "application/json")
    assert found.id == "flow" and names(found) == {"flow", "say"}


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        (b"", "multipart/related", "no `boundary`"),
        (b"", "multipart/related; boundary=XX", "1 to 200 parts"),
        (b"no parts", "multipart/related; boundary=XX", "1 to 200 parts"),
        multipart(("Content-Type: text/plain", b"x")) + ("no part with CWL",),
        multipart(("Content-Type: multipart/mixed; boundary=YY", b"--YY\r\n\r\nx\r\n--YY--")) + ("itself multipart",),
        multipart((CWL, b"[]")) + ("must be a mapping",),
        multipart((CWL, b"\xff")) + ("not UTF-8",),
        multipart(("Content-Type: application/json", {"processDescription": {}})) + ("must be one unit (has 0)",),
    ],
)
def test_wrong_bodies_are_refused(body: bytes, kind: str, text: str) -> None:
    with pytest.raises(BadRequest) as caught:
        deploy(body, kind)
    assert text in caught.value.detail


def test_parts_are_read_byte_for_byte_and_joined_again() -> None:
    content = bytes(range(256)) + b"\r\n\n\r--X\r\n"
    body, kind = multipart(('Content-Disposition: form-data; name="a"; filename="x y.bin"', content), kind="form-data")
    (part,) = read_parts(body, kind).parts
    assert (part.content, part.name, part.filename, part.media_type) == (content, "a", "x y.bin", "")
    again = read_parts(*join_parts([part, part], "a@b"))
    assert [item.content for item in again.parts] == [content, content]
    assert (again.parts[0].filename, again.start) == ("x y.bin", "a@b")


def test_headers_of_parts_cannot_smuggle_others() -> None:
    body, kind = multipart(('Content-ID: <a"b>\nContent-Disposition: attachment; filename="q\\"r.cwl"', b"x"))
    (part,) = read_parts(body, kind).parts
    joined, _ = join_parts([part], "")
    assert joined.count(b"\r\n\r\n") == 1


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"--B\r\n" * 2_000_000, "parts (has more)|no empty line"),
        (b"--B\r\n\r\n\r\n" * 500_000, "has more"),
        (b"--B\r\n" + b"a: b\r\n" * 2_000_000 + b"\r\nx\r\n--B--", "no empty line after its headers"),
        (b"--B\r\n" + b"a" * 10_000_000 + b"\r\n--B--", "no empty line"),
        (b"--B\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%\r\n--B--", "is not base64"),
        (b"--B\r\nContent-Transfer-Encoding: rot13\r\n\r\nx\r\n--B--", "'rot13' of a part is not supported"),
        (b"\r\n-" * 3_000_000, "has 0"),
        (b"--B--B" * 3_000_000, "begins with its boundary and goes on"),
        (b"--B\r\n\r\n" + b"\n--BB" * 3_000_000, "begins with its boundary and goes on"),
    ],
)
def test_bodies_that_are_made_to_exhaust_the_server_are_refused_at_once(body: bytes, text: str) -> None:
    start = time.monotonic()
    with pytest.raises(BadRequest, match=re.escape(text) if "|" not in text else "has more|no empty line"):
        read_parts(body, "multipart/related; boundary=B")
    assert time.monotonic() - start < 60


def test_lines_may_end_as_unix_has_them() -> None:
    body = b"preamble\n--B\nContent-Type: application/cwl\n\na: 1\n\n--B \n\nsecond\n--B--\nepilogue"
    first, second = read_parts(body, "multipart/mixed; boundary=B").parts
    assert (first.content, first.media_type, second.content) == (b"a: 1\n", "application/cwl", b"second")


def test_encoded_parts_are_decoded() -> None:
    head = b"\r\n--B\r\nContent-Transfer-Encoding: "
    body = head + b"BASE64\r\n\r\nAP8=" + head + b"quoted-printable\r\n\r\n=FF\r\n--B--"
    parts = read_parts(body, 'multipart/mixed; boundary="B"').parts
    assert [part.content for part in parts] == [b"\x00\xff", b"\xff"]
