"""What a browser without scripts sends of a form on a page."""

from __future__ import annotations

from html.parser import HTMLParser


def filled(page: str, id: str) -> dict[str, str]:
    """Return the fields of a form as they stand on a page, by name; no button is pressed.

    :param id: the form's
    """
    reader = _Reader(id)
    reader.feed(page)
    assert reader.is_there, f"there is no form {id}"
    return reader.fields


class _Reader(HTMLParser):
    def __init__(self, id: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.is_there = self._inside = False
        self._id, self._area, self._choice, self._text = id, "", "", ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attributes}
        if tag == "form":
            self._inside = said.get("id") == self._id
            self.is_there = self.is_there or self._inside
        if not self._inside:
            return
        name = said.get("name", "")
        if tag == "input" and name:
            if said.get("type") not in ("checkbox", "radio") or "checked" in said:
                self.fields[name] = said.get("value", "on")
        elif tag == "textarea":
            self._area, self._text = name, ""
        elif tag == "select":
            self._choice = name
        elif tag == "option" and self._choice:
            # The first one is chosen, unless another is.
            if "selected" in said or self._choice not in self.fields:
                self.fields[self._choice] = said.get("value", "\0")
            self._text = ""

    def handle_data(self, data: str) -> None:
        self._text += data
        if self._choice and self.fields.get(self._choice) == "\0":
            # An option without a value is worth its text.
            self.fields[self._choice] = data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area:
            # The line break after the tag is none of the text (HTML, 13.1.2.5).
            self.fields[self._area] = self._text.removeprefix("\n")
            self._area = ""
        elif tag == "select":
            self._choice = ""
        elif tag == "form":
            self._inside = False
