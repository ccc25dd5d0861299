"""The commands: ``python -m flexdb``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from flexdb import logs
from flexdb.config import ConfigError
from flexdb.db.embedded import EmbeddedError
from flexdb.db.migrate import MigrationError, NotReachable, rollback
from flexdb.startup import database, migrate_and_tell, migrate_when_reachable


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status; what goes wrong is told in one line."""
    parser = argparse.ArgumentParser(prog="python -m flexdb", description="Commands of flexdb.")
    commands = parser.add_subparsers(dest="command", required=True)
    migrating = commands.add_parser("migrate", help="bring the database's schema up to date")
    migrating.add_argument("--wait", action="store_true",
                           help="try on until PostgreSQL answers, as long as the parent lives")
    commands.add_parser("rollback", help="take the newest migration back; never drops a row")
    command = parser.parse_args(arguments)
    parent = os.getppid()
    try:
        with database(Path.cwd()) as settings:
            logs.configure(settings.log_level)
            if command.command == "rollback":
                print(f"rolled back {rollback(settings) or 'nothing: no migration is applied'}")
            elif command.wait:
                migrate_when_reachable(settings, parent)
            else:
                migrate_and_tell(settings)
    except NotReachable as error:
        print(f"flexdb: PostgreSQL does not answer: {error}", file=sys.stderr)
    except (ConfigError, EmbeddedError, MigrationError) as error:
        print(f"flexdb: {error}", file=sys.stderr)
    else:
        return 0
    return 1
