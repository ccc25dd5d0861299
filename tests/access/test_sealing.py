"""Secrets that must be read again: how they are sealed, and who cannot open them."""

from __future__ import annotations

import base64

import pytest

from flexdb.access.sealing import CannotOpen, Seals
from flexdb.config import ConfigError, Settings

KEY, OTHER = "a key that is long enough for anyone", "another key that is as long as that"
SECRET = "whsec_a+/b="


def test_a_sealed_secret_is_opened_by_its_key_for_what_it_is_of() -> None:
    kept = Seals(KEY).seal(SECRET, "a/b")
    assert SECRET.encode() not in base64.b64decode(kept.partition(":")[2])
    assert kept != Seals(KEY).seal(SECRET, "a/b")
    assert Seals(KEY).open(kept, "a/b") == Seals(f" {OTHER}, {KEY},").open(kept, "a/b") == SECRET
    assert Seals(f"{OTHER},{KEY}").seal(SECRET, "a/b") != kept


@pytest.mark.parametrize("keys, of, told", [
    (KEY, "a/c", "is another one than it was sealed with"), (OTHER, "a/b", "is another one"),
    ("", "a/b", "is not set")])
def test_with_another_key_or_for_another_thing_it_cannot_be_opened(
        keys: str, of: str, told: str) -> None:
    kept = Seals(KEY).seal(SECRET, "a/b")
    with pytest.raises(CannotOpen, match=f"the secret of {of} cannot be read: SECRET_KEY {told}"):
        Seals(keys).open(kept, of)


def test_one_that_was_changed_cannot_be_opened() -> None:
    name, _, text = Seals(KEY).seal(SECRET, "a/b").partition(":")
    sealed = bytearray(base64.b64decode(text))
    for place in (0, 12, -1):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(CannotOpen):
            Seals(KEY).open(f"{name}:{base64.b64encode(changed).decode()}", "a/b")


def test_without_a_key_it_is_kept_as_it_is_and_read_when_there_is_one() -> None:
    assert Seals().seal(SECRET, "a/b") == SECRET == Seals(KEY).open(SECRET, "a/b")


def test_a_key_that_could_be_guessed_is_refused() -> None:
    Settings(secret_key=f"{KEY}, {OTHER}")
    with pytest.raises(ConfigError, match="SECRET_KEY=… is too short") as refused:
        Settings(secret_key=f"{KEY},short")
    assert KEY not in str(refused.value)
