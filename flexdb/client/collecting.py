"""Calls that are collected, to be sent together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flexdb.client.absent import given
from flexdb.client.deferred import DeferredMethods
from flexdb.client.failures import Error
from flexdb.client.ids import id_of
from flexdb.client.objects import Node, Relationship
from flexdb.client.operations import OPERATIONS
from flexdb.client.pending import Pending


class Collected(DeferredMethods):
    """Calls to be sent together; what each gives is there after that.

    :param tenant_id: of the tenant that ``create`` and ``relate`` are about
    :param labelled: whether later calls may refer to what earlier ones give
    """

    def __init__(self, tenant_id: str | None, labelled: bool) -> None:
        self._tenant_id, self._labelled = tenant_id, labelled
        self._sent = False
        self.calls: list[Pending[Any]] = []

    def create(self, kind: Any, data: Mapping[str, Any] | None = None) -> Pending[Node]:
        """Create a node of a type: what ``tenant.type()`` gave, or its id."""
        return self.create_node(tenant_id=self._tenant(), node_type_id=id_of(kind), data=data)

    def relate(self, source: Any, relationship_type: str, target: Any,
               data: Mapping[str, Any] | None = None) -> Pending[Relationship]:
        """Create a relationship from one node to another, each a record, its id, or what an earlier
        call of the transaction creates.
        """
        return self.create_relationship(
            tenant_id=self._tenant(), source_node_id=id_of(source), target_node_id=id_of(target),
            relationship_type=relationship_type, data=data)

    def delete(self, record: Any) -> Pending[None]:
        """Delete a node: a record, or its id."""
        return self.delete_node(tenant_id=self._tenant(), id=id_of(record))

    def _tenant(self) -> str:
        if self._tenant_id is None:
            raise Error("it is not said of which tenant: take batch() of a tenant")
        return self._tenant_id

    def _call(self, name: str, required: dict[str, Any], optional: dict[str, Any]) -> Any:
        if self._sent:
            raise Error(f"{name} came after the others were sent: begin anew")
        member = OPERATIONS[name].member
        call: Pending[Any] = Pending(
            name, given(required, optional),
            (lambda result: result[member]) if member else lambda result: result,
            f"c{len(self.calls)}" if self._labelled else "")
        self.calls.append(call)
        return call
