"""The text at /metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prometheus_client.parser import text_string_to_metric_families as parse


def read(text: str, parser: Callable[[str], Any] = parse) -> dict[tuple[str, ...], float]:
    """Return the value of each sample, by its name and the values of its labels.

    :param parser: what makes metric families of the text
    """
    return {(sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
            for family in parser(text) for sample in family.samples}
