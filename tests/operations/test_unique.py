"""What a type's schema says with x-unique: one node alone has it, whoever writes."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from flexdb.errors import FlexdbError
from tests.support import original, postgres, transfers
from tests.support.service import RpcError, Service

EMAIL: dict[str, Any] = {"properties": {"email": {"x-unique": True}}}
TOGETHER = {"x-unique": [["country", "address.code"]]}


@pytest.fixture
def person(service: Service) -> dict[str, Any]:
    """A type whose nodes have an e-mail address of their own."""
    made: dict[str, Any] = service.node_type(service.tenant(), schema=EMAIL)
    return made


def refused(service: Service, method: str, **params: Any) -> RpcError:
    with pytest.raises(RpcError) as error:
        service.call(method, **params)
    assert error.value.reason == "ALREADY_EXISTS", error.value
    return error.value


def create(service: Service, node_type: dict[str, Any], data: Any) -> RpcError:
    return refused(service, "create_node", tenant_id=node_type["tenant_id"],
                   node_type_id=node_type["id"], data=data)


def test_a_second_node_is_refused_and_told_the_member_and_the_first(
        service: Service, person: dict[str, Any]) -> None:
    first = service.node(person, data={"email": "a@example.org"})
    error = create(service, person, {"email": "a@example.org"})
    assert error.fields == {"data.email": ["is taken"]} and error.error["data"]["id"] == first["id"]
    assert service.node(person, data={"email": "b@example.org"})
    # Of another type, and in another tenant, it is free.
    service.node(service.node_type({"id": person["tenant_id"]}, schema=EMAIL),
                 data={"email": "a@example.org"})
    service.node(service.node_type(service.tenant(), schema=EMAIL), data={"email": "a@example.org"})


@pytest.mark.parametrize(("one", "other", "is_equal"), [
    ("1", "1.0", True), ("1", '"1"', False), ("[1,2.50]", "[1.0,2.5]", True), ("100", "10", False),
    ('{"a":10,"b":0.10}', '{"b":0.1,"a":1e1}', True), ("[[1],2]", "[[1,2]]", False),
    ("1.05", "1.5", False), ('"1.0"', '"1.00"', False), ("[]", "[]", True), ("0", "-0.0", True),
    (r'["1.0 \" 2.0"]', r'["1.0 \" 2"]', False), ("true", "true", True), ("[null]", "[null]", True),
    ("12345678901234567890.10", "12345678901234567890.1", True), ('"é"', r'"\u00e9"', True),
    ("[1.05,10]", "[1.050,10.0]", True), ("[0.0]", "[0]", True), ("[10]", "[1]", False)])
def test_equal_is_what_is_equal_as_json(service: Service, person: dict[str, Any], one: str,
                                        other: str, is_equal: bool) -> None:
    of_type = {"tenant_id": person["tenant_id"], "node_type_id": person["id"]}
    service.call("create_node", **of_type, data=f'{{"email": {one}}}')
    if is_equal:
        refused(service, "create_node", **of_type, data=f'{{"email": {other}}}')
    else:
        service.call("create_node", **of_type, data=f'{{"email": {other}}}')
    with postgres.connect(service.settings) as connection:
        assert connection.execute("SELECT %s::jsonb = %s::jsonb", [one, other]
                                  ).fetchone() == (is_equal,)


def test_who_has_none_and_who_has_null_clash_with_nobody(
        service: Service, person: dict[str, Any]) -> None:
    for data in ({}, {}, {"email": None}, {"email": None}):
        service.node(person, data=data)


def test_several_members_are_unique_together(service: Service) -> None:
    node_type = service.node_type(service.tenant(), schema=TOGETHER)
    first = {"country": "at", "address": {"code": 1}}
    for data in (first, first | {"country": "de"}, {"country": "at"}, {"country": "at"}):
        service.node(node_type, data=data)
    assert create(service, node_type, {"country": "at", "address": {"code": 1.0}}).fields == {
        "data.country": ["is taken together with data.address.code"],
        "data.address.code": ["is taken together with data.country"]}


def test_a_change_is_held_to_it_too_and_frees_what_it_leaves(
        service: Service, person: dict[str, Any]) -> None:
    first, second = (service.node(person, data={"email": one}) for one in "ab")
    key = {"tenant_id": person["tenant_id"], "id": second["id"]}
    for method, change in (("update_node", "data"), ("patch_node", "patch")):
        error = refused(service, method, **key, **{change: {"email": "a"}})
        assert error.fields == {"data.email": ["is taken"]}
        assert error.error["data"]["id"] == first["id"]
    assert service.call("get_node", **key)["node"] == second
    service.call("patch_node", **key, patch={"name": "B"})
    service.call("patch_node", tenant_id=person["tenant_id"], id=first["id"], patch={"email": "c"})
    service.call("patch_node", **key, patch={"email": "a"})
    service.call("delete_node", **key)
    service.node(person, data={"email": "a"})


def test_of_many_every_one_that_clashes_is_named_by_its_place(
        service: Service, person: dict[str, Any]) -> None:
    there = service.node(person, data={"email": "a"})
    error = refused(service, "create_nodes", tenant_id=person["tenant_id"], nodes=[
        {"node_type_id": person["id"], "data": {"email": one}} for one in "bac"])
    assert error.fields == {"nodes.1.data.email": ["is taken"]}
    assert error.error["data"]["clashes"] == [{"index": 1, "id": there["id"]}]
    error = refused(service, "create_nodes", tenant_id=person["tenant_id"], nodes=[
        {"node_type_id": person["id"], "data": {"email": one}} for one in "bbc"])
    ((field, wrong),) = error.fields.items()
    assert field in ("nodes.0.data.email", "nodes.1.data.email") and wrong == ["is given twice"]
    assert service.call("list_nodes", tenant_id=person["tenant_id"])["nodes"] == [there]


def test_in_a_transaction_it_holds_and_all_is_taken_back(
        service: Service, person: dict[str, Any]) -> None:
    of_type = {"tenant_id": person["tenant_id"], "node_type_id": person["id"]}
    error = refused(service, "transaction", calls=[
        {"method": "create_node", "params": of_type | {"data": {"email": one}}} for one in "aba"])
    assert error.fields == {"calls.2.params.data.email": ["is taken"]}
    service.node(person, data={"email": "a"})


def test_setting_it_on_nodes_that_clash_tells_which_and_changes_nothing(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    twice = [service.node(node_type, data={"email": "a", "n": n})["id"] for n in range(3)]
    service.node(node_type, data={"email": "b"})
    key = {"tenant_id": node_type["tenant_id"], "id": node_type["id"]}
    told = [{"members": ["data.email"], "values": ['"a"'], "ids": twice, "total": 3}]
    error = refused(service, "update_node_type", **key, schema=EMAIL)
    assert list(error.fields) == ["schema"] and error.error["data"]["clashes"] == told
    assert service.call("check_node_type", **key, schema=EMAIL)["clashes"] == told
    assert service.call("get_node_type", **key)["node_type"] == node_type
    service.node(node_type, data={"email": "b"})
    for id in (twice[0], twice[1]):
        service.call("delete_node", tenant_id=key["tenant_id"], id=id)
    (left,) = service.call("check_node_type", **key, schema=EMAIL)["clashes"]
    service.call("delete_node", tenant_id=key["tenant_id"], id=left["ids"][0])
    service.call("update_node_type", **key, schema=EMAIL)
    assert service.call("check_node_type", **key)["clashes"] == []
    create(service, node_type, {"email": "a"})
    # And without it, all is free again.
    service.call("update_node_type", **key, schema=None)
    assert entries(service, node_type) == {}
    service.node(node_type, data={"email": "a"})


def test_a_long_value_and_many_clashes_are_told_in_part(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    of_type = {"node_type_id": node_type["id"]}
    service.call("create_nodes", tenant_id=node_type["tenant_id"], nodes=[
        of_type | {"data": {"email": f"{n % 120}" + "x" * 300}} for n in range(240)] + [
        of_type | {"data": {"email": "0" + "x" * 300}} for _ in range(20)])
    told = refused(service, "update_node_type", tenant_id=node_type["tenant_id"],
                   id=node_type["id"], schema=EMAIL).error["data"]["clashes"]
    assert len(told) == 100 and told[0]["total"] == 22 and len(told[0]["ids"]) == 10
    assert all(len(clash["values"][0]) == 200 for clash in told)


def entries(service: Service, node_type: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return what is entered of a type: the node by rule and hash."""
    with postgres.connect(service.settings) as connection:
        return {(rule, hash): id for rule, hash, id in connection.execute(
            "SELECT u.rule, u.hash::text, u.node_id::text FROM flexdb_unique u"
            " WHERE u.tenant_id = %s AND u.node_type_id = %s",
            [node_type["tenant_id"], node_type["id"]])}


