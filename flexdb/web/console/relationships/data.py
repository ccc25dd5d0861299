"""What is said of a relationship: by the fields of its type's schema, where that has one, else as
JSON.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import request

from flexdb.documents.text import dump_exactly
from flexdb.errors import FlexdbError
from flexdb.web.console import forms
from flexdb.web.console.faults import wrong_fields
from flexdb.web.console.forms import ABSENT, Posted
from flexdb.web.console.forms.reading import read_json
from flexdb.web.console.records.refusals import refused
from flexdb.web.console.words import indented


def schema_of(types: list[dict[str, Any]], name: str) -> Any:
    """Return the schema of the contract of that name; None where there is none, or any data fits.
    """
    schema = next((one["schema"] for one in types if one["name"] == name), None)
    return schema if isinstance(schema, dict) else None


class Said(NamedTuple):
    """What a form says, or is to say.

    :param name: the type by whose schema it has fields; "" where it is JSON
    :param schema: that schema
    :param filled: its fields
    :param text: the JSON, as it was typed
    """

    name: str
    schema: Any
    filled: Posted
    text: str

    @classmethod
    def of(cls, types: list[dict[str, Any]], name: str, value: Any) -> Said:
        """Return the form of a value."""
        schema = schema_of(types, name)
        fits = isinstance(value, dict) and len(dump_exactly(value)) <= forms.MOST_BYTES
        if schema is None or not fits:
            return cls("", None, Posted(), indented(value) if value else "")
        return cls(name, schema, Posted(value), "")

    @classmethod
    def typed(cls, types: list[dict[str, Any]]) -> Said:
        """Return what was sent."""
        name = request.form.get("fields_of", "")
        schema = schema_of(types, name)
        if schema is None:
            return cls("", None, Posted(), request.form.get("data", ""))
        filled = forms.posted(schema, request.form)
        filled.value = {} if filled.value is ABSENT else filled.value
        return cls(name, schema, filled, "")

    @property
    def value(self) -> Any:
        """Return it as calls take it: a text is the JSON itself, in which every digit stands."""
        return self.filled.value if self.name else self.text.strip() or "{}"

    def act(self, types: list[dict[str, Any]], name: str, do: str) -> Said | None:
        """Do what a button says; return the form that is to be shown then, if any."""
        if do == "fields":
            return Said.of(types, name, self.value if self.name else read_json(self.value))
        return self if self.name and forms.act(self.schema, self.filled, do) else None

    def shown(self, error: FlexdbError | None = None) -> dict[str, Any]:
        """Return what a template shows of it, and of why it was refused."""
        wrong = wrong_fields(error) if error else {}
        places: dict[str, str] = {}
        if "data" in wrong:
            places, further = refused(error) if error else ({}, [])
            told = [f"{at}: {each}" if at else each for at, each in places.items()] + further
            wrong["data"] = "; ".join(told)
            if self.name and places:
                del wrong["data"]
        form = forms.widgets(self.schema, self.filled.value, self.filled.wrong | places,
                             self.filled.variants) if self.name else None
        return {"said": self, "form": form, "wrong": wrong}
