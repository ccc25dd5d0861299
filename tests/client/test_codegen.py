"""Modules of classes for a tenant's node types: what fits a schema fits its class."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from flexdb.client.codegen.modules import KINDS, Kind, module
from flexdb.client.shapes import plain, shaped
from flexdb.client.synchronous.tenant import TenantClient
from tests.support.paths import ROOT

# These look into what they are made of.
CHECKING: tuple[Kind, ...] = ("dataclass", "msgspec", "pydantic")
NAMES = ["title", "due-date", "class", "None", "1st", "", "a b", "_x", "__y", "__init__", "str",
         "Any", "list", "self", "copy", "schema", "model_config", "Literal", "日本", "ﬁn", "$ref",
         "é", "Task", "TaskTitle", "back\\slash", 'quo"te', "new\nline", "\U0001f600", "A", "a"]
Value = Callable[[], Any]


def node_type(schema: Any, name: str = "Task", description: str | None = None) -> dict[str, Any]:
    return {"id": str(uuid4()), "name": name, "description": description, "schema": schema}


def loaded(text: str) -> ModuleType:
    """Import a module from its text."""
    made = ModuleType(f"made_{uuid4().hex}")
    sys.modules[made.__name__] = made
    exec(compile(text, made.__name__, "exec"), made.__dict__)
    return made


@pytest.mark.parametrize("kind, wanted", [
    ("typeddict", '''\
class Task(TypedDict):
    """What is to be done."""

    title: str
    priority: NotRequired[Literal["low", "high"] | None]
    points: NotRequired[float]
    owner: NotRequired[TaskOwner]


class TaskOwner(TypedDict):
    name: str
    tasks: NotRequired[list[Task]]
'''),
    ("dataclass", '''\
@dataclass(kw_only=True)
class Task:
    """What is to be done."""

    title: str
    priority: Literal["low", "high"] | None = None
    points: float | None = None
    owner: TaskOwner | None = None


@dataclass(kw_only=True)
class TaskOwner:
    name: str
    tasks: list[Task] | None = None
'''),
    ("msgspec", '''\
class Task(Struct, kw_only=True):
    """What is to be done."""

    title: str
    priority: Literal["low", "high"] | None | UnsetType = UNSET
    points: int | float | UnsetType = UNSET
    owner: TaskOwner | UnsetType = UNSET


class TaskOwner(Struct, kw_only=True):
    name: str
    tasks: list[Task] | UnsetType = UNSET
'''),
    ("pydantic", '''\
class Task(BaseModel):
    """What is to be done."""

    title: str
    priority: Literal["low", "high"] | None = None
    points: int | float | None = None
    owner: TaskOwner | None = None


class TaskOwner(BaseModel):
    name: str
    tasks: list[Task] | None = None
''')])
def test_a_class_has_the_members_of_the_schema(kind: Any, wanted: str) -> None:
    text = module([node_type({
        "type": "object", "required": ["title"], "properties": {
            "title": {"type": "string", "maxLength": 9},
            "priority": {"enum": ["low", "high", None]}, "points": {"type": "number"},
            "owner": {"$ref": "#/$defs/owner"}},
        "$defs": {"owner": {"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string"}, "tasks": {"type": "array", "items": {"$ref": "#"}}}}},
    }, description="What is to be done.")], kind)
    assert text.partition("\n\n\n")[2] == wanted


@pytest.mark.parametrize("kind", CHECKING)
def test_what_is_named_as_nothing_in_python_is_comes_and_goes_by_its_own_name(kind: Any) -> None:
    data = {name: place for place, name in enumerate(NAMES)
            if kind != "msgspec" or name not in ('quo"te', "back\\slash", "new\nline")}
    schema = {"type": "object", "properties": {name: {"type": "integer"} for name in NAMES},
              "required": NAMES[::2]}
    cls = loaded(module([node_type(schema)], kind)).Task
    assert plain(shaped(data, cls)) == data


def test_types_whose_names_would_be_one_have_a_class_each() -> None:
    names = ["task", "Task", "class", "None", "1st", "", "—", "Any", "日本", "a task", "ATask"]
    for kind in KINDS:
        made = loaded(module([node_type(None, name) for name in names], kind))
        classes = [one for one in vars(made).values() if getattr(one, "__module__", "") ==
                   made.__name__ and isinstance(one, type)]
        assert len({one.__name__ for one in classes}) == len(names)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_a_schema_says_is_run(kind: Any, tmp_path: Path) -> None:
    mark = tmp_path / "run"
    wicked = f"open({str(mark)!r}, 'w')"
    texts = [wicked, f'"""\n{wicked}\n"""', f'"\n{wicked}\n"', f"]\n{wicked}\n", f"\\\n{wicked}",
             f"\\'\\\"\n{wicked}", f"#\r{wicked}"]
    schema = {"title": texts[1], "x-python-type": wicked, "customTypePath": "os.system",
              "properties": {text: {"enum": texts, "description": text} for text in texts},
              "required": texts[:3]}
    loaded(module([node_type(schema, text, text) for text in texts], kind))
    assert not mark.exists()


@pytest.mark.parametrize("schema", [
    {"$ref": "#"}, {"allOf": [{"$ref": "#"}]}, {"anyOf": [{"$ref": "#"}, {"type": "object"}]},
    {"properties": {"a": {"$ref": "#/properties/a"}, "b": {"anyOf": [{"$ref": "#/properties/b"}]}}},
    {"properties": {"a": {"$ref": "#/properties/b/0"}, "b": {"$ref": "#/$defs/~2"}}},
    {"properties": {"a": {"$ref": 7}, "b": {"type": ["object", 7]}, "c": {"enum": 7}}},
    {"properties": 7, "required": [7], "allOf": 7}, {"properties": {"a": {"items": [{}]}}},
    # Each leads to the next one twice.
    {"$ref": "#/$defs/0", "$defs": {str(place): {"allOf": [{"$ref": f"#/$defs/{place + 1}"}] * 2,
                                                "properties": {"a": {"anyOf": [
                                                    {"$ref": f"#/$defs/{place + 1}/properties/a"}
                                                ] * 2}}} for place in range(60)}}])
@pytest.mark.parametrize("kind", KINDS)
def test_schemas_that_lead_in_circles_or_nowhere_give_a_class(kind: Any, schema: Any) -> None:
    cls = loaded(module([node_type(json.loads(json.dumps(schema)))], kind)).Task
    assert plain(shaped({"a": 1, "b": {}} if kind == "typeddict" else {}, cls)) is not None


@st.composite
def described(draw: st.DrawFn, depth: int = 3, record: bool = True) -> tuple[Any, Value]:
    """Draw a schema, and what draws values that fit it."""
    values: dict[str, st.SearchStrategy[Any]] = {
        "string": st.text(max_size=3), "integer": st.integers(), "boolean": st.booleans(),
        "number": st.integers(-2**70, 2**70) | st.floats(allow_nan=False, allow_infinity=False),
        "null": st.none()}
    defs: dict[str, Any] = {}

    def shape(depth: int, kinds: str) -> tuple[Any, Value]:
        kind = draw(st.sampled_from(kinds.split()))
        if kind == "plain" or depth == 0 and kind != "object":
            types = draw(st.lists(st.sampled_from([*values]), min_size=1, max_size=2, unique=True))
            return ({"type": types[0] if len(types) == 1 else types},
                    lambda: draw(values[draw(st.sampled_from(types))]))
        if kind == "enum":
            options = draw(st.lists(st.none() | st.booleans() | st.sampled_from(
                ["a", 'q"', "\\", "\n", 1, 2**70, 0.5, {}]), min_size=1, max_size=3))
            return {"enum": options}, lambda: draw(st.sampled_from(options))
        if kind == "array":
            item, value = shape(depth - 1, every)
            return {"type": "array", "items": item}, lambda: [
                value() for _ in range(draw(st.integers(0, 2)))]
        if kind in ("anyOf", "oneOf") and depth:
            both = [shape(depth - 1, every) for _ in range(draw(st.integers(1, 3)))]
            return {"anyOf": [one for one, _ in both]}, lambda: draw(st.sampled_from(both))[1]()
        if kind == "ref":
            one, value = shape(depth - 1, every)
            name = f"d {len(defs)}/~"
            defs[name] = one
            return {"$ref": f"#/$defs/d%20{name[2:-2]}~1~0"}, value
        if kind == "allOf":
            one, value = shape(depth - 1, every)
            return {"allOf": [True, one]}, value
        if kind == "map":
            one, value = shape(depth - 1, every)
            return {"type": "object", "additionalProperties": one}, lambda: {
                name: value() for name in draw(st.lists(st.sampled_from(NAMES), max_size=2))}
        several = {name: shape(max(depth - 1, 0), every) for name in draw(st.lists(
            st.sampled_from(NAMES), max_size=4, unique=True))}
        required = draw(st.lists(st.sampled_from([*several]), unique=True)) if several else []
        nullable = kind == "nullable"

        def value_of() -> Any:
            if nullable and draw(st.booleans()):
                return None
            return {name: made() for name, (_, made) in several.items()
                    if name in required or draw(st.booleans())}

        return {"type": ["object", "null"] if nullable else "object", "required": required,
                "properties": {name: one for name, (one, _) in several.items()}}, value_of

    every = "plain enum array anyOf ref allOf map object nullable"
    schema, value = shape(depth, "object")
    return json.loads(json.dumps(schema | {"$defs": defs})), value


@pytest.mark.long
@settings(max_examples=60, suppress_health_check=[*HealthCheck])
@given(described(), st.data())
def test_what_fits_a_schema_fits_its_class_and_comes_back(
        described: tuple[Any, Value], data: st.DataObject) -> None:
    schema, value_of = described
    value = json.loads(json.dumps(value_of()))
    assert Draft202012Validator(schema).is_valid(value)
    for kind in CHECKING:
        text = module([node_type(schema)], kind)
        found = plain(shaped(value, loaded(text).Task))
        if "anyOf" not in json.dumps(schema) and "msgspec knows" not in text:
            # What might be several classes is one of them.
            assert without_nulls(found) == without_nulls(value)


def without_nulls(value: Any) -> Any:
    """Return a value without the members that are null, which a dataclass may leave out."""
    if isinstance(value, list):
        return [without_nulls(one) for one in value]
    return {name: without_nulls(one) for name, one in value.items() if one is not None
            } if isinstance(value, dict) else value


@pytest.mark.long
@pytest.mark.longest
def test_modules_are_right_to_mypy_and_the_client_takes_their_classes(tmp_path: Path) -> None:
    made: list[Any] = []

    @settings(max_examples=8, derandomize=True, database=None,
              suppress_health_check=[*HealthCheck])
    @given(described())
    def collect(described: tuple[Any, Value]) -> None:
        made.append(described[0])

    collect()
    odd = {"type": "object", "properties": {name: {"enum": ["a"]} for name in NAMES}}
    for kind in KINDS:
        for place, schema in enumerate([odd, *made]):
            text = module([node_type(schema), node_type(schema, "task"), node_type(None, "x")],
                          kind)
            (tmp_path / f"{kind}_{place}.py").write_text(text)
        (tmp_path / f"use_{kind}.py").write_text(
            f"import flexdb.client as fx\nfrom {kind}_0 import Task\n\n\n"
            "def use(db: fx.Client) -> list[Task]:\n"
            '    return [task for task in db.tenant("x").nodes("Task").of(Task)]\n')
    (tmp_path / "mypy.ini").write_text(
        "[mypy]\nstrict = True\nfollow_imports = silent\n"
        "[mypy-networkx.*,pandas.*,polars.*]\nfollow_imports = skip\n")
    done = subprocess.run([sys.executable, "-m", "mypy", "."], cwd=tmp_path, text=True,
                          capture_output=True, env={"MYPYPATH": str(ROOT), "PATH": "/usr/bin"})
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_is_made_of_its_class_and_read_as_it(acme: TenantClient, kind: Any) -> None:
    task = acme.type("Task", schema={
        "type": "object", "required": ["title"], "additionalProperties": False, "properties": {
            "title": {"type": "string"}, "due-date": {"type": "string"}, "note": {"type": "string"},
            "owner": {"type": "object", "properties": {"name": {"type": "string"}}}}})
    cls = loaded(module([acme._connection.get_node_type(tenant_id=acme.id, id=task.id)], kind)).Task
    data = {"title": "A", "due-date": "2030-01-01", "owner": {"name": "Ann"}}
    record = acme.create(task, shaped(data, cls))
    assert record.data == data
    (found,) = acme.nodes(task).of(cls)
    assert found == shaped(data, cls)
