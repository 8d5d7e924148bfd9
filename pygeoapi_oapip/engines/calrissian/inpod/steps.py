"""Runs Calrissian 0.18 with the pods of its steps as the server wants them, and keeps account of them.

steps.py PLAN     PLAN as for runner.py, which starts this

Calrissian has no flags for most pod settings, gives its pods no owner, waits without end for a pod that cannot start,
misses the log of a step that ends at once, and fails where its watch is interrupted. So this module changes three of
its methods: how a pod is built, submitted and waited for.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import guard  # type: ignore[import-not-found,unused-ignore]  # beside this file in the pod
import leaving  # type: ignore[import-not-found,unused-ignore]
import overlay  # type: ignore[import-not-found,unused-ignore]
import rights  # type: ignore[import-not-found,unused-ignore]
import sealed  # type: ignore[import-not-found,unused-ignore]
from calrissian import job, k8s
from calrissian import main as calrissian_main

PATIENCE = 600.0
"""Seconds for which the API server may be away."""
SILENCE = 60.0
"""Seconds without a line after which a log is opened again."""
OLDER = 120.0
"""Seconds to wait for the end of step pods of an earlier try."""
_BAD = re.compile("[^-a-z0-9]+")


class Account:
    """What the server learns of the steps: events in run/events.jsonl, and their logs.

    Args:
        out: folder that the server reads.
    """

    def __init__(self, out: str) -> None:
        self.out = out
        self.names: dict[str, str] = {}
        self.lock = threading.Lock()

    def tell(self, event: str, pod: str, **more: Any) -> None:
        """Add an event of the step of a pod."""
        row = {"event": event, "step": self.names.get(pod, pod), "time": _now(), **more}
        with self.lock, open(os.path.join(self.out, "run", "events.jsonl"), "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def log_file(self, pod: str) -> str:
        """Where the log of a pod's step goes."""
        name = re.sub("[^A-Za-z0-9_.-]", "_", self.names.get(pod, pod)).lstrip(".") or "step"
        return os.path.join(self.out, "logs", "steps", name[:200] + ".log")


class StepLog:
    """Copies the log of a pod into a file, each line once, whatever happens to the connection."""

    def __init__(self, api: Any, namespace: str, pod: str, path: str) -> None:
        self.api, self.namespace, self.pod, self.path = api, namespace, pod, path
        self.last = ""

    def copy(self, follow: bool) -> None:
        """Copy what there is and, if told so, what comes until the container ends. Raises what the client raises."""
        more = {"since_seconds": self._age()} if self.last else {}
        answer = self.api.read_namespaced_pod_log(
            self.pod,
            self.namespace,
            follow=follow,
            timestamps=True,
            _preload_content=False,
            _request_timeout=(10, SILENCE),
            **more,
        )
        try:
            with open(self.path, "ab", buffering=0) as file:
                for line in _lines(answer):
                    stamp = line.partition(b" ")[0].decode("ascii", "replace")
                    if stamp > self.last:
                        self.last = stamp
                        file.write(line + b"\n")
        finally:
            answer.release_conn()

    def _age(self) -> int:
        last = datetime.fromisoformat(self.last[:19] + "+00:00")
        return max(1, int((datetime.now(timezone.utc) - last).total_seconds()) + 2)  # noqa: UP017


