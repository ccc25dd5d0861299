"""JSON-RPC 2.0 to the letter, where flask-jsonrpc alone would fall short of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import orjson
import pytest

from flexdb.config import DATABASE_VARIABLES, Settings
from flexdb.contract.operation import OPERATIONS
from tests.support.paths import ROOT
from tests.support.replies import answered, assert_refused, notification
from tests.support.service import Service, request

ABSENT = "0190163d-8694-739b-aea5-966c26f8ad91"
CLEARABLE = {"description", "schema", "source_node_type_ids", "target_node_type_ids"}
NARROWING = {"events", "node_type_ids", "relationship_types", "filter"}
PARAMETERS = [(method, name) for method, operation in OPERATIONS.items()
              for name in operation.fields]


@pytest.fixture(scope="module")
def tenant(service: Service) -> Any:
    return service.tenant()


@pytest.fixture
def good(tenant: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A call and its reply."""
    return (request("get_tenant", {"id": tenant["id"]}, "good"),
            {"jsonrpc": "2.0", "result": {"tenant": tenant}, "id": "good"})


# The examples of section 7, in their order; `subtract` is played by create_tenant and get_node.

@pytest.mark.parametrize("turned", [False, True])
def test_a_call_takes_positional_parameters_in_their_order(service: Service, turned: bool) -> None:
    params = [uuid4().hex, uuid4().hex][::-1 if turned else 1]
    reply = answered(service.post(request("create_tenant", params)))
    assert reply.keys() == {"jsonrpc", "result", "id"}
    assert (reply["jsonrpc"], reply["id"]) == ("2.0", 1)
    assert [reply["result"]["tenant"][name] for name in ("slug", "name")] == params


def test_a_call_takes_named_parameters_in_any_order(service: Service, tenant: Any) -> None:
    type_ = service.node_type(tenant)
    params = {"id": type_["id"], "tenant_id": tenant["id"]}
    replies = [answered(service.post(request("get_node_type", dict(members), 3)))
               for members in (params.items(), reversed(params.items()))]
    assert replies == [{"jsonrpc": "2.0", "result": {"node_type": type_}, "id": 3}] * 2


@pytest.mark.parametrize("method", ["update_tenant", "foobar"])
def test_a_notification_is_done_but_not_answered(service: Service, method: str) -> None:
    tenant = service.tenant()
    call = request(method, {"id": tenant["id"], "name": "Another"})
    response = service.post(notification(call))
    assert (response.status_code, response.data) == (204, b"")
    done = service.call("get_tenant", id=tenant["id"])["tenant"]["name"] == "Another"
    assert done is (method == "update_tenant")


@pytest.mark.parametrize(("body", "code", "id"), [
    (b'{"jsonrpc": "2.0", "method": "foobar", "id": "1"}', -32601, "1"),
    (b'{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]', -32700, None),
    (b'{"jsonrpc": "2.0", "method": 1, "params": "bar"}', -32600, None),
    (b'[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},{"jsonrpc": "2.0", '
     b'"method"]', -32700, None),
    (b"[]", -32600, None),
])
def test_what_is_refused_as_a_whole_gets_one_error(service: Service, body: bytes, code: int,
                                                   id: str | None) -> None:
    assert_refused(answered(service.post(body)), code, id)


@pytest.mark.parametrize("batch", [[1], [1, 2, 3], [[]], [None, "1", True, {}, [[1]]]])
def test_each_invalid_call_of_a_batch_gets_an_error(service: Service, batch: list[Any]) -> None:
    replies = answered(service.post(batch))
    assert len(replies) == len(batch)
    for reply in replies:
        assert_refused(reply, -32600, None)


def test_a_mixed_batch_is_answered_call_by_call(service: Service, good: Any) -> None:
    call, reply = good
    first, failed, invalid, unknown, last = answered(service.post([
        call | {"id": "1"}, notification(call), call | {"id": "2", "params": [ABSENT]},
        {"foo": "boo"}, request("foo.get", {"name": "myself"}, "5"), call | {"id": "9"}]))
    assert first == reply | {"id": "1"} and last == reply | {"id": "9"}
    assert_refused(failed, -32001, "2")
    assert_refused(invalid, -32600, None)
    assert_refused(unknown, -32601, "5")


