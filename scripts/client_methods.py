"""Every operation as a method of the client, written as Python from the registry."""

from __future__ import annotations

import re

from client_types import TIGHT, Json, all_schemas, fold, python_type, reply_of, told

from flexdb.contract.describe import error_kinds
from flexdb.contract.fields import BaseField
from flexdb.contract.operation import OPERATIONS, READS, Operation
from flexdb.errors.base import FlexdbError

HEAD = ('"""{}\n\nWritten by ``scripts/make_client.py``.\n"""\n\n'
        "from __future__ import annotations\n\n")
_BASES = {
    "asynchronous": "Every operation of the service as a method that is awaited.",
    "deferred": "Every operation of the service as a call that is sent later, with others."}
_METHODS = '''

class {name}:
    """{doc}"""

    {define} _call(self, name: str, required: dict[str, Any], optional: dict[str, Any]) -> Any:
        raise NotImplementedError
'''


def methods_module(deferred: bool = False) -> str:
    """Return the module of the methods that are awaited, or of those that are deferred."""
    kind = "deferred" if deferred else "asynchronous"
    written = "".join(_method(operation, deferred) for operation in OPERATIONS.values())
    imports = sorted(names_in(written), key=str.lower)
    more = "from flexdb.client.pending import Pending\n" if deferred else ""
    return (HEAD.format(_BASES[kind])
            + "from collections.abc import Mapping\nfrom datetime import datetime\n"
            "from typing import Any, Literal\n\n"
            "from flexdb.client.absent import ABSENT, Absent\n"
            f"from flexdb.client.objects import (\n{_column(imports)})\n{more}"
            + _METHODS.format(name="DeferredMethods" if deferred else "AsyncMethods",
                              doc=_BASES[kind], define="def" if deferred else "async def")
            + written)


def _column(names: list[str]) -> str:
    return "".join(f"    {name},\n" for name in names)


def names_in(written: str) -> set[str]:
    """Return which of the objects a module names."""
    return set(re.findall(r"\w+", re.sub(r'""".*?"""|"[^"\n]*"', "", written, flags=re.DOTALL))
               ) & all_schemas().keys()


def _method(operation: Operation, deferred: bool) -> str:
    schema, _ = reply_of(operation, all_schemas())
    gives = python_type(schema) if schema else "None"
    fields = sorted(operation.fields.items(), key=lambda one: not one[1].required)
    given = [fold(_parameter(name, field), " " * 12, " " * 8) + "\n" for name, field in fields]
    signature = f"self, *,\n{''.join(given)}    " if given else "self"
    define, returned = ("def", f"Pending[{gives}]") if deferred else ("async def", gives)
    keep = "result: " + returned + " = " if returned != "None" else ""
    nullable = [name for name, field in fields if not field.required and field.allow_none]
    required = [name for name, field in fields if field.required]
    optional = [name for name, field in fields if not field.required and not field.allow_none]
    # What may be null is left out by a mark of its own.
    call = fold(f'{keep}{"" if deferred else "await "}self._call("{operation.name}", '
                f"{_dict([*required, *nullable])}, {_dict(optional)})", " " * 12, " " * 8)
    end = "        return result\n" if keep else ""
    return (f"\n    {define} {operation.name}({signature}) -> {returned}:\n"
            f"{_docstring(operation, fields, deferred)}{call}\n{end}")


def _dict(names: list[str]) -> str:
    return "{" + ", ".join(f'"{name}":{TIGHT}{name}' for name in names) + "}"


def _parameter(name: str, field: BaseField) -> str:
    kind = python_type(field.json_schema(), taken=True)
    if field.required:
        return f"{name}: {kind},"
    if field.allow_none:
        return f"{name}: {kind} | Absent = ABSENT,"
    return f"{name}: {kind} | None = None,"


def _docstring(operation: Operation, fields: list[tuple[str, BaseField]], deferred: bool) -> str:
    first, _, rest = operation.description.partition("\n\n")
    if deferred:
        return told(" ".join(first.split()), " " * 8)
    after = "".join(f"\n{fold(' '.join(part.split()), ' ' * 8)}\n"
                    for part in rest.split("\n\n") if part)
    after += "\n" if fields else ""
    for name, field in fields:
        after += fold(f":param {name}: {field.metadata['description']}", " " * 12, " " * 8) + "\n"
    return told(first, " " * 8, after.replace("\\", "\\\\"))


def operations_module() -> str:
    """Return the module of what the client knows of each operation."""
    schemas = all_schemas()
    lines = "".join(
        f'    "{name}": Operation({operation.effect is READS}, {operation.long}, '
        f'"{reply_of(operation, schemas)[1]}"),\n' for name, operation in OPERATIONS.items())
    return (HEAD.format("What the client knows of each operation beside its method.")
            + 'from typing import NamedTuple\n\n\nclass Operation(NamedTuple):\n'
            '    """What is to be known to send a call.\n\n'
            '    :param reads: whether it leaves nothing behind, so that it may be sent again\n'
            '    :param long: whether it is large work\n'
            '    :param member: the member of the result that its method gives; empty for all of '
            'it\n    """\n\n    reads: bool\n    long: bool\n    member: str\n\n\n'
            f"OPERATIONS = {{\n{lines}}}\n")


def reasons_module() -> str:
    """Return the module of the classes of what the service answers with an error."""
    kinds: dict[str, type[FlexdbError]] = {}
    for kind in error_kinds():
        kinds.setdefault(kind.reason, kind)
    ordered = sorted(kinds.values(), key=lambda kind: len(kind.__mro__))
    written = "".join(_reason(kind, kinds) for kind in ordered)
    names = "".join(f'    "{kind.__name__}",\n' for kind in ordered)
    table = "".join(f'    "{kind.reason}": {kind.__name__},\n' for kind in ordered)
    return (HEAD.format("The errors of the service: one class for each reason.")
            + "from flexdb.client.failures import ServiceError\n\n"
            f"__all__ = [\n{names}]\n" + written
            + f"\n\nBY_REASON: dict[str, type[ServiceError]] = {{\n{table}}}\n")


def _reason(kind: type[FlexdbError], kinds: dict[str, type[FlexdbError]]) -> str:
    base = next((above.__name__ for above in kind.__mro__[1:] if above in kinds.values()),
                "ServiceError")
    message = getattr(kind, "message", "the tenant has made as many calls as it may")
    text = f"``{kind.reason}`` ({kind.code}): {message}."
    return f"\n\nclass {kind.__name__}({base}):\n" + told(text, "    ") + (
        f'\n    reason = "{kind.reason}"\n')


def used_objects(operations: dict[str, Operation]) -> set[str]:
    """Return the objects that the methods name."""
    schemas = all_schemas()
    found: set[str] = set()
    for operation in operations.values():
        schema, _ = reply_of(operation, schemas)
        shown: list[Json] = [field.json_schema() for field in operation.fields.values()]
        for one in [*shown, *([schema] if schema else [])]:
            found |= names_in(python_type(one, True))
    return found

