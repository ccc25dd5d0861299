"""Certificates are read where a server or a proxy shows one, and nobody is trusted without."""

from __future__ import annotations

import os
import ssl

import pytest

from flexdb.client.certificates import trusted


@pytest.fixture(autouse=True)
def proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment, in which no proxy is named."""
    for name in os.environ:
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    return monkeypatch


def test_an_address_with_tls_is_verified_as_usual() -> None:
    assert trusted("https://db.example.com/jsonrpc") is True


def test_for_one_without_no_certificates_are_read_and_none_would_do() -> None:
    context = trusted("http://localhost:5000/jsonrpc")
    assert isinstance(context, ssl.SSLContext) and context.get_ca_certs() == []
    assert context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname


@pytest.mark.parametrize("name", ["http_proxy", "HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_with_tls_is_verified_too(name: str, proxies: pytest.MonkeyPatch) -> None:
    proxies.setenv(name, "HTTPS://proxy.example.com")
    assert trusted("http://db.example.com/jsonrpc") is True
    proxies.setenv(name, "http://proxy.example.com")
    assert trusted("http://db.example.com/jsonrpc") is not True
