"""STAC catalogues among results: as one Collection, or all their Items."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import quote

from flask import Response

from ..errors import ResultNotAvailable
from ..model.execution import ExecutionRequest, ResponseForm, Transmission
from ..model.json import JSONObject
from ..model.value import DirectoryOutput, FileOutput, Literal
from ..operations import Results
from ..packages.formats import media_type_of_name
from ..results import Renderer
from ..staging.stac_output import GEOJSON, Addresses, collection_document, items_document
from .door import json_response

FORMS = ("stac", "items")
"""Words of `f` that only Directories with a catalogue offer."""


class Catalogues:
    """The catalogues of one job.

    Args:
        found: its results.
        made: makes addresses.
    """

    def __init__(self, found: Results, made: Renderer) -> None:
        self._found = found
        self._made = made

    def collection(self, output_id: str, path: str, leaf: DirectoryOutput) -> JSONObject | None:
        """The Collection of a Directory; None where it holds no catalogue.

        Args:
            output_id: the output.
            path: of the Directory below it.
            leaf: the Directory.
        """
        stored = self._found.catalogue(leaf.stac) if leaf.stac else None
        return collection_document(stored, self._addresses(output_id, path, leaf)) if stored is not None else None

    def items(self, output_id: str, path: str, leaf: DirectoryOutput) -> JSONObject | None:
        """All its Items; as `collection`."""
        stored = self._found.catalogue(f"{leaf.stac}-items") if leaf.stac else None
        return items_document(stored, self._addresses(output_id, path, leaf)) if stored is not None else None

    def body(self) -> JSONObject | None:
        """The Collection that is the body of the results as a whole: of the only output, if it is such a Directory and
        the request asks for no document and no link."""
        wanted = ExecutionRequest.from_json(self._found.job.request)
        if wanted.response is ResponseForm.DOCUMENT or len(self._found.outputs) != 1:
            return None
        [(output_id, value)] = self._found.outputs.items()
        asked = (wanted.outputs or {}).get(output_id)
        if isinstance(value, Literal) and isinstance(value.value, Mapping) and "stac_version" in value.value:
            return value.value  # of a stage-out tool (docs/eoepca.md)
        if not isinstance(value, DirectoryOutput) or (asked and asked.transmission is Transmission.REFERENCE):
            return None
        return self.collection(output_id, "", value)

    def served(self, output_id: str, path: str, leaf: DirectoryOutput, form: str) -> Response:
        """`f=stac` or `f=items`. Raises ResultNotAvailable: it holds no catalogue."""
        make: Callable[[str, str, DirectoryOutput], JSONObject | None] = (
            self.items if form == "items" else self.collection
        )
        document = make(output_id, path, leaf)
        if document is None:
            raise ResultNotAvailable(f"{leaf.name} holds no STAC catalogue")
        response = json_response(document)
        if form == "items":
            response.content_type = GEOJSON
        return response

    def _addresses(self, output_id: str, path: str, leaf: DirectoryOutput) -> Addresses:
        here = self._made.href(output_id, path)
        prefix = f"{path}/" if path else ""

        def file(below: str) -> str:
            name = below.rpartition("/")[2]
            there = FileOutput(f"{leaf.href}/{quote(below)}", name, media_type_of_name(name) or "", 0)
            return self._found.locate(there) or self._made.href(output_id, prefix + below)

        return Addresses(file, f"{here}?f=stac", f"{here}?f=items")
