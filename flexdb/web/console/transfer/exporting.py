"""What is taken out of a tenant: all of it, or the records of a type as a file."""

from __future__ import annotations

import re
import shlex
from typing import Any

from flask import Response, request

from flexdb.api.calls import PageCalls
from flexdb.contract.operation import OPERATIONS
from flexdb.errors import InvalidParams, NotFound, PermissionDenied
from flexdb.transfer.files import stream_tenant
from flexdb.transfer.rows import FORMATS
from flexdb.transfer.unloading import Shape, TypeRows, stream_rows
from flexdb.web.console.page import Shown, page, show, within
from flexdb.web.console.transfer.downloads import download
from flexdb.web.console.transfer.loading import schema_of

_KINDS = {"csv": "text/csv; charset=utf-8", "json": "application/json",
          "ndjson": "application/x-ndjson"}
# What reads all that stands in the file of a whole tenant, and in one of a type's records.
_READS_ALL = ("get_tenant", "list_tenant_users", "list_node_types", "list_relationship_types",
              "list_nodes", "list_relationships")
_READS_ROWS = ("list_nodes",)


@page("/t/<tenant_id>/export")
def choose(calls: PageCalls, tenant_id: str) -> Shown:
    """Show what can be taken out, and the command that does the same."""
    place, _ = within(calls, tenant_id)
    asked = {name: request.args.get(name, "") for name in ("type", "format", "filter", "fields")}
    found = place.node_type(asked["type"])
    form = asked["format"] if asked["format"] in FORMATS else "csv"
    slug = place.tenant["slug"]
    command = f"python -m flexdb export --tenant {shlex.quote(slug)}"
    commands = [f"{command} --output {_file_name(slug, '', 'ndjson.gz')}"]
    if found:
        more = [f"--{name} {shlex.quote(asked[name])}" for name in ("filter", "fields")
                if asked[name]]
        safe = ["--safe-cells"] if form == "csv" else []
        commands = [" ".join([command, f"--type {shlex.quote(found['name'])}", f"--format {form}",
                              *more, *safe, _file_name(slug, found["name"], form)])]
    return show("transfer/export.html", place=place, given=asked | {"format": form}, found=found,
                commands=commands, formats=FORMATS, refusal=_refusal(calls, tenant_id))


@page("/t/<tenant_id>/export/file")
def file(calls: PageCalls, tenant_id: str) -> Response:
    """Give the file: it is made while it is sent, and is what the tenant was at one moment."""
    type_id, form = request.args.get("type", ""), request.args.get("format", "")
    _check(calls, tenant_id, _READS_ROWS if type_id else _READS_ALL)
    tenant = calls.one("get_tenant", id=tenant_id)["tenant"]
    if not type_id:
        return download(stream_tenant(calls.settings, tenant["id"]),
                        _file_name(tenant["slug"], "", "ndjson"), _KINDS["ndjson"])
    if form not in FORMATS:
        raise InvalidParams(f"the format must be one of {', '.join(FORMATS)}")
    found = calls.one("get_node_type", tenant_id=tenant_id, id=type_id)["node_type"]
    # Spreadsheets open what browsers save: no cell of it may be a formula.
    shape = Shape(form, request.args.get("filter", ""), request.args.get("fields", ""), safe=True)
    rows = TypeRows(tenant["id"], found["id"], schema_of(found))
    return download(stream_rows(calls.settings, calls.context, rows, shape),
                    _file_name(tenant["slug"], found["name"], form), _KINDS[form])


def _file_name(slug: str, name: str, form: str) -> str:
    plain = re.sub("[^A-Za-z0-9._-]+", "-", f"{slug}-{name}").strip("-.")
    return f"{plain or 'export'}.{form}"


def _check(calls: PageCalls, tenant_id: str, needed: tuple[str, ...]) -> None:
    """Refuse who may not read all that would be in the file.

    :raises FlexdbError: saying so
    """
    for name in needed:
        operation = OPERATIONS[name]
        params: dict[str, Any] = {operation.tenant or "tenant_id": tenant_id}
        _, caller = operation.admit(params, calls.context.caller)
        if caller is None:
            raise NotFound.of("tenant_id")
        if caller.rules is not None:
            raise PermissionDenied(
                f"an export has all records, and the role {caller.rules.role} sees some of them "
                "only: take what the list of records shows")


def _refusal(calls: PageCalls, tenant_id: str) -> str:
    try:
        _check(calls, tenant_id, _READS_ALL)
    except PermissionDenied as error:
        return str(error)
    return ""
