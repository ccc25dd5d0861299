"""Signatures, held against the library of Standard Webhooks."""

from __future__ import annotations

import base64
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from flexdb.changes.signing import delivery_id, headers

OLD, NEW, OTHER = (f"whsec_{base64.b64encode(bytes([place]) * 32).decode()}" for place in range(3))
ID = delivery_id("01a208bc-3d00-7d5c-861e-e1a8d0a9b837", 7)
BODY = '{"type":"node.created","data":{"näme":"é"}}'.encode()


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_while_secrets_change_whoever_knows_one_of_them_verifies(secret: str) -> None:
    given = headers(ID, int(time.time()), BODY, [NEW, OLD])
    assert len(given["webhook-signature"].split()) == 2
    assert Webhook(secret).verify(BODY, given)["type"] == "node.created"


@pytest.mark.parametrize("changed", [
    {"webhook-id": ID + "0"}, {"webhook-timestamp": str(int(time.time()) - 1)},
    {"webhook-signature": "v1,"}])
def test_what_is_changed_on_the_way_is_not_verified(changed: dict[str, str]) -> None:
    given = headers(ID, int(time.time()), BODY, [NEW])
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(BODY, given | changed)
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(BODY + b" ", given)
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(BODY, given)


def test_the_id_has_no_dot_and_is_each_change_s_own() -> None:
    assert ID == "01a208bc3d007d5c861ee1a8d0a9b837-7"
    assert delivery_id("01a208bc-3d00-7d5c-861e-e1a8d0a9b837", -1).endswith("37--1")


def test_a_secret_that_is_none_is_told_without_it() -> None:
    with pytest.raises(ValueError, match="not base64") as told:
        headers(ID, 0, BODY, ["whsec_hidden!"])
    assert "hidden" not in str(told.value) and told.value.__suppress_context__
