"""Who is let look at the console, and that its cookie opens no other door."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flexdb.config import Settings
from flexdb.server import keys
from tests.support import postgres
from tests.support.callers import secrets_of, with_key
from tests.support.console import Console
from tests.support.service import Service, request
from tests.support.tokens import jwks, token_of, with_tokens
from tests.support.waiting import wait_until

COOKIE = "flexdb_key"


class Doors:
    """The service where all need a key or a token, and one where nobody does, on one database."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        source = folder / "jwks.json"
        source.write_bytes(jwks())
        self.open = Service.of(settings)
        self.closed = Service.of(replace(with_tokens(settings, source), auth="required"))
        self.tenant = self.open.tenant(name="The own one")
        self.secrets = secrets_of(settings, self.tenant)

    def with_key(self, secret: str = "") -> Console:
        """Return the console as who has logged in with a key sees it; without one, as nobody."""
        console = Console(self.closed, self.closed.app.test_client())
        if secret:
            console.post("/login", {"key": secret, "next": "/console/"})
        return console


@pytest.fixture(scope="module")
def doors(new_database: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory
          ) -> Iterator[Doors]:
    doors = Doors(new_database(), tmp_path_factory.mktemp("jwks"))
    yield doors
    doors.open.close()
    doors.closed.close()


def test_without_a_key_a_page_asks_for_one_and_leads_back(doors: Doors) -> None:
    console = doors.with_key()
    url = f"/t/{doors.tenant['id']}/events?operation=create_key"
    page = console.get(url, status=401)
    assert "Paste a key" in page and "The own one" not in page
    (leads,) = re.findall(r'name="next" value="([^"]*)"', page)
    response = console.post("/login", {"key": doors.secrets["admin"], "next": leads})
    assert response.headers["Location"] == f"/console{url}"
    assert "The own one" in console.followed(response)


@pytest.mark.parametrize("next_url", [
    "", "https://evil.example/console/", "//evil.example/console/", "/console/\\evil.example",
    "/consolation", "javascript:alert(1)", "/console/me\r\nX-Own: no"])
def test_the_log_in_leads_nowhere_but_to_the_console(doors: Doors, next_url: str) -> None:
    response = doors.with_key().post("/login", {"key": doors.secrets["operator"],
                                                "next": next_url})
    assert response.headers["Location"] == "/console/"


@pytest.mark.parametrize("base, is_secure", [
    ("http://localhost", False), ("https://flexdb.example", True)])
def test_the_cookie_is_for_the_console_alone_and_no_script_reads_it(
        doors: Doors, base: str, is_secure: bool) -> None:
    response = doors.closed.app.test_client().post(
        "/console/login", data={"key": doors.secrets["operator"]}, base_url=base)
    (cookie,) = response.headers.getlist("Set-Cookie")
    said = {part.strip() for part in cookie.split(";")}
    assert {"HttpOnly", "SameSite=Strict", "Path=/console"} <= said
    assert ("Secure" in said) is is_secure


def test_no_other_door_takes_the_cookie(doors: Doors) -> None:
    client = doors.closed.app.test_client(use_cookies=False)
    header = {"Cookie": f"{COOKIE}={doors.secrets['operator']}"}
    assert client.get("/console/", headers=header).status_code == 200
    assert client.post("/jsonrpc", json=request("list_tenants", {}),
                       headers=header).status_code == 401
    for url in ("/tenants", "/metrics", f"/tenants/{doors.tenant['id']}/changes/stream"):
        assert client.get(url, headers=header).status_code == 401, url
    assert client.post("/tenants", json={"name": "A", "slug": "a-slug"},
                       headers=header).status_code == 401


@pytest.mark.parametrize("typed, told", [
    ("", "it begins with fdb_"), ("x", "is not good"), ("é", "is not good"),
    ("fdb_o_" + "x" * 49, "is not good"), ("<img src=x>", "is not good")])
def test_what_is_no_key_is_told_at_the_field(doors: Doors, typed: str, told: str) -> None:
    response = doors.with_key().post("/login", {"key": typed, "next": "/console/me"}, status=401)
    assert told in response.text and "Set-Cookie" not in response.headers
    assert re.search(r'id="f-key"[^>]*aria-invalid="true"', response.text)
    assert 'name="next" value="/console/me"' in response.text and "<img src=x" not in response.text


