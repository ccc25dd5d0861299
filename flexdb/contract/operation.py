"""The registry, of which all doors and documents are made: every operation once, with what it
takes, gives and does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import Any

from marshmallow import ValidationError

from flexdb.access.callers import ANYONE, Access, Caller
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import BaseField
from flexdb.contract.gives import Gives
from flexdb.contract.json_fields import FromText
from flexdb.contract.objects import fields_of
from flexdb.contract.params import Params
from flexdb.contract.violations import by_path
from flexdb.documents import text as json_text
from flexdb.errors import InvalidParams, NotFound
from flexdb.plan import Plan

Loaded = dict[str, Any]
Function = Callable[[Context, Loaded], Plan]
Guard = Callable[["Operation", Context, Loaded, Plan], Plan]


class Effect(Enum):
    """What an operation leaves behind."""

    READS = "reads"
    CREATES = "creates"
    CHANGES = "changes"
    DELETES = "deletes"


class Scope(Enum):
    """Whose things an operation is about: the service's, one tenant's, or those of its calls."""

    SERVICE = "service"
    TENANT = "tenant"
    CALLS = "calls"


READS, CREATES, CHANGES, DELETES = Effect
SERVICE, TENANT, CALLS = Scope


@dataclass(frozen=True)
class Operation:
    """An operation as it is declared.

    :param function: makes a statement, or several steps, of valid parameters
    :param params: the schema of the parameters
    :param gives: what the result holds
    :param effect: what it leaves behind
    :param of: whose things it is about
    :param access: what a caller must be let do
    :param rules: what becomes of it where rules hold for the caller
    :param long: whether it is large work, which may take as long as LONG_TIMEOUT
    :param alone: whether it may be no call of a transaction
    :param fresh: whether it has to read from the primary, the newest there is
    """

    function: Function
    params: type[Params]
    gives: Gives
    effect: Effect
    of: Scope
    access: Access
    rules: Heed
    long: bool = False
    alone: bool = False
    fresh: bool = False

    @cached_property
    def name(self) -> str:
        """Return the name that it has everywhere, from the wire to the SQL."""
        return self.function.__name__

    @cached_property
    def kind(self) -> str:
        """Return the kind of object it is about: the module of operations that it stands in."""
        return self.function.__module__.rpartition(".")[2]

    @cached_property
    def description(self) -> str:
        """Return the docstring, which is the published text."""
        return inspect.getdoc(self.function) or ""

    @cached_property
    def schema(self) -> Params:
        """Return the schema of the parameters; one serves all calls."""
        return self.params()

    @cached_property
    def fields(self) -> dict[str, BaseField]:
        """Return the parameters' fields, in the order of positional parameters."""
        return fields_of(self.schema)

    @cached_property
    def _text_names(self) -> list[str]:
        return [name for name, field in self.fields.items() if isinstance(field, FromText)]

    @cached_property
    def tenant(self) -> str | None:
        """Return the name of the parameter that is the tenant's id, where it is about one."""
        return "tenant_id" if "tenant_id" in self.fields else "id" if self.of is TENANT else None

    @cached_property
    def _instead(self) -> set[str]:
        """Return the parameters that may stand in the place of the tenant's id."""
        return {*self.params.either} - {self.tenant} if self.tenant in self.params.either else set()

    @cached_property
    def guards(self) -> list[Guard]:
        """Return what stands around its plans, from the inside out."""
        return [stand for applies, stand in _GUARDS if applies(self)]

    def within(self, by_name: Loaded, caller: Caller) -> tuple[Loaded, Caller | None]:
        """Return parameters with the tenant, and who the caller is in it.

        Who sees one tenant only may leave it out.

        :param by_name: as they came
        :return: None in place of the caller where it is a tenant that the caller does not see
        """
        if self.tenant is None or caller.sees_all:
            return by_name, caller
        asked = by_name.get(self.tenant)
        if asked in (None, ""):
            if caller.tenant_id is None or any(by_name.get(name) for name in self._instead):
                return by_name, caller
            asked = caller.tenant_id
            by_name = by_name | {self.tenant: asked}
        return by_name, caller.within(str(asked).lower())

    def admit(self, by_name: Loaded, caller: Caller) -> tuple[Loaded, Caller | None]:
        """Return what :meth:`within` does, where the caller may call it.

        :raises PermissionDenied: naming the operation and the role that may
        """
        by_name, bound = self.within(by_name, caller)
        # A key is the same everywhere; a user is nothing where there is no membership.
        if known := caller if bound is None and caller.memberships is None else bound:
            known.check(self.name, self.access, self.rules)
        return by_name, bound

    def plan(self, context: Context, params: Any, text: Callable[[], bytes]) -> Plan:
        """Validate parameters and return the statement or the steps that do the work.

        Every call comes by here: the caller must be let call it in its tenant, finds no tenant but
        the own ones, and is to the operation who the caller is there.

        :param params: an object (by name) or an array (by position), as parsed
        :param text: gives the JSON text that the parameters were parsed from, for what is stored
            as it came
        :raises PermissionDenied: when the caller may not call it
        :raises InvalidParams: naming each parameter that is wrong
        :raises NotFound: when the tenant is not the caller's, be there one or not
        """
        by_name = self._by_name(params) if isinstance(params, list) else params
        caller = context.caller
        bound: Caller | None = caller
        if caller is not ANYONE:
            by_name, bound = self.admit(by_name, caller)
        if self._text_names and not by_name.keys().isdisjoint(self._text_names):
            by_name = self._with_texts(by_name, params, text())
        try:
            loaded = self.schema.load(by_name, context=context)
        except ValidationError as error:
            raise InvalidParams(fields=by_path(error)) from None
        if bound is None:
            raise NotFound.of(str(self.tenant), "tenant")
        # Only who sees all may ask for what is in any.
        if self.tenant and not (bound.tenant_id or bound.sees_all or loaded.keys() & self._instead):
            raise InvalidParams(fields={self.tenant: ["is missing"]})
        if bound is not caller:
            context = replace(context, caller=bound)
        plan = self.function(context, loaded)
        # It is the work itself that may take long, whatever stands around it.
        plan = replace(plan, long=True) if self.long else plan
        for stand in self.guards:
            plan = stand(self, context, loaded, plan)
        return plan

    def _by_name(self, params: list[Any]) -> dict[str, Any]:
        names = list(self.fields)
        if len(params) > len(names):
            raise InvalidParams(
                f"takes at most {len(names)} positional parameters ({', '.join(names)}), not "
                f"{len(params)}", {str(place): ["is not a parameter here"] for place in
                                   range(len(names), min(len(params), len(names) + 10))})
        return dict(zip(names, params))

    def _with_texts(self, by_name: dict[str, Any], params: Any, text: bytes) -> dict[str, Any]:
        """Put the text of what is stored in the place of its parsed value."""
        texts = (dict(zip(self.fields, json_text.items(text))) if isinstance(params, list)
                 else json_text.members(text))
        return by_name | {name: texts[name] for name in self._text_names
                          if by_name.get(name) not in (None, "") and name in texts}


