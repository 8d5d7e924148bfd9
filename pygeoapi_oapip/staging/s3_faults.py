"""What S3 servers and the SDK say of failures, in our terms.

Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from enum import Enum

from ..errors import (
    JobFailed,
    OapipError,
    ResultNotAvailable,
    StorageUnavailable,
    Unavailable,
    UnresolvableReference,
)


class Fault(Enum):
    """Kinds of failures."""

    MISSING = "does not exist"
    NO_BUCKET = "the bucket does not exist"
    DENIED = "access is denied"
    KEYS = "the keys of this server are not accepted"
    EXPIRED = "the keys of this server have expired"
    FULL = "the S3 server has no room"
    AWAY = "the S3 server cannot be reached, or cannot answer now"
    REFUSED = "the S3 server refuses the request"


_BY_CODE = {
    "NoSuchKey": Fault.MISSING,
    "NoSuchVersion": Fault.MISSING,
    "404": Fault.MISSING,
    "NotFound": Fault.MISSING,
    "NoSuchBucket": Fault.NO_BUCKET,
    "AccessDenied": Fault.DENIED,
    "AllAccessDisabled": Fault.DENIED,
    "AccountProblem": Fault.DENIED,
    "InvalidObjectState": Fault.DENIED,
    "401": Fault.DENIED,
    "403": Fault.DENIED,
    "Forbidden": Fault.DENIED,
    "InvalidAccessKeyId": Fault.KEYS,
    "SignatureDoesNotMatch": Fault.KEYS,
    "InvalidToken": Fault.KEYS,
    "InvalidClientTokenId": Fault.KEYS,
    "AuthorizationHeaderMalformed": Fault.KEYS,
    "ExpiredToken": Fault.EXPIRED,
    "ExpiredTokenException": Fault.EXPIRED,
    "TokenRefreshRequired": Fault.EXPIRED,
    "RequestExpired": Fault.EXPIRED,
    "QuotaExceeded": Fault.FULL,
    "XMinioStorageFull": Fault.FULL,
    "XMinioAdminBucketQuotaExceeded": Fault.FULL,
    "EntityTooLarge": Fault.REFUSED,
    "507": Fault.FULL,
    "RequestTimeTooSkewed": Fault.AWAY,
    "OperationAborted": Fault.AWAY,
    "RequestTimeout": Fault.AWAY,
    "BadDigest": Fault.AWAY,
    "XAmzContentChecksumMismatch": Fault.AWAY,
    "IncompleteBody": Fault.AWAY,
    "NoSuchUpload": Fault.AWAY,
    "PreconditionFailed": Fault.AWAY,
}
"""`NoSuchUpload`: parts were removed by another process that began the same upload. `PreconditionFailed`: the object
changed between two requests for its parts. The next try settles both."""


def _kinds() -> tuple[type[Exception], ...]:
    """All that the SDK raises: it has no common base class."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError
    from s3transfer.exceptions import CancelledError, RetriesExceededError
    from urllib3.exceptions import HTTPError

    return ClientError, BotoCoreError, Boto3Error, HTTPError, CancelledError, RetriesExceededError


def fault_of(error: BaseException) -> Fault:
    """The kind of an exception of the SDK."""
    from botocore.exceptions import ClientError, NoCredentialsError, ParamValidationError

    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _BY_CODE:
            return _BY_CODE[code]
        return Fault.AWAY if status >= 500 or status in (0, 408, 429) else Fault.REFUSED
    if isinstance(error, NoCredentialsError):
        return Fault.KEYS
    return Fault.REFUSED if isinstance(error, ParamValidationError) else Fault.AWAY


def code_of(error: BaseException) -> str:
    """What the server or the SDK calls it."""
    response = getattr(error, "response", None)
    code = str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""
    return code or type(error).__name__


@contextmanager
def explained(what: str, table: Mapping[Fault, type[OapipError]], other: type[OapipError]) -> Iterator[None]:
    """Turn what boto3 raises into errors of ours.

    Args:
        what: names the thing in the message.
        table: the class of each kind.
        other: the class of all further kinds.
    """
    try:
        yield
    except _kinds() as error:
        fault = fault_of(error)
        raise table.get(fault, other)(f"{what}: {fault.value} ({code_of(error)})") from None


_READING: Mapping[Fault, type[OapipError]] = {Fault.AWAY: Unavailable}
_STORING: Mapping[Fault, type[OapipError]] = {
    Fault.AWAY: StorageUnavailable,
    Fault.FULL: StorageUnavailable,
    Fault.EXPIRED: StorageUnavailable,
}
_SERVING: Mapping[Fault, type[OapipError]] = {Fault.MISSING: ResultNotAvailable, Fault.NO_BUCKET: ResultNotAvailable}


def reading(url: str) -> AbstractContextManager[None]:
    """For inputs that a user names: UnresolvableReference, or Unavailable."""
    return explained(url, _READING, UnresolvableReference)


def storing(what: str) -> AbstractContextManager[None]:
    """For results on their way into the storage: JobFailed, or StorageUnavailable. Expired keys are a fault of the
    server, which its operator puts right; no job fails because of them."""
    return explained(what, _STORING, JobFailed)


def serving(what: str) -> AbstractContextManager[None]:
    """For results on their way out: ResultNotAvailable, or StorageUnavailable."""
    return explained(what, _SERVING, StorageUnavailable)
