"""Bodies that nobody in their right mind would send: each gets a short JSON-RPC error."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flexdb.config import MIB
from tests.support.paths import ROOT
from tests.support.service import Service

MARK = "kilroy"
BODY = b'{"jsonrpc":"2.0","method":"%b","params":%b,"id":1}'
explore = settings(derandomize=True, max_examples=60, database=None,
                   suppress_health_check=[HealthCheck.function_scoped_fixture])


def harmless(response: Any) -> Any:
    """Check what holds for every response, and return what it says."""
    if response.status_code == 204:
        assert not response.data
        return None
    assert (response.status_code, response.mimetype) == (200, "application/json")
    reply = orjson.loads(response.data)
    for one in reply if isinstance(reply, list) else [reply]:
        assert one.keys() in ({"jsonrpc", "error", "id"}, {"jsonrpc", "result", "id"})
        assert one.get("error", {}).get("code") != -32603
    return reply


def refused(response: Any, *codes: int) -> Any:
    """Check that a body is refused with one error that repeats nothing of it."""
    reply = harmless(response)
    assert reply["error"]["code"] in codes, reply["error"]
    assert reply["error"].keys() == {"code", "message", "data"}
    assert len(response.data) < 4096 and MARK.encode() not in response.data
    assert b"Traceback" not in response.data and b"orjson" not in response.data
    return reply["error"]


@pytest.fixture(scope="module")
def node_type(service: Service) -> Any:
    return service.node_type(service.tenant())


@pytest.fixture
def create(service: Service, node_type: Any) -> Callable[[bytes], Any]:
    """Create a node with data given as JSON text, and return the response."""
    head = orjson.dumps({"tenant_id": node_type["tenant_id"], "node_type_id": node_type["id"]})
    return lambda data: service.post(
        BODY % (b"create_node", b'%b,"data":%b}' % (head[:-1], data)))


def as_string(data: bytes) -> bytes:
    """Return JSON text as a JSON string that holds it."""
    return orjson.dumps(data.decode())


# After JSONTestSuite (https://github.com/nst/JSONTestSuite): n_*, i_* and y_*.
NOT_JSON = rb"""
[1 true]|[a]|[,1]|[1,,2]|["x"]]|["",]|["x"|[,]|[1:2]|[,|[3[4]]|[nul]|[tru]|[fals]|["kilroy"|[**]
++1|+1|-01|-1.0.|-2.|-NaN|.-1|.2e-3|0.1.2|0.3e+|0.3e|0.e1|0E|0e+|1.0e-|1 000|1eE2|2.e3|9.e+3|Inf|
NaN|Infinity|-Infinity|nan|0x1|0x42|1+2|-|-foo|- 1|-012|-.123|1.2a|1.8011670033376514H-308|012|1_0
{"a":"b",,"c":"d"}|{a:1}|{1:1}|{'a':0}|{"a":1,}|{"a"|{"a":|{"a" 1}|{"a":1 "b":2}|{:1}|{"a":1}#|{,}
'kilroy'|"\a"|"\x00"|"\u00A"|"\uD834\uDd"|"\ud800"|"\uDFAA"|"\ud800\ud800"|"\uD800\n"|"\'"|"\
"\u{41}"|"\|"\u"|kilroy|True|TRUE|None|undefined|nil|1]|{}}|[}|{]|// kilroy|/**/|<kilroy>|[][]
1e400|-1e400|1e9999999999|[1e400]|{"kilroy":-1e400}
""".replace(b"\n", b"|").strip(b"|").split(b"|") + [
    b"", b" ", b"\0", b'"\0"', b'"\t"', b'"\n"', b"\xef\xbb\xbf{}", b"\xff", b'"\xff"',
    b'"\xc0\xaf"', b'"\xed\xa0\x80"', b'"\xf4\xbf\xbf\xbf"', b'"\xf0\x9f\x8f"', b'"\xe9"',
    b"[\x0c]", b"[\xa0]", b"[\xe2\x81\xa0]", b"1" + b"0" * 400,
    '{"kilroy":1}'.encode("utf-16"),
    '{"kilroy":1}'.encode("utf-32-le"), b"\x1f\x8b\x08kilroy",
]


@pytest.mark.parametrize("text", NOT_JSON)
def test_what_is_not_json_is_refused_wherever_it_stands(
    service: Service, create: Callable[[bytes], Any], text: bytes,
) -> None:
    responses = [service.post(text), service.post(b"[%b,1]" % (text or b",")),
                 create(b'{"%b":%b}' % (MARK.encode(), text))]
    for response in responses:
        assert refused(response, -32700)["data"]["reason"] == "PARSE_ERROR"


def test_what_is_cut_off_is_refused(service: Service) -> None:
    body = BODY % (b"get_tenant", rb'{"id":"\ud83c\udfe0","x":[1.5e1,true,null]}')
    for length in range(len(body)):
        refused(service.post(body[:length]), -32700)
        refused(service.post(b"[" + body[:length]), -32700)


@pytest.mark.parametrize("text", [
    b"null", b"true", b"-0", b"1", b"1.5e-3", b'""', b'"kilroy"', b"[]", b"{}",
    b' {"kilroy" : 1}\n', b'{"jsonrpc":"2.0"}', b'{"":0}', b'"\x7f"', rb'"\u0000"',
    rb'"\uD834\uDD1E"', b"1e-400"])
def test_json_that_is_no_request_is_refused(service: Service, text: bytes) -> None:
    refused(service.post(text), -32600)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"kilroy":', b'{"a":[', b' [ "]" ,'])
@pytest.mark.parametrize("depth", [101, 1_025, 100_000])
def test_deep_nesting_is_refused(service: Service, opening: bytes, depth: int) -> None:
    closing = opening.translate(bytes.maketrans(b"[{", b"]}"), b' "],a:kilroy')[::-1]
    refused(service.post(opening * depth + b"1" + closing * depth), -32600)
    for broken in (opening * depth, opening * depth + b"1", closing * depth):
        refused(service.post(broken), -32600, -32700)


def test_json_is_nested_100_deep_at_most(create: Callable[[bytes], Any]) -> None:
    def nested(depth: int) -> bytes:
        return b'{"a":' * depth + b'"]]{{\\"[["' + b"}" * depth

    assert "result" in harmless(create(nested(98)))
    refused(create(nested(99)), -32600)
    assert "result" in harmless(create(as_string(nested(100))))
    assert refused(create(as_string(nested(101))), -32602)["data"]["fields"].keys() == {"data"}


@pytest.mark.parametrize("unit", [b'\\"', b"\\\\", b'"', b'"\\', b"[", b"\\u0000", b"1", b"1e"])
def test_no_body_costs_more_than_its_length(service: Service, unit: bytes) -> None:
    """Looking at a broken body takes about as long as looking at a plain one of its size."""
    def cost(text: bytes) -> float:
        begin = time.thread_time()
        refused(service.post(b"[" * 101 + b'"' + text), -32600, -32700)
        return time.thread_time() - begin

    size = 20_000
    assert cost(unit * (size // len(unit))) < 50 * max(cost(b"a" * size) for _ in range(5))


@pytest.mark.long
@pytest.mark.parametrize("body", [
    b" " * 10 * MIB, b"[" * 10 * MIB, b"[" + b"1," * 5 * MIB + b"1]", b'"' + b"a" * 10 * MIB,
    b'"' + b'\\n' * 5 * MIB + b'"', b"kilroy" * MIB, b"\0" * 10 * MIB, b"\xff" * 10 * MIB,
    b"1" * 10 * MIB, b"1." + b"0" * 10 * MIB, BODY % (b"kilroy" * MIB, b"[]"),
    BODY % (b"get_tenant", b'{"id":"%b"}' % (b"kilroy" * MIB)),
    BODY % (b"get_tenant", b'["%b"]' % (b"kilroy" * MIB)),
    BODY % (b"get_tenant", b"[%b1]" % (b"1," * 5 * MIB)),
    BODY % (b"get_tenant", b'{"x":[%b1]}' % (b"1," * 5 * MIB)),
    BODY % (b"create_node", b'{"data":{"kilroy":"%b"}}' % (b"a" * 10 * MIB)),
    BODY % (b"get_tenant", b'{"%b":1}' % (b"name" * MIB)),
    BODY % (b"get_tenant", b"{%b}" % b",".join(b'"%b%d":1' % (b"name" * 20, n)
                                               for n in range(100_000))),
], ids=lambda body: repr(body[:70]))
def test_10_mb_are_refused_briefly(service: Service, body: bytes) -> None:
    refused(service.post(body), -32700, -32600, -32601, -32602)


def test_a_call_in_10_mb_of_white_space_is_answered(create: Callable[[bytes], Any]) -> None:
    assert "result" in harmless(create(b" \t\r\n" * (10 * MIB // 4) + b"{}"))


def test_a_body_over_the_limit_is_refused(service: Service) -> None:
    response = service.post(b" " * (16 * MIB + 1))
    assert (response.status_code, response.mimetype) == (413, "application/json")
    error = orjson.loads(response.data)["error"]
    assert (error["code"], error["data"]["reason"]) == (-32600, "TOO_LARGE")
    refused(service.post(b" " * 16 * MIB), -32700)


# What is stored.

@pytest.mark.parametrize(("data", "kept"), [
    (b'{"a":1,"a":2}', {"a": 2}), (rb'{"a":1,"\u0061":2}', {"a": 2}),
    (b'{"a":{"b":1},"a":{}}', {"a": {}}), (b'[],"data":{}', {}), (b'{"a":1},"data":""', {}),
    (b'{"a":1},"data":{"a":2}', {"a": 2}), (rb'{"a":1},"\u0064ata":{"a":2}', {"a": 2}),
    (rb'{"a":1},"d\u0061ta":"{\"a\":2}"', {"a": 2}),
    (b'null,"data":{}', {}), (b'{},"data":null', None), (b'{},"data":[]', None),
    (b'{},"data":{"a":1e-400}', None), (rb'{},"data":{"a":"\u0000"}', None),
    (b'{},"id":1,"id":2', None), (b'{"a":[]}}, "params":{"data":[]', None),
])
def test_of_members_of_one_name_the_last_is_checked_and_stored(
    create: Callable[[bytes], Any], data: bytes, kept: Any,
) -> None:
    reply = harmless(create(data))
    assert (reply["result"]["node"]["data"] == kept if kept is not None
            else reply["error"]["code"] == -32602)


def test_of_duplicate_members_of_a_call_the_last_counts(service: Service) -> None:
    reply = harmless(service.post(
        rb'{"jsonrpc":"1.0","method":1,"id":[],"params":3,"jsonrpc":"2.0",'
        rb'"method":"create_tenant","\u0069d":2,"\u0070arams":{"slug":1,"slug":""}}'))
    assert (reply["error"]["code"], reply["id"]) == (-32602, 2)
    assert reply["error"]["data"]["fields"].keys() == {"slug", "name"}


KEPT = """0|1.10|-1.50|100.000|18446744073709551616|-9223372036854775809|1e5|1E+2|1e-5|0.0|0e5
0e-399|123456789012345678901234567890.12345678901234567890|3.14159265358979323846264338327950288419716939
0.1000000000000000055511151231257827021181583404541015625|1.7976931348623157e308|5e-324|2.5E-10
""".replace("\n", "|").strip("|").split("|") + [
    "1" + "0" * 308, "9" * 308, "0." + "0" * 300 + "1", "0." + "3" * 16_383]
REFUSED = """1e-400|-1e-400|0e-5000|1e-16000|0e5000|0e-16384|2e-324|1e-324|0.00001e-320|0e999999999
1e-99999999999999999999|0e99999999999999999999|0.0e-401|-0e-401""".replace("\n", "|").split("|") + [
    "1e0" + "0" * 5000 + "1", "0e" + "9" * 5000, "1e-" + "9" * 5000, "0." + "0" * 298 + "1e-99",
    "0." + "0" * 16_384, "0." + "0" * 400 + "1"]
TOO_LARGE = ["1e400", "-1e400", "1e309", "1" + "0" * 309, "1.8e308", "1e131071", "9" * 5000]


def texts(number: str) -> list[bytes]:
    """Return JSON in which a number stands in different places."""
    return [form.replace("#", number).encode() for form in (
        '{"a":#}', '{"a":[{"b":[0,#]}]}', '{"a":"\\"1","b": # , "c":"1e5"}')]


@pytest.mark.parametrize("number", KEPT, ids=lambda number: number[:24])
def test_every_digit_of_a_number_survives(service: Service, node_type: Any, number: str,
                                          create: Callable[[bytes], Any]) -> None:
    for text in texts(number):
        for form in (text, as_string(text)):
            response = create(form)
            node = orjson.loads(response.data)["result"]["node"]
            key = orjson.dumps({"tenant_id": node["tenant_id"], "id": node["id"]})
            again = service.post(BODY % (b"get_node", key))
            for answer in (response, again):
                data = exact(answer.data)["result"]["node"]["data"]
                assert find_number(data) == Decimal(number)
                if "e" not in number.lower():
                    assert number.encode() in answer.data


def exact(text: bytes) -> Any:
    return json.loads(text, parse_int=Decimal, parse_float=Decimal)


def find_number(data: Any) -> Any:
    place = data.get("b", data["a"])
    return place[0]["b"][1] if isinstance(place, list) else place


@pytest.mark.parametrize("number", REFUSED + TOO_LARGE, ids=lambda number: number[:24])
def test_a_number_beyond_a_double_is_refused_wherever_it_stands(
    service: Service, node_type: Any, create: Callable[[bytes], Any], number: str,
) -> None:
    codes = [-32700] if number in TOO_LARGE else [-32602]
    for text in texts(number):
        key = b'{"tenant_id":"%b","id":"%b",' % (node_type["tenant_id"].encode(),
                                                 node_type["id"].encode())
        refused(create(text), *codes)
        refused(service.post(BODY % (b"update_node_type", key + b'"schema":%b}' % text)), *codes)
        refused(service.post(BODY % (b"update_node", key + b'"data":%b}' % text)), *codes)
        refused(create(as_string(text)), -32602)


@explore
@given(number=st.from_regex(r"\A-?(0|[1-9][0-9]{0,20}|9{290,320})"
                            r"(\.[0-9]{1,20}|\.0{290,330}[0-9])?([eE][+-]?[0-9]{1,3})?\Z"))
@example("4.9406564584124654e-324")
@example("1.7976931348623159e308")
def test_a_number_is_kept_exactly_when_it_is_a_double(create: Callable[[bytes], Any], number: str
                                                      ) -> None:
    response = create(b'{"a":%b}' % number.encode())
    harmless(response)
    is_double = abs(float(number)) < float("inf") and (float(number) != 0) == (Decimal(number) != 0)
    reply = exact(response.data)
    if "result" in reply:
        assert is_double and reply["result"]["node"]["data"]["a"] == Decimal(number)
    else:
        # a zero may have an exponent that no double has
        assert not is_double or (Decimal(number) == 0 and int(number.lower().split("e")[1]) % 1000)


@pytest.mark.parametrize(("text", "kept"), [
    (rb"\u0000", None), (rb"a\u0000b", None), (rb"\\\u0000", None), (rb"\\\\\u0000", None),
    (rb"\"\u0000", None), (rb"\\u0000", r"\u0000"), (rb"\\\\u0000", r"\\u0000"),
    (rb"\u005cu0000", r"\u0000"), (rb"\\u0000\u0001", "\\u0000\x01"), (rb"\u00000", None)])
@pytest.mark.parametrize("form", [b'{"a":"#"}', b'{"a":[{"#":1}]}'])
def test_a_nul_is_refused_and_its_escaped_spelling_is_kept(
    create: Callable[[bytes], Any], text: bytes, kept: str | None, form: bytes,
) -> None:
    data = form.replace(b"#", text)
    for body in (data, as_string(data)):
        if kept is None:
            refused(create(body), -32602)
        else:
            assert harmless(create(body))["result"]["node"]["data"] == json.loads(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner,
        max_size=4), max_leaves=12)


@explore
@given(value=JSON, ascii=st.booleans(), whole=st.booleans())
def test_any_json_is_given_back_as_it_came(create: Callable[[bytes], Any], value: Any, ascii: bool,
                                           whole: bool) -> None:
    data = json.dumps({"a": value}, ensure_ascii=ascii, indent=None if whole else 1).encode()
    for form in (data, as_string(data)):
        assert exact(create(form).data)["result"]["node"]["data"] == exact(data)


@explore
@given(data=st.data())
def test_a_mutilated_request_does_no_harm(service: Service, node_type: Any, data: st.DataObject
                                          ) -> None:
    body = orjson.dumps([
        {"jsonrpc": "2.0", "method": "create_node", "id": 1, "params": {
            "tenant_id": node_type["tenant_id"], "node_type_id": node_type["id"],
            "data": {"a": [1.5, "\\u0000", None, True]}}},
        {"jsonrpc": "2.0", "method": "list_nodes", "id": "x", "params": [
            node_type["tenant_id"], "", {"page_size": 1, "page_token": "a"}]}])
    body = body if data.draw(st.booleans()) else body[1:body.index(b",{")]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(body)))
        end = data.draw(st.integers(start, min(start + 40, len(body))))
        piece = data.draw(st.binary(max_size=3) | st.sampled_from(
            [b"", body[start:end] * 2, b'"', b"\\", b"null", b"1e-999", b"\\u0000", b"{}", b"[",
             b"-", b",", b'"id":', b'"data":', b'""', b"9" * 400, b"true"]))
        body = body[:start] + piece + body[end:]
    harmless(service.post(body))


@explore
@given(call=st.fixed_dictionaries({"jsonrpc": st.just("2.0"), "id": JSON}, optional={
    "method": st.sampled_from(["create_node", "list_nodes", "update_node_type"]) | JSON,
    "params": st.dictionaries(st.sampled_from(
        ["tenant_id", "id", "data", "schema", "pagination", "node_type_id"]), JSON) | JSON}))
def test_a_call_of_any_values_does_no_harm(service: Service, call: dict[str, Any]) -> None:
    harmless(service.post(json.dumps(call).encode()))
    harmless(service.post(json.dumps([call, call]).encode()))


@pytest.mark.long
@pytest.mark.parametrize("part, is_taken", [
    ("{}", False), ("[]", False), ('""', False), ("1", False), ('"ab"', False), ('{"a":1}', False),
    ('"' + "x" * 50 + '"', True), ("0.123456789", True), ("255", True),
    ('{"a":"' + "x" * 100 + '"}', True)])
def test_no_body_takes_much_memory_when_it_is_parsed(part: str, is_taken: bool) -> None:
    program = f"""
import sys
from flexdb.api.bodies import parse_body
from flexdb.errors import TooLarge
def most():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) * 1024
part = {part!r}
body = b"[" + ",".join([part] * ((16 * 1024 * 1024 - 2) // (len(part) + 1))).encode() + b"]"
before = most()
try:
    parsed = parse_body(body, 100)
except TooLarge:
    parsed = None
print(most() - before, parsed is not None)
"""
    grown, taken = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, text=True,
                                  capture_output=True).stdout.split()
    assert int(grown) < 5 * 32 * 1024 * 1024
    assert taken == str(is_taken)
