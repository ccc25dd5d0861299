"""What is asked once more before it is done, since nothing brings it back."""

from __future__ import annotations

from flask import request

from flexdb.web.console.page import Shown, Within, show

_SURE = "sure"


def is_sure() -> bool:
    """Tell whether the request says that it is meant."""
    return request.form.get(_SURE) == "yes"


def ask(title: str, *told: str, does: str, back: str, place: Within | None = None,
        **agreed: str) -> Shown:
    """Return the page that asks; its form sends what was sent once more, and that it is meant.

    :param title: the question
    :param told: what comes of it, a paragraph each
    :param does: what the button says
    :param back: the URL of who would rather not
    :param agreed: what it says besides, which was told
    """
    fields = [(name, value) for name, value in request.form.items(multi=True)
              if name != _SURE and name not in agreed]
    return show("confirm.html", place=place, title=title, told=told, does=does, back=back,
                fields=[*fields, *agreed.items(), (_SURE, "yes")])
