"""Namespaces of users and of jobs: their names, what is made in them, and when they go."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pygeoapi_oapip.engines.calrissian import launch, namespaces
from pygeoapi_oapip.engines.calrissian.client import Refused
from pygeoapi_oapip.engines.calrissian.names import namespace_of, safe_user
from pygeoapi_oapip.errors import EngineUnavailable, PlanRejected
from pygeoapi_oapip.settings import CalrissianEngine as Settings

from .conftest import JOB_ID, exchange_settings, settings
from .test_engine import MemoryCluster, plan_of

USERS = (
    "bob",
    "Bob",
    "BOB",
    "bob ",
    "b.ob",
    "b-ob",
    "b_ob",
    "",
    "é",
    "-",
    "x" * 43,
    "x" * 44,
    "x" * 300,
    "a--b",
    "a-b",
)
PATH = "/api/v1/namespaces"


@pytest.mark.parametrize("user", [*USERS, "auth0|5f7c8ec7c33c6c004bbafe82", "someone@example.org", "../kube-system"])
def test_each_user_gives_a_name_that_kubernetes_takes(user: str) -> None:
    name = namespace_of("twenty-characters-ab{user}", user, JOB_ID)
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name)


def test_no_two_users_share_a_namespace() -> None:
    assert len({safe_user(user) for user in USERS}) == len(USERS)


@pytest.mark.parametrize("user", USERS)
def test_nobody_can_take_the_name_of_another_user_as_his_own(user: str) -> None:
    name = safe_user(user)
    assert name == user or safe_user(name) != name


def test_a_plain_user_is_seen_in_the_name() -> None:
    assert namespace_of("oapip-{user}", "bob", JOB_ID) == "oapip-bob"
    assert namespace_of("oapip", "bob", JOB_ID) == "oapip"
    assert namespace_of("oapip-{job}", "bob", JOB_ID) == f"oapip-{JOB_ID}"


@pytest.mark.parametrize("job_id", ["x" * 50, "A B", "x" * 43])
def test_each_job_has_a_name_of_its_own(job_id: str) -> None:
    name = namespace_of("oapip-{job}", "bob", job_id)
    assert len(name) <= 63 and name != namespace_of("oapip-{job}", "bob", job_id + "y")


@pytest.mark.parametrize(
    "template", ["Oapip", "oapip-{who}", "{user}", "a{user}{job}", "-a", "a" * 64, "oapip-{user}-x", ""]
)
def test_a_template_that_gives_no_names_is_refused(template: str) -> None:
    with pytest.raises(ValidationError, match="namespace"):
        settings(namespace=template)


def test_a_namespace_for_each_job_needs_a_bucket() -> None:
    with pytest.raises(ValidationError, match="needs volumes.exchange"):
        settings(namespace="oapip-{job}")


def made(chosen: Settings, tmp_path: Path, owner: str = "bob", cluster: MemoryCluster | None = None) -> MemoryCluster:
    cluster = cluster or MemoryCluster(None)
    namespaces.ensure(chosen, cluster, replace(plan_of(tmp_path), owner=owner))  # type: ignore[arg-type]
    return cluster


def test_a_shared_namespace_is_not_made(tmp_path: Path) -> None:
    assert made(settings(), tmp_path).asked == []


def test_no_namespace_of_a_user_is_made_where_the_administrator_makes_them(tmp_path: Path) -> None:
    chosen = settings(namespace="oapip-{user}", namespaces={"make": False})
    assert made(chosen, tmp_path).asked == []


def test_a_namespace_has_account_role_quota_and_secrets(tmp_path: Path) -> None:
    cluster = MemoryCluster(None)
    cluster.objects[f"{PATH}/origin/secrets/registry"] = {
        "metadata": {"name": "registry", "uid": "1"},
        "data": {"a": "b"},
    }
    chosen = settings(
        namespace="oapip-{user}",
        service_account="calrissian",
        step_service_account="tools",
        pull_secrets=["registry"],
        namespaces={"quota": {"pods": 9}, "secrets_from": "origin"},
    )
    made(chosen, tmp_path, cluster=cluster)
    within = f"{PATH}/oapip-bob"
    assert set(cluster.objects) >= {
        within,
        f"{within}/serviceaccounts/calrissian",
        f"{within}/serviceaccounts/tools",
        f"{within}/resourcequotas/oapip",
        f"{within}/secrets/registry",
    }
    binding: Any = cluster.objects[
        "/apis/rbac.authorization.k8s.io/v1/namespaces/oapip-bob/rolebindings/oapip-calrissian"
    ]
    assert binding["roleRef"]["name"] == "oapip-calrissian"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "calrissian", "namespace": "oapip-bob"}]
    assert cluster.objects[f"{within}/resourcequotas/oapip"]["spec"] == {"hard": {"pods": "9"}}
    assert cluster.objects[f"{within}/secrets/registry"]["data"] == {"a": "b"}
    made(chosen, tmp_path, cluster=cluster)


def test_a_namespace_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    cluster = MemoryCluster(None)
    cluster.objects[f"{PATH}/kube-system"] = {"metadata": {"name": "kube-system"}}
    with pytest.raises(PlanRejected, match="The namespace kube-system is there without the label"):
        made(settings(namespace="kube-{user}"), tmp_path, "system", cluster)
    assert set(cluster.objects) == {f"{PATH}/kube-system"}


def test_a_namespace_that_is_being_removed_is_waited_for(tmp_path: Path) -> None:
    chosen = settings(namespace="oapip-{user}")
    cluster = made(chosen, tmp_path)
    cluster.objects[f"{PATH}/oapip-bob"]["metadata"]["deletionTimestamp"] = "2026-11-22T14:00:00Z"
    with pytest.raises(EngineUnavailable, match="is being removed"):
        made(chosen, tmp_path, cluster=cluster)


def test_the_namespace_of_a_job_goes_with_it(tmp_path: Path) -> None:
    chosen = exchange_settings(tmp_path, namespace="oapip-{job}")
    cluster = made(chosen, tmp_path)
    assert f"{PATH}/oapip-job-1" in cluster.objects
    launch.remove(cluster, launch.reference("cluster", chosen, plan_of(tmp_path)))  # type: ignore[arg-type]
    assert f"{PATH}/oapip-job-1" not in cluster.objects


def test_the_namespace_of_a_user_stays(tmp_path: Path) -> None:
    chosen = settings(namespace="oapip-{user}")
    cluster = made(chosen, tmp_path)
    launch.remove(cluster, launch.reference("cluster", chosen, replace(plan_of(tmp_path), owner="bob")))  # type: ignore[arg-type]
    assert f"{PATH}/oapip-bob" in cluster.objects


def test_what_the_cluster_refuses_is_told(tmp_path: Path) -> None:
    cluster = MemoryCluster(None)
    cluster.faults = [Refused(403, "no namespaces for you")]
    with pytest.raises(Refused, match="no namespaces for you"):
        made(settings(namespace="oapip-{user}"), tmp_path, cluster=cluster)