class Waiting:
    """Follows one pod to its end.

    Args:
        client: Calrissian's, which has the pod.
        account: what is told.
        grace: seconds for which a pod may be unable to start.
    """

    def __init__(self, client: Any, account: Account, grace: float) -> None:
        self.client, self.account, self.grace = client, account, grace
        self.name = client.pod.metadata.name
        self.log = StepLog(client.core_api_instance, client.namespace, self.name, account.log_file(self.name))
        self.problem = ""
        self.since = 0.0
        self.running = False

    def until_end(self) -> Any:
        """Wait; gives Calrissian's CompletionResult. Raises CalrissianJobException where the pod does not start."""
        while True:
            pod = self._look()
            status = (pod.status.container_statuses or [None])[0]
            if status is not None and status.state.terminated:
                return self._ended(pod, status)
            if pod.status.phase == "Failed":
                raise self._failure(pod)
            if status is not None and status.state.running:
                self._follow()
            else:
                self._judge(_problem(pod))
                time.sleep(0.3)

    def _look(self) -> Any:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                found = self.client.core_api_instance.list_namespaced_pod(
                    self.client.namespace, field_selector="metadata.name=" + self.name, _request_timeout=(10, 30)
                ).items
            except (k8s.ApiException, k8s.HTTPError) as error:
                if time.monotonic() > deadline:
                    raise
                print(f"the cluster does not answer: {type(error).__name__}", file=sys.stderr)
                time.sleep(2.0)
                continue
            if not found:
                self.account.tell("end", self.name, exit_code=None, reason="its pod was removed")
                raise k8s.CalrissianJobException(f"the pod {self.name} was removed by somebody else")
            return found[0]

    def _follow(self) -> None:
        if not self.running:
            self.running = True
            self.account.tell("run", self.name)
        try:
            self.log.copy(follow=True)
            time.sleep(0.1)
        except (k8s.ApiException, k8s.HTTPError, OSError):
            time.sleep(1.0)

    def _judge(self, problem: str) -> None:
        if problem != self.problem:
            if not self.problem:  # later ones, such as ErrImagePull and ImagePullBackOff by turns, do not begin it anew
                self.since = time.monotonic()
            self.problem = problem
            self.account.tell("wait", self.name, reason=problem)
        if problem and time.monotonic() - self.since > self.grace:
            self.account.tell("end", self.name, exit_code=None, reason=problem)
            self._remove()
            raise k8s.CalrissianJobException(f"{self.name} cannot start: {problem}")

    def _ended(self, pod: Any, status: Any) -> Any:
        try:
            self.log.copy(follow=False)
        except (k8s.ApiException, k8s.HTTPError, OSError) as error:
            print(f"the end of the log of {self.name} is lost: {type(error).__name__}", file=sys.stderr)
        over = status.state.terminated
        self.client._handle_completion(status.state, pod.spec.containers[0])
        reason = "" if over.reason in ("Completed", "Error", None) else over.reason
        self.account.tell("end", self.name, exit_code=over.exit_code, reason=reason)
        self._remove()
        return self.client.completion_result

    def _failure(self, pod: Any) -> Any:
        reason = " ".join(filter(None, [pod.status.reason, pod.status.message])) or "its init container failed"
        self.account.tell("end", self.name, exit_code=None, reason=reason)
        self._remove()
        return k8s.CalrissianJobException(f"{self.name}: {reason}")

    def _remove(self) -> None:
        if self.client.should_delete_pod():
            with k8s.PodMonitor() as monitor:
                self.client.delete_pod_name(self.name)
                monitor.remove(self.client.pod)
        self.client._clear_pod()


def _lines(answer: Any) -> Iterator[bytes]:
    rest = b""
    for chunk in answer.stream(65536, decode_content=False):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest:
        yield rest


def _problem(pod: Any) -> str:
    """Why a pod does not start; "" while that is only a matter of time."""
    for status in (pod.status.init_container_statuses or []) + (pod.status.container_statuses or []):
        waiting = status.state.waiting
        if waiting is not None and waiting.reason not in (None, "", "ContainerCreating", "PodInitializing"):
            return ": ".join(filter(None, [waiting.reason, waiting.message]))
    for condition in pod.status.conditions or []:
        if condition.type == "PodScheduled" and condition.status == "False":
            return ": ".join(filter(None, [condition.reason, condition.message]))
    return ""


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()  # noqa: UP017


class Pods:
    """Makes the pods of the steps what the plan says.

    Args:
        plan: what the server wrote.
        account: learns which step a pod is for.
    """

    def __init__(self, plan: dict[str, Any], account: Account) -> None:
        self.plan, self.account = plan, account
        self.sealed = sealed.Sealed(plan.get("secret"))
        self.lock = threading.Lock()
        self.owners: list[Any] | None = None

    def finished(self, pod: Any, step: str) -> Any:
        """The pod that Calrissian built for a step, with all that is missing."""
        name = _BAD.sub("-", pod["metadata"]["name"].lower())[-63:].strip("-")
        pod["metadata"]["name"] = name
        pod["metadata"]["ownerReferences"] = self._owner()
        # cwltool names a tool that is the whole package after its file
        self.account.names[name] = self.plan["process"] if step == "app.cwl" else step
        spec = pod["spec"]
        container = spec["containers"][0]
        container["name"] = "step"
        for init in spec["initContainers"]:
            init["name"] = "init"
        for each in (container, *spec["initContainers"]):
            _as_they_are(each)
        self.sealed.place(container)
        if self.plan["limit_memory"]:
            container["resources"].setdefault("limits", {})["memory"] = container["resources"]["requests"]["memory"]
        part = dict(self.plan["steps"])
        pod = overlay.overlaid(pod, part)
        template = part.get("spec", {}).get("containers", [{}])[0].get("securityContext")
        for init in pod["spec"].get("initContainers", []):
            init["securityContext"] = template
            init["resources"] = pod["spec"]["containers"][0]["resources"]  # quotas want them of each container
        _drop_unused_volumes(pod["spec"])
        return pod

    def _owner(self) -> list[Any]:
        with self.lock:
            if self.owners is None:
                own = k8s.KubernetesClient().get_current_pod().metadata
                found = [r for r in own.owner_references or [] if r.kind == "Job"]
                self.owners = [
                    {"apiVersion": r.api_version, "kind": r.kind, "name": r.name, "uid": r.uid} for r in found
                ]
            return self.owners


