"""The keys of operators: they are made on the machine alone, and looked at and taken back here."""

from __future__ import annotations

from marshmallow import Schema

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Text, Time
from flexdb.contract.gives import NOTHING, paged
from flexdb.contract.members import CREATED_AT
from flexdb.contract.objects import Items
from flexdb.contract.operation import DELETES, READS, SERVICE, Loaded, operation
from flexdb.contract.params import Params
from flexdb.operations.keys import EXPIRES_AT, ID, NAME, OPERATIONS_OF
from flexdb.operations.statements import one_object
from flexdb.plan import Statement
from flexdb.query.paging import page, pagination


class OperatorKey(Schema):
    """A key of an operator; its secret was told once, by the command that made it."""

    id = ID()
    name = NAME()
    role = Text("`operator`.", example="operator")
    operations = Items(OPERATIONS_OF, Text("A name."), allow_none=True)
    hint = Text("How its secret begins.", example="fdb_o_4Zk9")
    created_by = Text("Who made it.")
    created_at = CREATED_AT()
    expires_at = EXPIRES_AT()
    last_used_at = Time("When it was last used, within an hour.", allow_none=True)


class OperatorKeyId(Params):
    id = ID(required=True)


class OperatorKeyList(Params):
    pagination = pagination()


@operation(OperatorKeyList, gives=paged(OperatorKey, "operator_keys"), effect=READS, of=SERVICE,
           access=Access.PLATFORM, rules=Heed.REFUSED, fresh=True)
def list_operator_keys(context: Context, params: Loaded) -> Statement:
    """List the keys of operators, newest first; `python -m flexdb create-key` makes them."""
    return page(context, "list_operator_keys", params, of="service")


@operation(OperatorKeyId, gives=NOTHING, effect=DELETES, of=SERVICE,
           access=Access.PLATFORM, rules=Heed.REFUSED)
def delete_operator_key(context: Context, params: Loaded) -> Statement:
    """Delete a key of an operator, which is good nowhere any more a second later."""
    return one_object(context, "delete_operator_key", params, thing="operator key")
