"""The binding of WPS 2.0.0 to the operations that all doors share."""

from __future__ import annotations

from ...errors import OapipError
from ...model.identity import Principal
from ...operations import Operations
from ..door import Binding, WpsAnswer, WpsOptions, WpsRequest
from ..faults import V2, report
from ..terms import ExecuteAsked
from . import kvp, reader
from .asked import Asked, DescribeProcess, Dismiss, GetCapabilities, GetResult, GetStatus
from .call import Call
from .elements import serialised
from .failures import exception_report
from .jobs import dismiss, execute, get_result, get_status
from .offers import Offers


class Version2:
    """Implements `door.Binding`.

    Args:
        options: what the administrator decides.
    """

    def __init__(self, options: WpsOptions) -> None:
        self._options = options
        self._offers = Offers()

    def answer(self, request: WpsRequest, service: Operations, principal: Principal) -> WpsAnswer:
        """Do what is asked. Raises OapipError."""
        document = request.document
        asked = reader.read(document) if document is not None else kvp.read(request.parameters, request.raw)
        return self._answer(asked, Call(request, service, principal, self._options))

    def failure(self, error: OapipError) -> WpsAnswer:
        """An ows:ExceptionReport with the HTTP status of the error."""
        told = report(error, V2)
        return WpsAnswer(serialised(exception_report(told, self._options.language)), told.status)

    def _answer(self, asked: Asked, call: Call) -> WpsAnswer:
        match asked:
            case GetCapabilities():
                return self._offers.capabilities(asked, call)
            case DescribeProcess():
                return self._offers.describe(asked, call)
            case ExecuteAsked():
                return execute(asked, call)
            case GetStatus():
                return get_status(asked.job_id, call)
            case GetResult():
                return get_result(asked.job_id, call)
            case Dismiss():
                return dismiss(asked.job_id, call)


def make_binding(options: WpsOptions) -> Binding:
    """The binding of 2.0.0."""
    return Version2(options)
