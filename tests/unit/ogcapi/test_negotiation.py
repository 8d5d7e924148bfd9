from __future__ import annotations

import pytest

from pygeoapi_oapip.errors import InvalidQuery
from pygeoapi_oapip.ogcapi.negotiation import names_json, wanted

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, "json"),
        ("", "json"),
        ("*/*", "json"),
        ("application/json", "json"),
        ("application/*", "json"),
        ("text/*", "html"),
        ("text/html", "html"),
        (BROWSER, "html"),
        ("text/html, application/json", "html"),
        ("application/json, text/html", "json"),
        ("text/html;q=0.5, application/json;q=0.9", "json"),
        ("text/html;q=0, */*", "json"),
        ("*/*, text/html", "html"),
        ("application/xml", "json"),
        ("image/png", "json"),
        ("text/html;q=nonsense", "json"),
        (";;;,,,q=1", "json"),
        ("TEXT/HTML", "html"),
    ],
)
def test_html_is_served_only_where_it_is_preferred(accept: str | None, form: str) -> None:
    assert wanted(None, accept) == form


def test_the_parameter_beats_the_header() -> None:
    assert wanted("json", BROWSER) == "json"
    assert wanted("html", "application/json") == "html"
    assert wanted("jsonld", BROWSER) == "json"


@pytest.mark.parametrize("word", ["xml", "HTML", "zip", "../etc", "json "])
def test_an_unknown_word_is_an_error_that_names_what_is_offered(word: str) -> None:
    with pytest.raises(InvalidQuery, match="offered: json, html"):
        wanted(word, None)


def test_further_representations_are_chosen_by_their_media_types() -> None:
    assert wanted(None, "multipart/related", ("json", "html", "multipart")) == "multipart"
    assert wanted(None, "application/zip", ("json", "zip")) == "zip"
    assert wanted(None, "text/plain;q=0.4, application/json;q=0.2", ("json", "text")) == "text"


def test_json_by_name_differs_from_a_wildcard() -> None:
    assert names_json("text/plain, application/json")
    assert not names_json("*/*")
    assert not names_json("application/json;q=0")
    assert not names_json(None)
