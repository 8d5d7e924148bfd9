from __future__ import annotations

import base64
from collections.abc import Mapping

import pytest

from pygeoapi_oapip.model.execution import ExecutionRequest, OutputRequest, Transmission
from pygeoapi_oapip.model.json import JSON
from pygeoapi_oapip.model.value import DirectoryOutput, FileOutput, ListOutput, Literal, OutputValue, RecordOutput
from pygeoapi_oapip.results import LARGEST_INLINE, Renderer, file_links, find_file

ADDRESS = "https://example.org/jobs/1/results"
SHAPE = FileOutput(
    "outputs/a.shp", "a.shp", "application/x-shapefile", 5, secondary=(FileOutput("outputs/a.dbf", "a.dbf", "", 3),)
)
TEXT = FileOutput("outputs/b c.txt", "b c.txt", "text/plain", 5)
FOLDER = DirectoryOutput("outputs/tiles", "tiles")
VALUES: dict[str, OutputValue] = {
    "file": TEXT,
    "shape": SHAPE,
    "folder": FOLDER,
    "list": ListOutput((TEXT, SHAPE, FOLDER)),
    "nested": ListOutput((ListOutput((TEXT, Literal(1))), ListOutput((TEXT,)))),
    "record": RecordOutput({"map": SHAPE, "score": Literal(0.5), "more": ListOutput((FOLDER,))}),
}
PATHS = {
    "file": [""],
    "shape": ["", "a.dbf"],
    "folder": [""],
    "list": ["0/b c.txt", "1/a.shp", "1/a.dbf", "2/tiles"],
    "nested": ["0/0/b c.txt", "1/0/b c.txt"],
    "record": ["map/a.shp", "map/a.dbf", "more/0/tiles"],
}


@pytest.mark.parametrize("output_id", VALUES)
def test_each_file_has_a_path_that_leads_back_to_it(output_id: str) -> None:
    value = VALUES[output_id]
    links = list(file_links(output_id, value))
    assert [path for path, _ in links] == PATHS[output_id]
    for path, leaf in links:
        assert find_file(value, path) == (leaf if isinstance(leaf, FileOutput) else (leaf, ""))


def test_a_file_is_found_by_its_own_name_too() -> None:
    assert find_file(TEXT, "b c.txt") is TEXT
    assert find_file(SHAPE, "a.shp") is SHAPE


def test_files_of_directories_have_their_relative_path() -> None:
    assert find_file(FOLDER, "1/2/3.png") == (FOLDER, "1/2/3.png")
    assert find_file(VALUES["list"], "2/tiles/x.png") == (FOLDER, "x.png")
    assert find_file(VALUES["record"], "more/0/tiles/x/y.png") == (FOLDER, "x/y.png")


@pytest.mark.parametrize("path", ["..", "../a", "a/../../b", "./a", "a//b", "/etc/passwd", "a/", "a\0b", "..\\a"])
@pytest.mark.parametrize("output_id", VALUES)
def test_paths_that_leave_the_output_lead_nowhere(output_id: str, path: str) -> None:
    assert find_file(VALUES[output_id], path) is None


@pytest.mark.parametrize("path", ["0", "9/b c.txt", "1/b c.txt", "a.dbf", "-1/tiles", "map"])
def test_unknown_paths_lead_nowhere(path: str) -> None:
    assert find_file(VALUES["list"], path) is None


def test_names_that_an_engine_gave_twice_keep_apart() -> None:
    twice = FileOutput("a/x", "x", "", 1, secondary=(FileOutput("b/x", "x", "", 2),))
    paths = dict(file_links("o", twice))
    assert list(paths) == ["", "1-x"]
    assert find_file(twice, "1-x") == twice.secondary[0]


def render(value: OutputValue, wanted: OutputRequest | None = None, content: bytes = b"hello") -> JSON:
    request = ExecutionRequest({}, {"o": wanted} if wanted else None)
    document = Renderer(ADDRESS, lambda output_id, path: content).document({"o": value}, request)
    return document["o"]


