"""What the triggers refuse that hold the contracts of relationship types, as a caller is told it.

The constraint that they name says what is broken; migrations/0019-relationship-types.sql has them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import orjson
import psycopg

from flexdb import errors
from flexdb.errors import FlexdbError

# What one server has from another, as with Citus, it names in the message alone: at its end, since
# before it stands the type's name.
_NAMED = re.compile(r'.*constraint "flexdb_contract_(\w+)"(?:, column "(\w*)")?', re.DOTALL)


class _Breach(NamedTuple):
    """A way to break a contract.

    :param kind: the error of a relationship that does
    :param field: the parameter to blame
    :param wrong: what is wrong with it; behind :data:`_OF_TYPES` stand those that there may be
    :param rule: the parameter of the relationship type
    """

    kind: type[FlexdbError]
    field: str
    wrong: str
    rule: str


# check_violation and restrict_violation.
_STATES = {"23514", "23001"}
_OF_TYPES, _OF_NONE = "must be of node type", "can be of no node type: the contract names none"
_BREACHES = {
    "source_type": _Breach(errors.InvalidParams, "source_node_id", _OF_TYPES,
                           "source_node_type_ids"),
    "target_type": _Breach(errors.InvalidParams, "target_node_id", _OF_TYPES,
                           "target_node_type_ids"),
    "source_taken": _Breach(errors.AlreadyExists, "source_node_id",
                            "is the source of a relationship of this type, and may be of one only",
                            "cardinality"),
    "target_taken": _Breach(errors.AlreadyExists, "target_node_id",
                            "is the target of a relationship of this type, and may be of one only",
                            "cardinality"),
    "pair_taken": _Breach(errors.AlreadyExists, "target_node_id",
                          "has a relationship of this type from the same source, and may have one "
                          "only", "unique_pair"),
    "cycle": _Breach(errors.InvalidParams, "target_node_id",
                     "leads back to the source, and relationships of this type may not", "acyclic"),
    "too_far": _Breach(errors.InvalidParams, "target_node_id",
                       "has more than 10,000 nodes behind it, and the source as many before it: "
                       "whether it leads back is not to be told", "acyclic"),
}


def to_refusal(error: psycopg.Error) -> FlexdbError | None:
    """Return what a caller is told where a contract is broken; None where the error is another.

    ``relationship_id`` in it is the relationship's.
    """
    if (named := _named(error)) is None:
        return None
    breach, column = named
    detail, hint = error.diag.message_detail or "", error.diag.message_hint
    if breach == "broken":
        return _of_those_there(orjson.loads(detail))
    if breach == "kept":
        return errors.InUse(relationship_id=detail, relationship_type=hint)
    kind, field, wrong, _ = _BREACHES[breach]
    if wrong is _OF_TYPES:
        wrong = f"{wrong} {hint}" if hint else _OF_NONE
    if column:
        field, wrong = column, f"does not fit: {field} {wrong}"
    return kind(fields={field: [wrong]}, relationship_id=detail)


def breaks_contract(error: psycopg.Error) -> bool:
    """Tell whether a contract is broken."""
    return _named(error) is not None


def _named(error: psycopg.Error) -> tuple[str, str | None] | None:
    """Return what is broken, and which parameter was changed that breaks it."""
    found = _NAMED.match(error.diag.message_primary or "") if error.sqlstate in _STATES else None
    return (found[1], found[2]) if found else None


def _of_those_there(broken: list[dict[str, str]]) -> FlexdbError:
    """Return the refusal of a contract that relationships that are there break."""
    fields: dict[str, list[str]] = {}
    for one in broken:
        fields.setdefault(_BREACHES[one["breach"]].rule, []).append(one["relationship_id"])
    return errors.InvalidParams(
        fields={rule: [f"is not kept by what is there: see broken_by, which has {len(ids)}"]
                for rule, ids in fields.items()},
        broken_by=[{"relationship_id": one["relationship_id"],
                    "parameter": _BREACHES[one["breach"]].rule} for one in broken])
