"""The commands export and import."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from flexdb.cli.failures import database, failures

_FORMAT = click.option(
    "--format", "form", type=click.Choice(["csv", "json", "ndjson"]),
    help="Of the rows of a type; by the file's name when absent, or else ndjson.")
_TYPE = click.option("--type", "node_type", help="Only the nodes of this type, by its name or id, "
                                                 "as rows.")
_DELIMITER = click.option(
    "--delimiter", help="What stands between the cells of CSV: one character; a comma, or in a "
                        "file that ends in .tsv a tab.")


@click.command("export")
@click.option("--tenant", help="Its id or slug; an id where both would fit.")
@click.option("--all", "everything", is_flag=True, help="All tenants and all users.")
@click.option("--output", help="The file's name, gzipped when it ends in .gz; standard output when "
                               "absent.")
@_TYPE
@_FORMAT
@_DELIMITER
@click.option("--filter", help="Only the nodes that fit it, as list_nodes takes it.")
@click.option("--fields", help="The columns, separated by commas: id, data, and paths in data.")
@click.option("--safe-cells", is_flag=True,
              help="Of CSV, write ' before what a spreadsheet would take for a formula.")
@click.argument("file", required=False)
def export(tenant: str | None, everything: bool, output: str | None, file: str | None,
           node_type: str | None, **rows: Any) -> None:
    """Write a tenant and all that it has, or the whole database, as NDJSON.

    With --type only the nodes of that type, as CSV, JSON or NDJSON. FILE is what --output is, and -
    standard output.
    """
    if everything and tenant is not None:
        raise click.UsageError("'--tenant' and '--all' exclude each other.")
    if not everything and tenant is None:
        raise click.UsageError("Missing option '--tenant', or '--all' in its place.")
    if file and output:
        raise click.UsageError("'--output' and FILE exclude each other.")
    output = _named(file or output)
    _check_rows_wanted(node_type, **rows)
    if everything and node_type is not None:
        raise click.UsageError("'--type' needs '--tenant'.")
    delimiter = _delimiter(rows["delimiter"], output)
    with database() as settings:
        if tenant is not None and node_type is not None:
            from flexdb.transfer.unloading import Shape, export_rows
            export_rows(settings, tenant, node_type, output, Shape(
                _form(rows["form"], output), rows["filter"] or "", rows["fields"] or "",
                delimiter, rows["safe_cells"]))
            return
        from flexdb.transfer.files import export_all, export_tenant
        if tenant is None:
            export_all(settings, output)
        else:
            export_tenant(settings, tenant, output)


@click.command("import")
@click.option("--check", is_flag=True,
              help="Load nothing: list the lines that calls would refuse by the settings of "
                   "today. The status is 1 when there are any. No database is needed.")
@click.option("--replace", is_flag=True,
              help="A tenant that is there, by its id or else its slug, gets what the file has in "
                   "place of its own. Until all of that is in, it is as it was.")
@click.option("--as", "slug", metavar="SLUG",
              help="The file's tenant gets this slug and another id: a copy beside the original.")
@click.option("--tenant", help="With --type, the slug or id of the tenant.")
@_TYPE
@_FORMAT
@click.option("--map", "columns", multiple=True, metavar="COLUMN=MEMBER",
              help="What a column is: id, a path in data, or nothing. As often as needed.")
@_DELIMITER
@click.option("--upsert", metavar="KEY",
              help="Change the node that is there with the same KEY: id, or a member that x-unique "
                   "lets one node alone have.")
@click.option("--dry-run", is_flag=True, help="Tell what would come of the rows, and change "
                                              "nothing.")
@click.option("--refused", metavar="FILE", help="Where rows go that are refused, each with its "
                                                "line and the reason.")
@click.argument("file", required=False)
def import_file(check: bool, replace: bool, slug: str | None, file: str | None, tenant: str | None,
                node_type: str | None, **rows: Any) -> None:
    """Load the tenants of an export, all or none; or with --type rows into a node type.

    FILE is plain or gzipped; standard input when absent or -. Whatever the tables can hold is taken
    as it is, limits and schemas of today or not. Rows are held to all that calls are held to; the
    status is 1 when some are refused.
    """
    file = _named(file)
    _check_rows_wanted(node_type, tenant=tenant, **rows)
    if slug == "":
        raise click.UsageError("'--as' must be a slug.")
    for name in ("--replace",) * replace + ("--as",) * (slug is not None):
        if node_type is not None:
            raise click.UsageError(f"'{name}' is for whole tenants, and excludes '--type'.")
        if check:
            raise click.UsageError(f"'--check' loads nothing, and excludes '{name}'.")
    if check:
        if node_type is not None:
            raise click.UsageError("'--check' is for whole tenants; '--dry-run' is for '--type'.")
        _check_file(file)
        return
    if node_type is not None and tenant is None:
        raise click.UsageError("Missing option '--tenant'.")
    columns, delimiter = _columns(rows["columns"]), _delimiter(rows["delimiter"], file)
    with database() as settings:
        from flexdb.server.database import migrate_and_tell
        migrate_and_tell(settings)
        if node_type is not None and tenant is not None:
            from flexdb.transfer.loading import Way, import_rows
            import_rows(settings, tenant, node_type, file, Way(
                _form(rows["form"], file), columns, delimiter, rows["dry_run"], rows["refused"],
                rows["upsert"] or ""))
            return
        from flexdb.transfer.files import import_file
        import_file(settings, file, replace, slug or "")


def _named(file: str | None) -> str | None:
    return None if file == "-" else file


def _check_rows_wanted(node_type: str | None, **given: Any) -> None:
    """Refuse what says something of rows where whole tenants are meant."""
    if node_type is None and (name := next((name for name, one in given.items() if one), None)):
        shown = {"form": "format", "columns": "map"}.get(name, name.replace("_", "-"))
        raise click.UsageError(f"'--{shown}' needs '--type'.")


def _form(form: str | None, file: str | None) -> Any:
    """Return the format of rows: what is asked for, or what the file's name tells."""
    if form is not None:
        return form
    from flexdb.transfer.rows import form_of
    return form_of(file or "")


def _columns(said: tuple[str, ...]) -> dict[str, str]:
    if wrong := next((one for one in said if "=" not in one), None):
        raise click.UsageError(f"'--map {wrong}' must be COLUMN=MEMBER.")
    return {column: member for column, _, member in (one.rpartition("=") for one in said)}


def _delimiter(said: str | None, file: str | None) -> str:
    if said is None:
        return "\t" if (file or "").lower().removesuffix(".gz").endswith(".tsv") else ","
    delimiter = {"\\t": "\t", "tab": "\t"}.get(said, said)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise click.UsageError("'--delimiter' must be one character, or tab.")
    return delimiter


def _check_file(file: str | None) -> None:
    with failures():
        from flexdb.config.reading import environment, read_settings
        from flexdb.telemetry import logs
        from flexdb.transfer.files import check_file
        variables, _ = environment(Path.cwd())
        settings = read_settings(variables)
        logs.configure(settings)
        check_file(settings, file)
