"""The manifests for Kubernetes: by its schemas, and by what the service, its image and docs say."""

from __future__ import annotations

import re
import shutil
from typing import Any

import kubernetes_validate
import pytest
import yaml

from flexdb import create_app
from flexdb.cli import commands
from flexdb.config import MIB, Settings
from flexdb.config.reading import read_settings
from tests.support.pages import PAGES, blocks
from tests.support.paths import ROOT
from tests.support.tools import run

FOLDER, PAGE = ROOT / "deploy/kubernetes", "docs/how-to/kubernetes.md"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))
OBJECTS: list[dict[str, Any]] = [
    one for name in KUSTOMIZATION["resources"]
    for one in yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8"))]
PODS = {one["metadata"]["name"]: one["spec"]["template"] for one in OBJECTS
        if "template" in one["spec" if "spec" in one else "metadata"]}
OLDEST = re.findall(r"Kubernetes (\d+\.\d+) or later", PAGES[PAGE])[0]


def named(kind: str, name: str = "flexdb") -> dict[str, Any]:
    (found,) = [one for one in OBJECTS
                if one["kind"] == kind and one["metadata"]["name"] == name]
    return found


def container(name: str) -> dict[str, Any]:
    (found,) = PODS[name]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
@pytest.mark.parametrize("one", OBJECTS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_kubernetes_knows_every_member(one: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(one, version, strict=True)


def test_its_schemas_refuse_what_it_does_not_know() -> None:
    wrong = {**named("Service"), "spec": {"ports": [{"prt": 80}]}}
    with pytest.raises(kubernetes_validate.ValidationError, match="prt"):
        kubernetes_validate.validate(wrong, OLDEST, strict=True)


def test_every_file_of_the_folder_is_in_the_list() -> None:
    assert {path.name for path in FOLDER.iterdir()} - {"kustomization.yaml"} == {
        *KUSTOMIZATION["resources"]}
    assert {pod["spec"]["containers"][0]["image"] for pod in PODS.values()} == {
        image["name"] for image in KUSTOMIZATION["images"]}


@pytest.mark.skipif(not shutil.which("kubectl"), reason="there is no kubectl")
def test_kustomize_makes_all_of_it_in_one_namespace_with_the_image_of_one_s_own() -> None:
    made = [*yaml.safe_load_all(run("kubectl", "kustomize", str(FOLDER)))]
    assert len(made) == len(OBJECTS)
    assert {one["metadata"]["namespace"] for one in made} == {"flexdb"}
    (image,) = KUSTOMIZATION["images"]
    assert {one["spec"]["template"]["spec"]["containers"][0]["image"] for one in made
            if "template" in one.get("spec", {})} == {f"{image['newName']}:{image['newTag']}"}


def test_the_settings_are_settings_and_ask_everyone_for_a_key() -> None:
    given = named("ConfigMap")["data"]
    secrets = set(re.findall(r"--from-literal=(\w+)=", PAGES[PAGE]))
    assert secrets == {"DB_USER", "DB_PASSWORD", "SECRET_KEY"}
    assert {*given, *secrets} <= {name.upper() for name in Settings.__dataclass_fields__}
    settings = read_settings(given | {"DB_USER": "someone", "DB_PASSWORD": "x"})
    assert settings.auth_mode == "required" and settings.log_format == "json"
    assert settings.jsonrpc_host == "0.0.0.0" and settings.db_ssl_mode == "require"


def test_the_owner_s_password_is_the_job_s_alone() -> None:
    made = re.findall(r"create secret generic (\S+)", PAGES[PAGE])
    known = {name: [one["secretRef"]["name"] for one in container(name)["envFrom"]
                    if "secretRef" in one] for name in PODS}
    assert known == {"flexdb-migrate": [made[0]], "flexdb": [made[1]], "flexdb-deliver": [made[1]]}
    assert all({"configMapRef": {"name": "flexdb"}} in container(name)["envFrom"] for name in PODS)


def test_each_pod_runs_a_command_that_there_is() -> None:
    told = {name: container(name).get("command") for name in PODS}
    assert told == {"flexdb": None, "flexdb-migrate": ["python", "-m", "flexdb", "migrate"],
                    "flexdb-deliver": ["python", "-m", "flexdb", "deliver"]}
    assert {"migrate", "deliver"} <= commands.commands.keys()


@pytest.mark.parametrize("name", PODS)
def test_a_pod_may_do_no_more_than_it_needs(name: str) -> None:
    spec, inside = PODS[name]["spec"], container(name)
    (user,) = re.findall(r"^USER (\d+):\d+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert spec["securityContext"] == {
        "runAsNonRoot": True, "runAsUser": int(user), "runAsGroup": int(user),
        "seccompProfile": {"type": "RuntimeDefault"}}
    assert inside["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]}}
    assert spec["automountServiceAccountToken"] is False
    # A Service of this name would else set variables beside the settings.
    assert spec["enableServiceLinks"] is False
    assert inside["resources"]["limits"].keys() == {"memory"}
    assert inside["resources"]["requests"].keys() == {"cpu", "memory"}
    assert [mount["mountPath"] for mount in inside["volumeMounts"]] == ["/tmp"]


def test_the_largest_files_that_may_be_sent_at_once_have_their_room() -> None:
    settings = read_settings(named("ConfigMap")["data"])
    needed = settings.workers * settings.threads * settings.max_body_bytes
    (volume,) = PODS["flexdb"]["spec"]["volumes"]
    assert volume["emptyDir"].keys() == {"sizeLimit"}, "in memory they would count for its limit"
    assert needed <= int(volume["emptyDir"]["sizeLimit"].removesuffix("Mi")) * MIB
    (mounted,) = yaml.safe_load((ROOT / "compose.yaml").read_text())["x-flexdb"]["tmpfs"]
    (size,) = re.findall(r"size=(\d+)m", mounted)
    assert needed <= int(size) * MIB


def test_the_probes_ask_what_the_service_answers_where_it_listens() -> None:
    inside = container("flexdb")
    assert inside["ports"] == [{"name": "http", "containerPort": Settings().jsonrpc_port}]
    router = create_app(Settings()).url_map.bind("localhost")
    paths = {}
    for name in ("startup", "liveness", "readiness"):
        asked = inside[f"{name}Probe"]["httpGet"]
        assert asked["port"] == "http" and router.match(asked["path"])
        paths[name] = asked["path"]
    assert paths == {"startup": "/health", "liveness": "/health", "readiness": "/health/ready"}


def test_the_calls_under_way_have_their_time_to_end() -> None:
    (_, seconds) = container("flexdb")["lifecycle"]["preStop"]["exec"]["command"]
    given = PODS["flexdb"]["spec"]["terminationGracePeriodSeconds"]
    assert given >= Settings().graceful_timeout + int(seconds) + 5
    given = PODS["flexdb-deliver"]["spec"]["terminationGracePeriodSeconds"]
    assert given >= Settings().webhook_timeout + 5


def test_what_selects_pods_finds_them() -> None:
    labels = {name: pod["metadata"]["labels"] for name, pod in PODS.items()}

    def selected(selector: dict[str, str]) -> set[str]:
        assert selector
        return {name for name, own in labels.items() if selector.items() <= own.items()}

    for name in ("flexdb", "flexdb-deliver"):
        assert selected(named("Deployment", name)["spec"]["selector"]["matchLabels"]) == {name}
    assert selected(named("Service")["spec"]["selector"]) == {"flexdb"}
    assert selected(named("PodDisruptionBudget")["spec"]["selector"]["matchLabels"]) == {"flexdb"}
    policies = {name: selected(named("NetworkPolicy", name)["spec"]["podSelector"]["matchLabels"])
                for name in ("flexdb", "flexdb-callers", "flexdb-webhooks")}
    assert policies == {"flexdb": PODS.keys(), "flexdb-callers": {"flexdb"},
                        "flexdb-webhooks": {"flexdb-deliver"}}
    assert named("NetworkPolicy")["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in named("NetworkPolicy")["spec"]


def test_the_job_and_what_it_needs_come_before_the_rollout() -> None:
    first = {(one["kind"], one["metadata"]["name"]) for one in OBJECTS
             if one["metadata"]["labels"].get("flexdb.rollout") == "first"}
    assert first == {("ConfigMap", "flexdb"), ("Job", "flexdb-migrate"),
                     ("NetworkPolicy", "flexdb")}
    (shown,) = [text for _, text in blocks(PAGE, "bash") if "kustomize" in text]
    steps = ["delete job flexdb-migrate", "apply -l flexdb.rollout=first",
             "wait --for=condition=complete", "apply -k deploy/kubernetes", "rollout status"]
    assert [step in line for step, line in zip(steps, shown.splitlines(), strict=True)] == [
        True] * len(steps)
