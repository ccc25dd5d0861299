"""JSON Pointers, as RFC 6901 has them."""

from __future__ import annotations

import pytest

from flexdb.documents.pointers import names_of, pointer_of


@pytest.mark.parametrize("pointer, names", [
    ("", []), ("/", [""]), ("/a/0", ["a", "0"]), ("/a~1b", ["a/b"]), ("/m~0n", ["m~n"]),
    ("/~01", ["~1"]), ("/ /%", [" ", "%"])])
def test_a_pointer_and_its_names_say_the_same(pointer: str, names: list[str]) -> None:
    assert names_of(pointer) == names and pointer_of(names) == pointer


def test_the_number_of_an_item_is_a_name_too() -> None:
    assert pointer_of(("a", 0)) == "/a/0"
