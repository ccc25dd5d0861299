"""The commands export and import."""

from __future__ import annotations

from pathlib import Path

import click

from flexdb.cli.failures import database, failures


@click.command("export")
@click.option("--tenant", help="Its id or slug; an id where both would fit.")
@click.option("--all", "everything", is_flag=True, help="All tenants and all users.")
@click.option("--output", help="The file's name, gzipped when it ends in .gz; standard output when "
                               "absent.")
def export(tenant: str | None, everything: bool, output: str | None) -> None:
    """Write a tenant and all that it has, or the whole database, as NDJSON."""
    if everything and tenant is not None:
        raise click.UsageError("'--tenant' and '--all' exclude each other.")
    if not everything and tenant is None:
        raise click.UsageError("Missing option '--tenant', or '--all' in its place.")
    with database() as settings:
        from flexdb.transfer.files import export_all, export_tenant
        if tenant is None:
            export_all(settings, output)
        else:
            export_tenant(settings, tenant, output)


@click.command("import")
@click.option("--check", is_flag=True,
              help="Load nothing: list the lines that calls would refuse by the settings of "
                   "today. The status is 1 when there are any. No database is needed.")
@click.argument("file", required=False)
def import_file(check: bool, file: str | None) -> None:
    """Load the tenants of an export, all or none.

    FILE is plain or gzipped; standard input when absent. Whatever the tables can hold is taken as
    it is, limits and schemas of today or not.
    """
    if check:
        _check_file(file)
        return
    with database() as settings:
        from flexdb.server.startup import migrate_and_tell
        from flexdb.transfer.files import import_file
        migrate_and_tell(settings)
        import_file(settings, file)


def _check_file(file: str | None) -> None:
    with failures():
        from flexdb.config import environment, read_settings
        from flexdb.telemetry import logs
        from flexdb.transfer.files import check_file
        variables, _ = environment(Path.cwd())
        settings = read_settings(variables)
        logs.configure(settings)
        check_file(settings, file)
