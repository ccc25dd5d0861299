"""Data as objects of a program's own classes, there and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypedDict

import msgspec
import pydantic
import pytest

from flexdb.client.synchronous.tenant import TenantClient


class Typed(TypedDict):
    title: str


@dataclass
class Data:
    title: str
    tags: list[str] = field(default_factory=list)


class Struct(msgspec.Struct):
    title: str
    tags: list[str] = []


class Model(pydantic.BaseModel):
    title: str
    tags: list[str] = []


@pytest.mark.parametrize("shape", [Data, Struct, Model])
def test_an_object_is_stored_and_comes_back(acme: TenantClient, shape: Any) -> None:
    acme.type("Task", schema={"x-unique": [["title"]]})
    thing = shape(title="A", tags=["a"])
    made = acme.create("Task", thing)
    assert made.data == {"title": "A", "tags": ["a"]} and made.of(shape) == thing
    acme.upsert("Task", shape(title="A", tags=["b"]), key="title")
    acme.load("Task", [shape(title="B"), shape(title="C")])
    found = acme.nodes("Task", sort="data.title").of(shape)
    assert list(found) == [shape(title="A", tags=["b"]), shape(title="B"), shape(title="C")]
    assert found.first() == shape(title="A", tags=["b"]) and found.count() == 3


@pytest.mark.parametrize("shape", [Typed, Data, Struct, Model])
def test_a_list_of_objects_is_a_table_in_a_notebook_too(acme: TenantClient, shape: Any) -> None:
    acme.type("Task")
    acme.create("Task", {"title": "<A>"})
    found = acme.nodes("Task").of(shape)
    for shown in (found.all(), next(found.pages())):
        assert "<th>title</th>" in shown._repr_html_() and "<td>&lt;A&gt;" in shown._repr_html_()


def test_a_typed_dict_is_the_data_and_a_dataclass_takes_what_it_names(acme: TenantClient) -> None:
    acme.type("Task")
    made = acme.create("Task", {"title": "A", "more": 1})
    assert made.of(Typed) == {"title": "A", "more": 1} and made.of(Data) == Data("A")


def test_what_does_not_fit_is_told_by_the_class(acme: TenantClient) -> None:
    acme.type("Task")
    made = acme.create("Task", {"tags": 7})
    for shape, error in ((Data, TypeError), (Struct, msgspec.ValidationError),
                         (Model, pydantic.ValidationError), (int, TypeError)):
        with pytest.raises(error):
            made.of(shape)
