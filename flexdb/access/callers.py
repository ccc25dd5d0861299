"""Who calls, and which operations the role lets through."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from flexdb.errors import PermissionDenied

Role = Literal["viewer", "member", "admin", "owner", "operator"]
# From the one that may do least to the one that may do all; the last is bound to no tenant.
ROLES: tuple[Role, ...] = ("viewer", "member", "admin", "owner", "operator")


class Access(Enum):
    """What a caller must be let do to call an operation: a word for it, and the least role."""

    ANY = ("any", "viewer")
    READ = ("read", "viewer")
    WRITE = ("write", "member")
    PEOPLE = ("people", "member")
    SCHEMA = ("schema", "admin")
    MANAGE = ("manage", "admin")
    OWN = ("own", "owner")
    PLATFORM = ("platform", "operator")

    @property
    def word(self) -> str:
        """Return the word by which keys and documents name it."""
        return self.value[0]

    @property
    def least(self) -> Role:
        """Return the least role that has it."""
        return self.value[1]


_MAY = {access: frozenset(ROLES[ROLES.index(access.least):]) for access in Access}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    :param name: by which logs know the caller: ``open`` for anyone, ``key:<id>`` for a key
    :param role: what the caller is let do
    :param tenant_id: the only tenant that the caller sees; None for all
    :param allowed: where the caller may do less than the role: names of operations, and words of
        :class:`Access`
    :param suspended: whether the tenant is, so that nothing may be done
    """

    name: str = "open"
    role: Role = "operator"
    tenant_id: str | None = None
    allowed: frozenset[str] | None = None
    suspended: bool = False

    def check(self, operation: str, access: Access) -> None:
        """Refuse what the caller may not call.

        :raises PermissionDenied: naming the operation and the role that may
        """
        if access is not Access.ANY and self.suspended:
            raise PermissionDenied("the tenant is suspended")
        if self.role not in _MAY[access]:
            raise PermissionDenied(
                f"{operation} needs the role {access.least}, and the caller is {self.role}",
                operation=operation, role=access.least)
        if (access is not Access.ANY and self.allowed is not None
                and self.allowed.isdisjoint((operation, access.word))):
            raise PermissionDenied(f"the key is not for {operation}", operation=operation)

    @property
    def roles(self) -> tuple[Role, ...]:
        """Return the roles that the caller may give and take: none above the own."""
        return ROLES[:ROLES.index(self.role) + 1]


# Where no credential is needed, anyone may do everything.
ANYONE = Caller()
