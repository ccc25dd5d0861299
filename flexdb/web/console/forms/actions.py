"""What the buttons in a form do to its value."""

from __future__ import annotations

from typing import Any

from flexdb.documents.pointers import names_of
from flexdb.web.console.forms.fields import widgets
from flexdb.web.console.forms.fresh import begin, begin_item
from flexdb.web.console.forms.reading import Posted
from flexdb.web.console.forms.values import ABSENT, number_of, value_at
from flexdb.web.console.forms.widget import Widget

_ACTIONS = ("add", "remove", "up", "show")


def is_action(do: str) -> bool:
    """Tell whether a button changes what is in the form, and does nothing else."""
    return do.partition(":")[0] in _ACTIONS


def act(schema: Any, found: Posted, do: str, root: Any = None) -> bool:
    """Do to a value what a button says, and tell whether there is anything to show.

    :param found: the value, which is changed
    :param do: ``add``, ``remove`` or ``up`` with a colon and the JSON Pointer of the place, or
        ``show``
    """
    kind, _, at = do.partition(":")
    if not is_action(do):
        return found.is_switched
    root = schema if root is None else root
    target = widgets(schema, found.value, variants=found.variants, root=root).at(at)
    if kind == "add" and target:
        _add(found, target, root)
    elif kind in ("remove", "up") and at:
        _move(found, at, kind)
    return True


def _add(found: Posted, target: Widget, root: Any) -> None:
    value = target.value
    if isinstance(value, list):
        value.append(begin_item(target.shape.item(len(value)), root))
    elif value is ABSENT:
        container, last = _around(found.value, target.pointer)
        begun = begin(target.shape.schema, root)
        if isinstance(container, dict) and begun is not ABSENT:
            container[last] = begun
            if begun == []:
                begun.append(begin_item(target.shape.item(0), root))


def _move(found: Posted, at: str, kind: str) -> None:
    container, last = _around(found.value, at)
    if isinstance(container, dict):
        if kind == "remove":
            container.pop(last, None)
        kept = at
    elif isinstance(container, list) and (place := number_of(last, container)) is not None:
        if kind == "remove":
            del container[place]
        elif place:
            container.insert(place - 1, container.pop(place))
        kept = at.rpartition("/")[0]
    else:
        return
    # What is known of places would be of others now.
    for known in (found.variants, found.wrong):
        for name in [name for name in known if f"{name}/".startswith(f"{kept}/")]:
            del known[name]


def _around(value: Any, at: str) -> tuple[Any, str]:
    """Return what a place is in, and its name or number there."""
    *way, last = names_of(at)
    return value_at(value, way), last
