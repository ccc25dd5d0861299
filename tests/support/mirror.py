"""A tenant as it is known from its feed alone, after one list of what there was."""

from __future__ import annotations

from typing import Any

from tests.support.service import RpcError, Service

KINDS = ("node_type", "node", "relationship")
Objects = dict[tuple[str, str], Any]


class Mirror:
    """Whoever listed a tenant once and follows its changes.

    :param limit: how many changes are asked for at once
    """

    def __init__(self, service: Service, tenant_id: str, limit: int = 100) -> None:
        self.service, self.tenant_id, self.limit = service, tenant_id, limit
        self.begin()

    def begin(self) -> None:
        """Take the position of now, and then what is there."""
        self.position: str = self._ask()["position"]
        self.objects = listed(self.service, self.tenant_id)
        self.told: list[Any] = []

    def follow(self) -> None:
        """Apply all changes there are; where they are gone, begin anew."""
        try:
            for change in self.read():
                key = (change["kind"], change["id"])
                self.objects.pop(key, None)
                if change["op"] != "delete":
                    self.objects[key] = change[change["kind"]]
        except RpcError as error:
            assert error.reason == "CHANGES_GONE"
            self.begin()

    def read(self, **asked: Any) -> list[Any]:
        """Return all changes that come next."""
        found: list[Any] = []
        more = True
        while more:
            answer = self._ask(since=self.position, limit=self.limit, old=True, **asked)
            found += answer["changes"]
            self.position, more = answer["position"], answer["more"]
        self.told += found
        return found

    def _ask(self, **asked: Any) -> Any:
        return self.service.call("list_changes", tenant_id=self.tenant_id, **asked)


def listed(service: Service, tenant_id: str) -> Objects:
    """Return what the lists of a tenant give."""
    found: Objects = {}
    for kind in KINDS:
        token = None
        while token != "":
            page = service.call(f"list_{kind}s", tenant_id=tenant_id, pagination={
                "page_size": 1000, **({"page_token": token} if token else {})})
            found |= {(kind, each["id"]): each for each in page[f"{kind}s"]}
            token = page["pagination"]["next_page_token"]
    return found