@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_batch_of_notifications_is_not_answered(service: Service, good: Any, size: int) -> None:
    failing = notification(request("get_tenant", {"id": ABSENT}))
    response = service.post([notification(good[0]), failing][-size:] * (size // 2 or 1))
    assert (response.status_code, response.data) == (204, b"")


# What is wrong with a call, as a change to a good one.

def faults() -> Iterator[tuple[dict[str, Any], int]]:
    wrong: dict[tuple[str, int], list[Any]] = {
        ("jsonrpc", -32600): [
            ..., None, "", "1.0", "2", "2.0 ", "2.00", 2, 2.0, True, ["2.0"], {"2.0": 1}],
        ("method", -32600): [
            ..., None, 1, 1.5, 0, True, False, [], ["get_tenant"], {}, {"get_tenant": 1}],
        ("method", -32601): [
            "", "nothing", "rpc.describe", "system.describe", "__init__", "GET_TENANT",
            "get_tenant ", " get_tenant", "get_tenant\0", "get-tenant", "дом", "x" * 9999],
        ("params", -32600): ["", "bar", 0, 1, 1.5, True, False],
        ("params", -32602): [
            ..., None, {}, [], [None], {"id": None}, {"ID": ABSENT}, [ABSENT, 1],
            {"id": ABSENT, "surplus": 1}, {"id": ABSENT, "": 1}, {"id": ABSENT, "self": 1},
            [1], [1.5], [True], [[]], [{}], [[ABSENT]], [""], ["no id"]],
        ("params", -32001): [[ABSENT]],
    }
    for (member, code), values in wrong.items():
        for value in values:
            yield {member: value}, code


FAULTS = [pytest.param(*fault, id=orjson.dumps(fault[0], default=str)[:50].decode())
          for fault in faults()]


def spoilt(call: dict[str, Any], fault: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (call | fault).items() if value is not ...}


@pytest.mark.parametrize(("fault", "code"), FAULTS)
@pytest.mark.parametrize("as_notification", [False, True], ids=["call", "notification"])
@pytest.mark.parametrize("in_batch", [False, True], ids=["alone", "batch"])
def test_a_faulty_call_is_refused_and_a_faulty_notification_is_not_answered(
    service: Service, good: Any, fault: dict[str, Any], code: int, as_notification: bool,
    in_batch: bool,
) -> None:
    call = spoilt(good[0] | {"id": "faulty"}, fault)
    call = notification(call) if as_notification else call
    # what is no request object is no notification either
    id = None if as_notification else "faulty"
    is_answered = not as_notification or code == -32600
    if in_batch:
        calls = [good[0], call, notification(good[0]), good[0]]
        first, *between, last = answered(service.post(calls))
        assert first == last == good[1] and len(between) == is_answered
        assert all(assert_refused(reply, code, id) for reply in between)
    elif is_answered:
        assert_refused(answered(service.post(call)), code, id)
    else:
        response = service.post(call)
        assert (response.status_code, response.data) == (204, b"")


@pytest.mark.parametrize("id", [
    "", "1", "null", "\0", "дом 🏠", "x" * 10_000, 0, -1, 2**63 - 1, -2**63, None])
@pytest.mark.parametrize("in_batch", [False, True])
def test_an_id_is_given_back_as_it_came(service: Service, good: Any, id: Any, in_batch: bool
                                        ) -> None:
    calls = [good[0] | {"id": id}, request("nothing", id=id)]
    replies = answered(service.post(calls)) if in_batch else [
        answered(service.post(call)) for call in calls]
    assert replies[0] == good[1] | {"id": id} and type(replies[0]["id"]) is type(id)
    assert_refused(replies[1], -32601, id)


@pytest.mark.parametrize("id", [
    b"1.5", b"1.0", b"1e3", b"1E+3", b"-0", b"0.0", b"-0.0e-0", b"18446744073709551616",
    b"-9223372036854775809", b"1" + b"0" * 300, b"0.1000000000000000055511151231257827"])
@pytest.mark.parametrize("in_batch", [False, True])
def test_a_number_as_id_is_given_back_digit_for_digit(service: Service, tenant: Any, id: bytes,
                                                      in_batch: bool) -> None:
    calls = [b'{"id": %b ,"jsonrpc":"2.0","method":"%b","params":["%b"]}' % (
        id, method, tenant["id"].encode()) for method in (b"get_tenant", b"nothing")]
    texts = ([service.post(b"[%b]" % b",".join(calls)).data.rstrip(b"]")] if in_batch else
             [service.post(call).data for call in calls])
    ends = [text.rpartition(b'"id":')[2] for text in texts]
    assert ends == [id + b"}"] * len(texts)
    assert sum(text.count(b'"id":%b}' % id) for text in texts) == 2


@pytest.mark.parametrize("id", [b"true", b"false", b"[]", b"[1]", b"{}", b'{"id":1}'])
def test_an_id_that_is_none_is_refused(service: Service, tenant: Any, id: bytes) -> None:
    call = b'{"jsonrpc":"2.0","method":"get_tenant","params":["%b"],"id":%b}' % (
        tenant["id"].encode(), id)
    assert_refused(answered(service.post(call)), -32600, None)
    assert_refused(answered(service.post(b"[%b]" % call))[0], -32600, None)


def test_params_that_are_null_count_as_absent(service: Service) -> None:
    call = request("list_tenants")
    assert answered(service.post(call | {"params": None})) == answered(service.post(call))


@pytest.mark.parametrize("method", OPERATIONS)
def test_a_method_names_each_parameter_that_is_missing_unknown_or_too_many(
    service: Service, method: str,
) -> None:
    fields = OPERATIONS[method].fields
    missing = {name: ["is missing"] for name, field in fields.items() if field.required}
    either = OPERATIONS[method].params.either
    missing |= {name: [f"is missing: give it, or {other}"]
                for name, other in zip(either, either[::-1])}
    unknown = ("surplus", "_schema")
    named, positional = service.batch([
        request(method, dict.fromkeys(unknown)), request(method, [None] * (len(fields) + 2))])
    told = assert_refused(named, -32602, 1)["fields"]
    for name in unknown:
        (message,) = told.pop(name)
        assert message.startswith("is not a parameter here")
        assert message.endswith(f" there are: {', '.join(fields) or 'none'}")
    assert told == missing
    assert set(assert_refused(positional, -32602, 1)["fields"]) == {
        str(len(fields)), str(len(fields) + 1)}


def test_an_unknown_parameter_is_told_with_the_one_that_may_be_meant(service: Service) -> None:
    told = assert_refused(answered(service.post(request("create_tenant", {
        "slug": "a", "nmae": "A"}))), -32602, 1)["fields"]
    assert told["nmae"] == ["is not a parameter here: did you mean name? there are: "
                            f"{', '.join(OPERATIONS['create_tenant'].fields)}"]
    reply = service.client().get("/tenants?page_szie=2&pagination=x").get_json()
    told = reply["error"]["data"]["fields"]
    assert "did you mean page_size? there are: " in told["page_szie"][0]
    assert not any("pagination," in message or message.endswith("pagination")
                   for (message,) in told.values())


def test_however_many_parameters_are_unknown_few_are_told_what_there_is(service: Service) -> None:
    items = [{f"surplus{place}": 1} for place in range(1000)]
    response = service.post(request("create_nodes", {
        "tenant_id": "a", "nodes": items, **{f"more{place}": 1 for place in range(1000)}}))
    told = assert_refused(answered(response), -32602, 1)["fields"].values()
    assert sum("there are: " in message for messages in told for message in messages) == 5


@pytest.mark.parametrize(("method", "name"), PARAMETERS)
def test_null_is_not_the_default(service: Service, method: str, name: str) -> None:
    """Null clears a description, a schema and what narrows a webhook, and is refused elsewhere."""
    data = assert_refused(answered(service.post(request(method, {name: None, "x": 1}))), -32602, 1)
    clears = (name in NARROWING if method in ("create_webhook", "update_webhook") else
              name in CLEARABLE and not method.startswith("check_"))
    assert (name in data["fields"]) is not clears
    assert "is missing" not in data["fields"].get(name, [])


def test_a_batch_has_at_most_1000_calls(service: Service, good: Any) -> None:
    assert len(answered(service.post([1] * 1000))) == 1000
    for call in (1, notification(good[0])):
        assert_refused(answered(service.post([call] * 1001)), -32600, None, "TOO_LARGE")


# Over HTTP.

@pytest.mark.parametrize("verb", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE"])
def test_only_post_is_taken(service: Service, verb: str) -> None:
    response = service.app.test_client().open("/jsonrpc", method=verb)
    assert (response.status_code, response.mimetype) == (405, "application/json")
    assert "POST" in response.headers["Allow"]
    if verb != "HEAD":
        assert_refused(orjson.loads(response.data), -32601, None)


@pytest.mark.parametrize("content_type", [
    "application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8",
    'Application/JSON; charset="utf-8"', "application/json-rpc", "application/vnd.api+json"])
def test_json_is_taken_under_its_names(service: Service, good: Any, content_type: str) -> None:
    assert answered(service.post(good[0], content_type=content_type)) == good[1]


@pytest.mark.parametrize("content_type", [
    None, "", "json", "text/plain", "text/json", "text/html", "application/jsonx",
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_another_content_type_is_refused(service: Service, good: Any, content_type: str | None
                                         ) -> None:
    response = service.post(good[0], content_type=content_type)
    assert (response.status_code, response.mimetype) == (415, "application/json")
    assert_refused(orjson.loads(response.data), -32600, None)


@pytest.mark.parametrize("path", ["/jsonrpc/", "/jsonrpc//", "/health//ready", "/nothing"])
@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_another_url_is_refused_in_json(service: Service, path: str, verb: str) -> None:
    response = service.app.test_client().open("/", method=verb,
                                              environ_overrides={"PATH_INFO": path})
    assert (response.status_code, response.mimetype) == (404, "application/json")
    assert orjson.loads(response.data)["error"]["code"] == -32601


@pytest.fixture(scope="module")
def string_service(new_database: Callable[..., Settings]) -> Iterator[Service]:
    service = Service.of(new_database(json_fields="string"))
    yield service
    service.close()


@pytest.mark.parametrize(("prefer", "applied"), [
    (None, None), ("json-fields=string", "string"), ("json-fields=value", "value"),
    ('JSON-Fields = "string"', "string"), ("respond-async, json-fields=string; x=1", "string"),
    ("json-fields=value, json-fields=string", "value"), ("json-fields=xml", None),
    ("json-fields", None), ("respond-async", None), ("x-json-fields=string", None),
    ('note="json-fields=string"', None)])
@pytest.mark.parametrize("default", ["value", "string"])
def test_a_request_says_how_it_wants_json_columns(
    service: Service, string_service: Service, default: str, prefer: str | None,
    applied: str | None,
) -> None:
    service = service if default == "value" else string_service
    key = {"tenant_id": service.tenant()["id"], "name": "Task", "schema": {"type": "object"}}
    headers = {} if prefer is None else {"Prefer": prefer}
    response = service.post([request("create_node_type", key), request("list_node_types", {
        "tenant_id": key["tenant_id"]})], headers=headers)
    created, listed = answered(response)
    assert listed["result"]["node_types"] == [created["result"]["node_type"]]
    schema = listed["result"]["node_types"][0]["schema"]
    assert isinstance(schema, str) is ((applied or default) == "string")
    assert (orjson.loads(schema) if isinstance(schema, str) else schema) == {"type": "object"}
    assert response.headers.get("Preference-Applied") == (
        applied and f"json-fields={applied}")


def test_debug_mode_adds_nothing(service: Service, good: Any, monkeypatch: pytest.MonkeyPatch
                                 ) -> None:
    calls = [good[0], *(spoilt(good[0], fault) for fault, _ in faults())]
    replies = service.batch(calls)
    monkeypatch.setitem(service.app.config, "DEBUG", True)
    assert service.batch(calls) == replies
    assert service.app.test_client().get("/jsonrpc/browse").status_code == 404


@pytest.mark.longest
def test_python_without_assertions_answers_the_same(service: Service, good: Any) -> None:
    calls = [good[0], *(spoilt(good[0], fault) for fault, _ in faults())]
    script = """if 1:
        import os, sys
        from flexdb import create_app
        from flexdb.config.reading import read_settings
        assert False, "under -O this is no statement"
        app = create_app(read_settings(os.environ))
        response = app.test_client().post("/jsonrpc", data=sys.stdin.buffer.read(),
                                          content_type="application/json")
        sys.stdout.buffer.write(response.data)
        app.extensions["flexdb"].close()
    """
    variables = {name: str(getattr(service.settings, name.lower())) for name in DATABASE_VARIABLES}
    done = subprocess.run([sys.executable, "-O", "-c", script], input=orjson.dumps(calls),
                          env=variables, cwd=ROOT, stdout=subprocess.PIPE,
                          check=True)
    assert orjson.loads(done.stdout) == service.batch(calls)
