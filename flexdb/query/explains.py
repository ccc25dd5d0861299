"""Explanations: how PostgreSQL finds the rows of a list, told in the members of its objects.

They are made of PostgreSQL's own plan of the very statement, and leave out what it guesses of rows,
costs and tables, since that is made of all tenants' rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial

import orjson
from marshmallow import Schema

from flexdb.contract.fields import Boolean, Json, Text
from flexdb.contract.objects import Items, Object
from flexdb.plan import Query
from flexdb.query.paths import Members
from flexdb.sql.loader import LISTS

_SEARCH, _INDEX = "flexdb_search", "flexdb_index"
_QUOTED = re.compile(r"'(?:[^']|'')*'")


EXPLAIN = partial(Boolean, "Whether to tell beside the page which indexes find its rows.",
                  example=True)
_INDEXES = partial(Items, "The members by whose values rows are looked up: `data` is the index of "
                   "equality, `search` that of words, and `data.due` one that the type declares "
                   "with `x-index`; `node_type_id`, `id` and others have "
                   "their own.",
                   Text("A member."))
_SCANS = partial(Boolean, "Whether what was looked up, or all that the tenant has where `indexes` "
                 "is empty, is read row by row, to see which of it fits.")


class PageFinding(Schema):
    """How the rows of the page are found."""

    indexes = _INDEXES()
    scans = _SCANS()
    sorts = Boolean("Whether all that fits is found and sorted before the page begins; else rows "
                    "come in order, and the reading ends with the page.")


class TotalFinding(Schema):
    """How the rows of the total are found; one that is kept reads none."""

    indexes = _INDEXES()
    scans = _SCANS()


class Explanation(Schema):
    """How PostgreSQL finds what a list gives."""

    page = Object(PageFinding, "How the rows of the page are found.")
    total = Object(TotalFinding, "How those are found that `total_count` counts.", allow_none=True)


def explaining(query: Query) -> Query:
    """Return the query whose row is the plan of another, which it does not run."""
    return query._replace(text=b"EXPLAIN (FORMAT JSON) " + query.text, lasting=False)


def explanation(plan: bytes, name: str, members: Members, counts: bool, declared: str = ""
                ) -> Json:
    """Return what a plan tells of a list, in the form of :class:`Explanation`.

    :param plan: what PostgreSQL answers to :func:`explaining`
    :param name: the list's name
    :param members: those of the list's objects
    :param counts: whether the list tells its total
    :param declared: the path of the member whose own index may serve
    """
    whole = orjson.loads(plan)[0]["Plan"]
    shared = {step["Subplan Name"]: step for _, step in _steps(whole, "", {})
              if "Subplan Name" in step}
    steps = list(_steps(whole, "page", shared))
    # The list's own rows: PostgreSQL numbers what has the same alias.
    own = re.compile(rf"{LISTS[name].alias}(_\d+)?")
    table = name.partition("_")[2]
    found = {}
    for part in ("page", "total"):
        reads = [step for of, step in steps if of == part and step.get("Relation Name") == table
                 and own.fullmatch(step.get("Alias", ""))]
        looked_up = _named(members, [
            inner.get("Index Cond", "") for step in reads for inner in _indexes(step)])
        if any(step.get("Relation Name") == _SEARCH for of, step in steps if of == part):
            # By the ids that it gives its nodes are read.
            looked_up = ["search", *(name for name in looked_up if name != "id")]
        if any(step.get("Relation Name") == _INDEX for of, step in steps if of == part):
            looked_up = [declared, *(name for name in looked_up if name != "id")]
        passed = _named(members, [step.get("Filter", "") for step in reads])
        found[part] = {"indexes": looked_up, "scans": not set(passed) <= set(looked_up)}
    sorts = any("Sort" in inner["Node Type"] for of, step in steps
                if of == "page" and step["Node Type"] == "Limit"
                for _, inner in _steps(step, of, {}))
    return {"page": found["page"] | {"sorts": sorts}, "total": found["total"] if counts else None}


def _steps(step: Json, part: str, shared: Mapping[str, Json]
           ) -> Iterator[tuple[str, Json]]:
    """Give a step of a plan and those below it, each with the part of the answer it is for.

    :param shared: what is found once, by its name: it is for each part that reads it
    """
    yield part, step
    for inner in step.get("Plans", ()):
        # What is counted, and whether the tenant is there, is found ahead and apart.
        is_apart = inner.get("Parent Relationship") == "InitPlan"
        yield from _steps(inner, "total" if is_apart else part, shared)
    if (found := shared.get(f"CTE {step.get('CTE Name')}")) is not None:
        yield from _steps(found, part, shared)


def _indexes(step: Json) -> Iterator[Json]:
    """Give a step and those that look up for it; others below it read what a condition asks for."""
    yield step
    for inner in step.get("Plans", ()):
        if inner["Node Type"] in ("BitmapAnd", "BitmapOr", "Bitmap Index Scan"):
            yield from _indexes(inner)


def _named(members: Members, conditions: list[str]) -> list[str]:
    """Return the members but for the tenant that conditions name, in their order."""
    words = {word for one in conditions for word in re.findall(r"\w+", _QUOTED.sub("", one))}
    return [name for name in members if name in words and name != "tenant_id"]
