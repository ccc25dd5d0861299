"""Databases on a Citus that is named by its coordinator: CITUS_HOST, and CITUS_PORT, CITUS_USER and
CITUS_PASSWORD where they are not 5432, postgres and postgres.

Its workers are those that the database CITUS_DATABASE, or postgres, knows. The tests must reach
them at the addresses by which the coordinator does, and the user be a superuser on each machine.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from psycopg import sql

from flexdb.config import Settings
from flexdb.db.citus.cluster import DistributionError
from flexdb.db.citus.distribution import distribute
from flexdb.db.migrate import migrate
from tests.support import postgres

HOST = os.environ.get("CITUS_HOST", "")
WITHOUT = "CITUS_HOST names no coordinator of a Citus"
# What a distributed database refuses, and its tests.
_NO_FEED = "a distributed database gives no positions to changes"
REFUSED = {name: _NO_FEED for name in (
    "test_changes", "test_deliveries", "test_mirrors", "test_webhooks", "test_waiting")}
_SHARDS = 4


class Cluster:
    """The machines of the Citus, and the databases that were made there."""

    def __init__(self) -> None:
        self.coordinator = Settings(
            db_host=HOST, db_port=int(os.environ.get("CITUS_PORT", "5432")),
            db_user=os.environ.get("CITUS_USER", "postgres"),
            db_password=os.environ.get("CITUS_PASSWORD", "postgres"), db_name="postgres")
        known = replace(self.coordinator, db_name=os.environ.get("CITUS_DATABASE", "postgres"))
        with postgres.connect(known) as connection:
            self.workers = [replace(self.coordinator, db_host=host, db_port=port) for host, port in
                            connection.execute("SELECT * FROM citus_get_active_worker_nodes()")]
            named = connection.execute("SELECT n.nodename, n.nodeport FROM pg_dist_node n "
                                       "WHERE n.groupid = 0").fetchone()
        # By which the workers find it.
        self.address = named or (HOST, self.coordinator.db_port)
        self.made: list[str] = []

    def make(self, name: str, is_distributed: bool = True) -> Settings:
        """Make a database on each machine, migrated, and distributed unless it is to be plain.

        Where that is refused, the test is skipped.
        """
        self.made.append(name)
        machines = [*self.workers, self.coordinator]
        for machine in machines:
            with postgres.connect(machine) as connection:
                # Otherwise some versions make it on the workers by themselves.
                connection.execute("SET citus.enable_create_database_propagation = off")
                connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(
                    sql.Identifier(name)))
        for machine in machines:
            with postgres.connect(replace(machine, db_name=name)) as connection:
                connection.execute("CREATE EXTENSION citus")
        settings = replace(self.coordinator, db_name=name)
        with postgres.connect(settings) as connection:
            connection.execute("SELECT citus_set_coordinator_host(%s, %s)", self.address)
            for worker in self.workers:
                connection.execute("SELECT citus_add_node(%s, %s)",
                                   (worker.db_host, worker.db_port))
        migrate(settings)
        if is_distributed:
            try:
                list(distribute(settings, _SHARDS, False))
            except DistributionError as error:
                pytest.skip(f"the command distribute refuses: {error}")
        return settings

    def drop(self) -> None:
        """Drop all databases that were made, on each machine."""
        for machine in [self.coordinator, *self.workers]:
            with postgres.connect(machine) as connection:
                for name in self.made:
                    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(
                        sql.Identifier(name)))