def _as_they_are(container: dict[str, Any]) -> None:
    """Keep the cluster from replacing `$(NAME)` and `$$` in what CWL has worked out already."""
    for key in ("command", "args"):
        if key in container:
            container[key] = [text.replace("$", "$$") for text in container[key]]
    for variable in container.get("env", []):
        variable["value"] = variable["value"].replace("$", "$$")


def _drop_unused_volumes(spec: dict[str, Any]) -> None:
    containers = spec["containers"] + spec.get("initContainers", [])
    used = {mount["name"] for container in containers for mount in container.get("volumeMounts", [])}
    spec["volumes"] = list({v["name"]: v for v in spec["volumes"] if v["name"] in used}.values())


def install(plan: dict[str, Any]) -> None:
    """Change Calrissian's methods."""
    account = Account(plan["out"])
    pods = Pods(plan, account)
    build, load = job.KubernetesPodBuilder.build, calrissian_main.CalrissianLoadingContext

    def submit(client: Any, body: Any) -> None:
        made = create(client, body, account, plan["pod_grace"])
        with k8s.PodMonitor() as monitor:
            monitor.add(made)
        client._set_pod(made)

    def wait(client: Any) -> Any:
        return Waiting(client, account, plan["pod_grace"]).until_end()

    def loading(*given: Any) -> Any:
        context = load(*given)
        context.relax_path_checks = True  # Calrissian passes this flag on to nobody
        return context

    def stop(signum: int, frame: Any) -> None:
        calrissian_main.delete_pods()
        leaving.leave(plan)
        os._exit(signum)

    job.KubernetesPodBuilder.build = lambda builder: pods.finished(build(builder), builder.name)
    k8s.KubernetesClient.submit_pod = submit
    k8s.KubernetesClient.wait_for_completion = wait
    calrissian_main.CalrissianLoadingContext = loading
    calrissian_main.handle_sigterm = stop


def create(client: Any, body: Any, account: Account, grace: float) -> Any:
    """Make a pod. A quota that is used up and a cluster that is away are waited for, all else is a failure.

    Raises:
        CalrissianJobException: the cluster refuses the pod, or the quota stayed used up for `grace` seconds.
    """
    name = body["metadata"]["name"]
    began, told = time.monotonic(), ""
    while True:
        try:
            return client.core_api_instance.create_namespaced_pod(client.namespace, body, _request_timeout=(10, 30))
        except k8s.ApiException as error:
            if error.status == 409:  # it was made, and the answer was lost
                return client.get_pod_for_name(name)
            message = _message(error)
            waits = error.status >= 500 or error.status == 429 or "exceeded quota" in message
            patience = grace if error.status == 403 else PATIENCE
        except k8s.HTTPError as error:
            message, waits, patience = type(error).__name__, True, PATIENCE
        if not waits or time.monotonic() - began > patience:
            account.tell("end", name, exit_code=None, reason=message)
            raise k8s.CalrissianJobException(f"the cluster refuses the pod {name}: {message}")
        if message != told:
            told = message
            account.tell("wait", name, reason=message)
        time.sleep(2.0)


def _message(error: Any) -> str:
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return str(error.reason)


def require_rights() -> None:
    """End with a message if the account of this pod lacks rights: Calrissian would try again for minutes."""
    namespace = k8s.KubernetesClient().namespace
    lacking = rights.missing(namespace)
    if lacking:
        account = "the account of Calrissian's pod may not do this in the namespace " + namespace
        raise SystemExit(f"ERROR {account}: {'; '.join(lacking)}")


def remove_older(plan: dict[str, Any]) -> None:
    """Remove step pods of an earlier pod of this job, which was killed, and wait until they are gone."""
    client = k8s.KubernetesClient()
    deadline = time.monotonic() + OLDER
    while time.monotonic() < deadline:
        found = client.core_api_instance.list_namespaced_pod(client.namespace, label_selector=plan["selector"])
        if not found.items:
            return
        for pod in found.items:
            if pod.metadata.deletion_timestamp is None:
                client.delete_pod_name(pod.metadata.name)
        time.sleep(1.0)


def main() -> int:
    """Run Calrissian as its command would, with the arguments of the plan."""
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    install(plan)
    guard.install(plan["folders"])
    sealed.install(sealed.Sealed(plan.get("secret")))
    require_rights()
    remove_older(plan)
    sys.argv = ["calrissian", *plan["arguments"]]
    return int(calrissian_main.main() or 0)


if __name__ == "__main__":
    sys.exit(main())
