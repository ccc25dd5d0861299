"""The commands: ``python -m flexdb``."""

from __future__ import annotations

import argparse
import os
import sys
import zlib
from pathlib import Path

from flexdb.telemetry import logs
from flexdb.config import ConfigError
from flexdb.server.embedded import EmbeddedError
from flexdb.db.migrate import MigrationError, NotReachable, rollback
from flexdb.errors import FlexdbError
from flexdb.server.listening import StartError
from flexdb.server.startup import database, migrate_and_tell, migrate_when_reachable
from flexdb.transfer.files import export_tenant, import_file


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status; what goes wrong is told in one line."""
    parser = argparse.ArgumentParser(prog="python -m flexdb", description="Commands of flexdb.")
    commands = parser.add_subparsers(dest="command", required=True)
    migrating = commands.add_parser("migrate", help="bring the database's schema up to date")
    migrating.add_argument("--wait", action="store_true",
                           help="try on until PostgreSQL answers, as long as the parent lives")
    commands.add_parser("rollback", help="take the newest migration back; never drops a row")
    exporting = commands.add_parser("export", help="write a tenant and all that it has as NDJSON")
    exporting.add_argument("--tenant", required=True, help="its slug or id")
    exporting.add_argument("--output", help="the file's name, gzipped when it ends in .gz; "
                                            "standard output when absent")
    importing = commands.add_parser("import", help="load the tenants of an export, all or none")
    importing.add_argument("file", nargs="?", help="plain or gzipped; standard input when absent")
    command = parser.parse_args(arguments)
    parent = os.getppid()
    try:
        with database(Path.cwd()) as settings:
            logs.configure(settings)
            if command.command == "rollback":
                print(f"rolled back {rollback(settings) or 'nothing: no migration is applied'}")
            elif command.command == "export":
                export_tenant(settings, command.tenant, command.output)
            elif command.command == "import":
                migrate_and_tell(settings)
                import_file(settings, command.file)
            elif command.wait:
                return migrate_when_reachable(settings, parent)
            else:
                migrate_and_tell(settings)
    except NotReachable as error:
        print(f"flexdb: PostgreSQL does not answer: {error}", file=sys.stderr)
    except (ConfigError, EmbeddedError, MigrationError, StartError, FlexdbError) as error:
        print(f"flexdb: {error}", file=sys.stderr)
    except BrokenPipeError:
        # Whoever read the export has enough. Python would complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, EOFError, zlib.error) as error:
        print(f"flexdb: the file cannot be read or written: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("flexdb: interrupted", file=sys.stderr)
    else:
        return 0
    return 1
