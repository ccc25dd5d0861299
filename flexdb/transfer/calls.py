"""Calls that a command makes: those of the service, with its rules, schemas and limits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import orjson

from flexdb.access.callers import Caller
from flexdb.access.limits import OwnLimits
from flexdb.config import Settings
from flexdb.context import Context, Limits
from flexdb.contract.operation import OPERATIONS, Loaded
from flexdb.db.commands import Run, running
from flexdb.documents import text as json_text
from flexdb.errors import NotFound
from flexdb.operations.statements import one_object
from flexdb.plan import Plan, Result, Steps, Walk, as_steps


class TypeCalls:
    """Calls about one node type of a tenant.

    :param run: runs a plan
    :param context: in which calls are made
    :param tenant_id: the tenant's id
    :param node_type_id: the node type's
    :param schema: its schema, as parsed
    """

    def __init__(self, run: Run, context: Context, tenant_id: str, node_type_id: str,
                 schema: object) -> None:
        self._run, self.context = run, context
        self.tenant_id, self.node_type_id, self.schema = tenant_id, node_type_id, schema

    def call(self, name: str, members: list[bytes], keep: bool = True) -> bytes:
        """Call an operation and return its result as JSON text.

        :param members: its parameters beside the tenant, each as the text of a member of JSON
        :param keep: whether what it writes stays
        :raises FlexdbError: when it is refused
        """
        body = b'{"tenant_id":"%b",%b}' % (self.tenant_id.encode(), b",".join(members))
        plan = OPERATIONS[name].plan(self.context, json_text.parse(body), lambda: body)
        return self._run(plan if keep else _undone(plan)).text


@contextmanager
def calling(settings: Settings, tenant: str, node_type: str) -> Iterator[TypeCalls]:
    """Give calls about a node type, within the limits of its tenant.

    :param tenant: its id or slug
    :param node_type: its id or name
    :raises NotFound: when there is no such tenant or type
    """
    context = Context(Limits.of(settings), enforce_schemas=settings.enforce_schemas,
                      caller=Caller("command"))
    with running(settings) as run:
        def find(name: str, arguments: Loaded, told: str) -> object:
            try:
                text = run(one_object(context, name, arguments, "found")).text
            except NotFound:
                raise NotFound(told) from None
            return json_text.parse_stored(text)["found"]

        id = str(find("find_tenant", {"tenant": tenant},
                      f"there is no tenant with the slug or id {tenant}"))
        found = find("find_node_type", {"tenant_id": id, "node_type": node_type},
                     f"the tenant has no node type with the name or id {node_type}")
        assert isinstance(found, dict)
        get_limits = OPERATIONS["get_limits"].plan(context, {"tenant_id": id}, bytes)
        limits = orjson.loads(run(get_limits).text)["limits"]
        own = OwnLimits(*(limits[name] for name in OwnLimits._fields))
        yield TypeCalls(run, replace(context, own_limits=lambda tenant_id: own), id, found["id"],
                        found["schema"])


def _undone(plan: Plan) -> Plan:
    """Return a plan that is rolled back when all is done."""
    def start() -> Walk:
        result: Result = yield as_steps(plan)
        return result._replace(kept=False)

    return Steps(plan.name, start, plan.long)
