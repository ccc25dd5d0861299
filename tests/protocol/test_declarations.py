"""What an operation is declared with, and what a declaration may not hold."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest
from marshmallow import fields, post_load, pre_load, validates, validates_schema

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.config import Settings
from flexdb.context import Context
from flexdb.contract.fields import Integer, Text
from flexdb.contract.gives import NOTHING
from flexdb.contract.operation import (
    CREATES,
    DELETES,
    OPERATIONS,
    READS,
    SERVICE,
    Operation,
    operation,
)
from flexdb.contract.params import Params
from flexdb.plan import Plan


class WithPreLoad(Params):
    @pre_load
    def change(self, data: Any, **options: Any) -> Any:
        return data


class WithPostLoad(Params):
    @post_load
    def change(self, data: Any, **options: Any) -> Any:
        return data


class WithValidator(Params):
    name = Text("A name.")

    @validates("name")
    def check(self, value: str, data_key: str) -> None:
        raise AssertionError


class WithSchemaValidator(Params):
    @validates_schema
    def check(self, data: Any, **options: Any) -> None:
        raise AssertionError


class WithStrangeField(Params):
    name = fields.String()


@pytest.mark.parametrize("params", [WithPreLoad, WithPostLoad, WithValidator, WithSchemaValidator,
                                    WithStrangeField])
def test_a_schema_whose_hooks_or_validators_would_be_ignored_is_refused(params: type[Params]
                                                                        ) -> None:
    def never_there(context: Context, params: Any) -> Plan:
        raise AssertionError

    with pytest.raises(TypeError, match=params.__name__):
        operation(params, gives=NOTHING, effect=READS, of=SERVICE, access=Access.ANY,
                  rules=Heed.FREE)(never_there)
    assert "never_there" not in OPERATIONS


def test_a_validator_of_a_field_that_would_be_ignored_is_refused() -> None:
    with pytest.raises(TypeError, match="never be called"):
        Integer("A number.", least=0, validate=lambda value: False)


@pytest.mark.parametrize("declared", OPERATIONS.values(), ids=OPERATIONS)
def test_what_is_declared_fits_together(declared: Operation) -> None:
    gives = declared.gives
    assert gives.many or not gives.paged
    assert gives.paged is (gives.many and "pagination" in declared.fields)
    assert (gives.schema is None) <= (declared.effect is DELETES)
    assert not (declared.effect is CREATES and gives.schema is None)
    # Whoever may ask for a version changes what has one.
    if "version" in declared.fields:
        assert declared.effect is DELETES or gives.schema and "version" in gives.schema().fields
    assert declared.schema is declared.schema and declared.description


def test_large_work_is_declared_as_such_and_the_setting_names_it() -> None:
    (told,) = (setting.metadata["help"] for setting in dataclasses.fields(Settings)
               if setting.name == "long_timeout")
    large = {name for name, declared in OPERATIONS.items() if declared.long}
    assert large == set(re.findall(r"`(\w+)`", told)) and len(large) >= 5


def test_results_with_one_wrapper_hold_one_kind_of_object() -> None:
    """The documents know what is around objects by the name of that, and so do clients."""
    kinds: dict[Any, set[Any]] = {}
    for one in OPERATIONS.values():
        if one.gives.wrapper:
            kinds.setdefault((one.gives.wrapper, one.gives.paged), set()).add(one.gives.schema)
    assert {name: told for name, told in kinds.items() if len(told) > 1} == {}
