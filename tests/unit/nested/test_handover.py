"""Outputs that are not in a job's folder, on their way to another job."""

from __future__ import annotations

from pathlib import Path

from pygeoapi_oapip.model.json import JSONObject
from pygeoapi_oapip.model.value import DirectoryOutput, FileOutput, Inline, Reference
from pygeoapi_oapip.nested.handover import Handover
from pygeoapi_oapip.staging.base import Result, Watch


class Files:
    """Remembers what it is asked for."""

    def __init__(self) -> None:
        self.adopted: list[Result] = []
        self.referred: list[str] = []

    def adopt(self, input_id: str, result: Result, copied: bool) -> JSONObject:
        self.adopted.append(result)
        return {"class": "File", "location": "file:///adopted"}

    def reference(self, input_id: str, href: str, media_type: str, is_directory: bool) -> JSONObject:
        self.referred.append(href)
        return {"class": "File", "location": href}

    def complete(self, order: JSONObject, watch: Watch | None = None) -> JSONObject:
        raise AssertionError("not used")

    def literal(self, input_id: str, content: bytes, media_type: str, index: int) -> JSONObject:
        raise AssertionError("not used")


def handed_over(output: FileOutput | DirectoryOutput) -> Files:
    files = Files()
    handover = Handover(files, plain=False, copied=False)
    value = handover.value(output, Path("/jobs/j"))
    if isinstance(value, Reference):
        address = value.href
    else:
        assert isinstance(value, Inline)
        assert isinstance(value.value, dict)
        address = str(value.value["location"])
    handover.reference("i", address, "", isinstance(output, DirectoryOutput))
    return files


def test_stored_results_are_read_with_the_keys_of_the_storage() -> None:
    files = handed_over(FileOutput("s3://bucket/jobs/j/a", "a", "", 1))
    assert [(result.href, result.name, result.is_directory) for result in files.adopted] == [
        ("s3://bucket/jobs/j/a", "a", False)
    ]
    assert files.referred == []


def test_stored_directories_too() -> None:
    [result] = handed_over(DirectoryOutput("s3://bucket/jobs/j/d", "d")).adopted
    assert (result.href, result.is_directory) == ("s3://bucket/jobs/j/d", True)


def test_addresses_of_other_servers_are_read_as_those_of_users() -> None:
    files = handed_over(FileOutput("https://example.org/a", "a", "", 1))
    assert (files.adopted, files.referred) == ([], ["https://example.org/a"])
    assert handed_over(FileOutput("outputs/a", "a", "", 1)).adopted[0].path == Path("/jobs/j/outputs/a")
