"""Filters as rows of a form: a member, an operator, a value; the same as a filter in JSON says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from flexdb.documents.text import NUMBER, Number
from flexdb.web.console.records.columns import TableColumn, column, is_path
from flexdb.web.console.typed import parse
from flexdb.web.console.words import as_json

# What rows can say, and how it is called; two ask without a value.
OPERATORS = {
    "$eq": "is", "$ne": "is not", "$gt": ">", "$gte": "≥", "$lt": "<", "$lte": "≤",
    "$icontains": "contains", "$istartswith": "begins with", "$iendswith": "ends with",
    "$in": "is one of", "$nin": "is none of", "$contains": "contains (exactly)",
    "$startswith": "begins with (exactly)", "$endswith": "ends with (exactly)",
    "$regex": "fits the pattern", "$size": "has so many elements",
    "there": "is there", "missing": "is missing"}
WITHOUT_VALUE = {"there": True, "missing": False}
_TEXTS = ("$icontains", "$istartswith", "$iendswith", "$startswith", "$endswith", "$regex")
_WORDS = {"true": True, "false": False, "null": None}
_MOST_ROWS = 30


class FilterRow(NamedTuple):
    """A condition as it is typed."""

    path: str = ""
    operator: str = "$eq"
    text: str = ""


class WrongRows(ValueError):
    """Rows that make no filter; ``told`` says by place what is wrong with each."""

    def __init__(self, told: dict[int, str]) -> None:
        super().__init__("; ".join(told.values()))
        self.told = told


def filter_of(rows: list[FilterRow], known: list[TableColumn]) -> dict[str, Any]:
    """Return the filter that rows say together; those without a member say nothing.

    :param known: the members, by whose kinds values are read
    :raises WrongRows: when one cannot be understood
    """
    found: dict[str, dict[str, Any]] = {}
    further: list[dict[str, Any]] = []
    wrong: dict[int, str] = {}
    for place, row in enumerate(rows):
        if not row.path:
            continue
        try:
            operator, value = _condition(row, known)
        except ValueError as error:
            wrong[place] = str(error)
            continue
        if operator in found.setdefault(row.path, {}):
            further.append({row.path: {operator: value}})
        else:
            found[row.path][operator] = value
    if wrong:
        raise WrongRows(wrong)
    filter = {path: _short(asked) for path, asked in found.items()}
    return {"$and": [filter, *further]} if further else filter


def _short(asked: dict[str, Any]) -> Any:
    return asked["$eq"] if asked.keys() == {"$eq"} and not isinstance(asked["$eq"], dict) else asked


def _condition(row: FilterRow, known: list[TableColumn]) -> tuple[str, Any]:
    if not is_path(row.path):
        raise ValueError(f"{row.path[:60]} is no path")
    if row.operator in WITHOUT_VALUE:
        return "$exists", WITHOUT_VALUE[row.operator]
    if row.operator not in OPERATORS:
        raise ValueError(f"{row.operator[:60]} is no operator: there are {', '.join(OPERATORS)}")
    of = column(known, row.path)
    if row.operator in _TEXTS:
        return row.operator, row.text
    if row.operator == "$size":
        return row.operator, read_value(row.text, of._replace(kind="integer"))
    if of.kind == "array":
        items = of.schema.get("items")
        of = of._replace(kind="text" if isinstance(items, dict) and items.get(
            "type") == "string" else "any")
    if row.operator in ("$in", "$nin"):
        return row.operator, _several(row.text, of)
    return row.operator, read_value(row.text, of)


def _several(text: str, of: TableColumn) -> list[Any]:
    if text.lstrip().startswith("["):
        return list(_parsed(text, of))
    return [read_value(one.strip(), of) for one in text.split(",")]


def _parsed(text: str, of: TableColumn) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise ValueError(f"{of.name}: {error}") from None


def read_value(text: str, of: TableColumn) -> Any:
    """Return the value that a text means at a place; as JSON where its kind is not known.

    :raises ValueError: when it is none that may stand there
    """
    bare = text.strip()
    if of.is_number or of.kind == "boolean":
        if of.kind == "boolean" and bare in ("true", "false"):
            return bare == "true"
        if of.is_number and NUMBER.fullmatch(bare):
            return Number(bare)
        wanted = "true or false" if of.kind == "boolean" else "a number, as in 12 or 0.5"
        raise ValueError(f"{of.name} wants {wanted}, not {text[:60] or 'nothing'}")
    if of.kind in ("text", "time", "id"):
        return text
    if of.kind == "choice" and text in of.options:
        return text
    if of.kind in ("array", "object") and bare.startswith(("[", "{")):
        return _parsed(bare, of)
    if bare in _WORDS:
        return _WORDS[bare]
    if NUMBER.fullmatch(bare):
        return Number(bare)
    if bare.startswith(('"', "[", "{")):
        return _parsed(bare, of)
    return text


def rows_of(filter: str, known: list[TableColumn]) -> list[FilterRow] | None:
    """Return the rows that say the same as a filter; None where rows cannot say it.

    :param filter: its JSON text; "" for none
    """
    if not filter:
        return []
    try:
        rows = list(_rows(parse(filter), known))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return None
    return rows if len(rows) <= _MOST_ROWS else None


def _rows(filter: dict[str, Any], known: list[TableColumn]) -> list[FilterRow]:
    found: list[FilterRow] = []
    for path, asked in filter.items():
        if path == "$and":
            for one in asked:
                found += _rows(one, known)
        elif path.startswith("$") or not is_path(path):
            raise ValueError(path)
        elif isinstance(asked, dict) and any(name.startswith("$") for name in asked):
            found += [_row(path, name, value, known) for name, value in asked.items()]
        else:
            found.append(_row(path, "$eq", asked, known))
    return found


def _row(path: str, operator: str, value: Any, known: list[TableColumn]) -> FilterRow:
    if operator == "$exists" and isinstance(value, bool):
        return FilterRow(path, "there" if value else "missing")
    for text in _texts(value):
        row = FilterRow(path, operator, text)
        if _means(lambda: _condition(row, known)[1], value):
            return row
    raise ValueError(path)


def written(value: Any, of: TableColumn) -> str:
    """Return the text that is read as a value at a place, if there is one; else its JSON text."""
    texts = _texts(value)
    return next((text for text in texts
                 if _means(lambda: read_value(text, of), value)), texts[-1])


def _texts(value: Any) -> list[str]:
    """Return the texts that may mean a value: a text as it is, and what it is as JSON."""
    return ([str(value)] if isinstance(value, str) else []) + [as_json(value)]


def _means(read: Callable[[], Any], value: Any) -> bool:
    try:
        return as_json(read()) == as_json(value)
    except ValueError:
        return False
