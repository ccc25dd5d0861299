"""Which service a command calls, with which key, and that a key is never shown."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flexdb.config import Settings
from flexdb.server.keys import create_key
from tests.support.callers import closed
from tests.support.commands import Flexdb, at_terminal
from tests.support.listening import listening

PORT_OF_NOBODY = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def guarded(new_database: Callable[..., Settings]) -> Iterator[tuple[str, str]]:
    """The address of a service that wants keys, and an operator's key."""
    service = closed(new_database())
    with listening(service.app) as port:
        yield f"http://127.0.0.1:{port}", create_key(service.settings, None, "", "A", 1, ())
    service.close()


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    return tmp_path / "flexdb" / "profiles.ini"


def test_a_key_comes_from_the_environment_an_option_or_a_profile(
        flexdb: Flexdb, guarded: tuple[str, str], environment: pytest.MonkeyPatch) -> None:
    url, key = guarded
    refused = flexdb("tenants", "list", "--url", url)
    assert refused.status == 7 and "UNAUTHENTICATED" in refused.errors
    assert flexdb("tenants", "list", "--url", url, "--token", key).objects() == []
    environment.setenv("FLEXDB_URL", url)
    environment.setenv("FLEXDB_TOKEN", key)
    assert flexdb("tenants", "list").objects() == []
    environment.delenv("FLEXDB_TOKEN")
    environment.setenv("FLEXDB_URL", PORT_OF_NOBODY)
    assert flexdb("profiles", "add", "guarded", "--url", url, stdin=f"{key}\n").status == 0
    assert flexdb("tenants", "list", "--profile", "guarded").objects() == []
    assert flexdb("tenants", "list").status == 9
    environment.delenv("FLEXDB_URL")
    environment.setenv("FLEXDB_PROFILE", "guarded")
    assert flexdb("tenants", "list").objects() == []


def test_the_profile_default_is_taken_where_nothing_is_said(
        flexdb: Flexdb, guarded: tuple[str, str], environment: pytest.MonkeyPatch) -> None:
    url, key = guarded
    environment.delenv("FLEXDB_URL")
    flexdb("profiles", "add", "default", "--url", url, stdin=key)
    assert flexdb("tenants", "list").objects() == []


def test_the_key_of_a_profile_goes_to_its_own_address_alone(
        flexdb: Flexdb, guarded: tuple[str, str], environment: pytest.MonkeyPatch) -> None:
    url, key = guarded
    flexdb("profiles", "add", "default", "--url", PORT_OF_NOBODY, stdin=key)
    environment.setenv("FLEXDB_URL", url)
    assert flexdb("tenants", "list").status == 7
    assert flexdb("tenants", "list", "--url", url).status == 7
    both = flexdb("tenants", "list", "--url", url, "--profile", "default")
    assert both.status == 2 and "exclude each other" in both.errors


def test_profiles_are_listed_without_their_keys_changed_and_deleted(
        flexdb: Flexdb, profiles: Path) -> None:
    flexdb("profiles", "add", "local", "--url", "http://localhost:5000")
    flexdb("profiles", "add", "prod", "--url", "https://old.example.com", stdin="secret-%s-1\n")
    flexdb("profiles", "add", "prod", "--url", "https://db.example.com", stdin="secret-%s-2\n")
    assert flexdb("profiles", "list").output == (
        "local  http://localhost:5000  without a key\nprod  https://db.example.com  with a key\n")
    assert "token = secret-%s-2\n" in profiles.read_text() and "1" not in profiles.read_text()
    assert flexdb("profiles", "delete", "local").status == 0
    gone = flexdb("profiles", "delete", "local")
    assert gone.status == 2
    assert gone.errors == "flexdb: there is no profile local; there are: prod\n"


def test_only_their_owner_may_read_profiles(flexdb: Flexdb, profiles: Path) -> None:
    flexdb("profiles", "add", "prod", "--url", "https://db.example.com", stdin="secret")
    assert stat.S_IMODE(profiles.stat().st_mode) == 0o600
    assert [path.name for path in profiles.parent.iterdir()] == ["profiles.ini"]
    profiles.chmod(0o640)
    refused = flexdb("tenants", "list", "--profile", "prod")
    assert refused.status == 1 and f"chmod 600 {profiles}" in refused.errors


@pytest.mark.parametrize("text", ["secret", "[prod]\nsecret", "[prod]\ntoken = secret",
                                  "[prod]\nurl = a\nurl = secret", b"[prod]\nurl = \xff"])
def test_a_file_that_is_none_of_profiles_is_told_without_its_text(
        text: str | bytes, flexdb: Flexdb, profiles: Path) -> None:
    profiles.parent.mkdir()
    profiles.write_bytes(text if isinstance(text, bytes) else text.encode())
    profiles.chmod(0o600)
    refused = flexdb("profiles", "list")
    assert refused.status == 1 and str(profiles) in refused.errors
    assert "secret" not in refused.errors


def test_a_key_is_typed_unseen_and_shown_by_nothing(
        environment: pytest.MonkeyPatch, flexdb: Flexdb, profiles: Path) -> None:
    asked = at_terminal("profiles", "add", "prod", "--url", PORT_OF_NOBODY,
                        asked="Key or token", answer="hunter2\n")
    assert asked.status == 0 and "hunter2" not in asked.output and "hunter2" in profiles.read_text()
    tried = flexdb("tenants", "list", "--profile", "prod")
    assert tried.status == 9
    for arguments in (("--token", "hunter2\n"), ("--url", "http://me:hunter2@localhost"),
                      ("--url", "me:hunter2@localhost"), ("--token", "hünter2")):
        refused = flexdb("tenants", "list", *arguments)
        assert refused.status == 2 and "nter2" not in refused.errors
    assert "hunter2" not in tried.errors + flexdb("profiles", "list").output


def test_a_key_of_a_tenant_finds_its_tenant_by_the_slug_and_no_other(
        flexdb: Flexdb, guarded: tuple[str, str], environment: pytest.MonkeyPatch) -> None:
    url, key = guarded
    environment.setenv("FLEXDB_URL", url)
    environment.setenv("FLEXDB_TOKEN", key)
    for slug in ("mine", "other"):
        flexdb("tenants", "create", slug).object()
    made = flexdb("call", "create_key", "tenant_id=mine", "name=Reads", "role=viewer").object()
    environment.setenv("FLEXDB_TOKEN", made["key"]["secret"])
    assert flexdb("nodes", "list", "mine").objects() == []
    assert flexdb("nodes", "list", "other").status in (4, 7)
    assert flexdb("types", "create", "mine", "Task").status == 7
    for slug in ("mine", "other"):
        assert flexdb("tenants", "delete", slug, "--yes", "--token", key).status == 0


def test_an_address_that_is_none_is_told(flexdb: Flexdb) -> None:
    refused = flexdb("tenants", "list", "--url", "localhost:5000")
    assert refused.status == 2 and "it begins with http://" in refused.errors
