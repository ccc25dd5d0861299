"""One client: it calls without a pause, and classes every answer."""

from __future__ import annotations

import http.client
import json
import random
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from tests.support.http import JSON
from tests.support.ledger import Ledger, State, Write
from tests.support.service import request

# What a caller may be told of a call that is right, when the world is not.
FAIR = {-32005, -32006, -32007}
# A call may wait for a connection, for a statement that is sent again, and for a slow machine.
PATIENCE = 30


class Call(NamedTuple):
    """How a call went.

    :param outcome: ``ok``; ``refused``: certainly not done; ``unknown``: done or not
    :param told: the error's reason, or what became of the answer
    """

    began: float
    ended: float
    method: str
    outcome: str
    told: str


class Answer(NamedTuple):
    """What became of one call: its result, or the error that it was answered with."""

    outcome: str
    told: str
    result: Any = None


class Client:
    """A client with rows of its own in a tenant of all.

    :param port: where to call
    :param tenant: the tenant's id
    :param node_type: the id of the node type of all rows
    """

    def __init__(self, name: str, port: int, tenant: str, node_type: str, seed: int) -> None:
        self.ledger = Ledger(name)
        self.calls: list[Call] = []
        self.wrong: list[str] = []
        self.random = random.Random(seed)
        self._port, self._tenant, self._type = port, tenant, node_type
        self._connection: http.client.HTTPConnection | None = None

    def step(self) -> None:
        """Make one call, or several at once: seven of ten only read."""
        living = self.ledger.living()
        kinds = {self._read: 63, self._list: 7, self._create: 8 if len(living) < 400 else 0,
                 self._update: 8, self._patch: 4, self._delete: 5, self._batch: 3,
                 self._transaction: 2}
        if not living:
            kinds = {self._create: 1}
        (kind,) = self.random.choices(list(kinds), list(kinds.values()))
        kind()

    def close(self) -> None:
        """Close the connection."""
        if self._connection:
            self._connection.close()
        self._connection = None

    def _read(self) -> None:
        row = self.random.choice(list(self.ledger.rows.values()))
        if self.random.random() < 0.3:
            answer = self._rest("GET", f"/nodes/{row.id}")
        else:
            answer = self._call("get_node", id=row.id)
        if answer.outcome == "ok":
            node = answer.result["node"] if answer.result else None
            state = State(node["data"]["value"], node["version"]) if node else None
            self._expect(state in row.possible, f"{row.key} was read as {state}: {row.possible}")

    def _list(self) -> None:
        answer = self._call("list_nodes", pagination={"page_size": 20})
        if answer.outcome == "ok":
            self._expect(len(answer.result["nodes"]) == min(
                20, answer.result["pagination"]["total_count"]), "a page is not whole")

    def _create(self) -> None:
        write, params = self._creation()
        if self.random.random() < 0.3:
            self._settle([write], self._rest("POST", "/nodes", params))
        else:
            self._settle([write], self._call("create_node", **params))

    def _update(self) -> None:
        write, params = self._change()
        if self.random.random() < 0.3:
            del params["id"]
            self._settle([write], self._rest("PUT", f"/nodes/{write.row.id}", params))
        else:
            self._settle([write], self._call("update_node", **params))

    def _patch(self) -> None:
        write, params = self._change()
        self._settle([write], self._call("patch_node", id=params["id"], patch=params["data"]))

    def _delete(self) -> None:
        row = self.random.choice(self.ledger.living())
        self._settle([Write(row, None)], self._call("delete_node", id=row.id))

    def _batch(self) -> None:
        asked = self._several()
        calls = [request(method, {"tenant_id": self._tenant, **params}, place)
                 for place, (method, _, params) in enumerate(asked)]
        answers = self._post("batch", calls)
        for (_, write, _), answer in zip(asked, answers):
            self._settle([write], answer)

    def _transaction(self) -> None:
        asked = self._several()
        calls = [{"method": method, "params": {"tenant_id": self._tenant, **params}}
                 for method, _, params in asked]
        (answer,) = self._post("transaction", request("transaction", {"calls": calls}))
        self._settle([write for _, write, _ in asked], answer)

    def _several(self) -> list[tuple[str, Write, dict[str, Any]]]:
        created = [("create_node", *self._creation()) for _ in range(4)]
        return [*created[:2], ("update_node", *self._change()), *created[2:]]

    def _creation(self) -> tuple[Write, dict[str, Any]]:
        row, value = self.ledger.new(), self.ledger.value()
        data = {"key": row.key, "value": value}
        return Write(row, State(value, 1)), {
            "node_type_id": self._type, "data": data, "id": row.id}

    def _change(self) -> tuple[Write, dict[str, Any]]:
        row, value = self.random.choice(self.ledger.living()), self.ledger.value()
        assert row.state
        return (Write(row, State(value, row.state.version + 1)),
                {"id": row.id, "data": {"key": row.key, "value": value}})

    def _settle(self, writes: list[Write], answer: Answer) -> None:
        self._expect(answer.told != "NOT_FOUND", f"a row to be changed was not found: {writes}")
        if answer.outcome == "ok":
            self.ledger.done(writes)
        elif answer.outcome == "unknown":
            self.ledger.unknown(writes)

    def _call(self, method: str, **params: Any) -> Answer:
        (answer,) = self._post(method, request(method, {"tenant_id": self._tenant, **params}))
        return answer

    def _rest(self, verb: str, path: str, body: Any = None) -> Answer:
        (answer,) = self._send(verb, f"/tenants/{self._tenant}{path}", f"{verb} {path[:6]}", body)
        return answer

    def _post(self, method: str, body: Any) -> list[Answer]:
        return self._send("POST", "/jsonrpc", method, body)

    def _send(self, verb: str, path: str, method: str, body: Any) -> list[Answer]:
        many = len(body) if isinstance(body, list) else 1
        began = time.monotonic()
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._port,
                                                              timeout=PATIENCE)
            self._connection.request(verb, path, json.dumps(body) if body else None, JSON)
            response = self._connection.getresponse()
            text = response.read()
            answers = self._read_answers(response, text, many)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            answers = [Answer("unknown", type(error).__name__)] * many
        ended = time.monotonic()
        self.calls += [Call(began, ended, method, answer.outcome, answer.told)
                       for answer in answers]
        return answers

    def _read_answers(self, response: http.client.HTTPResponse, text: bytes, many: int
                      ) -> list[Answer]:
        form = response.headers.get("Content-Type")
        if response.status == 204:
            return [Answer("ok", "")] * many
        try:
            said = json.loads(text)
            assert form == "application/json"
        except (ValueError, AssertionError):
            self.wrong.append(f"{response.status} {form} {text[:200]!r} is not JSON")
            return [Answer("unknown", "no JSON")] * many
        replies = said if isinstance(said, list) else [said] * many
        return [self._class(response.status, reply) for reply in replies]

    def _class(self, status: int, reply: Any) -> Answer:
        if "error" not in reply:
            self._expect(status in (200, 201), f"{status} with {reply}")
            return Answer("ok", "", reply.get("result", reply))
        error = reply["error"]
        reason = error["data"]["reason"]
        if reason == "NOT_FOUND":
            return Answer("ok", reason)
        self._expect(error["code"] in FAIR, f"{status} with {error}")
        doubtful = status == 504 or reason in ("COMMIT_UNKNOWN", "INTERNAL")
        return Answer("unknown" if doubtful else "refused",
                      f"{status} {reason}" if status in (502, 504) else reason)

    def _expect(self, true: bool, otherwise: str) -> None:
        if not true:
            self.wrong.append(otherwise)


def outcomes(calls: Iterable[Call], outcome: str) -> list[Call]:
    """Return the calls that ended so."""
    return [call for call in calls if call.outcome == outcome]