@pytest.mark.parametrize("value", ["text", 1, 0.5, True, [1, 2], {"bbox": [1, 2, 3, 4], "crs": "x"}])
def test_literals_are_plain(value: JSON) -> None:
    assert render(Literal(value)) == value


def test_objects_are_qualified_values() -> None:
    assert render(Literal({"a": 1})) == {"value": {"a": 1}, "mediaType": "application/json"}


def test_a_literal_is_qualified_where_a_format_is_asked_for() -> None:
    assert render(Literal("x"), OutputRequest(media_type="text/plain")) == {"value": "x", "mediaType": "text/plain"}


def test_a_literal_by_reference_is_a_link() -> None:
    link = render(Literal("x"), OutputRequest(Transmission.REFERENCE))
    assert link == {"href": f"{ADDRESS}/o", "type": "application/json", "title": "o"}


def test_null_is_left_out() -> None:
    renderer = Renderer(ADDRESS, lambda output_id, path: b"")
    assert renderer.document({"o": Literal(None), "p": Literal(0)}, ExecutionRequest({})) == {"p": 0}


def test_a_file_is_a_link_with_type_and_secondary_files_beside_it() -> None:
    assert render(TEXT) == {"href": f"{ADDRESS}/o", "type": "text/plain", "title": "b c.txt", "length": 5}
    shape = render(SHAPE)
    assert isinstance(shape, Mapping)
    assert shape["secondaryFiles"] == [
        {"href": f"{ADDRESS}/o/a.dbf", "type": "application/octet-stream", "title": "a.dbf", "length": 3}
    ]


def test_arrays_of_files_are_arrays_of_links_with_escaped_names() -> None:
    links = render(VALUES["list"])
    assert isinstance(links, list)
    assert [link["href"] for link in links] == [
        f"{ADDRESS}/o/0/b%20c.txt",
        f"{ADDRESS}/o/1/a.shp",
        f"{ADDRESS}/o/2/tiles",
    ]
    assert links[2]["type"] == "application/zip"


def test_the_same_file_twice_in_an_array_keeps_both_places() -> None:
    links = render(ListOutput((TEXT, TEXT)))
    assert isinstance(links, list)
    assert [link["href"] for link in links] == [f"{ADDRESS}/o/0/b%20c.txt", f"{ADDRESS}/o/1/b%20c.txt"]


def test_a_record_is_a_qualified_value_with_links() -> None:
    record = render(VALUES["record"])
    assert isinstance(record, Mapping)
    value = record["value"]
    assert isinstance(value, Mapping)
    assert value["score"] == 0.5


@pytest.mark.parametrize(
    ("media_type", "content", "expected"),
    [
        ("text/plain", b"hello", {"value": "hello", "mediaType": "text/plain"}),
        ("application/geo+json", b'{"a": 1}', {"value": {"a": 1}, "mediaType": "application/geo+json"}),
        ("application/json", b"{", {"value": "ew==", "mediaType": "application/json", "encoding": "base64"}),
        ("text/csv", b"\xff", {"value": "/w==", "mediaType": "text/csv", "encoding": "base64"}),
        ("image/tiff", b"II", {"value": "SUk=", "mediaType": "image/tiff", "encoding": "base64"}),
        ("", b"?", {"value": "Pw==", "mediaType": "application/octet-stream", "encoding": "base64"}),
    ],
)
def test_a_file_by_value_holds_its_content(media_type: str, content: bytes, expected: JSON) -> None:
    file = FileOutput("outputs/x", "x", media_type, len(content))
    assert render(file, OutputRequest(Transmission.VALUE), content) == expected


def test_a_large_file_stays_a_link() -> None:
    file = FileOutput("outputs/x", "x", "image/tiff", LARGEST_INLINE + 1)
    link = render(file, OutputRequest(Transmission.VALUE))
    assert isinstance(link, Mapping) and "href" in link


def test_binary_content_survives_base64() -> None:
    content = bytes(range(256))
    value = render(FileOutput("o", "o", "image/png", 256), OutputRequest(Transmission.VALUE), content)
    assert isinstance(value, Mapping)
    assert base64.b64decode(str(value["value"])) == content
