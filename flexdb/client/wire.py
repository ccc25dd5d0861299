"""What goes over the wire: JSON with every digit of its numbers, and what JSON-RPC says of it."""

from __future__ import annotations

import json
import re
import secrets
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

from flexdb.client.failures import ServiceError
from flexdb.client.reasons import BY_REASON

# Stands for a Decimal until its digits do: the encoder knows only floats. Nobody can guess it.
_MARK = f"decimal-{secrets.token_hex(16)}-"
_MARKED = re.compile(f'"{_MARK}([^"]*)"')
# Python reads no longer integers as text (sys.set_int_max_str_digits).
_LONG = 4300


def _other(value: Any) -> Any:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{value} is no number of JSON")
        return f"{_MARK}{value}"
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON: {value!r:.80}")


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"),
                            default=_other)
_READABLE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, indent=2, default=_other)


def encode(value: Any, readable: bool = False) -> bytes:
    """Return JSON text; a Decimal to the digit, times and UUIDs as strings.

    :param readable: whether with line breaks, for people
    :raises TypeError: for what is no JSON
    :raises ValueError: for infinities and NaN, and a text that is no Unicode
    """
    text = (_READABLE if readable else _ENCODER).encode(value)
    if _MARK in text:
        text = _MARKED.sub(r"\1", text)
    return text.encode()


def _long(text: str) -> int:
    return int(text) if len(text) < _LONG else int(Decimal(text))


_FLOATS: dict[str, Any] = {}
_DECIMALS: dict[str, Any] = {"parse_float": Decimal}
_READ = {decimals: json.JSONDecoder(**options).decode
         for decimals, options in ((False, _FLOATS), (True, _DECIMALS))}
_READ_LONG = {decimals: json.JSONDecoder(parse_int=_long, **options).decode
              for decimals, options in ((False, _FLOATS), (True, _DECIMALS))}


def decode(text: bytes, decimals: bool = False) -> Any:
    """Return what JSON text means; integers are exact, however long.

    :param decimals: whether other numbers are Decimal, exact as well, and not float
    :raises ValueError: when it is no JSON
    """
    written = text.decode()
    try:
        return _READ[decimals](written)
    except json.JSONDecodeError:
        raise
    except ValueError:
        return _READ_LONG[decimals](written)


def service_error(found: dict[str, Any], request_id: str = "") -> ServiceError:
    """Return the error that an error object of JSON-RPC tells of."""
    data = found.get("data")
    data = data if isinstance(data, dict) else {}
    kind = BY_REASON.get(str(data.get("reason")), ServiceError)
    return kind(found["code"], str(found["message"]), data, request_id)


def address_of(url: str) -> str:
    """Return where calls are sent, of the address of a service.

    :raises ValueError: when it is no URL
    """
    if "@" in url:
        raise ValueError("an address holds no password: give the key as token")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is no address of a service: it begins with http:// or https://, "
                         "as http://localhost:5000 does")
    try:
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"{url!r} is no address of a service: {error}") from None
    path = parts.path.rstrip("/").removesuffix("/jsonrpc")
    return urlunsplit((parts.scheme, parts.netloc, f"{path}/jsonrpc", "", ""))


def is_answer(found: Any) -> bool:
    """Tell whether JSON is what JSON-RPC 2.0 answers to a call, or to several."""
    if isinstance(found, list):
        return bool(found) and all(map(_is_response, found))
    return _is_response(found)


def _is_response(found: Any) -> bool:
    if not isinstance(found, dict) or "jsonrpc" not in found:
        return False
    error = found.get("error")
    if error is None:
        return "result" in found
    return isinstance(error, dict) and type(error.get("code")) is int and "message" in error


def check_token(token: str) -> str:
    """Return a token that can be sent in a header.

    :raises ValueError: for another one, of which nothing is told
    """
    if not re.fullmatch(r"[!-~]+", token):
        raise ValueError("a token has visible characters of ASCII alone, and no line breaks")
    return token
