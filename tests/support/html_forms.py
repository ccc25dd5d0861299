"""Forms in pages, as a browser without scripts fills them in and sends them."""

from __future__ import annotations

from html.parser import HTMLParser


class _Reader(HTMLParser):
    """Collects the successful controls of each form of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[dict[str, str]] = [{}]
        self.by_id: dict[str, dict[str, str]] = {}
        self.buttons: list[list[str]] = [[]]
        self._text: str | None = None
        self._name = ""
        self._options: list[tuple[str | None, bool]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({})
            self.by_id[told.get("id", "")] = self.forms[-1]
            self.buttons.append([])
        elif tag == "input" and told.get("name"):
            if told.get("type") not in ("checkbox", "radio") or "checked" in told:
                # A line has no ends of lines in it; a box that is checked is "on" without a value.
                usual = "on" if "checked" in told else ""
                value = told.get("value", usual).replace("\r", "").replace("\n", "")
                self.forms[-1][told["name"]] = value
        elif tag == "textarea":
            self._name, self._text = told.get("name", ""), ""
        elif tag == "select":
            self._name, self._options = told.get("name", ""), []
        elif tag == "option" and self._options is not None:
            self._options.append((told.get("value"), "selected" in told))
        elif tag == "button" and told.get("name"):
            self.buttons[-1].append(told.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text += data
        elif self._options and self._options[-1][0] is None and data.strip():
            # An option without a value is worth its text.
            self._options[-1] = (data.strip(), self._options[-1][1])

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._text is not None:
            # The first end of a line is none of the text; the others are sent as CR LF.
            text = self._text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\n")
            self.forms[-1][self._name] = text.replace("\n", "\r\n")
            self._text = None
        elif tag == "select" and self._options is not None:
            chosen = [value for value, is_chosen in self._options if is_chosen]
            if self._options:
                self.forms[-1][self._name] = (chosen or [self._options[0][0]])[-1] or ""
            self._options = None


def forms(page: str) -> list[dict[str, str]]:
    """Return what each form of a page would send as it stands, in their order; the first holds
    what is in none.
    """
    return _read(page).forms


def form_with(page: str, name: str) -> dict[str, str]:
    """Return what the form of a page would send that has a field of a name."""
    return next(form for form in forms(page) if name in form)


def form_of(page: str, id: str) -> dict[str, str]:
    """Return what the form of a page would send that has an id."""
    return _read(page).by_id[id]


def buttons(page: str) -> list[str]:
    """Return the values of a page's buttons that have a name."""
    return [value for listed in _read(page).buttons for value in listed]


def _read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader
