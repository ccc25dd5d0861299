"""How large JSON is once PostgreSQL stores it, and whether it is kept unchanged.

One measure holds before and after: the bytes of compact JSON text with its numbers written out.
What PostgreSQL adds when it writes, blanks behind colons and commas, does not count, and neither do
blanks that came, nor escapes that need not be. So what was stored may be sent again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate

from flexdb.documents.text import depth, without_strings

# A text's shape, in which digits, exponents and signs are each alike, is found and searched many
# times faster than a regular expression looks.
_SHAPES = bytes.maketrans(
    bytes(range(256)),
    bytes(ord("0") if byte in b"0123456789" else ord("e") if byte in b"eE" else
          ord("+") if byte in b"+-" else ord(" ") for byte in range(256)))
_EXPONENT = b"0e"
# A number here may lie outside a double's range, or be written out in many more digits than came:
# 1e308 is 5 bytes in and 309 out, 1e-16000 8 and 16,002.
_LARGE, _SMALL, _LONG = b"0e00", b"0e+00", b"0" * 200
# With an exponent of one digit 3 bytes become 10 at most, with the largest that is taken 6 bytes
# 402: 0e-400 has 400 decimals.
_USUAL_GROWTH, _MOST_GROWTH = 4, 100
_NUMBER = re.compile(rb"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?)([0-9]+))?")
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u....|.)", re.DOTALL)
_BLANKS = b" \t\r\n"
# What is written as two characters; other control characters as six.
_SHORT = set(b'"\\\b\f\n\r\t')
# PostgreSQL keeps at most this many digits behind the point (numeric's largest scale); no double
# needs a larger exponent, nor one with more digits.
_MOST_DECIMALS, _MOST_EXPONENT, _MOST_EXPONENT_DIGITS = 16383, 400, 9


def holds_nul(text: bytes) -> bool:
    """Tell whether valid JSON text names the character U+0000, which PostgreSQL does not keep."""
    return rb"\u0000" in text and _NUL.search(text) is not None


def check_stored(text: bytes, limit: int) -> None:
    """Refuse valid JSON text that is too large, or that PostgreSQL could not keep unchanged.

    :param limit: the most bytes
    :raises ValueError: saying why
    """
    suspicious = check_kept(text)
    if _is_over(text, limit, suspicious):
        raise _too_large(limit)


def check_kept(text: bytes) -> bool:
    """Refuse valid JSON text that PostgreSQL could not keep unchanged, whatever its size.

    :returns: whether it may have numbers that grow much when they are written out
    :raises ValueError: saying why
    """
    if holds_nul(text):
        raise ValueError("may not contain the character U+0000")
    if not _is_suspicious(text.translate(_SHAPES)):
        return False
    if not all(map(_is_kept, _NUMBER.finditer(without_strings(text)))):
        raise ValueError("may only contain numbers within the range of a double (IEEE 754)")
    return True


def _is_over(text: bytes, limit: int, suspicious: bool | None = None) -> bool:
    """Tell whether the size of valid JSON text is over a limit.

    :param suspicious: whether it may have numbers that grow much; None where that is not known
    """
    if len(text) * _MOST_GROWTH <= limit:
        return False
    shape = text.translate(_SHAPES)
    if suspicious is None:
        suspicious = _is_suspicious(shape)
    if len(text) <= limit and not suspicious and (
            len(text) * _USUAL_GROWTH <= limit or _EXPONENT not in shape):
        return False
    bare = without_strings(text)
    # Numbers are not counted as less than they came, so what is over before them stays so, and
    # what is over with some of them too.
    size = _compact_size(text, bare)
    return size > limit or any(grown > limit for grown in accumulate(_growths(bare), initial=size))


def stored_size(text: bytes) -> int:
    """Return the size of valid JSON text, in bytes."""
    bare = without_strings(text)
    return _compact_size(text, bare) + sum(_growths(bare))


def fits(text: bytes, most_bytes: int, max_depth: int) -> bool:
    """Tell whether valid JSON text is within limits, whatever is stored."""
    return depth(text, max_depth) <= max_depth and not _is_over(text, most_bytes)


def check_change(made: bytes, before: bytes, most_bytes: int, max_depth: int) -> None:
    """Refuse a change that makes JSON larger or deeper than both the limits and what was there.

    :param before: what is stored, which may be larger than what may be stored now
    :raises ValueError: saying why
    """
    if (deep := depth(made, max_depth)) > max_depth and deep > depth(before, max_depth):
        raise ValueError(f"may be nested at most {max_depth} deep")
    if _is_over(made, most_bytes) and stored_size(made) > stored_size(before):
        raise _too_large(most_bytes)


def _too_large(limit: int) -> ValueError:
    return ValueError(f"may have at most {limit} bytes as compact JSON text with its numbers "
                      "written out")


def _is_suspicious(shape: bytes) -> bool:
    # Without a loop: of each document that is stored this is asked.
    return _LARGE in shape or _SMALL in shape or _LONG in shape


def _compact_size(text: bytes, bare: bytes) -> int:
    size = len(text) - len(bare) + len(bare.translate(None, _BLANKS))
    if rb"\u" in text or rb"\/" in text:
        for escape, count in Counter(_ESCAPE.findall(text)).items():
            size -= count * (len(escape) - _written_escape(escape))
    return size


def _written_escape(escape: bytes) -> int:
    """Return how many bytes PostgreSQL writes for an escape."""
    if len(escape) == 12:
        return 4
    if len(escape) == 2:
        return 1 if escape == rb"\/" else 2
    code = int(escape[2:], 16)
    if code < 0x80:
        return 2 if code in _SHORT else 6 if code < 0x20 else 1
    return 2 if code < 0x800 else 3


def _growths(bare: bytes) -> Iterator[int]:
    """Give by how much each number of JSON text without strings grows when it is written out."""
    if _EXPONENT not in bare.translate(_SHAPES):
        return
    for number in _NUMBER.finditer(bare):
        if number[5]:
            sign, whole, fraction, _, _ = number.groups(b"")
            exponent, digits = _exponent(number), whole + fraction
            scale = max(0, len(fraction) - exponent)
            zeros = len(digits) - len(digits.lstrip(b"0"))
            # Zero has no sign.
            before = (1 if zeros == len(digits) else
                      len(sign) + max(1, len(whole) + exponent - zeros))
            yield max(0, before + (scale + 1 if scale else 0) - len(number[0]))


def _exponent(number: re.Match[bytes]) -> int:
    # int() refuses thousands of digits; what has so many is refused anyway.
    value = int(number[5][:_MOST_EXPONENT_DIGITS]) if number[5] else 0
    return -value if number[4] == b"-" else value


def _is_kept(number: re.Match[bytes]) -> bool:
    _, whole, fraction, _, digits = number.groups(b"")
    exponent = _exponent(number)
    if (len(digits) > _MOST_EXPONENT_DIGITS or abs(exponent) > _MOST_EXPONENT
            or len(fraction) - exponent > _MOST_DECIMALS):
        return False
    is_zero = not whole.strip(b"0") and not fraction.strip(b"0")
    return is_zero or 0 < abs(float(number[0])) < float("inf")
