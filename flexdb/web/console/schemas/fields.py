"""The keywords of JSON Schema that have a field of their own, and how a field says their value.

What a field cannot say so that exactly the same is read from it again stays JSON: nothing that
somebody wrote is lost by a form that does not know it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from flexdb.documents import text as json_text
from flexdb.documents.declarations import LANGUAGES
from flexdb.documents.text import Number
from flexdb.web.console import typed
from flexdb.web.console.words import as_json, indented

# The types that a member may be chosen to have, as people call them; "" is none.
TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "yes or no",
         "array": "list", "object": "object", "": "anything"}
FORMATS = ("date", "time", "date-time", "duration", "email", "uri", "uuid", "hostname", "ipv4",
           "ipv6", "regex", "json-pointer")
_DEEPEST = 100


class Field(NamedTuple):
    """A field for a keyword.

    :param form: how it is said: text, long, number, value, values, flag, choice, or together
    :param on: of a flag, the value that it says where it is set
    :param options: of a choice, or what is proposed
    """

    keyword: str
    label: str
    form: str
    help: str = ""
    on: Any = True
    options: tuple[str, ...] = ()


_TITLE = Field("title", "Title", "text", "What people call it, instead of its name.")
_DESCRIPTION = Field("description", "Description", "long")
_ENUM = Field("enum", "Only these", "values", "One value a line.")
_DEFAULT = Field("default", "Default", "value")
_RANGE = (Field("minimum", "At least", "number"), Field("maximum", "At most", "number"),
          Field("multipleOf", "A multiple of", "number"))
_OF_TYPE: dict[str, tuple[Field, ...]] = {
    "string": (Field("format", "Format", "text", options=FORMATS),
               Field("minLength", "Characters, at least", "number"),
               Field("maxLength", "Characters, at most", "number"),
               Field("pattern", "Pattern", "text", "A regular expression."), _ENUM, _DEFAULT),
    "integer": (*_RANGE, _ENUM, _DEFAULT),
    "number": (*_RANGE, _ENUM, _DEFAULT),
    "boolean": (_DEFAULT._replace(form="choice", options=("true", "false")),),
    "array": (Field("minItems", "Items, at least", "number"),
              Field("maxItems", "Items, at most", "number"),
              Field("uniqueItems", "No item twice", "flag"), _DEFAULT),
    "object": (Field("additionalProperties", "No other members", "flag", on=False), _DEFAULT),
    "": (_ENUM, _DEFAULT),
}
_DECLARED = (
    Field("x-unique", "Unique", "flag", "No two records have the same."),
    Field("x-search", "Searched", "flag", "The search finds its words."),
    Field("x-index", "Indexed", "flag", "Ranges and sorting are fast."))
# What is said of all records of a type.
OF_WHOLE = (
    Field("additionalProperties", "No other members", "flag",
          "Records may have none but these members.", on=False),
    Field("x-defaults", "Fill in defaults", "flag",
          "A member that a new record leaves out gets its default."),
    Field("x-unique", "Unique together", "together",
          "One rule a line: members with commas between, such as project, title."),
    Field("x-search-language", "Language of the search", "choice", options=LANGUAGES),
    Field("x-history", "Keep no history", "flag",
          "What records were before a change is not kept.", on=False),
    Field("x-keep-deleted", "Keep deleted records", "number", "In days."),
    Field("x-user", "Stands for users", "flag",
          "The record with the id of a user goes when the user does."))


def fields_of(type: str, is_member: bool) -> tuple[Field, ...]:
    """Return the fields of a place.

    :param type: one of TYPES
    :param is_member: whether it is reached by ``properties`` alone, and may so declare something
    """
    declared = _DECLARED if is_member and type != "object" else ()
    return (_TITLE, _DESCRIPTION, *_OF_TYPE[type], *declared)


EVERY_FIELD = {field.keyword: field for type in TYPES for field in fields_of(type, True)}


def say(field: Field, type: str, value: Any) -> str | None:
    """Return what stands in a field for a value; None where it cannot say it."""
    said = _say(field.form, value, field)
    try:
        return said if said and read(field, type, said) == value else None
    except ValueError:
        return None


def read(field: Field, type: str, said: str) -> Any:
    """Return the value that a field says.

    :param type: of the place, which tells whether a value is a text
    :param said: what stands in it, not ""
    :raises ValueError: saying what would be right
    """
    if field.form == "number":
        if not json_text.NUMBER.fullmatch(said.strip()):
            raise ValueError("must be a number")
        return Number(said.strip())
    if field.form == "flag":
        return field.on
    if field.form == "values":
        return [_value(type, line) for line in said.split("\n") if line]
    if field.form == "value" or field.keyword == "default":
        return _value(type, said)
    if field.form == "together":
        return [[path.strip() for path in line.split(",")] for line in said.split("\n")
                if line.strip()]
    return said


def laid_out(schema: Any) -> str:
    """Return a schema as JSON text in lines; "" for none."""
    return "" if schema is None else indented(schema)


def parse(text: str) -> Any:
    """Parse JSON that somebody typed, every number as it was written.

    :raises ValueError: saying where it is none
    """
    try:
        json_text.check_depth(text.encode(), _DEEPEST)
        return typed.parse(text)
    except UnicodeEncodeError:
        raise ValueError("has characters that are none") from None


def _value(type: str, said: str) -> Any:
    if type == "string":
        return said
    try:
        return parse(said)
    except ValueError:
        if type == "":
            return said
        raise ValueError(f"must be JSON, such as {'[1, 2]' if type == 'array' else '1'}, not "
                         f"{said[:40]}") from None


def _say(form: str, value: Any, field: Field) -> str | None:
    is_text = isinstance(value, str) and not isinstance(value, Number)
    if form in ("text", "choice", "long") and is_text:
        # A field of one line takes no more, a choice nothing else.
        breaks = "\r" in value or (form != "long" and "\n" in value)
        return None if breaks or form == "choice" and value not in field.options else value
    if form == "number":
        return str(value) if isinstance(value, Number) else None
    if form == "flag":
        return "on" if value is field.on else None
    if form == "value" or form == "choice":
        text = value if is_text else as_json(value)
        return None if "\n" in text or "\r" in text else text
    lines = value if isinstance(value, list) else []
    if form == "values":
        told = [_say("value", one, field) for one in lines]
        return "\n".join(line or "" for line in told) if all(told) else None
    if form == "together" and all(isinstance(one, list) and all(isinstance(path, str)
                                  for path in one) for one in lines):
        return "\n".join(", ".join(one) for one in lines)
    return None
