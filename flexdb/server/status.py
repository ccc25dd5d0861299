"""How the service stands, straight from its database: versions, connections, sizes, what lags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flexdb.config import Settings
from flexdb.context import Context
from flexdb.db.address import direct, look_at_server
from flexdb.db.capacity import capacity
from flexdb.db.citus.cluster import nodes
from flexdb.db.lags import look_at_replicas
from flexdb.db.migrate import migration_states
from flexdb.db.row_security import RowSecurityError, check
from flexdb.operations.statements import one_object
from flexdb.server.keys import answering

Status = dict[str, Any]

_CONTEXT = Context()
# What a command tells of replicas that give no answers.
_OF_REPLICAS = {
    "away": "does not answer, so that the primary answers in its place: see its log, or take it "
            "out of DB_REPLICA_HOST",
    "promoted": "was made a primary and answers nothing: let it follow the primary again, or take "
                "it out of DB_REPLICA_HOST"}
# From what share of the connections on there is too little left, and for how many seconds changes
# may wait for webhooks, and answers for their end beyond IDEMPOTENCY_HOURS: upkeep is once a day.
_BUSY, _LAG, _LATE = 0.9, 300, 2 * 24 * 3600


def look_at_status(settings: Settings, most: int) -> Status:
    """Return how the service stands, as JSON has it; what is wrong stands in ``problems``.

    :param most: how many tenants are told one by one
    :raises NotReachable: when PostgreSQL does not answer
    :raises ConfigError: when it does not let flexdb in
    :raises FlexdbError: when it does not give the figures
    """
    available = capacity(settings).connections
    hidden = _why_hidden(settings)
    with answering(settings) as run:
        def ask(name: str, **arguments: Any) -> Any:
            return run(one_object(_CONTEXT, name, arguments, "found"))["found"]

        server = ask("server_figures")
        applied, pending = migration_states(settings)
        at = look_at_server(direct(settings))
        found: Status = {
            "postgresql": {"version": server["version"], "host": at.host, "port": at.port,
                           "standby": at.is_standby, "database": server["database"],
                           "bytes": server["bytes"]},
            "migrations": {"applied": len(applied), "pending": pending},
            "connections": {"used": server["connections"], "flexdb": server["own"],
                            "limit": server["limit"], "available": available,
                            "workers": settings.workers, "pool_size": settings.db_pool_size},
            "replicas": [lag._asdict() for lag in look_at_replicas(settings)],
            "tenants": None, "nodes": [], "webhooks": None, "upkeep": None, "operator_key": None}
        if not (pending or hidden):
            # An older schema has not all that these ask for.
            found |= {"tenants": ask("tenant_sizes", most=most),
                      "nodes": [node._asdict() for node in nodes(settings)],
                      "webhooks": ask("webhook_figures"), "upkeep": ask("upkeep_figures"),
                      "operator_key": ask("has_operator_key")}
    return found | {"problems": [*filter(None, [hidden]), *_problems(settings, found)]}


def _why_hidden(settings: Settings) -> str:
    """Return why row security shows no rows; "" where it does."""
    try:
        check(settings)
    except RowSecurityError as error:
        return str(error)
    return ""


def _problems(settings: Settings, found: Status) -> Iterator[str]:
    """Give a line on each thing that is wrong, which says what to do."""
    if found["postgresql"]["standby"]:
        yield ("PostgreSQL is a standby and takes no writes: name its primary in DB_HOST too, as "
               "DB_HOST=one,two, or promote it")
    if pending := found["migrations"]["pending"]:
        yield (f"migrations are to be applied, {len(pending)} from {pending[0]} on: run `flexdb "
               "migrate`")
    connections = found["connections"]
    available, needed = connections["available"], settings.workers * settings.db_pool_size
    # Behind PgBouncer it is not known.
    if available is not None and needed > available:
        yield (f"WORKERS={settings.workers} with DB_POOL_SIZE={settings.db_pool_size} each open up "
               f"to {needed} connections and PostgreSQL has {available} for them: lower one, or "
               "raise max_connections or the limit of the user or the database")
    if connections["used"] >= connections["limit"] * _BUSY:
        yield (f"{connections['used']} of {connections['limit']} connections are used: see in "
               "pg_stat_activity whose they are, and end them or raise max_connections")
    for replica in found["replicas"]:
        if why := _OF_REPLICAS.get(replica["status"]):
            yield f"the replica at {replica['name']} {why}"
    if not found["upkeep"]:
        return
    if settings.auth_mode == "required" and not found["operator_key"]:
        yield "nobody can call yet, since all need a key: make one by `flexdb create-key`"
    if (lag := found["webhooks"]["lag"]) > _LAG:
        yield (f"a change waits for {lag:,.0f} s to be told to a webhook: `flexdb deliver` does "
               "not run or cannot keep up, or a receiver fails, which `list_deliveries` tells")
    upkeep = found["upkeep"]
    if upkeep["oldest_answer"] > settings.idempotency_hours * 3600 + _LATE:
        yield ("what is no longer to be kept is not taken away: let `flexdb deliver` run, or "
               "`flexdb upkeep` once a day")
    if count := upkeep["indexes"]:
        yield f"declared indexes are not filled yet, {count} of them: run `flexdb index`"
