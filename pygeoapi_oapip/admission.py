"""What has to be true of an execute request before a job is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .engines.base import Engine
from .errors import BadRequest, InvalidInputs, OapipError, PlanRejected
from .model.execution import ExecutionRequest, Plan, Subscriber
from .model.json import JSON
from .model.process import AD_HOC, NO_PACKAGE, JobControl, Package, Process, Source
from .model.value import nested_of
from .operations import Preference
from .packages.enclosed import secret_inputs
from .packages.joborder import build_job_order
from .packages.plainorder import unstaged_job_order
from .packages.remote import is_remote
from .settings import Settings
from .staging.base import Prober, Stager
from .staging.poster import make_poster
from .staging.wrap import Wrapping
from .validate import validate
from .validation.literals import with_literals
from .validation.references import Address, CollectedReferences, refuse_any, refuse_missing, top_references
from .validation.violations import Violation


class Admission:
    """Turns bodies into requests that can run."""

    def __init__(self, stager: Stager, settings: Settings) -> None:
        self._stager = stager
        self._check_references = settings.limits.check_references
        self._poster = make_poster(settings.callbacks)

    def request(self, body: JSON, process: Process, reads: frozenset[str] = frozenset()) -> ExecutionRequest:
        """Validate a body, wherever the values in it come from.

        References of plain values are read and validated; those of files are looked for, where the settings say so
        and for a few seconds. Only a certain answer (it does not exist, it may not be read) refuses one.

        Args:
            body: the parsed execute document.
            process: what is executed.
            reads: schemes that its engine reads itself. The rules of this server count for those that it reads, too;
                but it does not look for what the engine reads with keys of its own.

        Raises:
            BadRequest, InvalidInputs: it does not fit the description.
            UnresolvableReference, AddressForbidden, TooLarge, Unavailable: a reference cannot be read.
            UnresolvableReference, AddressForbidden: an address of the subscriber may not be told.
        """
        request = with_literals(validate(body, process), process.inputs, self._stager.fetch)
        addresses = references(request, process)
        refuse_any([one for one in addresses if one.scheme not in reads - self._stager.schemes], self._stager.check)
        if self._check_references and isinstance(self._stager, Prober):
            ours = [one for one in addresses if one.scheme not in reads - {"file"}]
            refuse_missing(ours, self._stager.probe)
        if request.subscriber is not None:
            self._refuse_subscriber(request.subscriber)
        return request

    def _refuse_subscriber(self, subscriber: Subscriber) -> None:
        for name, address in subscriber.addresses().items():
            try:
                self._poster.check(address)
            except OapipError as error:
                place = f"subscriber.{name}"
                raise type(error)(f"{place}: {error.detail}", location=place) from None


class PlanCheck:
    """Whether a request can run where its process runs.

    Args:
        engines: by name.
        wrapping: what packages run inside of.
    """

    def __init__(self, engines: Mapping[str, Engine], wrapping: Wrapping | None) -> None:
        self._engines = engines
        self._wrapping = wrapping

    def package(self, process: Process) -> Package:
        """What runs. Raises PlanRejected: there is nothing that can."""
        if process.id == AD_HOC and process.package is None:
            raise PlanRejected("an ad-hoc execution brings its CWL along: POST it to /processes/CWL/execution")
        package = NO_PACKAGE if process.source is Source.BUILTIN else process.package
        if package is None:
            raise PlanRejected(f"the process {process.id} has no package")
        return package

    def require(self, process: Process, request: ExecutionRequest, engine_name: str, owner: str) -> None:
        """Raises PlanRejected: the engine cannot run it, or cannot keep its secrets."""
        engine, package = self._engines.get(engine_name), self.package(process)
        if engine is None:
            raise PlanRejected(f"the engine {process.engine} of this process is not configured")
        order = unstaged_job_order(request.inputs) if package is NO_PACKAGE else {}
        engine.check(Plan("", process.id, package, order, Path(), owner))
        if package is NO_PACKAGE or is_remote(package) or engine.traits.secrets:
            return
        secret = [name for name in secret_inputs(package) if name in request.inputs]
        if secret:
            raise PlanRejected(
                f"inputs.{secret[0]} is secret (cwltool:Secrets), and the engine {engine_name} cannot keep it from "
                "others."
            )
        if self._wrapping is not None:
            self._wrapping.require_secrets(process.id, engine_name, package, request.inputs)


def references(request: ExecutionRequest, process: Process) -> list[Address]:
    """All references of a request, also those in records and arrays, as staging will find them.

    Raises:
        InvalidInputs: a value does not fit the CWL type of its input, which says more than the schema does.
    """
    nested = any(True for value in request.inputs.values() for _ in nested_of(value))
    if process.package is None or nested or is_remote(process.package):
        return top_references(request)
    files = CollectedReferences()
    try:
        build_job_order(process.package, request.inputs, files)
    except InvalidInputs as error:
        place, _, detail = error.detail.partition(": ")
        rows = [Violation(place, "type", detail).to_json()]
        raise InvalidInputs(error.detail, location=error.location, errors=rows) from None
    return files.found


def waiting_time(process: Process, preference: Preference, longest: float) -> float | None:
    """How long an execution is waited for (/req/core/process-execute-default-execution-mode, -auto-execution-mode).

    Args:
        process: its `jobControlOptions` say which modes there are.
        preference: of the client.
        longest: seconds that the administrator allows.

    Returns:
        Seconds; None for an asynchronous execution, which is answered at once.

    Raises:
        BadRequest: the client asked for strict handling, and this cannot be had.
    """
    synchronous = JobControl.SYNC in process.job_control
    asynchronous = JobControl.ASYNC in process.job_control
    if preference.respond_async and not asynchronous:
        _refuse(preference, f"respond-async: the process {process.id} runs synchronously only")
        return longest
    if preference.wait is not None and preference.wait > longest:
        _refuse(preference, f"wait: must be at most {longest:g} seconds (is {preference.wait:g})")
    if preference.respond_async and (preference.wait is None or not synchronous):
        return None
    if preference.wait is not None:
        return min(preference.wait, longest)
    return longest if synchronous else None


def _refuse(preference: Preference, text: str) -> None:
    if preference.strict:
        raise BadRequest(f"Prefer: {text}", location="Prefer")
