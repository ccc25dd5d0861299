"""Slugs and e-mail addresses: what is one, and which two are the same."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unicodedata import normalize
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError
from testing.postgresql import Postgresql

from flexdb.config import Settings
from flexdb.contract.names import Email, Slug, slug_key
from flexdb.db.migrate import migrate
from tests.support import postgres
from tests.support.postgres import connect
from tests.support.refusals import refusal
from tests.support.service import RpcError, Service
from tests.support.transfers import TENANT, USER, given_back, small, taken, written

LABEL = "x" * 63
GOOD = {
    "a@b": "a@b", "ann@example.com": "ann@example.com", "ann@EXAMPLE.Com": "ann@example.com",
    "Ann@Example.COM": "Ann@example.com", "a.b.c@x.org": "a.b.c@x.org",
    "!#$%&'*+-/=?^_`{|}~@x.org": "!#$%&'*+-/=?^_`{|}~@x.org", "a+tag@x.org": "a+tag@x.org",
    '"a b"@x.org': '"a b"@x.org', '"a@b"@x.org': '"a@b"@x.org', '"a\\"b"@x.org': '"a\\"b"@x.org',
    '"a..b"@x.org': '"a..b"@x.org', '"ann"@x.org': "ann@x.org", '"a\\nn"@x.org': "ann@x.org",
    '"(),:;<>[]"@x.org': '"(),:;<>[]"@x.org', '""@x.org': '""@x.org', '" "@x.org': '" "@x.org',
    "a@1x.org": "a@1x.org", "a@x-y.org": "a@x-y.org", "a@123.org": "a@123.org",
    "a@x--y.org": "a@x--y.org",
    f"a@{LABEL}.org": f"a@{LABEL}.org", f"{'l' * 64}@x.org": f"{'l' * 64}@x.org",
    "a@[192.0.2.1]": "a@[192.0.2.1]", "a@[ipv6:2001:DB8:0::1]": "a@[IPv6:2001:db8::1]",
    "jürgen@x.org": "jürgen@x.org", "ju\u0308rgen@x.org": "jürgen@x.org",
    "a@BÜCHER.example": "a@bücher.example", "a@bu\u0308cher.example": "a@bücher.example",
    "a@ｅｘａｍｐｌｅ.com": "a@example.com", "用户@例え.jp": "用户@例え.jp",
    "a@例え。jp": "a@例え.jp",
    "a@xn--bcher-kva.example": "a@bücher.example", "a@XN--BCHER-KVA.example": "a@bücher.example",
    "a@straße.de": "a@straße.de", "😀@x.org": "😀@x.org"}
BAD = [
    "", "a", "@", "a@", "@b", "a@b@c", "a b@x.org", " a@x.org", "a@x.org ", "a@x.org\n", "a@ x.org",
    ".a@x.org", "a.@x.org", "a..b@x.org", "a@.x.org", "a@x.org.", "a@x..org", "a@-x.org",
    "a@x-.org", "a@x.-org", "a@x_y.org", "a@x!.org", "a,b@x.org", "a;b@x.org", "a:b@x.org",
    "<a@x.org>", "Ann <a@x.org>", "(c)a@x.org", "a(c)@x.org", "a[b@x.org", "a\\b@x.org",
    'a"b@x.org', '"a@x.org', 'a"@x.org', '"a"b@x.org', '"a"."b"@x.org', '"a"b"@x.org',
    '"a\\"@x.org', '"a\nb"@x.org', "a@[192.0.2.1", "a@192.0.2.1]", "a@[192.0.2]", "a@[300.0.0.1]",
    "a@[x.org]", "a@[IPv6:zz]", "a@[2001:db8::1]", "a@[]", "a@192.0.2.1", "a@x.123",
    "mailto:a@x.org", "a@x.org?", "a@x.org,b@x.org", "a@x.org b@x.org", "a@\u200bx.org",
    "a\u200b@x.org", "a@x\u00ad.org", "a\u00a0b@x.org", "a@x。org。", "a@x✓.org", "a@\u2028x.org",
    "a\x7f@x.org", "a@x\0.org", "a@xn--zzzz.org", "a@xn--.org", "a@\u0301x.org", "a@é\u05d0.org",
    f"{'l' * 65}@x.org", f"{'ü' * 33}@x.org", f"a@{'x' * 64}.org", f"a@{'ü' * 60}.org",
    f"a@{LABEL}.{LABEL}.{LABEL}.{LABEL}"]
BAD_SLUGS = [
    (" a", "white space"), ("a ", "white space"), ("a\n", "white space"), ("\ta", "white space"),
    ("\u3000a", "white space"), ("a\u00a0", "white space"), ("a\u00a0b", "U+00A0"),
    ("a\u200bb", "U+200B"), ("a\u200d", "U+200D"), ("\ufeffa", "U+FEFF"), ("a\u00adb", "U+00AD"),
    ("a\u202eb", "U+202E"), ("a\x1fb", "U+001F"), ("a\tb", "U+0009"), ("a\x7fb", "U+007F"),
    ("a\u2028b", "U+2028"), ("a\u3164", "U+3164"), ("a\ufe0f", "U+FE0F"), ("a\ue000", "U+E000"),
    ("a\u2060b", "U+2060"), ("a\U000e0041b", "U+E0041"), ("a\u034fb", "U+034F"),
    ("a\ufff0", "U+FFF0"), ("a\U000e0f00", "U+E0F00"), ("a\ufffe", "U+FFFE"),
    ("0190163d-8694-739b-aea5-966c26f8ad91", "look like an id"),
    ("0190163D-8694-739B-AEA5-966C26F8AD91", "look like an id"), (" ", "blank"), ("", ""),
    ("x" * 256, "at most 255")]
# What a name is written as by one, and by another one who means the same.
SAME_SLUGS = [("{}-acme", "{}-ACME"), ("{}ü", "{}u\u0308"), ("{}-fi", "{}-ﬁ"), ("{}-a", "{}-ａ"),
              ("{}äö", "{}Äö"), ("{}-straße", "{}-STRASSE"), ("{} a", "{}  a"), ("{}σ", "{}ς")]
SAME_EMAILS = [("{}@example.com", "{}@EXAMPLE.com"), ('"{}"@x.org', "{}@x.org"),
               ("{}ü@x.org", "{}u\u0308@x.org"), ("{}@ü.org", "{}@Ü.org"),
               ("{}@xn--bcher-kva.example", "{}@bücher.example"), ("{}@例え.jp", "{}@例え。jp")]
# What was stored before there was a rule, and what is as good as that now.
OLD_SLUGS = [("{} ", "{}"), (" {}", "{}"), ("{}\u200b", "{}"), ("{}\n", "{}"), ("\ufeff{}", "{}"),
             ("{}\u00ad", "{}"), ("{}\u00a0", "{}"), ("U\u0308{}", "Ü{}"), ("U\u0308{}", "ü{}"),
             ("{}-ACME", "{}-acme"), ("{}-acme", "{}-Acme"), ("{}-ÄCME", "{}-äcme"),
             ("{}\ta", "{} a"), ("{}\u3000a", "{} a"), ("{}\u202ea", "{}a"), ("{}\u0085", "{}")]
OLD_EMAILS = [("{}@EXAMPLE.com", "{}@example.com"), ("{}@BÜCHER.de", "{}@bücher.de"),
              ("{}@xn--bcher-kva.de", "{}@bücher.de"), ("{}@XN--BCHER-KVA.de", "{}@bücher.de"),
              ('"{}"@X.org', "{}@x.org"), (" {}@x.org", "{}@x.org"), ("{}@x.org ", "{}@x.org")]
TAKEN = -32002, "ALREADY_EXISTS"
WRONG = -32602, "INVALID_PARAMS"


def unique() -> str:
    return uuid4().hex


def store(service: Service, table: str, name: str, row: Any, value: str) -> None:
    """Store what flexdb would not take, as the original does."""
    with connect(service.settings) as connection:
        connection.execute(f"UPDATE {table} SET {name} = %s WHERE id = %s".encode(),
                           [value, row["id"]])


def told(error: RpcError) -> tuple[int, str]:
    return error.code, error.reason


@pytest.mark.parametrize("given, kept", GOOD.items())
def test_an_address_is_kept_in_its_one_form(given: str, kept: str) -> None:
    field = Email("", required=True)
    assert field.deserialize(given) == kept == field.deserialize(kept)
    assert re.search(field.json_schema()["pattern"], given), "the documents tell it too"


@pytest.mark.both_doors
def test_what_is_no_address_is_refused_with_what_is_wrong(service: Service) -> None:
    user = service.user()
    for email in BAD:
        refused = refusal(service, "create_user", email=email, display_name="A")
        assert (told(refused), set(refused.fields)) == (WRONG, {"email"}), email
        if email:
            refused = refusal(service, "update_user", id=user["id"], email=email)
            assert (told(refused), set(refused.fields)) == (WRONG, {"email"}), email
    assert service.call("get_user", id=user["id"])["user"] == user


@given(st.one_of(
    st.from_regex(Email("", required=True)._pattern(), fullmatch=True),
    st.emails(), st.builds("{}@{}".format, st.text(max_size=9), st.text(max_size=9))))
def test_whatever_is_an_address_stays_what_it_is_kept_as(given: str) -> None:
    field = Email("", required=True)
    try:
        kept = field.deserialize(given)
    except ValidationError:
        return
    assert field.deserialize(kept) == kept == normalize("NFC", kept)
    name, _, domain = kept.rpartition("@")
    assert field.deserialize(f"{name}@{domain.upper()}") == kept or not domain.isascii()
    assert re.search(field.json_schema()["pattern"], given)


@given(st.text(min_size=1, max_size=30))
def test_whatever_is_a_slug_stays_what_it_is_kept_as(given: str) -> None:
    field = Slug("", required=True)
    try:
        kept = field.deserialize(given)
    except ValidationError:
        return
    assert field.deserialize(kept) == kept == kept.strip() == normalize("NFC", given)
    assert slug_key(kept) == slug_key(normalize("NFD", kept)) == slug_key(f" {kept}\n")
    assert slug_key(kept) == slug_key(kept.casefold())
    assert re.search(field.json_schema()["pattern"], given)


@pytest.mark.both_doors
@pytest.mark.parametrize("method", ["create_user", "update_user"])
@pytest.mark.parametrize("held, wanted", SAME_EMAILS + [twin[::-1] for twin in SAME_EMAILS])
def test_an_address_is_taken_however_it_is_spelt(service: Service, method: str, held: str,
                                                 wanted: str) -> None:
    name = unique()
    kept = service.user(email=held.format(name))
    params = {"display_name": "B"} if method == "create_user" else {"id": service.user()["id"]}
    refused = refusal(service, method, params | {"email": wanted.format(name)})
    assert (told(refused), set(refused.fields)) == (TAKEN, {"email"})
    own = service.call("update_user", id=kept["id"], email=wanted.format(name))["user"]
    assert own["email"] == kept["email"]
    assert service.user(email=f"X{kept['email'].strip(chr(34))}".replace('"@', "@"))


@pytest.mark.both_doors
@pytest.mark.parametrize("old, wanted", OLD_EMAILS)
def test_an_address_that_was_stored_before_is_found_and_stays(service: Service, old: str,
                                                              wanted: str) -> None:
    name, user = unique(), service.user()
    store(service, "users", "email", user, old.format(name))
    for method, params in (("create_user", {"display_name": "B"}),
                           ("update_user", {"id": service.user()["id"]})):
        refused = refusal(service, method, params | {"email": wanted.format(name)})
        assert (told(refused), set(refused.fields)) == (TAKEN, {"email"})
    changed = service.call("update_user", id=user["id"], display_name="C")["user"]
    assert changed["email"] == old.format(name) == service.call(
        "update_user", id=user["id"], email=old.format(name))["user"]["email"]
    changed = service.call("update_user", id=user["id"], email=wanted.format(name))["user"]
    assert changed["email"] == wanted.format(name)


def test_the_name_before_the_at_has_a_case(service: Service) -> None:
    name = f"ann{unique()}"
    assert service.user(email=f"{name}@x.org") and service.user(email=f"{name.upper()}@x.org")


@pytest.mark.both_doors
@pytest.mark.parametrize("table, name, made, method", [
    ("users", "email", "user", "update_user"), ("tenants", "slug", "tenant", "update_tenant")])
@pytest.mark.parametrize("old", ["john{}", "a b{}@x", "{} ", "\u200b{}", "x" * 300 + "{}", "\n{}\n",
                                 "\t"])
def test_what_is_there_may_be_sent_back_whatever_it_is(
        service: Service, table: str, name: str, made: str, method: str, old: str) -> None:
    old, row = old.format(unique()), getattr(service, made)()
    store(service, table, name, row, old)
    sent = {key: value for key, value in row.items() if not key.endswith("_at")} | {name: old}
    if made == "tenant":
        assert service.call(method, sent | {"name": "Other"})["tenant"]["name"] == "Other"
    assert service.call(method, sent)[made][name] == old
    other = getattr(service, made)()
    if name == "email" or old != old.strip():
        refused = refusal(service, method, {"id": other["id"], name: old})
        assert (told(refused), set(refused.fields)) == (WRONG, {name})
    store(service, table, name, row, unique())


@pytest.mark.both_doors
@pytest.mark.parametrize("slug", [
    "{}", "ACME {}", "{}-corp", "{} ü", "{}/x?y=z&.", "{}😀", "中文{}", "1{}", "{}" + "x" * 223])
def test_a_slug_is_given_back_as_it_came(service: Service, slug: str) -> None:
    slug = slug.format(unique())
    tenant = service.tenant(slug=slug)
    assert tenant["slug"] == slug
    assert service.call("update_tenant", id=tenant["id"], slug=slug)["tenant"]["slug"] == slug


def test_a_slug_is_given_on_in_the_composed_form(service: Service) -> None:
    name = unique()
    assert service.tenant(slug=f"{name}u\u0308")["slug"] == f"{name}ü"


@pytest.mark.both_doors
def test_what_is_no_slug_is_refused_with_what_is_wrong(service: Service) -> None:
    tenant = service.tenant()
    for slug, words in BAD_SLUGS:
        for method, more in (("create_tenant", {"name": "A"}),
                             ("update_tenant", {"id": tenant["id"], "name": "A"})):
            if slug or method == "create_tenant":
                refused = refusal(service, method, more | {"slug": slug})
                assert (told(refused), set(refused.fields)) == (WRONG, {"slug"}), slug
                assert words in str(refused), slug
    assert service.call("get_tenant", id=tenant["id"])["tenant"] == tenant


@pytest.mark.both_doors
@pytest.mark.parametrize("method", ["create_tenant", "update_tenant"])
@pytest.mark.parametrize("held, wanted", SAME_SLUGS + [twin[::-1] for twin in SAME_SLUGS])
def test_a_slug_is_taken_that_looks_the_same(service: Service, method: str, held: str, wanted: str
                                             ) -> None:
    name = unique()
    kept = service.tenant(slug=held.format(name))
    params = {"name": "B"} if method == "create_tenant" else {"id": service.tenant()["id"]}
    refused = refusal(service, method, params | {"slug": wanted.format(name)})
    assert (told(refused), set(refused.fields)) == (TAKEN, {"slug"})
    own = service.call("update_tenant", id=kept["id"], slug=wanted.format(name))["tenant"]
    assert own["slug"] == normalize("NFC", wanted.format(name))


@pytest.mark.both_doors
@pytest.mark.parametrize("old, wanted", OLD_SLUGS)
def test_a_slug_that_was_stored_before_stays_and_no_twin_of_it_is_taken(
        service: Service, old: str, wanted: str) -> None:
    name, tenant = unique(), service.tenant()
    store(service, "tenants", "slug", tenant, old.format(name))
    changed = service.call("update_tenant", id=tenant["id"], name="Other")["tenant"]
    assert changed["slug"] == old.format(name)
    for method, params in (("create_tenant", {"name": "B"}),
                           ("update_tenant", {"id": service.tenant()["id"]})):
        refused = refusal(service, method, params | {"slug": wanted.format(name)})
        assert (told(refused), set(refused.fields)) == (TAKEN, {"slug"})


def test_two_old_slugs_that_look_the_same_both_stay(service: Service) -> None:
    name = f"tenant-{unique()}"
    pairs = ((service.tenant(), name), (service.tenant(), name.upper()))
    for tenant, slug in pairs:
        store(service, "tenants", "slug", tenant, slug)
    for tenant, slug in pairs:
        changed = service.call("update_tenant", id=tenant["id"], slug=slug, name="Other")["tenant"]
        assert changed["slug"] == slug


def test_a_slug_that_the_original_changed_is_free_again(service: Service) -> None:
    name, tenant = f"tenant-{unique()}", None
    tenant = service.tenant(slug=name)
    store(service, "tenants", "slug", tenant, f"{name}-other")
    assert service.tenant(slug=name.upper())
    refused = refusal(service, "create_tenant", slug=f"{name}-OTHER", name="B")
    assert (told(refused), set(refused.fields)) == (TAKEN, {"slug"})


def test_a_create_that_is_sent_again_is_told_that_its_id_is_taken(service: Service) -> None:
    for method, params in (("create_tenant", {"slug": unique(), "name": "A"}),
                           ("create_user", {"email": f"{unique()}@x.org", "display_name": "A"})):
        params["id"] = str(uuid4())
        service.call(method, params)
        refused = refusal(service, method, params)
        assert (told(refused), set(refused.fields)) == (TAKEN, {"id"})


@pytest.mark.parametrize("method, spellings, more", [
    ("create_tenant", ["{}-ÄCME", "{}-äcme", "{}-Äcme", "{}-a\u0308cme"],
     ("slug", {"name": "Racer"})),
    ("create_user", ["{}@Bücher.DE", "{}@bücher.de", "{}@xn--bcher-kva.de", '"{}"@bücher.de'],
     ("email", {"display_name": "Racer"}))])
def test_of_many_who_want_one_name_at_once_in_any_spelling_one_gets_it(
        service: Service, method: str, spellings: list[str], more: Any) -> None:
    field, params = more

    def create(wanted: str) -> str:
        try:
            service.call(method, params | {field: wanted})
            return "made"
        except RpcError as error:
            assert (told(error), set(error.fields)) == (TAKEN, {field})
            return "taken"

    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            name = unique()
            asked = [spelling.format(name) for spelling in spellings] * 2
            assert Counter(pool.map(create, asked)) == {"made": 1, "taken": 7}


@pytest.mark.parametrize("slug, email", [
    (" acme\u200b", "no address"), ("ACME\n", "a@@b"), (USER, "Ann@EXAMPLE.com ")])
def test_old_names_leave_and_enter_with_their_tenant(
        new_database: Callable[..., Settings], slug: str, email: str) -> None:
    lines = small()
    lines[0]["tenant"]["slug"], lines[1]["user"]["email"] = slug, email
    first, second = new_database(), new_database()
    taken(first, written(lines))
    text = given_back(first, slug)
    taken(second, text)
    assert given_back(second, slug) == text
    service = Service.of(second)
    assert service.call("get_user", id=USER)["user"]["email"] == email
    assert service.call("get_tenant", id=TENANT)["tenant"]["slug"] == slug
    service.close()


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_names_are_kept_apart_in_a_database_of_any_encoding(
        server: Postgresql, encoding: str) -> None:
    settings = postgres.settings_of(server, f"names_in_{encoding.lower()}")
    with connect(postgres.settings_of(server, "postgres")) as connection:
        connection.execute(f"CREATE DATABASE {settings.db_name} ENCODING '{encoding}' "
                           "TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'".encode())
    migrate(settings)
    service = Service.of(settings)
    for slug, twin in (("Äcme", "äCME"), ("straße", "STRASSE"), ("ÿ-µ A", "ÿ-µ a")):
        tenant = service.tenant(slug=slug)
        refused = refusal(service, "create_tenant", slug=twin, name="B")
        assert (told(refused), set(refused.fields)) == (TAKEN, {"slug"})
        assert service.call("update_tenant", id=tenant["id"], slug=slug)["tenant"]["slug"] == slug
    service.user(email="jürgen@bücher.de")
    refused = refusal(service, "create_user", email="jürgen@BÜCHER.de", display_name="B")
    assert (told(refused), set(refused.fields)) == (TAKEN, {"email"})
    service.close()
    postgres.drop_database(settings)


def test_a_twin_is_looked_for_by_an_index(new_service: Callable[..., Service]) -> None:
    service = new_service()
    with connect(service.settings) as connection:
        connection.execute("INSERT INTO tenants (id, slug, name) SELECT gen_random_uuid(), "
                           "'tenant ' || n, 'A' FROM generate_series(1, 2000) n")
        connection.execute("ANALYZE tenants")
        (plan,) = zip(*connection.execute(
            "EXPLAIN SELECT FROM tenants other WHERE flexdb_slug_key(other.slug) = ANY (ARRAY("
            "SELECT flexdb_slug_key(s) FROM json_array_elements_text('[\"a\"]'::json) s))"
        ).fetchall())
    assert any("flexdb_tenants_by_slug" in line for line in plan), plan


@pytest.mark.parametrize("if_match", ['"1-b2a8d408f663c39e"', None])
@pytest.mark.parametrize("thing", ["tenant", "user"])
def test_what_is_no_name_is_told_as_that_whatever_the_condition(
        service: Service, thing: str, if_match: str | None) -> None:
    """RFC 9110, section 13.2.1: a condition is ignored where the answer would be a refusal."""
    name, wrong = ("slug", "a\u0084b") if thing == "tenant" else ("email", "no address")
    other, own = getattr(service, thing)(), getattr(service, thing)()
    headers = {"If-Match": if_match} if if_match else {"If-None-Match": "*"}
    for value, status in ((wrong, 400), (other[name], 409), (own[name], 412)):
        response = service.app.test_client().put(
            f"/{thing}s/{own['id']}", json={name: value}, headers=headers)
        assert response.status_code == status, response.data
