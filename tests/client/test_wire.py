"""What goes over the wire: numbers to the digit, and nothing that is no JSON."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx2
import pytest

import flexdb.client as fx
from flexdb.client.wire import address_of, decode, encode
from tests.support.service import Service

BIG, EXACT = 123456789012345678901234567890, Decimal("0.10000000000000000555")


def test_data_is_no_text_though_the_service_gives_texts_to_others(
        new_service: Callable[..., Service]) -> None:
    inside = httpx2.WSGITransport(app=new_service(json_fields="string").app)
    with fx.connect("http://localhost", http=httpx2.Client(transport=inside)) as db:
        acme = db.tenant("acme", create=True)
        assert acme.create(acme.type("Task", schema={"type": "object"}), {"a": [1]})["a"] == [1]
        assert acme.type("Task", schema={"type": "object"}).schema == {"type": "object"}


@pytest.fixture
def type_id(db: fx.Client, slug: str) -> tuple[str, str]:
    tenant = db.create_tenant(slug=slug, name="A")
    return tenant["id"], db.create_node_type(tenant_id=tenant["id"], name="N")["id"]


def test_numbers_come_back_to_the_digit(url: str, db: fx.Client, type_id: tuple[str, str]) -> None:
    tenant_id, node_type_id = type_id
    sent: dict[str, Any] = {"big": BIG, "exact": EXACT, "price": Decimal("10.00"),
                            "list": [Decimal("1E+3"), Decimal("-0.0"), 7]}
    made = db.create_node(tenant_id=tenant_id, node_type_id=node_type_id, data=sent)
    assert made["data"]["big"] == BIG and made["data"]["price"] == 10.0
    assert type(made["data"]["price"]) is float
    with fx.connect(url, decimals=True) as exact:
        read = exact.get_node(tenant_id=tenant_id, id=made["id"])["data"]
        assert str(read["price"]) == "10.00" and read["exact"] == EXACT and read["big"] == BIG
        again = exact.update_node(tenant_id=tenant_id, id=made["id"], data=read)
        assert again["data"] == read


def test_an_integer_of_any_length_is_read() -> None:
    assert decode(b"[1" + b"0" * 9999 + b", 1.5]") == [10**9999, 1.5]


def test_the_mark_of_a_decimal_is_no_text_of_anybody() -> None:
    assert encode({"a": "decimal-1", "b": Decimal("1.50"), 'c"': '"decimal-"'}) == (
        b'{"a":"decimal-1","b":1.50,"c\\"":"\\"decimal-\\""}')


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), object(), {1, 2},
                                   "\ud800", {"a": b""}])
def test_what_is_no_json_is_refused_before_it_is_sent(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode({"data": value})


def test_times_and_ids_are_sent_as_texts() -> None:
    moment = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
    assert encode([moment, UUID(int=1)]) == (
        b'["2026-01-01T12:00:00+00:00","00000000-0000-0000-0000-000000000001"]')


def test_what_is_no_json_is_not_read() -> None:
    for text in (b"<html>", b"", b"\xff", b'{"a": 1'):
        with pytest.raises(ValueError):
            decode(text)


@pytest.mark.parametrize(("url", "address"), [
    ("http://localhost:5000", "http://localhost:5000/jsonrpc"),
    ("http://localhost:5000/", "http://localhost:5000/jsonrpc"),
    ("https://example.org/db/jsonrpc", "https://example.org/db/jsonrpc")])
def test_an_address_is_that_of_the_service_or_of_its_endpoint(url: str, address: str) -> None:
    assert address_of(url) == address


@pytest.mark.parametrize("url", ["localhost:5000", "ftp://localhost", "http://", "", "http://localhost:99999",
                                 "http://ann:secret@localhost", "ftp://ann:secret@localhost",
                                 "http://ann:secret@localhost:99999"])
def test_what_is_no_address_is_told(url: str) -> None:
    with pytest.raises(ValueError) as told:
        fx.connect(url)
    assert "secret" not in str(told.value)
