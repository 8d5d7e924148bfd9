"""Whether results can be kept: the bucket is looked at, and made where the settings say so."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import JobFailed, OapipError, StorageUnavailable
from ..settings_s3 import S3Storage
from .s3_client import make_client
from .s3_faults import Fault, code_of, fault_of, storing

LOG = logging.getLogger(__name__)

AGE = 10.0
"""Seconds that an answer may be old."""
PATIENCE = 3.0
"""Seconds that the first one who asks waits."""
_QUICK = 5.0
_PROBE = ".writable"


class BucketCheck:
    """Looks at the bucket.

    Args:
        settings: `storage`.
        client: of the bucket; made when it is first needed.
    """

    def __init__(self, settings: S3Storage, client: Callable[[], Any]) -> None:
        self._settings = settings
        self._client = client
        self._quick: Any = None
        self._lock = threading.Lock()
        self._seen: tuple[float, Mapping[str, bool | str]] | None = None
        self._looking: threading.Thread | None = None
        self._fault = ""

    def start(self) -> None:
        """Make the bucket if it is missing and may be made, and write an empty object. Never raises."""
        try:
            with storing(f"the bucket {self._settings.bucket} cannot be used"):
                self._make_if_missing()
                key = f"{self._settings.prefix}/{_PROBE}"
                self._client().put_object(Bucket=self._settings.bucket, Key=key, Body=b"")
            self._fault = ""
        except JobFailed as error:
            self._fault = error.detail
            LOG.error("results cannot be stored: %s", error.detail)
        except StorageUnavailable as fault:
            LOG.warning("results cannot be stored now: %s", fault.detail)

    def health(self) -> Mapping[str, bool | str]:
        """What was seen last; looks again in the background when that is old."""
        with self._lock:
            old = self._seen is None or time.monotonic() - self._seen[0] > AGE
            if old and (self._looking is None or not self._looking.is_alive()):
                self._looking = threading.Thread(target=self._look, name="oapip-bucket", daemon=True)
                self._looking.start()
            looking = self._looking
        if self._seen is None and looking is not None:
            looking.join(PATIENCE)
        return self._seen[1] if self._seen else {"ok": False, "detail": "the S3 server has not answered yet"}

    def _look(self) -> None:
        bucket = self._settings.bucket
        try:
            with storing(f"the bucket {bucket}"):
                if self._quick is None:
                    self._quick = make_client(self._settings, _QUICK)
                self._quick.head_bucket(Bucket=bucket)
            self._tell(not self._fault, self._fault or f"results are kept in the bucket {bucket}")
        except OapipError as error:
            self._tell(False, error.detail)

    def _tell(self, ok: bool, detail: str) -> None:
        self._seen = (time.monotonic(), {"ok": ok, "detail": detail})

    def _make_if_missing(self) -> None:
        from botocore.exceptions import ClientError

        settings, client = self._settings, self._client()
        try:
            client.head_bucket(Bucket=settings.bucket)
            return
        except ClientError as error:
            if fault_of(error) not in (Fault.MISSING, Fault.NO_BUCKET):
                raise
            if not settings.create_bucket:
                raise JobFailed(
                    f"the bucket {settings.bucket} does not exist (storage.create_bucket is false)"
                ) from None
        place = {} if settings.region == "us-east-1" else {"LocationConstraint": settings.region}
        try:
            client.create_bucket(Bucket=settings.bucket, **({"CreateBucketConfiguration": place} if place else {}))
        except ClientError as error:
            # another process may have been quicker
            if code_of(error) not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                raise
        LOG.warning("the bucket %s was made", settings.bucket)