def expected(service: Service, node_type: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return what must be entered, by what the schema and the nodes say."""
    with postgres.connect(service.settings) as connection:
        return {(rule, hash): id for rule, hash, id in connection.execute(
            "SELECT d.rule, flexdb_unique_hash(n.data, d.paths)::text, n.id::text FROM nodes n"
            " JOIN node_types nt ON nt.tenant_id = n.tenant_id AND nt.id = n.node_type_id"
            " CROSS JOIN flexdb_declared(nt.schema) d"
            " WHERE nt.tenant_id = %s AND nt.id = %s AND d.kind = 'unique'"
            " AND flexdb_unique_hash(n.data, d.paths) IS NOT NULL",
            [node_type["tenant_id"], node_type["id"]])}


@pytest.mark.long
def test_of_eight_who_write_the_same_at_once_one_has_it(
        service: Service, person: dict[str, Any]) -> None:
    of_type = {"tenant_id": person["tenant_id"], "node_type_id": person["id"]}
    mine = service.node(person, data={})

    def write(number: int) -> int:
        made, values = 0, list(range(20))
        random.Random(number).shuffle(values)
        for value in values:
            one, other = {"email": value}, {"email": f"{number} {value}"}
            try:
                if number % 3 == 0:
                    service.call("create_node", **of_type, data=one)
                elif number % 3 == 1:
                    service.call("create_nodes", tenant_id=of_type["tenant_id"], nodes=[
                        {"node_type_id": of_type["node_type_id"], "data": data}
                        for data in (one, other)])
                else:
                    service.call("transaction", calls=[
                        {"method": "patch_node", "params": {
                            "tenant_id": of_type["tenant_id"], "id": mine["id"], "patch": other}},
                        {"method": "create_node", "params": of_type | {"data": one}}])
                made += 1
            except RpcError as error:
                assert error.reason in ("ALREADY_EXISTS", "ABORTED"), error
        return made

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(write, range(8))) == 20
    assert entries(service, person) == expected(service, person)


@pytest.mark.long
def test_no_clash_gets_in_while_the_rule_is_set(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    stop: list[bool] = []

    def write(number: int) -> None:
        with postgres.connect(service.settings) as connection:
            for value in range(1000):
                if stop:
                    return
                try:
                    if number % 2:
                        service.node(node_type, data={"email": value})
                    else:
                        # As the original does, which locks no type.
                        id = str(uuid4())
                        original.insert(connection, "nodes", id=id, data={},
                                        created_at="2024-01-01", updated_at="2024-01-01",
                                        tenant_id=node_type["tenant_id"],
                                        node_type_id=node_type["id"])
                        original.update(connection, "nodes", {"id": id}, data={"email": value})
                except (RpcError, psycopg.errors.UniqueViolation,
                        psycopg.errors.DeadlockDetected):
                    pass

    key = {"tenant_id": node_type["tenant_id"], "id": node_type["id"]}
    with ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(write, number) for number in range(4)]
        held = 0
        while held < 5 and not all(writer.done() for writer in writers):
            try:
                service.call("update_node_type", **key, schema=EMAIL)
                held += 1
                assert service.call("check_node_type", **key)["clashes"] == []
                service.call("update_node_type", **key, schema=None)
            except RpcError as error:
                assert error.reason in ("ALREADY_EXISTS", "ABORTED"), error
                service.call("delete_nodes", tenant_id=key["tenant_id"], max_affected=100_000,
                             filter={"node_type_id": key["id"]})
        stop.append(True)
        for writer in writers:
            writer.result()
    service.call("delete_nodes", tenant_id=key["tenant_id"], max_affected=100_000,
                 filter={"node_type_id": key["id"]})
    service.call("update_node_type", **key, schema=EMAIL)
    assert held and entries(service, node_type) == {}


def test_the_original_and_copy_are_held_to_it(service: Service, person: dict[str, Any]) -> None:
    times = {"created_at": "2024-01-01", "updated_at": "2024-01-01"}
    row = {"tenant_id": person["tenant_id"], "node_type_id": person["id"]} | times
    with postgres.connect(service.settings) as connection:
        original.insert(connection, "nodes", id=str(uuid4()), data={"email": "a"}, **row)
        other = str(uuid4())
        original.insert(connection, "nodes", id=other, data={"email": "b"}, **row)
        with pytest.raises(psycopg.errors.UniqueViolation):
            original.insert(connection, "nodes", id=str(uuid4()), data={"email": "a"}, **row)
        with pytest.raises(psycopg.errors.UniqueViolation):
            original.update(connection, "nodes", {"id": other}, data={"email": "a"})
        elsewhere = service.node_type({"id": person["tenant_id"]}, schema=EMAIL)
        original.update(connection, "nodes", {"id": other}, node_type_id=elsewhere["id"])
        assert len(entries(service, elsewhere)) == 1
        original.update(connection, "nodes", {"id": other}, node_type_id=person["id"])
        assert entries(service, elsewhere) == {}
        assert entries(service, person) == expected(service, person)
        assert original.delete(connection, "nodes", id=other) == 1
        with pytest.raises(psycopg.errors.UniqueViolation), connection.cursor().copy(
                "COPY nodes (id, tenant_id, node_type_id, data) FROM STDIN") as copy:
            for email in "xyx":
                copy.write_row((str(uuid4()), person["tenant_id"], person["id"],
                                f'{{"email": "{email}"}}'))
        assert entries(service, person) == expected(service, person)
        connection.execute("TRUNCATE nodes CASCADE")
    assert entries(service, person) == {}


def test_nodes_that_are_given_other_ids_keep_what_they_alone_have(
        service: Service, person: dict[str, Any]) -> None:
    for number in range(10):
        service.node(person, data={"email": f"{number}@example.org"})
    with postgres.connect(service.settings) as connection:
        # Those that are there come before those that are gone.
        connection.execute("UPDATE nodes SET id = overlay(id::text PLACING '00' FROM 1)::uuid"
                           " WHERE tenant_id = %s", [person["tenant_id"]])
        found = connection.execute(
            "SELECT count(*), count(n.id) FROM flexdb_unique u"
            " LEFT JOIN nodes n ON n.id = u.node_id WHERE u.tenant_id = %s",
            [person["tenant_id"]]).fetchone()
    assert found == (10, 10)
    assert create(service, person, {"email": "3@example.org"})


def test_an_import_is_held_to_it_and_names_the_line(service: Service) -> None:
    tenant = str(uuid4())
    lines = transfers.small(nodes=3)
    lines[0]["tenant"] |= {"id": tenant, "slug": tenant}
    lines[1]["user"] |= {"id": str(uuid4()), "email": f"{tenant}@example.org"}
    lines[2]["tenant_user"] |= {"tenant_id": tenant, "user_id": lines[1]["user"]["id"]}
    lines[3]["node_type"] |= {"schema": {"properties": {"n": {"x-unique": True}}}}
    lines = lines[:7]
    lines[6]["node"] |= {"data": {"n": 0.0}}
    with pytest.raises(FlexdbError, match=r"^line [57]: node.data.n is taken$"):
        transfers.taken(service.settings, transfers.written(lines))
    lines[6]["node"] |= {"data": {"n": None}}
    transfers.taken(service.settings, transfers.written(lines))
    node_type = {"tenant_id": tenant, "id": transfers.TYPE}
    assert len(entries(service, node_type)) == 2
    assert entries(service, node_type) == expected(service, node_type)


@pytest.mark.parametrize("table", ["node_types", "tenants"])
def test_with_the_type_or_the_tenant_all_is_forgotten(
        service: Service, person: dict[str, Any], table: str) -> None:
    service.node(person, data={"email": "a"})
    assert entries(service, person)
    method, params = (("delete_tenant", {"id": person["tenant_id"]}) if table == "tenants" else (
        "delete_node_type", {"tenant_id": person["tenant_id"], "id": person["id"]}))
    service.call(method, **params)
    assert entries(service, person) == {}
    with postgres.connect(service.settings) as connection:
        assert not connection.execute("SELECT FROM flexdb_declarations d WHERE d.tenant_id = %s",
                                      [person["tenant_id"]]).fetchall()


SCHEMAS: list[Any] = [
    None, EMAIL, {"x-unique": [["email", "n"], ["n"]]}, {"x-unique": [["n"]]} | EMAIL,
    {"properties": {"a": {"properties": {"b": {"x-unique": True}}}}}]


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_written_what_is_entered_is_what_the_nodes_say(
        service: Service, seed: int) -> None:
    chance = random.Random(seed)
    tenant = service.tenant()
    types = [service.node_type(tenant, schema=chance.choice(SCHEMAS)) for _ in range(2)]

    def data() -> dict[str, Any]:
        made: dict[str, Any] = {"email": chance.choice([None, *range(8), "1", [1], [1.0]]),
                                "n": chance.randrange(8), "a": {"b": chance.randrange(8)}}
        return {name: made[name] for name in made if chance.random() < 0.7}

    refusals = 0
    for _ in range(60):
        node_type = chance.choice(types)
        of_type = {"tenant_id": tenant["id"], "node_type_id": node_type["id"]}
        there = service.call("list_nodes", **of_type)["nodes"]
        key = {"tenant_id": tenant["id"], "id": chance.choice(there)["id"] if there else ""}
        method, params = chance.choice([
            ("create_node", of_type | {"data": data()}),
            ("create_nodes", {"tenant_id": tenant["id"], "nodes": [
                {"node_type_id": node_type["id"], "data": data()} for _ in range(2)]}),
            ("update_node_type", {"tenant_id": tenant["id"], "id": node_type["id"],
                                  "schema": chance.choice(SCHEMAS)}),
            *([("update_node", key | {"data": data()}), ("patch_node", key | {"patch": data()}),
               ("delete_node", key)] if there else [])])
        try:
            service.call(method, **params)
        except RpcError as error:
            assert error.reason == "ALREADY_EXISTS", error
            refusals += 1
        assert entries(service, node_type) == expected(service, node_type)
    assert refusals > 5
