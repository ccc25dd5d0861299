"""What the statements of operations have in common: which there is, and what its row means."""

from __future__ import annotations

from dataclasses import replace

from flexdb.context import Context
from flexdb.contract.operation import Loaded
from flexdb.errors import (
    AlreadyExists,
    FlexdbError,
    InvalidParams,
    NotFound,
    PreconditionFailed,
    VersionConflict,
)
from flexdb.plan import Query, Result, Row, Statement, Steps, as_steps
from flexdb.sql.loader import STATEMENTS


def or_else(statement: Statement, other: Statement) -> Statement:
    """Return a statement whose place another takes where it has no row."""
    def read(row: Row | None) -> Result | Steps:
        return as_steps(other) if row is None else statement.read(row)

    return Statement(statement.query, statement.arguments, read, statement.long)


def one_object(context: Context, name: str, params: Loaded, wrapper: str = "",
               missing: str = "id", thing: str = "") -> Statement:
    """Return a statement whose row holds one object.

    Of the columns that its SQL declares, ``object`` is the object's JSON; where it is null,
    ``tag`` and ``version`` are those of the row that was not to be changed, ``missing`` is the
    parameter that names nothing, ``taken`` the one whose value another row has, and ``refused`` the
    one that may not be so, for the reason that stands among the arguments as ``wrong``.
    ``created`` says whether the row was made or was there.

    :param name: the statement's name, which is the operation's
    :param params: its arguments
    :param wrapper: the member of the result that holds the object; "" for the empty result
    :param missing: the parameter to blame when there is no row
    :param thing: what that parameter names
    """
    query = STATEMENTS[context.json_fields][name]
    if "only" in query.arguments:
        params = params | _wanted(context)
    params = with_caller(context, query, params)
    head = f'{{"{wrapper}":'.encode() if wrapper else b""
    tail = b"}" if wrapper else b""

    def read(row: Row | None) -> Result:
        given = dict(zip(query.columns, row)) if row else {}
        if (text := given.get("object")) is None:
            if (name := given.get("refused")) is not None:
                raise InvalidParams(fields={name: [params["wrong"]]})
            if (name := given.get("taken")) is not None:
                raise AlreadyExists(f"{name} is taken", {name: ["is taken"]})
            if (tag := given.get("tag")) is not None:
                raise _refusal(context, params, given.get("version"), tag)
            raise NotFound.of(given.get("missing") or missing, thing)
        return Result(b"".join((head, text, tail)), given.get("created", True),
                      given.get("version"), params.get("id"), given.get("tag"))

    return Statement(query, params, read)


def with_caller(context: Context, query: Query, arguments: Loaded) -> Loaded:
    """Return the arguments of a query with those of its frame ``set_caller``, where it has that."""
    if "actor" not in query.arguments:
        return arguments
    return arguments | {"actor": f"{context.caller.name} {context.request_id()}"}


def with_secret(statement: Statement, secret: str) -> Statement:
    """Return a statement in whose result the object has a secret, which is told only there.

    :param secret: of characters that JSON has as they are
    """
    def read(row: Row | None) -> Result:
        given = statement.result(row)
        return given._replace(text=b'%b,"secret":"%b"}}' % (given.text[:-2], secret.encode()),
                              secret=True)

    return replace(statement, read=read)


def step(context: Context, name: str, arguments: Loaded) -> Statement:
    """Return a statement of an operation's steps, which alone look at its row."""
    query = STATEMENTS[context.json_fields][name]
    return Statement(query, with_caller(context, query, arguments))


def check_state(context: Context, params: Loaded, version: int, tag: str) -> None:
    """Refuse a change of a row that is in another state than was asked for.

    :raises VersionConflict: when that state is named, with the current version
    :raises PreconditionFailed: when the state that it is in is excluded
    """
    asked = context.precondition
    if params["version"] not in (None, version) or asked and not asked.holds(tag):
        raise _refusal(context, params, version, tag)


def _refusal(context: Context, params: Loaded, version: int | None, tag: str) -> FlexdbError:
    """Return why a row in this state is not changed."""
    asked = context.precondition
    moved = asked is None or (asked.only is not None and tag not in asked.only)
    if version is not None and (moved or params["version"] not in (None, version)):
        return VersionConflict(version)
    return PreconditionFailed(excluded=not moved, version=version)


def _wanted(context: Context) -> Loaded:
    """Return the arguments of the frame ``is_wanted``; tags have no character to be quoted."""
    asked = context.precondition
    if asked is None:
        return {"only": None, "never": None}
    # Of what is there, any state is one of "*".
    only = () if "*" in asked.never else asked.only
    return {"only": None if only is None else list(only), "never": list(asked.never)}
