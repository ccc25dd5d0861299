"""Who calls, and which operations the role lets through."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Literal

from flexdb.access.rules import Heed, Rules
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

    def __init__(self, word: str, least: Role) -> None:
        # By which keys and documents name it; the least role that has it; and all that have it.
        # Plain attributes: they are read in every call, and an enum's members hash slowly.
        self.word, self.least = word, least
        self.roles = frozenset(ROLES[ROLES.index(least):])


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: anyone, a key, or a user, who may be in many tenants and be each of them another.

    :param name: by which logs know the caller: ``open`` for anyone, ``key:<id>`` for a key,
        ``user:<id>`` for a user
    :param role: what the caller is let do; one that is none of :data:`ROLES` gives nothing
    :param tenant_id: the only tenant that the caller sees; None for all, or for several
    :param allowed: where the caller may do less than the role: names of operations, and words of
        :class:`Access`
    :param suspended: whether the tenant is, so that nothing may be done
    :param memberships: of a user, who the caller is in each tenant by its id
    :param rules: which of the tenant's records there are to the caller; None for all
    """

    name: str = "open"
    role: str = "operator"
    tenant_id: str | None = None
    allowed: frozenset[str] | None = None
    suspended: bool = False
    memberships: Mapping[str, Caller] | None = field(default=None, repr=False, hash=False)
    rules: Rules | None = None

    @property
    def sees_all(self) -> bool:
        """Tell whether the caller sees every tenant, and not some or none."""
        return self.tenant_id is None and self.memberships is None

    @property
    def tenants(self) -> Collection[str] | None:
        """Return the ids of the tenants that the caller sees; None for all."""
        if self.tenant_id is not None:
            return (self.tenant_id,)
        return None if self.memberships is None else self.memberships.keys()

    def within(self, tenant_id: str) -> Caller | None:
        """Return the caller as the caller is in a tenant; None where the caller sees none there."""
        if self.sees_all or self.tenant_id == tenant_id:
            return self
        return self.memberships.get(tenant_id) if self.memberships else None

    def check(self, operation: str, access: Access, rules: Heed) -> None:
        """Refuse what the caller may not call; a user of several tenants, what in none of them.

        :raises PermissionDenied: naming the operation and the role that may
        """
        if access is Access.ANY:
            return
        if self.tenant_id is None and self.memberships is not None:
            if not self.tenants_with(access):
                raise PermissionDenied(
                    f"{operation} needs the role {access.least}, which the caller has in no tenant",
                    operation=operation, role=access.least)
        elif self.suspended:
            raise PermissionDenied("the tenant is suspended")
        elif self.role not in access.roles:
            raise PermissionDenied(
                f"{operation} needs the role {access.least}, and the caller is "
                f"{self.role or 'none'}", operation=operation, role=access.least)
        elif self.allowed is not None and self.allowed.isdisjoint((operation, access.word)):
            raise PermissionDenied(f"the key is not for {operation}", operation=operation)
        if self.rules is not None and rules is Heed.REFUSED:
            raise PermissionDenied(f"{operation} is not for callers with rules, as the role "
                                   f"{self.rules.role} has", operation=operation)

    def tenants_with(self, access: Access) -> list[str]:
        """Return the tenants in which a user is let do something."""
        return [id for id, there in (self.memberships or {}).items()
                if there.role in access.roles and not there.suspended]

    def tenants_of(self, access: Access) -> list[str] | None:
        """Return the tenants in which the caller is let do something; None for all."""
        if self.sees_all:
            return None
        # Of a caller who is none of several, each is one of a user's memberships.
        return [self.tenant_id] if self.tenant_id else self.tenants_with(access)

    @property
    def title(self) -> str:
        """Return the name of the role, which may be one that the tenant made."""
        return self.rules.role if self.rules else self.role

    @property
    def above(self) -> tuple[Role, ...]:
        """Return the roles that the caller may neither give nor take: those above the own."""
        return ROLES[1 + ROLES.index(self.role):] if self.role in ROLES else ROLES


# Where no credential is needed, anyone may do everything.
ANYONE = Caller()


def user(id: str, roles: Mapping[str, str], suspended: Container[str] = (),
         rules: Mapping[str, Rules | None] | None = None) -> Caller:
    """Return a user as a caller; one who is in one tenant only sees that, as its keys do.

    :param id: by which logs know the user
    :param roles: the role in each tenant by its id; nobody is an operator by one
    :param suspended: those of the tenants that are
    :param rules: what holds in those of the tenants where the role is one that the tenant made
    """
    name = f"user:{id}"
    memberships = {
        tenant_id: Caller(name, role if role != ROLES[-1] else "", tenant_id,
                          suspended=tenant_id in suspended, rules=(rules or {}).get(tenant_id))
        for tenant_id, role in roles.items()}
    only = next(iter(memberships.values())) if len(memberships) == 1 else Caller(name, "")
    return replace(only, memberships=memberships)