@pytest.mark.long
def test_a_key_that_ended_is_told_so_and_forgotten_and_a_form_is_not_lost(doors: Doors) -> None:
    secret = keys.create_key(doors.open.settings, doors.tenant["id"], "admin", "ends", 1, ())
    console = doors.with_key(secret)
    with postgres.connect(doors.open.settings) as connection:
        connection.execute("UPDATE flexdb_keys SET expires_at = now() - interval '1 second' "
                           "WHERE name = 'ends'")
    # For a second a worker trusts what it knows of a key.
    other = with_key(doors.closed, secret).client()
    wait_until(lambda: other.get("/tenants").status_code == 401)
    url = f"/t/{doors.tenant['id']}/members"
    form = {"email": "kept@example.org", "role": "viewer"}
    response = console.post(f"{url}/invite", form, status=401)
    assert "the key has expired" in response.text and "can be sent once more" in response.text
    assert f"{COOKIE}=;" in response.headers["Set-Cookie"]
    assert "has expired" not in console.get(url, status=401)
    sent = {name: value.replace("&#34;", '"') for name, value in re.findall(
        r'name="(next|kept)" value="([^"]*)"', response.text)}
    again = console.post("/login", sent | {"key": secret}, status=401).text
    assert "This key has expired" in again and "kept@example.org" in again
    page = console.post("/login", sent | {"key": doors.secrets["admin"]}, status=200).text
    assert f'action="/console{url}/invite"' in page and "kept@example.org</textarea>" in page
    told = console.followed(console.post(f"{url}/invite", dict(re.findall(
        r'<textarea name="([^"]*)" hidden>\n([^<]*)</textarea>', page))))
    assert "kept@example.org is a member, or becomes one" in told


@pytest.mark.parametrize("kept", ["{", "1", '["a"]', '[["a", "b", "c"]]', '{"a": 1}'])
def test_what_is_kept_of_no_form_is_nothing(doors: Doors, kept: str) -> None:
    page = doors.with_key().post("/login", {
        "key": doors.secrets["operator"], "next": "/console/users/new", "kept": kept},
        status=200).text
    assert "Send it now" in page and "<textarea" not in page


def test_a_key_of_a_tenant_leads_to_it_and_sees_no_other(doors: Doors) -> None:
    other = doors.open.tenant()
    console = doors.with_key(doors.secrets["member"])
    response = console.client.get("/console/")
    assert response.headers["Location"] == f"/console/t/{doors.tenant['id']}"
    page = console.followed(response)
    assert "The own one" in page and re.search(r'class="who"[^>]*>member …', page)
    assert 'href="/console/users"' not in page
    assert "There is no such tenant." in console.get(f"/t/{other['id']}", status=404)
    assert "needs the role operator" in console.get("/users", status=403)


@pytest.mark.parametrize("page, role", [
    ("keys", "member"), ("roles", "member"), ("webhooks", "viewer"), ("events", "member"),
    ("members", "viewer")])
def test_what_the_role_does_not_let_see_is_told_within_the_tenant(
        doors: Doors, page: str, role: str) -> None:
    shown = doors.with_key(doors.secrets[role]).get(f"/t/{doors.tenant['id']}/{page}", status=403)
    assert "needs the role" in shown and "The own one" in shown and "Overview" in shown


def test_who_may_see_the_members_and_not_change_them_sees_no_forms(doors: Doors) -> None:
    url = f"/t/{doors.tenant['id']}"
    console = doors.with_key(doors.secrets["member"])
    page = console.get(f"{url}/members")
    assert "needs the role admin" in page and "Add a member" not in page
    assert "needs the role" in console.post(f"{url}/members/invite", {
        "email": "a@example.org", "role": "viewer"}, status=403).text
    assert "Save limits" not in doors.with_key(doors.secrets["admin"]).get(f"{url}/usage")
    page = doors.with_key(doors.secrets["viewer"]).get(f"{url}/usage")
    assert "is told to its admins" in page


