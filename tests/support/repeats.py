"""Clients that send requests with a key until there is an answer, and what came of each key."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import NamedTuple

import orjson


class Answer(NamedTuple):
    """What a request was answered.

    :param is_again: whether it says that it was answered so before
    """

    status: int
    body: bytes
    is_again: bool


# Sends a body with a key; None where there was no answer.
Send = Callable[[bytes, str], "Answer | None"]
# Of each key the answers to each of the bodies that were sent with it.
Answers = dict[str, dict[bytes, list[Answer]]]


def is_told(answer: Answer | None) -> bool:
    """Tell whether an answer says what became of a request, and not that it may be sent again."""
    if answer is None:
        return False
    reply = orjson.loads(answer.body)
    return not (isinstance(reply, dict) and reply.get("error", {}).get("data", {}).get("retryable"))


def until_told(send: Send, body: bytes, key: str) -> Answer:
    """Send a request until there is an answer that says what became of it."""
    while not is_told(answer := send(body, key)):
        time.sleep(0.01)
    assert answer
    return answer


def fight(send: Send, clients: int, keys: list[str], bodies: list[bytes]) -> Answers:
    """Let clients send each body with each key, each client in an order of its own."""
    def work(client: int) -> list[tuple[str, bytes, Answer]]:
        order = [(key, body) for key in keys for body in bodies]
        Random(client).shuffle(order)
        return [(key, body, until_told(send, body, key)) for key, body in order]

    found: Answers = defaultdict(lambda: defaultdict(list))
    with ThreadPoolExecutor(clients) as threads:
        for told in threads.map(work, range(clients)):
            for key, body, answer in told:
                found[key][body].append(answer)
    return found


def check(answers: Answers, clients: int) -> Counter[str]:
    """Hold that of each key one body was done and answered alike, and all others refused.

    :param clients: how many sent each body
    :return: how often that was told
    """
    told: Counter[str] = Counter()
    for by_body in answers.values():
        done = [given for given in by_body.values() if given[0].status != 422]
        assert len(done) == 1 and all(len(given) == clients for given in by_body.values())
        assert len({(answer.status, answer.body) for answer in done[0]}) == 1
        assert done[0][0].status == 201
        # Of one the answer may be lost, or be found by the service itself.
        assert sum(not answer.is_again for answer in done[0]) <= 1
        for given in by_body.values():
            told.update("again" if answer.is_again else str(answer.status) for answer in given)
            assert given is done[0] or {answer.status for answer in given} == {422}
    return told
