"""What a hostile user deploys and runs: every text that the server shows to others tries to reach `BEACON`."""

from __future__ import annotations

import json
from typing import Any

BEACON = "/beacon"
"""Part of an address that no page of ours ever asks for."""
USER = "mallory<img src=x onerror=fetch('/beacon-user')>"


def evil(place: str) -> str:
    """A text that does something wherever it is taken for HTML, an attribute, a script or Markdown."""
    at = f"{BEACON}-{place}"
    return (
        f"\"'></title></textarea></script><script>fetch('{at}-script')</script>"
        f"<img src={at}-image onerror=fetch('{at}-e')>"
        f"<svg onload=fetch('{at}-svg')></svg><a href=\"javascript:fetch('{at}-link')\">x</a>"
        f"<iframe src={at}-frame></iframe><link rel=stylesheet href={at}-style>"
        f"<meta http-equiv=refresh content='0;url={at}-meta'><form action={at}-form><button autofocus>x</button></form>"
        f"![x]({at}-markdown) [x](javascript:fetch('{at}-md')) {{{{constructor.constructor('fetch(1)')()}}}} ]]>"
    )


def script(place: str) -> str:
    """A script that asks for the beacon."""
    return f"fetch('{BEACON}-{place}');new Image().src='{BEACON}-{place}-i';location='{BEACON}-{place}-l'"


def _item() -> dict[str, Any]:
    return {
        "stac_version": "1.0.0",
        "type": "Feature",
        "id": evil("item-id"),
        "geometry": {"type": "Point", "coordinates": [11, 43]},
        "bbox": [11, 43, 11, 43],
        "properties": {"datetime": "2026-01-02T03:04:05Z", "title": evil("item-title"), evil("key"): evil("value")},
        "assets": {
            evil("asset-key"): {"href": "javascript:" + script("asset"), "title": evil("asset"), "type": evil("type")},
            "picture": {"href": f"{BEACON}-picture.png", "title": "x", "type": "image/png", "roles": ["thumbnail"]},
        },
        "links": [{"rel": evil("rel"), "href": "javascript:" + script("item-link"), "title": evil("link-title")}],
    }


def _collection() -> dict[str, Any]:
    return {
        "stac_version": "1.0.0",
        "type": "Collection",
        "id": evil("stac-id"),
        "title": evil("stac-title"),
        "description": evil("stac-description"),
        "license": evil("license"),
        "keywords": [evil("stac-keyword")],
        "providers": [{"name": evil("provider"), "url": "javascript:" + script("provider")}],
        "extent": {"spatial": {"bbox": [[11, 43, 12, 44]]}, "temporal": {"interval": [["2026-01-01T00:00:00Z", None]]}},
        "links": [{"rel": "item", "href": "./item.json", "title": evil("stac-link")}],
    }


def files() -> dict[str, str]:
    """Results by name."""
    feature = {
        "type": "Feature",
        "id": evil("feature-id"),
        "properties": {"name": evil("property"), evil("property-key"): {"deep": evil("deep")}},
        "geometry": {"type": "Point", "coordinates": [12.5, 41.9]},
    }
    return {
        "collection.json": json.dumps(_collection()),
        "item.json": json.dumps(_item()),
        "places.geojson": json.dumps({"type": "FeatureCollection", "features": [feature]}),
        "rows.csv": f'name,note\n"{evil("csv").replace(chr(34), chr(34) * 2)}",=cmd()\n',
        "rows.json": json.dumps([{"name": evil("json"), evil("json-key"): 1}]),
        "page.html": f'<!doctype html><body onload="{script("html-load")}">'
        f"<script>{script('html')}</script>{evil('page')}",
        "drawing.svg": "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9' "
        f'onload="{script("svg-load")}"><script>{script("svg")}</script></svg>',
        "data.xml": f"<?xml version='1.0'?><?xml-stylesheet type='text/xsl' href='{BEACON}-xsl'?>"
        f"<x xmlns:h='http://www.w3.org/1999/xhtml'><h:script>{script('xml')}</h:script></x>",
        "plain.txt": f"<html><script>{script('sniffed')}</script>{evil('plain')}",
        "code.js": script("js"),
    }


MEDIA_TYPES = {
    "collection": "application/json",
    "item": "application/geo+json",
    "places": "application/geo+json",
    "rows": "text/csv",
    "page": "text/html",
    "drawing": "image/svg+xml",
    "data": "application/xml",
    "plain": "text/plain",
    "code": "text/javascript",
}


def _outputs() -> dict[str, Any]:
    outputs: dict[str, Any] = {
        "said": {"type": "stdout", "label": evil("output-label"), "doc": evil("output-doc")},
        "tree": {"type": "Directory", "outputBinding": {"glob": "tree"}},
        "odd": {"type": "File[]", "outputBinding": {"glob": "odd*"}},
        "table": {"type": "File", "format": "iana:application/json", "outputBinding": {"glob": "rows.json"}},
    }
    for name in files():
        key = name.partition(".")[0]
        if name != "rows.json":
            kind = {"format": f"iana:{MEDIA_TYPES[key]}"}
            outputs[key] = {"type": "File", **kind, "outputBinding": {"glob": name}}
    return outputs


def package() -> str:
    """A tool with hostile texts in its description, log and results."""
    listing = [{"entryname": name, "entry": text.replace("$", "\\$")} for name, text in files().items()]
    log = evil("log").replace("'", "'\\''")
    odd = evil("file").replace("/", "_").replace("'", "")[:200]
    command = (
        f"echo '{log}' >&2; echo '{log}'; mkdir tree; cp collection.json item.json page.html tree; : > 'odd {odd}.txt'"
    )
    return json.dumps(
        {
            "cwlVersion": "v1.2",
            "class": "CommandLineTool",
            "id": "hostile",
            "label": evil("label"),
            "doc": evil("doc"),
            "requirements": {"InitialWorkDirRequirement": {"listing": listing}},
            "baseCommand": ["sh", "-c", command],
            "inputs": {
                "word": {
                    "type": "string",
                    "label": evil("input-label"),
                    "doc": evil("input-doc"),
                    "default": evil("default"),
                },
                "kind": {"type": {"type": "enum", "symbols": ["a", "b"]}, "label": evil("enum-label"), "default": "a"},
            },
            "outputs": _outputs(),
            "stdout": "said.txt",
            "s:keywords": [evil("keyword")],
            "s:softwareVersion": "1.0",
            "s:author": [{"class": "s:Person", "s:name": evil("author"), "s:email": "javascript:" + script("email")}],
            "s:license": "javascript:" + script("license"),
            "s:codeRepository": "javascript:" + script("repository"),
            "$namespaces": {"iana": "https://www.iana.org/assignments/media-types/", "s": "https://schema.org/"},
        }
    )


def failing() -> str:
    """A tool whose failure tells hostile texts, so that the message of the job has them."""
    log = evil("failure").replace("'", "'\\''")
    tool = {"cwlVersion": "v1.2", "class": "CommandLineTool", "id": "hostile-fails", "inputs": {}, "outputs": {}}
    return json.dumps({**tool, "label": evil("fails"), "baseCommand": ["sh", "-c", f"echo '{log}' >&2; exit 3"]})
