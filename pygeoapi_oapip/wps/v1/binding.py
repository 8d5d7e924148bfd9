"""The binding of WPS 1.0.0 to the operations that all doors share."""

from __future__ import annotations

from dataclasses import replace

from ...errors import JobFailed, OapipError
from ...model.identity import Principal
from ...operations import Operations
from ..dispatch import NAMESPACES, split
from ..door import WpsAnswer, WpsOptions, WpsRequest
from ..faults import V1, report
from . import execute_kvp, execute_xml
from .failures import exception_report
from .jobs import Call, execute, status_document
from .offers import Offers
from .vocabulary import serialised


class Version1:
    """Implements `door.Binding`.

    Args:
        options: what the administrator decides.
    """

    def __init__(self, options: WpsOptions) -> None:
        self._options = options
        self._offers = Offers(options)

    def answer(self, request: WpsRequest, service: Operations, principal: Principal) -> WpsAnswer:
        """Do what is asked. Raises OapipError."""
        root = request.document
        name = split(root.tag)[1] if root is not None else request.parameters.get("request", "").strip()
        if name.lower() == "execute":
            asked = (
                execute_xml.read_execute(root)
                if root is not None
                else execute_kvp.read_execute(request.parameters, request.raw)
            )
            return execute(asked, Call(request, service, principal, self._options))
        if root is not None and name == "GetCapabilities" and NAMESPACES.get(split(root.tag)[0]) != V1:
            # a client of both versions asks in the words of 2.0 and prefers this one; PyWPS would not read it
            return self._offers.capabilities(request, service, principal)
        from .pywps_parts import Parser

        parser = Parser(self._options.language)
        parsed = parser.of_parameters(request.parameters) if root is None else parser.of_document(root)
        if parsed.operation == "getcapabilities":
            return self._offers.capabilities(request, service, principal)
        return self._offers.descriptions(parsed.identifiers or (), service, principal)

    def status(self, job_id: str, request: WpsRequest, service: Operations, principal: Principal) -> WpsAnswer:
        """The status document of a job. Raises NoSuchJob."""
        return status_document(job_id, Call(request, service, principal, self._options))

    def failure(self, error: OapipError) -> WpsAnswer:
        """An ows:ExceptionReport. OWS Common 1.1 says nothing of HTTP: what is not there and jobs that fail are 400 as
        in PyWPS, since OWSLib does not read reports that come with 404 or 500."""
        told = report(error, V1)
        if told.status == 404 or (isinstance(error, JobFailed) and told.status >= 500):
            told = replace(told, status=400)
        return WpsAnswer(serialised(exception_report(told, self._options.language)), told.status)


def make_binding(options: WpsOptions) -> Version1:
    """The binding of 1.0.0."""
    return Version1(options)
