"""Every operation is a method of the client, with its parameters, and gives what its type says."""

from __future__ import annotations

import asyncio
import inspect
import types
from datetime import datetime
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import httpx2
import pytest

import flexdb.client as fx
import flexdb.client.objects as objects
from flexdb.client.asynchronous.client import AsyncClient
from flexdb.client.deferred import DeferredMethods
from flexdb.client.pending import Pending
from flexdb.contract.describe import error_kinds
from flexdb.contract.operation import DELETES, OPERATIONS
from tests.support.callers import closed, secrets_of
from tests.support.service import Service
from tests.support.world import World


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    return World(service)


def type_of(method: str) -> Any:
    """Return what a method of the client gives."""
    names = vars(objects) | {"Pending": Pending, "Absent": fx.ABSENT.__class__,
                             "datetime": datetime}
    return get_type_hints(getattr(fx.Client, method), names)["return"]


def fits(value: Any, kind: Any) -> bool:
    """Tell whether a value is of a type, all the way down."""
    if kind is Any or kind is type(None):
        return kind is Any or value is None
    if is_typeddict(kind):
        members = get_type_hints(kind, vars(objects))
        return (isinstance(value, dict) and kind.__required_keys__ <= value.keys()
                <= members.keys() and all(fits(one, members[name]) for name, one in value.items()))
    origin, of = get_origin(kind), get_args(kind)
    if origin is Literal:
        return value in of
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in of)
    if origin is list:
        return isinstance(value, list) and all(fits(one, of[0]) for one in value)
    if origin is not None:
        return isinstance(value, dict) and all(fits(one, of[1]) for one in value.values())
    return type(value) is kind


@pytest.mark.parametrize("method", OPERATIONS)
def test_a_method_gives_what_its_type_says(db: fx.Client, service: Service, world: World,
                                           method: str) -> None:
    if OPERATIONS[method].effect is DELETES:
        world = World(service)
    params = {name: value for name, value in world.params(method).items() if value != ""}
    found = getattr(db, method)(**params)
    assert fits(found, type_of(method)), (found, type_of(method))


@pytest.mark.parametrize("methods", [fx.Client, AsyncClient, DeferredMethods])
def test_the_methods_are_the_operations_with_their_parameters_and_texts(methods: type) -> None:
    for name, operation in OPERATIONS.items():
        method = getattr(methods, name)
        found = {one.name: one for one in inspect.signature(method).parameters.values()
                 if one.name != "self"}
        assert found.keys() == operation.fields.keys()
        assert all(one.kind is one.KEYWORD_ONLY for one in found.values())
        assert {one for one in found if found[one].default is inspect.Parameter.empty} == {
            one for one in found if operation.fields[one].required}
        told = " ".join((inspect.getdoc(method) or "").split())
        assert told.startswith(" ".join(operation.description.partition("\n\n")[0].split()))
        if methods is not DeferredMethods:
            assert all(f":param {one}: " in told for one in found)


def test_there_is_a_class_for_each_reason() -> None:
    for kind in error_kinds():
        ours = getattr(fx, next(above.__name__ for above in kind.__mro__
                                if hasattr(fx, above.__name__)))
        assert issubclass(ours, fx.ServiceError) and ours.reason == kind.reason


def test_what_is_not_given_is_not_sent_and_what_is_null_is(db: fx.Client, slug: str) -> None:
    tenant = db.create_tenant(slug=slug, name="A")
    made = db.create_node_type(tenant_id=tenant["id"], name="Task", description="Work",
                               schema={"type": "object"})
    kept = db.update_node_type(tenant_id=tenant["id"], id=made["id"], name="Job")
    assert (kept["description"], kept["schema"]) == ("Work", {"type": "object"})
    cleared = db.update_node_type(tenant_id=tenant["id"], id=made["id"], description=None)
    assert (cleared["description"], cleared["schema"]) == (None, {"type": "object"})


def test_the_same_is_there_to_be_awaited(url: str, slug: str) -> None:
    async def make() -> Any:
        async with fx.aconnect(url) as db:
            tenant = await db.create_tenant(slug=slug, name="A")
            calls = [db.create_node_type(tenant_id=tenant["id"], name=f"Type {number}")
                     for number in range(5)]
            made = await asyncio.gather(*calls)
            with pytest.raises(fx.AlreadyExists):
                await db.create_tenant(slug=slug, name="A")
            return [one["name"] for one in made]

    assert asyncio.run(make()) == [f"Type {number}" for number in range(5)]


def test_a_method_that_the_client_does_not_know_is_called_by_its_name(db: fx.Client) -> None:
    assert db.call("list_tenants", {"pagination": {"page_size": 1}}).keys() == {
        "tenants", "pagination"}
    with pytest.raises(fx.MethodNotFound, match="list_tenant"):
        db.call("list_tenant")


def test_many_calls_are_one_request_and_each_has_its_own_end(db: fx.Client, slug: str) -> None:
    found = db.call_all([("create_tenant", {"slug": slug, "name": "A"}),
                         ("create_tenant", {"slug": slug, "name": "A"}), ("get_caller", {})])
    assert found[0]["tenant"]["slug"] == slug and "caller" in found[2]
    assert isinstance(found[1], fx.AlreadyExists) and found[1].request_id


def test_a_key_is_sent_and_what_sends_may_be_one_s_own(
        service: Service) -> None:
    tenant, required = service.tenant(), closed(service.settings)
    viewer = secrets_of(service.settings, tenant)["viewer"]
    inside = httpx2.WSGITransport(app=required.app)
    with fx.connect("http://localhost", http=httpx2.Client(transport=inside)) as db:
        with pytest.raises(fx.Unauthenticated):
            db.list_tenants()
    with fx.connect("http://localhost", viewer, http=httpx2.Client(transport=inside)) as db:
        assert db.tenant(tenant["slug"]).id == tenant["id"]
        with pytest.raises(fx.PermissionDenied):
            db.tenant(tenant["slug"]).type("Task")
    required.close()
