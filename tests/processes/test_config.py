"""Settings: where they are read, what they are without being set, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexdb.config import DATABASE_VARIABLES, ConfigError, Settings
from flexdb.config.reading import environment, read_settings, variables_of, wants_embedded
from tests.support.paths import ROOT

NAMES = [setting.name.upper() for setting in fields(Settings)]
NUMBERS = [setting for setting in fields(Settings) if setting.type in ("int", "float")]
SEED = {"DB_HOST": "localhost", "DB_PORT": 5432, "DB_USER": "postgres", "DB_PASSWORD": "postgres",
        "DB_NAME": "dbaas", "DB_SSL_MODE": "disable", "JSONRPC_HOST": "0.0.0.0",
        "JSONRPC_PORT": 5000}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def read(folder: Path) -> Settings:
    return read_settings(environment(folder)[0])


def refusal(variables: dict[str, str]) -> str:
    with pytest.raises(ConfigError) as refused:
        read_settings(variables)
    return str(refused.value)


def test_without_variables_the_settings_are_those_of_the_seed(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert {name: getattr(found, name.lower()) for name in SEED} == SEED
    assert found == Settings() and environment(tmp_path)[1] == []


def test_the_environment_goes_over_env_local_and_that_over_env(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("DB_HOST=env\nDB_USER=env\nDB_NAME=env\n")
    (tmp_path / ".env.local").write_text("DB_HOST=local\nDB_USER=local\n")
    monkeypatch.setenv("DB_HOST", "environment")
    found = read(tmp_path)
    assert (found.db_host, found.db_user, found.db_name) == ("environment", "local", "env")
    assert environment(tmp_path)[1] == [".env.local", ".env"]


@pytest.mark.parametrize("line, value", [
    ("DB_PASSWORD='a b'", "a b"), ('export DB_PASSWORD="x#y"', "x#y"),
    ("DB_PASSWORD=$HOME", "$HOME"), ("DB_PASSWORD=${HOME}", "${HOME}"),
    ("DB_PASSWORD=a # why", "a"), ("DB_PASSWORD=ü", "ü"), ("# DB_PASSWORD=x", "postgres"),
    ("DB_PASSWORD=", "postgres"), ("DB_PASSWORD", "postgres")])
def test_a_file_is_read_as_dotenv_files_are_and_nothing_in_it_is_expanded(
        tmp_path: Path, line: str, value: str) -> None:
    (tmp_path / ".env").write_text(line + "\n", encoding="utf-8")
    assert read(tmp_path).db_password == value


def test_the_example_file_holds_the_defaults(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes((ROOT / ".env.example").read_bytes())
    assert read(tmp_path) == Settings()


@pytest.mark.parametrize("empty", ["", " ", "\t"])
@pytest.mark.parametrize("name", NAMES)
def test_an_empty_variable_counts_as_not_set(name: str, empty: str) -> None:
    assert read_settings({name: empty}) == Settings()
    assert wants_embedded({name: empty})


@pytest.mark.parametrize("name", NAMES)
def test_any_variable_that_names_a_database_keeps_the_embedded_one_from_starting(name: str) -> None:
    assert wants_embedded({name: "1"}) == (name not in DATABASE_VARIABLES)


@pytest.mark.parametrize("text", ["x", "5000x", "1e3x", "0x10", "nan", "-1", "--", "1,5", "½",
                                  "inf", "1 2", "9" * 30, "-9\n"])
@pytest.mark.parametrize("name", [setting.name.upper() for setting in NUMBERS])
def test_a_number_that_is_none_or_out_of_range_is_refused_in_one_line(name: str, text: str) -> None:
    told = refusal({name: text})
    assert told.startswith(f"{name}=") and len(told.splitlines()) == 1 and len(told) < 300


@pytest.mark.parametrize("setting", NUMBERS, ids=lambda setting: setting.name)
def test_the_limits_of_a_number_are_told_in_digits(setting: object) -> None:
    name, metadata = setting.name.upper(), setting.metadata  # type: ignore[attr-defined]
    told = refusal({name: str(metadata["most"] + 1)})
    assert told.endswith(f"is not between {metadata['least']} and {metadata['most']}")


@pytest.mark.parametrize("name, text", [
    ("WORKERS", "1.5"), ("JSONRPC_PORT", "0"), ("JSONRPC_PORT", "65536"), ("DB_PORT", "65536"),
    ("DB_SSL_MODE", "on"), ("DB_SSL_MODE", "DISABLE"), ("JSON_FIELDS", "text"),
    ("LOG_LEVEL", "LOUD"), ("MAX_DEPTH", "251"), ("MAX_BATCH", "0"), ("STATEMENT_TIMEOUT", "0"),
    ("LOG_LEVEL", "x\ny")])
def test_a_wrong_value_is_refused_in_one_line_that_names_it(name: str, text: str) -> None:
    told = refusal({name: text})
    assert told.startswith(f"{name}=") and len(told.splitlines()) == 1


@pytest.mark.parametrize("name, text, value", [
    ("JSONRPC_PORT", " 8080 ", 8080), ("DB_POOL_TIMEOUT", "0.5", 0.5), ("LONG_TIMEOUT", "60", 60.0),
    ("LOG_LEVEL", " DEBUG", "DEBUG"), ("JSON_FIELDS", "string", "string"),
    ("DB_PASSWORD", " kept as it is ", " kept as it is ")])
def test_a_right_value_is_taken(name: str, text: str, value: object) -> None:
    assert getattr(read_settings({name: text}), name.lower()) == value


@pytest.mark.parametrize("variables", [
    {"THREADS": "15"}, {"DB_POOL_SIZE": "9"}, {"DB_POOL_QUEUE": "7"},
    {"DB_POOL_SIZE": "1", "DB_POOL_QUEUE": "1", "THREADS": "3"}])
def test_fewer_threads_than_calls_that_may_wait_are_refused(variables: dict[str, str]) -> None:
    told = refusal(variables)
    assert told.startswith("THREADS=") and "must be at least" in told and "\n" not in told


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=12)))
@settings(derandomize=True, max_examples=200)
def test_whatever_stands_in_the_variables_they_are_read_or_refused_in_one_line(
        variables: dict[str, str]) -> None:
    try:
        read_settings(variables)
    except ConfigError as error:
        assert len(str(error).splitlines()) == 1
        assert str(error).partition("=")[0] in NAMES


@pytest.mark.parametrize("hosts, ports, found", [
    ("one", "6432", [("one", 6432)]), ("one, two", "6432", [("one", 6432), ("two", 6432)]),
    ("one,two", " 1, 2 ", [("one", 1), ("two", 2)]), ("/run/one,::1", "", [
        ("/run/one", 5432), ("::1", 5432)])])
def test_several_hosts_have_a_port_each_or_one_for_all(
        hosts: str, ports: str, found: list[tuple[str, int]]) -> None:
    settings = read_settings({"DB_HOST": hosts, "DB_PORT": ports})
    assert settings.db_addresses == settings.db_direct_addresses == found


@pytest.mark.parametrize("variables, told", [
    ({"DB_HOST": "one,two", "DB_PORT": "1,2,3"},
     "DB_PORT='1,2,3' has to be one port, or as many as DB_HOST has hosts: 2"),
    ({"DB_HOST": "one", "DB_PORT": "1,2"},
     "DB_PORT='1,2' has to be one port, or as many as DB_HOST has hosts: 1"),
    ({"DB_HOST": "one,,two"}, "DB_HOST='one,,two' has an empty entry"),
    ({"DB_HOST": "one,"}, "DB_HOST='one,' has an empty entry"),
    ({"DB_HOST": "one,two", "DB_PORT": "1,"}, "DB_PORT='1,' has to be ports from 1 to 65535"),
    ({"DB_HOST": "one,two", "DB_PORT": "1,65536"}, "DB_PORT='1,65536' has to be ports"),
    ({"DB_PORT": "1,2", "DB_DIRECT_HOST": "one,two"}, "DB_PORT='1,2' has to be one port"),
    ({"DB_DIRECT_HOST": "one,two,three", "DB_DIRECT_PORT": "1,2"},
     "DB_DIRECT_PORT='1,2' has to be one port, or as many as DB_DIRECT_HOST has hosts: 3"),
    ({"DB_HOST": "one,two", "DB_PORT": "1,2", "DB_DIRECT_HOST": "three"},
     "DB_PORT='1,2' has to be one port, or as many as DB_DIRECT_HOST has hosts: 1")])
def test_hosts_and_ports_that_do_not_go_together_are_refused_in_one_line(
        variables: dict[str, str], told: str) -> None:
    assert refusal(variables).startswith(told)


def gunicorn(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "gunicorn.conf.py"), "wsgi:app"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT), **variables})


@pytest.mark.long
@pytest.mark.parametrize("variables, file, told", [
    ({"JSONRPC_PORT": "http"}, b"", "JSONRPC_PORT='http' is not a whole number"),
    ({}, b"THREADS=4\n", "THREADS=4 is too small"),
    ({}, b"DB_NAME=\xff\xfe\n", ".env.local"),
    ({"JSONRPC_HOST": "a..b", "DB_HOST": "localhost"}, b"", "a..b"),
    ({"JSONRPC_HOST": "no such host", "DB_HOST": "localhost"}, b"", "no such host"),
], ids=["variable", "file", "not text", "no host name", "unknown host"])
def test_a_start_with_a_wrong_value_ends_with_that_line(
        tmp_path: Path, variables: dict[str, str], file: bytes, told: str) -> None:
    (tmp_path / ".env.local").write_bytes(file)
    done = gunicorn(tmp_path, **variables)
    assert done.returncode == 1 and "Traceback" not in done.stderr + done.stdout
    assert told in done.stderr.splitlines()[-1]
    assert not (tmp_path / ".flexdb").exists()


@given(st.data())
def test_settings_can_be_given_on_as_variables(data: st.DataObject) -> None:
    changed: dict[str, Any] = {
        setting.name: data.draw(st.integers(int(setting.metadata["least"]) + 1, 40))
        for setting in NUMBERS if setting.metadata["least"] < 40}
    given = Settings(**changed | {"threads": 90, "rest_enabled": data.draw(st.booleans()),
                                  "cors_origins": "*", "json_fields": "string"})
    assert read_settings(variables_of(given)) == given
