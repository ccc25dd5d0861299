"""The classes of a tenant's node types, from a shell."""

from __future__ import annotations

import pytest

from flexdb.client.codegen.modules import KINDS
from tests.support.commands import Flexdb


@pytest.mark.parametrize("kind", KINDS)
def test_each_type_has_a_class_of_the_kind_that_is_asked_for(
        flexdb: Flexdb, acme: str, kind: str) -> None:
    flexdb("types", "create", acme, "class")
    done = flexdb("types", "code", acme, "--as", kind)
    compile(done.output, "models", "exec")
    first, second = (done.output.index(f"class {name}") for name in ("Task", "Class"))
    assert done.status == 0 and first < second
    assert ("title: NotRequired[str]" if kind == "typeddict" else "title: str | ") in done.output


def test_typed_dicts_are_written_where_nothing_else_is_said(flexdb: Flexdb, acme: str) -> None:
    assert flexdb("types", "code", acme).output == flexdb(
        "types", "code", acme, "--as", "typeddict").output
    assert flexdb("types", "code", acme, "--as", "attrs").status == 2
    assert flexdb("types", "code", "nobody").status == 4