def test_a_narrowed_key_is_told_what_it_is_not_for(doors: Doors) -> None:
    narrowed = keys.create_key(doors.open.settings, doors.tenant["id"], "admin", "narrowed", 1,
                               ("get_tenant", "list_node_types", "list_keys"))
    console = doors.with_key(narrowed)
    page = console.get(f"/t/{doors.tenant['id']}/webhooks", status=403)
    assert "The key is not for list_webhooks" in page and "The own one" in page
    assert "list_keys" in console.get("/me")


def test_a_user_with_a_token_sees_the_own_tenants_with_the_role_in_each(doors: Doors) -> None:
    user, other = doors.open.user(), doors.open.tenant(name="The <b>other")
    doors.open.call("add_user_to_tenant", tenant_id=doors.tenant["id"], user_id=user["id"],
                    role="admin")
    console = doors.with_key(token_of(user["id"]))
    assert console.client.get("/console/").headers["Location"].endswith(doors.tenant["id"])
    doors.open.call("add_user_to_tenant", tenant_id=other["id"], user_id=user["id"], role="viewer")
    # A token that differs is looked up anew.
    console = doors.with_key(token_of(user["id"], jti="2"))
    page = console.get("/")
    assert "The own one" in page and "The &lt;b&gt;other" in page
    assert re.search(r'class="who"[^>]*>viewer …', console.get(f"/t/{other['id']}"))
    assert re.search(r'class="who"[^>]*>admin …', console.get(f"/t/{doors.tenant['id']}"))
    console.get(f"/t/{doors.tenant['id']}/keys")
    console.get(f"/t/{other['id']}/keys", status=403)


def test_a_user_of_no_tenant_is_told_how_to_become_one(doors: Doors) -> None:
    console = doors.with_key(token_of(doors.open.user()["id"]))
    assert "a member of no tenant yet" in console.get("/")


def test_a_token_that_no_cookie_holds_is_told_so(doors: Doors) -> None:
    token = token_of(doors.open.user()["id"], much="x" * 4000)
    response = doors.with_key().post("/login", {"key": token}, status=401)
    assert "a browser keeps" in response.text and "Set-Cookie" not in response.headers


def test_who_logs_out_is_asked_again(doors: Doors) -> None:
    console = doors.with_key(doors.secrets["operator"])
    assert "Log out" in console.get("/") and "An operator" in console.get("/me")
    assert console.post("/logout").headers["Location"] == "/console/"
    console.get("/", status=401)


def test_where_nobody_is_asked_a_key_that_is_not_good_is_told_and_then_forgotten(
        doors: Doors) -> None:
    console = Console(doors.open, doors.open.app.test_client())
    assert re.search(r'class="who"[^>]*>anyone<', console.get("/"))
    assert "Nobody is asked for a key" in console.get("/me")
    console.client.set_cookie(COOKIE, "fdb_o_no", path="/console")
    assert "the key is not good" in console.get("/", status=401)
    assert "Tenants" in console.get("/")


@pytest.mark.long
@pytest.mark.parametrize("mode, differs, status", [
    ("open", {"REMOTE_ADDR": "10.0.0.7"}, 200),
    ("local", {}, 200), ("local", {"REMOTE_ADDR": "10.0.0.7"}, 401),
    ("local", {"HTTP_X_FORWARDED_FOR": "10.0.0.7"}, 401), ("required", {}, 401)])
def test_each_mode_lets_look_whom_it_lets_call(
        doors: Doors, mode: Any, differs: dict[str, str], status: int) -> None:
    service = Service.of(replace(doors.open.settings, auth=mode))
    try:
        client: Any = service.app.test_client()
        client.environ_base |= {"REMOTE_ADDR": "127.0.0.1"} | differs
        assert client.get("/console/").status_code == status
        # The log-in and its files are for anyone.
        for url in ("/console/login", "/console/assets/console.css"):
            with client.get(url) as response:
                assert response.status_code == 200
        client.set_cookie(COOKIE, doors.secrets["operator"], path="/console")
        assert client.get("/console/").status_code == 200
    finally:
        service.close()
