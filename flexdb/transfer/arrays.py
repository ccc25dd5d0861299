"""The items of a JSON array in a file, of which no more than one is held at once."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import BinaryIO

from flexdb.errors import InvalidParams

# How much is read at least, in bytes.
_READ = 256 * 1024
_BLANKS = re.compile(r"[ \t\r\n]*")
# Where a value ends matters here, and not what it means.
_DECODER = json.JSONDecoder(parse_int=len, parse_float=len)


class Array:
    """An array in a file, in UTF-8, perhaps with a byte order mark.

    :param longest: how many characters an item may have
    """

    def __init__(self, file: BinaryIO, longest: int) -> None:
        self._file, self._longest = file, longest
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text, self._at = "", 0

    def items(self) -> Iterator[tuple[int, bytes]]:
        """Give the text of each item after its number, from 1.

        :raises InvalidParams: when the file is no array, with the number of the item where it ends
            to be one
        """
        if self._next() != "[":
            raise InvalidParams("the file is no JSON array: it must begin with [")
        number, mark = 0, "["
        self._at += 1
        while mark != "]":
            if number == 0 and self._next() == "]":
                self._at += 1
                break
            number += 1
            yield number, self._value(number)
            mark = self._next()
            if mark not in ("]", ","):
                raise InvalidParams(f"the file is no JSON array: behind item {number} must stand , "
                                    "or ]")
            self._at += 1
        if self._next():
            raise InvalidParams("the file goes on behind its JSON array")

    def _value(self, number: int) -> bytes:
        self._next()
        while True:
            try:
                _, end = _DECODER.raw_decode(self._text, self._at)
                # A number may go on.
                if end < len(self._text) or not self._more():
                    break
            except RecursionError:
                raise InvalidParams(f"item {number} is nested too deep") from None
            except ValueError as error:
                if len(self._text) - self._at > self._longest:
                    raise InvalidParams(f"item {number} is no JSON, or longer than "
                                        f"{self._longest:,} bytes") from None
                if not self._more():
                    raise InvalidParams(f"item {number} is not JSON: {str(error).partition(':')[0]}"
                                        ) from None
        if end - self._at > self._longest:
            raise InvalidParams(f"item {number} is longer than {self._longest:,} bytes")
        found = self._text[self._at:end]
        self._at = end
        return found.encode()

    def _next(self) -> str:
        """Go on to what is no blank, and return that character; "" at the end."""
        while True:
            blanks = _BLANKS.match(self._text, self._at)
            self._at = blanks.end() if blanks else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _more(self) -> bool:
        """Read on, as much again as is held, and tell whether there was more."""
        self._text, self._at = self._text[self._at:], 0
        read = self._file.read(max(_READ, len(self._text)))
        try:
            self._text += self._decoder.decode(read, final=not read)
        except UnicodeDecodeError:
            raise InvalidParams("the file is not UTF-8") from None
        return bool(read)
