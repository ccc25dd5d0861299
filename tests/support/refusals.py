"""Calls that are to be refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.service import RpcError, Service


def refusal(service: Service, method: str, params: Any = None, /, **by_name: Any) -> RpcError:
    """Return the error that a call is answered with."""
    with pytest.raises(RpcError) as caught:
        service.call(method, params, **by_name)
    return caught.value


def violations(error: RpcError) -> list[tuple[str, str]]:
    """Return the place and the keyword of each violation of a schema that an error tells."""
    told = error.error["data"]["violations"]
    assert all(set(one) == {"path", "keyword", "message"} and one["message"] for one in told)
    return sorted((one["path"], one["keyword"]) for one in told)
