"""The rows of the table that are calls: what is measured beside what, and what must come out."""

from __future__ import annotations

from collections.abc import Callable

from bench.load import load
from bench.measure import Claim, Row
from bench.stage import Stage
from bench.statements import Script, statement_of
from bench.yardsticks import pgbench

ROWS: dict[str, Callable[[Stage], Row]] = {}
# pgbench prepares each script on each connection, which must not take long.
_SCRIPTS = 8
_NEW = 1000
SERVICE, EMPTY, PGBENCH = "flexdb", "empty Flask view", "pgbench, same SQL"


def row(build: Callable[[Stage], Row]) -> Callable[[Stage], Row]:
    """Make a function that puts a row together one of the table, under its own name."""
    ROWS[build.__name__] = build
    return build


@row
def get_node(stage: Stage) -> Row:
    """One node by its id."""
    data = stage.data(1, stage.rows)
    gets = data.gets(_SCRIPTS)
    scripts = [Script(statement_of(data.settings, get), f"v{place}")
               for place, get in enumerate(gets)]
    return Row(
        f"`get_node`, of {stage.rows:,} nodes",
        {SERVICE: load(stage.service(data), stage.postgres, gets),
         EMPTY: load(stage.empty(), stage.postgres, gets),
         PGBENCH: pgbench(stage.postgres, data.settings, scripts)},
        [_cpu_of_empty(2.2),
         Claim("calls/s, of the empty view's",
               lambda turn: turn[SERVICE].rate / turn[EMPTY].rate, 0.45, at_least=True),
         _postgres_of_pgbench()])


@row
def create_node(stage: Stage) -> Row:
    """One new node, held to a small schema."""
    data = stage.writes()
    creates = [data.new_node(number) for number in range(_NEW)]
    script = Script(statement_of(data.settings, creates[0]), "v", {"id": "uuidv7()"})
    return Row(
        "`create_node`, validated against a small schema",
        {SERVICE: load(stage.service(data), stage.postgres, creates),
         EMPTY: load(stage.empty(), stage.postgres, creates),
         PGBENCH: pgbench(stage.postgres, data.settings, [script])},
        [_cpu_of_empty(2.8), _postgres_of_pgbench()])


def _cpu_of_empty(limit: float) -> Claim:
    return Claim("service CPU, times the empty view's",
                 lambda turn: turn[SERVICE].service / turn[EMPTY].service, limit)


def _postgres_of_pgbench() -> Claim:
    return Claim("PostgreSQL CPU, times pgbench's with the same SQL",
                 lambda turn: turn[SERVICE].postgres / turn[PGBENCH].postgres, None)
