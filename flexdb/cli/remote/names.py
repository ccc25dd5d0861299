"""What a command names: tenants, types, methods; and how a shell completes those names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from flexdb.cli.remote.connection import find_service

if TYPE_CHECKING:
    from flexdb.client import Client
    from flexdb.client.objects import NodeType, Tenant

_Found = TypeVar("_Found")
Completer = Callable[[click.Context, click.Parameter, str], list[str]]
# Whoever waits for a completion waits no longer, in seconds, and for no more.
_QUICK, _MANY = 0.5, 100
# A shell puts a completion into the line as it is: what it would read otherwise is not offered.
_PLAIN = re.compile(r"[\w.@%+:/-]+")


def find_tenant(db: Client, tenant: str) -> Tenant:
    """Return the tenant of a slug or an id."""
    return _found(db.get_tenant, "slug", tenant)


def find_type(db: Client, tenant_id: str, type: str) -> NodeType:
    """Return the node type of a name or an id."""
    return _found(partial(db.get_node_type, tenant_id=tenant_id), "name", type)


def _found(get: Callable[..., _Found], member: str, asked: str) -> _Found:
    import flexdb.client as fx
    from flexdb.client.ids import is_id
    member = "id" if is_id(asked) else member
    try:
        return get(**{member: asked})
    except fx.NotFound as error:
        raise error.about(member, asked) from None


def _asked(member: str, ask: Callable[[Client, str, dict[str, Any]], Iterable[Any]]) -> Completer:
    """Return what completes with names that the service gives, if it does so at once.

    :param member: of the objects, which has their name
    :param ask: gives the objects, of a client, the tenant that is named before and how to ask
    """
    def complete(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
        import flexdb.client as fx
        said = context.params
        wanted = {"filter": {member: {"$regex": f"^{re.escape(begun)}"}}, "fields": [member],
                  "count": "none", "pagination": {"page_size": _MANY}}
        try:
            service = find_service(said.get("url"), said.get("token"), said.get("profile"))
            with fx.connect(service.url, service.token, _QUICK) as db:
                # Where an option is begun, click has not yet told arguments apart.
                tenant = said.get("tenant") or next(iter(context.args), "")
                names = [one[member] for one in ask(db, tenant, wanted)]
        except (fx.Error, click.ClickException, OSError, ValueError):
            # Nobody has asked for anything yet that could fail.
            return []
        return [name for name in names if _PLAIN.fullmatch(name)]

    return complete


def _methods(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
    from flexdb.client.operations import OPERATIONS
    return [name for name in OPERATIONS if name.startswith(begun)]


_complete_type = _asked("name", lambda db, tenant, wanted: db.list_node_types(
    tenant_id=db.tenant(tenant).id, **wanted)["node_types"])
tenant_argument = click.argument("tenant", shell_complete=_asked(
    "slug", lambda db, _, wanted: db.list_tenants(**wanted)["tenants"]))
type_argument = click.argument("type", metavar="TYPE", shell_complete=_complete_type)
type_option = click.option("--type", metavar="TYPE", help="Only nodes of this type.",
                           shell_complete=_complete_type)
method_argument = click.argument("method", shell_complete=_methods)
