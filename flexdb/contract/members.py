"""The members that objects have in common."""

from __future__ import annotations

from functools import partial

from flexdb.contract.fields import Id, Integer, Time
from flexdb.contract.ids import new_id

TENANT_ID = partial(Id, "The tenant's id.")
ITEM_ID = partial(Id, "The id to give it; made by the server when absent.")
NEW_ID = partial(ITEM_ID, load_default=new_id)
VERSION = partial(Integer, "1 at first, raised by every change.", least=1, example=1)
# PostgreSQL's bigint ends there.
ASKED_VERSION = partial(Integer, "Only when it is at this version.", least=1, most=2**63 - 1,
                        load_default=None, example=1)
CREATED_AT = partial(Time, "When it was created.")
UPDATED_AT = partial(Time, "When it was last changed.")
