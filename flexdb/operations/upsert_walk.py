"""The way of an upsert: which nodes are there, what they are to be, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import orjson

from flexdb.context import Context
from flexdb.contract.operation import Loaded
from flexdb.documents import text as json_text
from flexdb.documents.patches import Patch
from flexdb.documents.schemas import Compiled, violates
from flexdb.documents.validators import Violation
from flexdb.errors import AlreadyExists, FlexdbError, InvalidParams, NotFound
from flexdb.errors.clashes import NotUnique
from flexdb.operations.bulk import not_unique, schemas_of, violations_in
from flexdb.operations.nodes import with_defaults
from flexdb.operations.rules import hold_written
from flexdb.operations.statements import step
from flexdb.operations.tenants import find_absent_tenants
from flexdb.plan import Plan, Statement

# How a field of an item is named to the caller, by its place and its name.
ONE, SEVERAL = "{1}", "nodes.{0}.{1}"
# What makes a statement's item: the data, or the key that was made of it.
_WITH_DATA = ("id", "node_type_id", "is_new", "data")
_WITH_KEY = ("id", "node_type_id", "rule", "hash")


class Upsert:
    """The upsert of some nodes.

    :param names: how a field of an item is named to the caller, by its place and its name
    """

    def __init__(self, context: Context, params: Loaded, names: str) -> None:
        self._context, self._tenant_id = context, params["tenant_id"]
        self._key, self._merges = params["key"], params["mode"] == "merge"
        self._all_or_none, self._names = params["all_or_none"], names
        # What is known of an item is added to it.
        self.items: list[Loaded] = [
            {"id": item["id"], "node_type_id": item["node_type_id"], "data": item["data"],
             "given": item["data"]} for item in params["nodes"]]
        self.faults: dict[int, FlexdbError] = {}
        # The outcome and the node of each item that was written, by its place.
        self.done: dict[int, tuple[str, bytes]] = {}

    def told(self, place: int) -> bytes:
        """Return what became of an item as JSON text."""
        if place in self.done:
            outcome, node = self.done[place]
            return b'{"outcome":"%b","node":%b,"error":null}' % (outcome.encode(), node)
        error = self.faults[place]
        message = str(error)
        for first in error.data.get("violations", [])[:1]:
            # Of what does not fit nothing else is told here.
            message += f"{f' at {path}' if (path := first['path']) else ''}: {first['message']}"
        told = {"code": error.code, "reason": error.reason, "message": message}
        return b'{"outcome":"refused","node":null,"error":%b}' % orjson.dumps(told)

    def walk(self) -> Generator[Plan, Any, None]:
        """Write the nodes.

        :raises FlexdbError: naming what is wrong, where all or none are to be written
        """
        schemas = yield from self._schemas()
        if self._key is None:
            self._refuse_twice([(item["id"],) for item in self.items], "id")
        else:
            yield from self._claim()
        self._settle()
        # Those that another made meanwhile are there the second time.
        for _ in range(2):
            left = [place for place in range(len(self.items))
                    if place not in self.done and place not in self.faults]
            if left:
                yield from self._write(left, schemas)
        for place in range(len(self.items)):
            if place not in self.done:
                self._refuse(place, AlreadyExists, "id", "is taken")
        self._settle()
        if claimed := [item for place, item in enumerate(self.items)
                       if place in self.faults and item.get("is_claimed")]:
            yield self._step("release_keys", claimed, _WITH_KEY)
        ids = sorted(self.items[place]["id"] for place in self.done)
        yield from hold_written(self._context, self._tenant_id, ids)

    def _schemas(self) -> Generator[Statement, Any, dict[str, Compiled]]:
        found, unusable, missing = yield from schemas_of(
            self._context, self._tenant_id, self.items)
        if all(item["node_type_id"] in missing for item in self.items):
            yield from self._refuse_absent_tenant()
        for place, item in enumerate(self.items):
            if (id := item["node_type_id"]) in missing:
                self._refuse(place, NotFound, "node_type_id", "names no node type")
            elif id in unusable:
                self._refuse(place, InvalidParams, "node_type_id", unusable[id])
        self._settle()
        return found

    def _refuse_absent_tenant(self) -> Generator[Statement, Any, None]:
        """Refuse the whole call of who sees all tenants, where it is the tenant that is not there.

        Where what is wrong with each item is told, there is no error that would say so.
        """
        if self._context.caller.sees_all and not self._all_or_none:
            row = yield find_absent_tenants([self._tenant_id])
            if row[0] != b"[]":
                raise NotFound.of("tenant_id")

    def _claim(self) -> Generator[Statement, Any, None]:
        """Find which node each item is about: one that is there, or one that it alone may make."""
        row = yield self._step("claim_keys", self.items, key=self._key)
        for item, rule, hash, is_claimed in zip(self.items, *row):
            item |= {"rule": rule, "hash": hash, "is_claimed": is_claimed}
        if any(item["rule"] is None for place, item in enumerate(self.items)
               if place not in self.faults):
            raise InvalidParams(fields={"key": [
                "names what is not unique in the node type: x-unique in its schema would make it "
                "so"]})
        self._refuse_twice([None if item["hash"] is None else (item["node_type_id"], item["hash"])
                            for item in self.items], "data")
        if not all(item["is_claimed"] for item in self.items):
            # What was waited for is seen by a further statement.
            holders, = yield self._step("get_key_holders", self.items, _WITH_KEY)
            for place, (item, holder) in enumerate(zip(self.items, holders)):
                if item["hash"] is None:
                    self._refuse(place, InvalidParams, "data", "has no value for the key")
                elif place not in self.faults:
                    item["id"] = holder or item["id"]
        self._refuse_twice([None if place in self.faults else item["id"]
                            for place, item in enumerate(self.items)], "id")

    def _write(self, left: list[int], schemas: dict[str, Compiled]
               ) -> Generator[Statement, Any, None]:
        """Write the nodes that are left, but for those that another makes at this moment."""
        known = {"tenant_id": self._tenant_id, "merges": self._merges,
                 "ids": sorted({self.items[place]["id"] for place in left})}
        row = yield step(self._context, "get_nodes_to_upsert", known)
        stored = {id: there for id, *there in zip(*(column or [] for column in row or ()))}
        for place in left:
            self._prepare(place, schemas, *stored.get(self.items[place]["id"], (None, None)))
        left = [place for place in left if place not in self.faults]
        wrong = violations_in([self.items[place] for place in left], schemas)
        for number, violations in wrong.items():
            self._refuse(left[number], InvalidParams, "data", violates("node type"), violations)
        self._settle()
        if not self._all_or_none:
            yield from self._refuse_clashes(left, schemas)
        if not (left := [place for place in left if place not in self.faults]):
            return
        try:
            row = yield self._step("upsert_nodes", [self.items[place] for place in left])
        except NotUnique as error:
            if self._is_one:
                raise
            raise not_unique(error, "nodes", self.items) from None
        places = {self.items[place]["id"]: place for place in left}
        ids, objects, outcomes = row
        self.done |= {places[id]: (outcome, node) for id, node, outcome
                      in zip(ids or (), (objects or "").encode().split(b"\n"), outcomes or ())}

    def _prepare(self, place: int, schemas: dict[str, Compiled], type_of_stored: str | None,
                 data: bytes | None) -> None:
        """Say of an item whether it is to be made, and what its data is to be."""
        item, limits = self.items[place], self._context.limits
        item |= {"is_new": type_of_stored is None, "data": item["given"]}
        if type_of_stored is None and not item.get("is_claimed", True):
            # By one that the caller does not see, or that was deleted meanwhile.
            self._refuse(place, AlreadyExists, "data", "has a key that is taken")
        elif type_of_stored is not None and item.get("is_claimed", False):
            self._refuse(place, AlreadyExists, "id", "is taken")
        elif type_of_stored not in (None, item["node_type_id"]):
            self._refuse(place, InvalidParams, "node_type_id",
                         "is not the type of the node that is there")
        elif self._merges:
            try:
                item["data"] = Patch(json_text.parse_exactly(item["given"])).apply(
                    data or b"{}", limits.max_json_bytes, limits.max_depth)
            except InvalidParams as error:
                self._refuse(place, InvalidParams, "data", *error.data["fields"]["patch"])
        if item["is_new"] and place not in self.faults:
            try:
                item |= with_defaults(self._context, item, schemas[item["node_type_id"]])
            except InvalidParams as error:
                self._refuse(place, InvalidParams, "data", *error.data["fields"]["data"])

    def _refuse_clashes(self, left: list[int], schemas: dict[str, Compiled]
                        ) -> Generator[Statement, Any, None]:
        """Refuse those that have what only another may have, which would refuse all."""
        # Who has a key is known.
        key = self._key and tuple(map(tuple, orjson.loads(self._key)))
        left = [place for place in left if any(
            rule != key for rule in schemas[self.items[place]["node_type_id"]].declared.unique)]
        if not left:
            return
        row = yield self._step("get_unique_clashes", [self.items[place] for place in left])
        for number, members in zip(*(column or [] for column in row or ())):
            self._refuse(left[number], AlreadyExists, members, "is taken")

    def _refuse_twice(self, keys: list[Any], field: str) -> None:
        first: dict[Any, int] = {}
        for place, key in enumerate(keys):
            if key is not None and first.setdefault(key, place) < place:
                self._refuse(place, AlreadyExists, field, "is given twice")

    def _refuse(self, place: int, kind: type[FlexdbError], field: str, wrong: str,
                violations: list[Violation] | None = None) -> None:
        if place not in self.faults:
            more: dict[str, Any] = {"violations": self._placed(place, violations)} if (
                violations) else {}
            self.faults[place] = kind(fields={self._names.format(place, field): [wrong]}, **more)

    def _placed(self, place: int, violations: list[Violation]) -> list[Any]:
        return violations if self._is_one else [{"index": place, **one} for one in violations]

    @property
    def _is_one(self) -> bool:
        return self._names == ONE

    def _settle(self) -> None:
        """Refuse all where one is refused and all or none are to be written."""
        if not self._all_or_none or not self.faults:
            return
        faults = [self.faults[place] for place in sorted(self.faults)]
        kind = type(faults[0])
        same = [fault for fault in faults if type(fault) is kind]
        violations = [one for fault in same for one in fault.data.get("violations", ())]
        more: dict[str, Any] = {"violations": violations} if violations else {}
        raise kind(fields={name: wrong for fault in same
                           for name, wrong in fault.data["fields"].items()}, **more)

    def _step(self, name: str, items: list[Loaded], sent: tuple[str, ...] = _WITH_DATA,
              **arguments: Any) -> Statement:
        text = orjson.dumps([
            {member: orjson.Fragment(item[member]) if member == "data" else item.get(member)
             for member in sent} for item in items])
        return step(self._context, name,
                    {"tenant_id": self._tenant_id, "items": text} | arguments)
