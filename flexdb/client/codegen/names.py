"""Names of Python for what is named otherwise: each once, and none that means something already."""

from __future__ import annotations

import re
from keyword import iskeyword
from unicodedata import normalize

# What stands in a module, or in an annotation, and what a model of pydantic has already.
_TAKEN = frozenset(
    "Any Annotated BaseModel ConfigDict Field Literal NotRequired Struct TypedDict UNSET UnsetType "
    "annotations bool dataclass dict field float int list str sys "
    "construct copy from_orm json parse_file parse_obj parse_raw schema schema_json "
    "update_forward_refs validate".split())


class Names:
    """The names of one place.

    :param taken: those that are taken from the start, beside what a module has
    """

    def __init__(self, taken: frozenset[str] = frozenset()) -> None:
        self._taken = _TAKEN | taken

    def claim(self, wanted: str) -> str:
        """Return a name that nobody has, as near to the one that is wanted as may be."""
        name, number = wanted, 1
        while name in self._taken or iskeyword(name):
            number += 1
            name = f"{wanted}_" if number == 2 and wanted[:1].islower() else f"{wanted}{number}"
        self._taken |= {name}
        return name

    @property
    def all(self) -> frozenset[str]:
        """Return the names that are taken."""
        return self._taken


def class_name(text: str) -> str:
    """Return the name of a class for what has any name, as ``UserStory`` for ``user story``."""
    words = re.split(r"[\W_]+", normalize("NFKC", text))
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return next(one for one in (name, f"Type{name}", "Type") if one.isidentifier())


def member_name(text: str) -> str:
    """Return the name of a member likewise, as ``due_date`` for ``due-date``; none is hidden."""
    name = re.sub(r"\W", "_", normalize("NFKC", text)).lstrip("_")
    # Those are pydantic's own.
    if name.isidentifier() and not name.startswith("model_"):
        return name
    return f"field_{name}" if f"field_{name}".isidentifier() else "field"
