"""In which line of JSON text a place is."""

from __future__ import annotations

import json

from flexdb.documents.pointers import names_of

_DECODER = json.JSONDecoder()


def line_of(text: str, at: str) -> int:
    """Return the line of JSON text, from 1, at which a place begins with its name; that of the
    nearest place around it where it is not there.

    :param text: valid JSON
    :param at: a JSON Pointer (RFC 6901)
    """
    place = _Scan(text).find(names_of(at))
    return text.count("\n", 0, place) + 1


class _Scan:
    """Looks for a place in JSON text without reading more of it than it must."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self._begins = text, 0, 0

    def find(self, wanted: list[str]) -> int:
        """Return where the place at a path begins, or the last one on the way that is there."""
        self._blank()
        self._begins = self.at
        for part in wanted:
            if not self._enter(part):
                break
        return self._begins

    def _enter(self, part: str) -> bool:
        """Go to the beginning of a member or an item of what stands here, if it has it."""
        closing = {"{": "}", "[": "]"}.get(self.text[self.at:self.at + 1])
        if closing is None:
            return False
        self.at += 1
        number = 0
        while True:
            self._blank()
            if self.text[self.at:self.at + 1] in ("", closing):
                return False
            name, begins = str(number), self.at
            if closing == "}":
                name, self.at = _DECODER.raw_decode(self.text, self.at)
                self._blank()
                self.at += 1
                self._blank()
            if name == part:
                self._begins = begins
                return True
            self._skip()
            if self.text[self.at:self.at + 1] == closing:
                return False
            self.at += 1
            number += 1

    def _skip(self) -> None:
        depth = 0
        while self.at < len(self.text):
            character = self.text[self.at]
            if character == '"':
                _, self.at = _DECODER.raw_decode(self.text, self.at)
                self.at -= 1
            elif character in "[{":
                depth += 1
            elif character in "]}":
                if depth == 0:
                    return
                depth -= 1
            elif character == "," and depth == 0:
                return
            self.at += 1

    def _blank(self) -> None:
        while self.text[self.at:self.at + 1] in (" ", "\t", "\n", "\r"):
            self.at += 1
