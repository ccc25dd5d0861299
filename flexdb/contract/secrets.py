"""Results that hold a secret: they say so, wherever they end up."""

from __future__ import annotations

from flexdb.context import Context
from flexdb.contract.operation import Loaded, Operation, guard
from flexdb.plan import Plan, Result, Steps, Walk, as_steps


@guard(applies=lambda declared: declared.gives.secret)
def marked(declared: Operation, context: Context, params: Loaded, plan: Plan) -> Plan:
    """Return a plan whose result says that it holds a secret."""
    def steps() -> Walk:
        result: Result = yield as_steps(plan)
        return result._replace(secret=True)

    return Steps(declared.name, steps, declared.long)
