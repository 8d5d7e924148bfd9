"""The pages of single outputs. A file is sent as it is, to browsers too; its page has to be asked for with `f=html`."""

from __future__ import annotations

from flask import Response

from ..model.value import DirectoryOutput, FileOutput, OutputValue
from ..results import Renderer
from .door import Door, asked_form, html_response
from .links import Link


def asked() -> bool:
    """True if the present request names the page itself, not only in Accept."""
    return asked_form() == "html"


def of_output(door: Door, renderer: Renderer, job_id: str, output_id: str, value: OutputValue) -> Response | None:
    """The page of an output, or None where its content is wanted. Directories have a page of their own."""
    if isinstance(value, DirectoryOutput):
        return None
    if not asked() and (isinstance(value, FileOutput) or door.wanted(("json", "text", "html")) != "html"):
        return None
    return _page(door, job_id, output_id, renderer.plain(output_id, value))


def of_file(door: Door, job_id: str, output_id: str, link: Link) -> Response:
    """The page of a file below an output."""
    return _page(door, job_id, output_id, link)


def _page(door: Door, job_id: str, output_id: str, value: object) -> Response:
    return html_response(door.page("output", {"value": value}, job_id=job_id, output_id=output_id))
