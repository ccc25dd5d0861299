"""A field of a form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from flexdb.web.console.forms.shapes import FormShape, Option
from flexdb.web.console.forms.values import ABSENT


@dataclass
class Widget:
    """A field of a form, or several together.

    :param kind: line, text, number, date, choice, json, fixed (is shown only), object, array,
        variants
    :param text: what the field says
    :param empties: what it may stand for where it is empty, the first being chosen
    :param options: of a choice, of which ``text`` is the JSON of the chosen one; of variants, of
        which it is the place
    :param inner: members, items, or the chosen variant
    :param path: its label behind those of what it is in
    :param rest: as JSON, the members of an object of which the schema knows nothing
    """

    pointer: str
    label: str
    kind: str
    shape: FormShape
    value: Any = ABSENT
    help: str = ""
    text: str = ""
    mode: str = ""
    empties: list[Option] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    inner: list[Widget] = field(default_factory=list)
    rest: str = ""
    is_required: bool = False
    is_item: bool = False
    wrong: str = ""
    path: str = ""

    @property
    def id(self) -> str:
        """Return its id on the page."""
        return "f-" + quote(self.pointer, safe="/~")

    @property
    def is_absent(self) -> bool:
        """Tell whether there is no value."""
        return self.value is ABSENT

    def all(self) -> Iterator[Widget]:
        """Give it and all that is in it."""
        yield self
        for one in self.inner:
            yield from one.all()

    def at(self, pointer: str) -> Widget | None:
        """Return the innermost widget at a place; None where none is."""
        return next((one for one in reversed([*self.all()]) if one.pointer == pointer), None)
