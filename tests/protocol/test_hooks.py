"""Whoever wants to know of requests hears of calls by JSON-RPC too, which go a shorter way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import (
    Flask,
    Response,
    appcontext_tearing_down,
    request_finished,
    request_started,
    request_tearing_down,
)

from tests.support.service import Service, request

SIGNALS = (request_started, request_finished, request_tearing_down, appcontext_tearing_down)


def before(app: Flask, heard: list[str]) -> None:
    app.before_request(lambda: heard.append("it"))


def before_its_part(app: Flask, heard: list[str]) -> None:
    app.before_request_funcs["jsonrpc"] = [lambda: heard.append("it")]


def after(app: Flask, heard: list[str]) -> None:
    def hear(response: Response) -> Response:
        heard.append("it")
        return response

    app.after_request(hear)


def at_the_end(app: Flask, heard: list[str]) -> None:
    app.teardown_request(lambda error: heard.append("it"))


def at_the_very_end(app: Flask, heard: list[str]) -> None:
    app.teardown_appcontext(lambda error: heard.append("it"))


def of_its_url(app: Flask, heard: list[str]) -> None:
    app.url_value_preprocessor(lambda endpoint, values: heard.append("it"))


@pytest.mark.parametrize("hook", [
    before, before_its_part, after, at_the_end, at_the_very_end, of_its_url])
def test_who_is_to_be_asked_is_asked_once(
        new_service: Callable[..., Service], hook: Callable[[Flask, list[str]], None]) -> None:
    service, heard = new_service(), list[str]()
    hook(service.app, heard)
    assert "result" in service.post(request("list_tenants")).json
    assert heard == ["it"]


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_signal_is_heard_whenever_somebody_listens(service: Service, signal: Any) -> None:
    heard = list[str]()
    assert "result" in service.post(request("list_tenants")).json
    with signal.connected_to(lambda app, **told: heard.append("it")):
        assert "result" in service.post(request("list_tenants")).json
    assert heard == ["it"]
    assert "result" in service.post(request("list_tenants")).json
    assert heard == ["it"]
