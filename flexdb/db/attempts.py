"""One attempt on a connection that is lent for it, and what an error means that ends it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import psycopg

from flexdb.db.connection import Connection
from flexdb.db.fence import Bound
from flexdb.db.once import DoneBefore
from flexdb.db.pool import Pool
from flexdb.db.verdict import Verdict, judge
from flexdb.errors import FlexdbError
from flexdb.plan import Plan


def attempt(pool: Pool, plans: Sequence[Plan], bound: Bound,
            send: Callable[[Connection], Verdict], in_turn: bool = False,
            may_repeat: bool = False, tenant: str | None = None) -> Verdict:
    """Send plans once, on one connection that is bound to the caller's tenants.

    :param pool: whose it is
    :param send: sends them
    :param in_turn: whether they are reads, which have a connection one after the other
    :param may_repeat: whether they are done once however often they are sent
    :param tenant: of whose share the connection is; that of the request under way when None
    :raises DoneBefore: with what was kept of it, when it was
    """
    try:
        with pool.in_turn(tenant) if in_turn else pool.connection(tenant) as connection:
            connection.bound = bound
            try:
                return send(connection)
            except psycopg.Error as error:
                return judge(pool, connection, plans, error, may_repeat)
            finally:
                connection.bound = None
    except FlexdbError as error:
        return Verdict([error] * len(plans))
    except DoneBefore:
        raise
    except Exception as error:
        return Verdict([], error)
