"""What a record is called."""

from __future__ import annotations

from typing import Any

import pytest

from flexdb.documents.text import Number
from flexdb.web.console.labels import label

ID = "00000000-0000-4000-8000-00001234abcd"


@pytest.mark.parametrize("data, order, called", [
    ({"name": "libc6", "title": "The C library"}, None, "The C library"),
    ({"title": "", "label": "  ", "email": "a@example.org"}, None, "a@example.org"),
    ({"title": Number("7"), "slug": "seven"}, None, "seven"),
    ({"title": {"de": "Buch"}, "body": "text", "code": "B7"}, ["code", "body"], "B7"),
    ({"count": Number("1"), "body": "text"}, None, "text"),
    ({"title": "two\nlines   of\ttext " + "x" * 80}, None, None),
    ({"count": Number("1"), "done": True}, None, "…1234abcd"),
    ({}, [], "…1234abcd"),
])
def test_a_record_is_called_by_its_first_naming_text(
        data: dict[str, Any], order: list[str] | None, called: str | None) -> None:
    told = label({"id": ID, "data": data}, order)

    assert told == called if called else len(told) <= 60 and told.startswith("two lines of text x")


def test_a_record_without_data_is_called_by_its_id() -> None:
    assert label({"id": ID}) == "…1234abcd"
