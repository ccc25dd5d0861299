"""Rows of every kind, from so few ids and values that they get into each other's way."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import strategies as st

# The nil UUID is an id like any other.
POOL = [str(UUID(int=number)) for number in range(3)]
IDS = st.sampled_from(POOL)
DATA = st.sampled_from([{}, {"a": 1}, {"b": [None, True, "ü"]}])
# What the columns of a new row may hold; those of CHANGES may be left out of an update.
NEW: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "tenant": {"slug": st.sampled_from("abcd"), "name": st.sampled_from("xy")},
    "user": {"email": st.sampled_from(["a@a", "b@b", "c@c", "d@d"]),
             "display_name": st.sampled_from("xy")},
    "node_type": {"name": st.sampled_from("abcd"), "description": st.sampled_from([None, "x"]),
                  "schema": st.sampled_from([None, True, {"type": "object"}])},
    "node": {"node_type_id": IDS, "data": DATA},
    "relationship": {"source_node_id": IDS, "target_node_id": IDS,
                     "relationship_type": st.sampled_from("xy"), "data": DATA},
}
CHANGES = {kind: {column: values for column, values in columns.items()
                  if not column.endswith("_id")} for kind, columns in NEW.items()}
CHANGES["tenant"]["status"] = st.sampled_from(["active", "away"])
# What the lists of a kind can be filtered by.
FILTERS = {"node": ["node_type_id"],
           "relationship": ["source_node_id", "target_node_id", "relationship_type"]}
# The kinds that belong to no tenant.
GLOBAL = {"tenant", "user"}
