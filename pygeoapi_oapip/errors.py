"""Every error that a user may see, and the two kinds of fault that an engine may report.

OapipError                          has an HTTP status, an OGC exception URI, a WPS code and a text that is safe to show
├── BadRequest                      400  the request cannot be understood
│   ├── InvalidInputs               400  inputs or outputs do not fit the process description
│   ├── InvalidPackage              400  the application package is not valid
│   │   ├── WorkflowNotFound        400  the package has no such entry point (Part 2 `w`)
│   │   └── AmbiguousWorkflow       400  the package has several entry points and none was chosen
│   ├── UnknownOutput               400  the process has no such output
│   ├── InvalidQuery                400  a query parameter has a value that is not allowed
│   └── PlanRejected                400  the engine cannot run this package (raised by `Engine.check`)
├── Unauthorized                    401  the principal has not said who it is, or not in a way that counts
├── Forbidden                       403  the principal may not do this
│   ├── ImmutableProcess            403  the process is configured or built in
│   └── AddressForbidden            403  the address of a reference is not allowed
├── NotFound                        404
│   ├── NoSuchProcess               404
│   ├── NoSuchJob                   404
│   ├── NoSuchOutput                404
│   ├── ResultNotReady              404  the job has not ended
│   └── ResultNotAvailable          404  the job ended without this result
├── MethodNotAllowed                405
├── NotAcceptable                   406
├── Conflict                        409
│   └── DuplicateProcess            409  a process with this id is deployed
├── PreconditionFailed              412  the resource is not in the state that If-Match names
├── TooLarge                        413
├── UnsupportedMediaType            415
│   └── UnsupportedJobMediaType     415  of a job definition (Part 4)
├── UnsupportedSchema               422  the Content-Schema of a job definition (Part 4)
├── Locked                          423  the job is not one that can still be changed or started (Part 4)
├── UnresolvableReference           400  a reference in a request or package could not be read
├── TooManyRequests                 429  more than this client may ask for at once
├── StorageFull                     507  what this client keeps here takes all the room that it may
├── JobFailed                       500  the job failed; it has the detail and the status of the true cause
├── Unavailable                     503  a part of the server cannot be reached; try again
│   ├── StoreUnavailable            503
│   ├── AnswerLost                  503  another server was asked, and its answer did not come
│   └── EngineUnavailable           503  temporary: the reconciler tries again
└── Internal                        500  a defect of this server

Inside the server only:
ConfigurationError                  the configuration is wrong; ends the start-up
VersionConflict                     a compare-and-swap save lost (another process changed the row)
RunLost                             permanent: the engine does not know the run any more
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

PART1 = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
PART2 = "http://www.opengis.net/def/exceptions/ogcapi-processes-2/1.0/"
PART4 = "http://www.opengis.net/def/exceptions/ogcapi-processes-4/1.0/"
ABOUT_BLANK = "about:blank"
"""RFC 9457 section 4.2.1: the problem is the HTTP status itself."""


class OapipError(Exception):
    """Base of all errors shown to users.

    Args:
        detail: one or more sentences for the person who sent the request. It never holds a path of
            this machine, a secret or a traceback.
        location: what the error is about, for example `inputs.size`, or "" (WPS `locator`).
        members: further problem members (RFC 9457 section 3.2), JSON values.
    """

    status: int = 500
    type: str = ABOUT_BLANK
    code: str = "NoApplicableCode"
    """pygeoapi's `code` member and the WPS exception code (OGC 06-121r9 table 28, WPS 1.0 table 62)."""

    title: str = ""
    """A short summary of the kind of problem; "" stands for the phrase of the status."""

    headers: tuple[tuple[str, str], ...] = ()
    """Header fields of the answer."""

    def __init__(self, detail: str, *, location: str = "", **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.location = location
        self.members = members

    def problem(self) -> dict[str, Any]:
        """The error as RFC 9457 problem details plus pygeoapi's `code` and `description`.

        Returns:
            A JSON object with type, title, status, detail, code, description and the further members.
        """
        return {
            "type": self.type,
            "title": self.title or HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "description": self.detail,
            **self.members,
        }


class BadRequest(OapipError):
    """The request cannot be understood."""

    status = 400
    code = "InvalidParameterValue"


class InvalidInputs(BadRequest):
    """The execute request does not fit the process description (Part 1 /req/core/process-execute-input-validation)."""

    title = "Invalid inputs"


class InvalidPackage(BadRequest):
    """The application package is not a valid CWL document or OGC application package."""

    title = "Invalid application package"


class WorkflowNotFound(InvalidPackage):
    """Part 2 /req/cwl/deploy-exception-workflow-not-found."""

    type = PART2 + "workflow-not-found"
    title = "Workflow not found"


class AmbiguousWorkflow(InvalidPackage):
    """The package has several possible entry points; `detail` lists them."""

    title = "Entry point not chosen"


class InvalidQuery(BadRequest):
    """A query parameter has a value that is not allowed."""

    type = PART1 + "invalid-query-parameter-value"
    title = "Invalid query parameter value"


class PlanRejected(BadRequest):
    """The engine cannot run this package here, and says why. Never raised once a job exists."""

    title = "This server cannot run the process"


class UnresolvableReference(BadRequest):
    """A reference in a request or in a package could not be read."""

    title = "Unresolvable reference"


class Unauthorized(OapipError):
    """Nobody said who asks, or it was not true (RFC 9110 section 15.5.2). `challenge` goes into WWW-Authenticate."""

    status = 401
    code = "AccessDenied"

    def __init__(self, detail: str, challenge: str = "") -> None:
        super().__init__(detail)
        self.headers = (("WWW-Authenticate", challenge),) if challenge else ()


class TooManyRequests(OapipError):
    """More than this client may ask for at once; `after` seconds later it may ask again."""

    status = 429
    code = "ServerBusy"

    def __init__(self, detail: str, after: int) -> None:
        super().__init__(detail)
        self.headers = (("Retry-After", str(after)),)


class StorageFull(OapipError):
    """What a user keeps here takes all the room that it may. Waiting does not help, so it is not 429: RFC 4918 section
    11.5 and RFC 4331 section 6 give 507 for a quota in which the user has to make room before asking again."""

    status = 507
    code = "NotEnoughStorage"


class Forbidden(OapipError):
    """The principal may not do this."""

    status = 403
    code = "AccessDenied"


class ImmutableProcess(Forbidden):
    """Part 2 /req/deploy-replace-undeploy/deploy-response-immutable."""

    type = PART2 + "immutable-process"
    title = "Immutable process"


class AddressForbidden(Forbidden):
    """The address of a reference is not one that this server may read."""

    title = "Address not allowed"


class NotFound(OapipError):
    """The resource does not exist, or the principal may not know that it does."""

    status = 404
    code = "NotFound"


class NoSuchProcess(NotFound):
    """Part 1 /req/core/process-exception/no-such-process."""

    type = PART1 + "no-such-process"
    code = "NoSuchProcess"
    title = "No such process"


class NoSuchJob(NotFound):
    """Part 1 /req/core/job-exception-no-such-job."""

    type = PART1 + "no-such-job"
    code = "NoSuchJob"
    title = "No such job"


class NoSuchOutput(NotFound):
    """The job has no output of this id."""

    type = PART1 + "no-such-output"
    code = "NoSuchOutput"
    title = "No such output"


class UnknownOutput(BadRequest):
    """The process has no output of this id (2.0 /req/core/job-result-exception/no-such-output)."""

    type = PART1 + "no-such-output"
    code = "NoSuchOutput"
    title = "No such output"


class ResultNotReady(NotFound):
    """Part 1 /req/core/job-results-exception/results-not-ready."""

    type = PART1 + "result-not-ready"
    code = "ResultNotReady"
    title = "Result not ready"


class ResultNotAvailable(NotFound):
    """The job ended, and this result does not exist (2.0 draft, results-not-available)."""

    type = PART1 + "result-not-available"
    code = "ResultNotAvailable"
    title = "Result not available"


class MethodNotAllowed(OapipError):
    """The resource exists and does not have this method."""

    status = 405
    code = "OperationNotSupported"


class NotAcceptable(OapipError):
    """No representation of the resource fits the Accept header."""

    status = 406
    code = "InvalidParameterValue"


class Conflict(OapipError):
    """The request does not fit the present state of the resource."""

    status = 409
    code = "InvalidParameterValue"


class DuplicateProcess(Conflict):
    """Part 2 /req/deploy-replace-undeploy/deploy-response-duplicate."""

    type = PART2 + "duplicated-process"
    title = "Duplicated process"


class PreconditionFailed(OapipError):
    """The resource is not in the state that the If-Match header names (RFC 9110 section 13.1.1)."""

    status = 412
    code = "InvalidParameterValue"


class TooLarge(OapipError):
    """A body or a referenced document is larger than the server allows."""

    status = 413
    code = "FileSizeExceeded"
    title = "Content Too Large"


class UnsupportedMediaType(OapipError):
    """Part 2 /req/deploy-replace-undeploy/deploy-unsupported-media-type."""

    status = 415
    type = PART2 + "unsupported-media-type"
    code = "InvalidParameterValue"


class UnsupportedJobMediaType(UnsupportedMediaType):
    """Part 4 /req/job-management/create-unsupported-media-type."""

    type = PART4 + "unsupported-media-type"


class UnsupportedSchema(OapipError):
    """Part 4 /req/job-management/create-unsupported-schema."""

    status = 422
    type = PART4 + "unsupported-schema"
    code = "InvalidParameterValue"
    title = "Unsupported schema"


class Locked(OapipError):
    """Part 4 /req/job-management/update-response-locked: the job has been started, so its definition stays."""

    status = 423
    type = PART4 + "locked"
    code = "InvalidParameterValue"


class JobFailed(OapipError):
    """The job failed; `detail` says why (Part 1 /req/core/job-results-failed)."""

    title = "Job failed"

    @classmethod
    def because(cls, problem: Mapping[str, Any] | None, message: str = "") -> JobFailed:
        """The failure of a job with the status and the type of its cause.

        Args:
            problem: `problem()` of the cause, as the job keeps it; None where it is not known.
            message: stands in where the problem has no detail.
        """
        cause = dict(problem or {})
        error = cls(str(cause.pop("detail", "") or message))
        status = cause.pop("status", None)
        if isinstance(status, int) and 400 <= status < 600 and status != Unavailable.status:
            error.status = status
        for name in ("type", "title", "code"):
            setattr(error, name, str(cause.pop(name, None) or getattr(error, name)))
        cause.pop("description", None)
        error.members = cause
        return error


class Unavailable(OapipError):
    """A part of the server cannot be reached now; the same request may work later."""

    status = 503
    code = "ServerBusy"


class StoreUnavailable(Unavailable):
    """The database is locked, full or gone."""


class StorageUnavailable(Unavailable):
    """The disk of the jobs is full or read-only: the reconciler tries again until it is not."""


class AnswerLost(Unavailable):
    """A request to another server was sent, and its answer did not come: nobody knows whether it had an effect."""


class EngineUnavailable(Unavailable):
    """Temporary fault of an engine: the reconciler tries again with backoff."""


class Internal(OapipError):
    """A defect of this server: the log has the traceback, the user gets a reference to it."""


class ConfigurationError(Exception):
    """The configuration is wrong. The text names the key and what it may be; start-up ends."""


class VersionConflict(Exception):
    """A compare-and-swap save lost: the row has another version now. Reload and decide again."""


class RunLost(Exception):
    """The engine does not know the run any more; it cannot come back."""
