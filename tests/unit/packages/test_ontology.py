"""Ontologies of file formats in packages."""

from __future__ import annotations

from pathlib import Path

from pygeoapi_oapip.model.json import JSON, JSONObject
from pygeoapi_oapip.packages.load import load_local_package, load_package
from pygeoapi_oapip.packages.ontology import EQUIVALENT, SUBCLASS, as_address, carried, declared_formats, relations

EX = "http://example.org/"
TURTLE = f"""
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix ex: <{EX}> .
ex:geotiff rdfs:subClassOf ex:tiff .
ex:cog rdfs:subClassOf ex:geotiff .
ex:tif owl:equivalentClass ex:tiff .
ex:png rdfs:subClassOf ex:image .
ex:tiff rdfs:subClassOf [ a owl:Restriction ] .
"""
PACKAGE = b"""cwlVersion: v1.2
class: CommandLineTool
id: rasters
$namespaces: {ex: http://example.org/}
$schemas: [formats.ttl]
baseCommand: ls
inputs: {image: {type: File, format: ex:tiff}}
outputs: {}
"""


def test_only_what_leads_to_a_declared_format_is_kept() -> None:
    found = relations([("file:///f.ttl", TURTLE)], {EX + "tiff"})
    assert found == {
        (EX + "geotiff", SUBCLASS, EX + "tiff"),
        (EX + "cog", SUBCLASS, EX + "geotiff"),
        (EX + "tif", EQUIVALENT, EX + "tiff"),
    }


def test_circles_and_texts_that_are_no_ontology_do_no_harm() -> None:
    circle = f"<{EX}a> <{SUBCLASS}> <{EX}b> . <{EX}b> <{SUBCLASS}> <{EX}a> ."
    documents = [("file:///f.ttl", circle), ("file:///x.owl", "no ontology"), ("file:///y.ttl", "@@@"), ("z", "")]
    assert len(relations(documents, {EX + "a"})) == 2


def test_relations_travel_in_an_address() -> None:
    triples = {(EX + "größe%20#x", SUBCLASS, EX + "tiff"), (EX + "a,b", EQUIVALENT, EX + "c")}
    assert set(carried({"$schemas": ["http://example.org/other.owl", as_address(triples)]})) == triples


def test_what_others_write_there_is_read_with_care() -> None:
    prefix = as_address(set())
    hostile: list[JSON] = [
        prefix + "<a> <b> .%0A<a> <http://www.w3.org/2000/01/rdf-schema#label> <c> .",
        prefix + "%00%FF<",
        7,
        None,
        "data:text/turtle,<a> <b> <c> .",
    ]
    assert carried({"$schemas": hostile}) == []
    assert carried({"$schemas": prefix}) == []
    assert carried({}) == []


def test_formats_are_found_with_their_prefixes_and_without_expressions() -> None:
    document: JSONObject = {
        "inputs": {"a": {"format": "ex:tiff"}, "b": {"format": ["ex:png", "http://x/y"]}, "c": {"format": "$(1)"}}
    }
    assert declared_formats(document, {"ex": EX}) == {EX + "tiff", EX + "png", "http://x/y"}


def test_a_trusted_package_carries_the_part_that_it_needs(tmp_path: Path) -> None:
    (tmp_path / "formats.ttl").write_text(TURTLE)
    (tmp_path / "package.cwl").write_bytes(PACKAGE)
    package = load_local_package(tmp_path / "package.cwl")
    assert (EX + "cog", SUBCLASS, EX + "geotiff") in carried(package.document)
    again = load_package(str(package.document).encode(), "application/cwl")
    assert carried(again.document) == carried(package.document)


def test_the_ontologies_of_a_sent_package_are_not_read() -> None:
    assert "$schemas" not in load_package(PACKAGE, "application/cwl").document
