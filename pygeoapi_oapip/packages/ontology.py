"""Ontologies of file formats (`$schemas`; CWL v1.2 CommandLineTool, `format`): which formats may stand for another.

A whole ontology has megabytes and is mostly on another server. A package keeps the part that says which formats are
a kind of those that its inputs declare, as N-Triples in a `data:` URL under `$schemas`, so that it needs nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from ..model.json import JSON, JSONObject

Triple = tuple[str, str, str]
"""Subject, predicate and object; absolute IRIs."""

SUBCLASS = "http://www.w3.org/2000/01/rdf-schema#subClassOf"
EQUIVALENT = "http://www.w3.org/2002/07/owl#equivalentClass"
_DATA = "data:application/n-triples;charset=utf-8,"
_LINE = re.compile(r"<([^<>\s]{1,2000})> <([^<>\s]{1,2000})> <([^<>\s]{1,2000})> \.")
_MOST = 20_000
"""Relations in a package; EDAM has 700 formats."""


def declared_formats(value: JSON, namespaces: Mapping[str, str]) -> set[str]:
    """The formats that inputs and outputs below `value` name, as absolute IRIs; expressions are left out.

    Args:
        value: a CWL document.
        namespaces: its `$namespaces`.
    """
    return {absolute(text, namespaces) for text in _formats(value) if not text.startswith("$")}


def _formats(value: JSON) -> Iterator[str]:
    if isinstance(value, Mapping):
        own = value.get("format")
        if isinstance(own, str):
            yield own
        elif isinstance(own, Sequence):
            yield from (item for item in own if isinstance(item, str))
        for item in value.values():
            yield from _formats(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _formats(item)


def absolute(text: str, namespaces: Mapping[str, str]) -> str:
    """A format without its prefix, where `namespaces` has that."""
    prefix, colon, rest = text.partition(":")
    return namespaces[prefix] + rest if colon and prefix in namespaces else text


def relations(documents: Iterable[tuple[str, str]], formats: set[str]) -> set[Triple]:
    """What ontologies say about the formats that are a kind of the given ones, or the same.

    Args:
        documents: (URL, text) of each ontology, RDF/XML or Turtle; what is neither says nothing.
        formats: absolute IRIs.

    Returns:
        The triples of rdfs:subClassOf and owl:equivalentClass from which one of `formats` can be reached.
    """
    above: dict[str, set[Triple]] = {}
    for triple in _named(documents):
        subject, predicate, target = triple
        above.setdefault(target, set()).add(triple)
        if predicate == EQUIVALENT:
            above.setdefault(subject, set()).add(triple)
    found: set[Triple] = set()
    queue, seen = list(formats), set(formats)
    while queue:
        for triple in above.get(queue.pop(), ()):
            found.add(triple)
            new = {triple[0], triple[2]} - seen if triple[1] == EQUIVALENT else {triple[0]} - seen
            seen |= new
            queue.extend(new)
    return found


def _named(documents: Iterable[tuple[str, str]]) -> Iterator[Triple]:
    from xml.sax import SAXException

    from rdflib import Graph, URIRef
    from rdflib.exceptions import ParserError

    for url, text in documents:
        for notation in ("turtle", "xml") if url.endswith((".ttl", ".n3")) else ("xml", "turtle"):
            graph = Graph()
            try:
                graph.parse(data=text, format=notation, publicID=url)
            except (SyntaxError, ValueError, LookupError, SAXException, ParserError):
                continue
            for predicate in (SUBCLASS, EQUIVALENT):
                for subject, target in graph.subject_objects(URIRef(predicate)):
                    if isinstance(subject, URIRef) and isinstance(target, URIRef):
                        yield str(subject), predicate, str(target)
            break


def as_address(triples: set[Triple]) -> str:
    """The triples as a `data:` URL of N-Triples, which `carried` reads."""
    return _DATA + quote("".join(f"<{s}> <{p}> <{o}> .\n" for s, p, o in sorted(triples)), safe="<>:/#. ")


def carried(document: JSONObject) -> list[Triple]:
    """The triples that a package carries.

    Args:
        document: a CWL document; other addresses under its `$schemas` say nothing here.
    """
    addresses: Any = document.get("$schemas")
    if not isinstance(addresses, Sequence) or isinstance(addresses, str):
        return []
    texts = (
        unquote(item.removeprefix(_DATA)) for item in addresses if isinstance(item, str) and item.startswith(_DATA)
    )
    found = [match.groups() for text in texts for match in _LINE.finditer(text)]
    return [(s, p, o) for s, p, o in found[:_MOST] if p in (SUBCLASS, EQUIVALENT)]
