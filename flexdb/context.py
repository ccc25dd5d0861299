"""In what a call is made: who calls, in which form the answer is wanted, within which limits.

A door makes it of the settings and of the request, and gives it to every operation. It holds no
secret: what an operation need not see is not in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from flexdb.access.callers import ANYONE, Caller
from flexdb.access.limits import OwnLimitsOf, as_settings
from flexdb.access.sealing import Seals
from flexdb.config import EnforceSchemas, JsonFields, Settings
from flexdb.documents.schemas import SchemaCache


class Limits(NamedTuple):
    """How large the parts of a call may be, and how long what it leaves behind stays; each is the
    setting of the same name.

    :param max_json_bytes: the largest document, in bytes of compact text with numbers written out
    :param max_depth: how deep JSON may be nested
    :param max_page_bytes: when a page of a list ends, in bytes of JSON
    :param max_walk: how many relationships a walk may look at
    :param max_answer_bytes: how much an answer as a whole may weigh, in bytes of JSON
    :param events_keep: for how many days events are kept
    :param max_nodes: how many nodes a tenant without a limit of its own may have; 0 for any number
    :param max_relationships: how many relationships likewise
    :param max_bytes: how much its JSON may weigh likewise, in bytes
    :param webhook_http: whether webhooks may lead to http and to any port
    :param webhook_allow: addresses and networks that they may lead to although not public
    """

    max_json_bytes: int = Settings.max_json_bytes
    max_depth: int = Settings.max_depth
    max_page_bytes: int = Settings.max_page_bytes
    max_walk: int = Settings.max_walk
    max_answer_bytes: int = Settings.max_answer_bytes
    events_keep: int = Settings.events_keep
    max_nodes: int = Settings.max_nodes
    max_relationships: int = Settings.max_relationships
    max_bytes: int = Settings.max_bytes
    webhook_http: bool = Settings.webhook_http
    webhook_allow: str = Settings.webhook_allow

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Return the limits that settings say."""
        return cls(*(getattr(settings, name) for name in cls._fields))


class Precondition(NamedTuple):
    """Which states of an object a change is meant for (RFC 9110, section 13.1).

    :param only: the tags of these states, as answers gave them; None for any state
    :param never: the tags of states that it is not meant for; ``*`` for any state
    """

    only: tuple[str, ...] | None = None
    never: tuple[str, ...] = ()

    def holds(self, tag: str) -> bool:
        """Tell whether a change is meant for the state that a tag names."""
        return ((self.only is None or tag in self.only)
                and tag not in self.never and "*" not in self.never)


@dataclass(frozen=True, slots=True)
class Context:
    """What every operation is given beside its parameters.

    :param limits: how large the parts of the call may be
    :param json_fields: the form in which JSON columns are given back
    :param caller: who calls
    :param schemas: the compiled schemas that the app keeps
    :param enforce_schemas: which stored schemas hold for what is written
    :param precondition: which states of the object a change is meant for; None for any
    :param request_id: gives the id of the request under way; "" where there is none
    :param own_limits: gives the limits of a tenant's own
    :param seal: returns a secret as it is to be kept, of what it is the secret of
    """

    limits: Limits = Limits()
    json_fields: JsonFields = "value"
    caller: Caller = ANYONE
    schemas: SchemaCache = field(default_factory=SchemaCache, repr=False)
    enforce_schemas: EnforceSchemas = Settings.enforce_schemas
    precondition: Precondition | None = None
    request_id: Callable[[], str] = str
    own_limits: OwnLimitsOf = field(default=as_settings, repr=False)
    seal: Callable[[str, str], str] = field(default=Seals().seal, repr=False)
