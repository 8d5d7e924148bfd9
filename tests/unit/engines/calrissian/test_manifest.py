from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pygeoapi_oapip.engines.calrissian import manifest
from pygeoapi_oapip.engines.calrissian.names import safe_user
from pygeoapi_oapip.engines.calrissian.places import places
from pygeoapi_oapip.model.execution import Plan
from pygeoapi_oapip.model.process import NO_PACKAGE

from .conftest import JOB_ID, settings


def job(**more: Any) -> dict[str, Any]:
    chosen = settings(**more)
    return manifest.job(chosen, JOB_ID, "p 1", places(chosen.volumes, JOB_ID, Path("/jobs") / JOB_ID))


def leader(**more: Any) -> dict[str, Any]:
    spec: dict[str, Any] = job(**more)["spec"]["template"]["spec"]
    return spec


def steps(**more: Any) -> dict[str, Any]:
    spec: dict[str, Any] = manifest.steps(settings(**more), JOB_ID, "p")["spec"]
    return spec


def test_calrissian_is_the_first_container_and_knows_its_pod() -> None:
    container = leader()["containers"][0]
    assert container["command"][0] == "python3"
    names = {row["name"]: row for row in container["env"]}
    assert names["CALRISSIAN_POD_NAME"]["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}


def test_nobody_is_root_unless_the_settings_say_so() -> None:
    for spec in (leader(), steps()):
        assert spec["securityContext"]["runAsNonRoot"] is True and spec["securityContext"]["runAsUser"] == 1000
        assert spec["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    root = leader(run_as_user=0)
    assert root["securityContext"]["runAsNonRoot"] is False
    assert "capabilities" not in root["containers"][0]["securityContext"]


def test_everything_is_labelled_with_the_job() -> None:
    made = job(labels={"team": "sea"})
    for labels in (made["metadata"]["labels"], made["spec"]["template"]["metadata"]["labels"]):
        assert labels["pygeoapi-oapip/job"] == JOB_ID and labels["team"] == "sea"
        assert labels["pygeoapi-oapip/process"] == "p_1" and labels["app.kubernetes.io/instance"] == "oapip"


def test_labels_of_the_settings_cannot_take_the_place_of_our_own() -> None:
    assert job(labels={"pygeoapi-oapip/job": "other"})["metadata"]["labels"]["pygeoapi-oapip/job"] == JOB_ID


def test_a_job_is_run_once_without_limit_and_removed_at_last_by_the_cluster() -> None:
    spec = job()["spec"]
    assert spec["backoffLimit"] == 0 and spec["ttlSecondsAfterFinished"] == 86400
    assert "activeDeadlineSeconds" not in spec
    limited = job(deadline="2h", retries=2, ttl="1h")["spec"]
    assert (limited["activeDeadlineSeconds"], limited["backoffLimit"], limited["ttlSecondsAfterFinished"]) == (
        7200,
        2,
        3600,
    )


@pytest.mark.parametrize("spec_of", [leader, steps])
def test_settings_for_all_pods_reach_all_pods(spec_of: Any) -> None:
    toleration = {"key": "batch", "operator": "Exists"}
    affinity: dict[str, Any] = {
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}
    }
    spec = spec_of(
        node_selector={"disk": "ssd"},
        tolerations=[toleration],
        affinity=affinity,
        priority_class="low",
        pull_secrets=["registry"],
    )
    assert spec["nodeSelector"] == {"disk": "ssd"} and spec["tolerations"] == [toleration]
    assert spec["affinity"] == affinity and spec["priorityClassName"] == "low"
    assert spec["imagePullSecrets"] == [{"name": "registry"}]


def test_environment_is_for_the_steps() -> None:
    container = steps(env={"A": "1"}, env_from_secrets=["s3"])["containers"][0]
    assert container["env"] == [{"name": "A", "value": "1"}]
    assert container["envFrom"] == [{"secretRef": {"name": "s3"}}]


def test_steps_have_no_token_of_the_cluster_unless_they_have_an_account() -> None:
    assert steps()["automountServiceAccountToken"] is False
    assert steps(step_service_account="tools")["serviceAccountName"] == "tools"


def test_a_part_of_a_pod_template_is_laid_over_each_pod() -> None:
    part = {"spec": {"hostNetwork": True, "containers": [{"resources": {"limits": {"cpu": "2"}}}]}}
    spec = leader(leader=part)
    assert spec["hostNetwork"] is True and spec["containers"][0]["name"] == "calrissian"
    assert spec["containers"][0]["resources"]["limits"] == {"memory": "1Gi", "cpu": "2"}
    assert steps(steps=part)["hostNetwork"] is True


def test_pods_stay_on_one_node_where_the_volume_can_be_on_one_only() -> None:
    own = {"claim": "jobs", "storage_class": "fast", "access_mode": "ReadWriteOnce"}
    [term] = steps(volumes=own)["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["labelSelector"]["matchLabels"]["pygeoapi-oapip/job"] == JOB_ID
    assert "affinity" not in steps(volumes={"claim": "jobs", "storage_class": "fast"})


def test_the_claim_of_a_job_goes_with_it() -> None:
    chosen = settings(volumes={"claim": "jobs", "storage_class": "fast"})
    claim = manifest.claim(chosen, JOB_ID, "p", {"name": "oapip-x", "uid": "u"}, 5)
    assert claim["metadata"]["ownerReferences"][0]["uid"] == "u"
    assert claim["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "5"}},
        "storageClassName": "fast",
    }


def test_the_default_class_is_chosen_by_an_empty_name() -> None:
    chosen = settings(volumes={"claim": "jobs", "storage_class": ""})
    assert "storageClassName" not in manifest.claim(chosen, JOB_ID, "p", {"name": "x", "uid": "u"}, 5)["spec"]


def test_a_process_may_have_values_of_its_own() -> None:
    chosen = settings(max_cores=2, processes={"big": {"max_cores": 16, "image": "other"}})
    assert (chosen.of("big").max_cores, chosen.of("big").image, chosen.of("small").max_cores) == (16, "other", 2)


@pytest.mark.parametrize(("values", "text"), [({"namespace": "x"}, "same for all"), ({"max_coers": 1}, "max_coers")])
def test_wrong_values_for_a_process_are_refused(values: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        settings(processes={"big": values})


@pytest.mark.parametrize("owner", ["alice", "Ann O'Hara <ann@example.org>", "x" * 255])
def test_everything_tells_whose_it_is(owner: str) -> None:
    plan = Plan(JOB_ID, "p", NO_PACKAGE, {}, Path("/x"), owner, groups=("all", "hydro"))
    told = manifest.naming_user(settings(labels={"team": "sea"}, annotations={"note": "x"}), plan)
    made = manifest.job(told, JOB_ID, "p", places(told.volumes, JOB_ID, Path("/jobs") / JOB_ID))
    pod = made["spec"]["template"]["metadata"]
    step = manifest.steps(told, JOB_ID, "p")["metadata"]
    for labels in (made["metadata"]["labels"], pod["labels"], step["labels"]):
        assert labels["pygeoapi-oapip/user"] == safe_user(owner) and labels["team"] == "sea"
        assert len(labels["pygeoapi-oapip/user"]) <= 63
    for notes in (pod["annotations"], step["annotations"]):
        assert notes == {"note": "x", "pygeoapi-oapip/user": owner, "pygeoapi-oapip/groups": "all,hydro"}