OPERATIONS: dict[str, Operation] = {}
_GUARDS: list[tuple[Callable[[Operation], bool], Guard]] = []


def guard(applies: Callable[[Operation], bool]) -> Callable[[Guard], Guard]:
    """Register the decorated function to stand around the plans of operations.

    It returns the plan as it is, or steps that do something before or after it, in the same
    transaction.

    :param applies: tells around which operations; what others do costs them nothing
    """
    def register(stand: Guard) -> Guard:
        _GUARDS.append((applies, stand))
        return stand

    return register


def operation(params: type[Params], *, gives: Gives, effect: Effect, of: Scope, access: Access,
              rules: Heed, **more: bool) -> Callable[[Function], Function]:
    """Register the decorated function as an operation under its own name.

    :raises TypeError: when the schema has what would never be called
    """
    def register(function: Function) -> Function:
        declared = Operation(function, params, gives, effect, of, access, rules, **more)
        _refuse_ignored(declared)
        OPERATIONS[declared.name] = declared
        return function

    return register


def _refuse_ignored(declared: Operation) -> None:
    """Refuse hooks of marshmallow, and fields that are none of ours: Params passes them by."""
    name = declared.params.__name__
    if hooks := [hook for hook, found in declared.params._hooks.items() if found]:
        raise TypeError(f"{name} has {', '.join(hooks)}, which would never be called")
    if strange := declared.schema.load_fields.keys() - declared.fields.keys():
        raise TypeError(f"{name}.{min(strange)} is no field of flexdb.contract")
