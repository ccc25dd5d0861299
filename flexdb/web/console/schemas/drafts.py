"""A schema that is being edited: what was typed, in either tab, and what it says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flexdb.errors import FlexdbError
from flexdb.web.console.changes.differences import Step, between
from flexdb.web.console.lines import line_of
from flexdb.web.console.schemas import faults
from flexdb.web.console.schemas.faults import Fault
from flexdb.web.console.schemas.fields import laid_out, parse
from flexdb.web.console.schemas.order import in_order
from flexdb.web.console.schemas.posting import Form, posted
from flexdb.web.console.schemas.rows import SchemaRow, rows_of, schema_of

TABS = ("form", "json")


@dataclass
class Draft:
    """What stands in the editor.

    :param version: of the node type as it was when the editing began; "" of one that is to be made
    :param tab: which of the two says the schema
    :param text: the schema as JSON text, in the tab of that
    :param faults: what is wrong, each with its field
    :param focus: the place of the row that one looks at now
    """

    name: str = ""
    description: str = ""
    version: str = ""
    tab: str = "form"
    text: str = ""
    top: SchemaRow = field(default_factory=lambda: rows_of(None))
    faults: list[Fault] = field(default_factory=list)
    focus: str = ""

    @classmethod
    def of_type(cls, node_type: dict[str, Any], tab: str) -> Draft:
        """Return one of a node type as it is."""
        schema = in_order(node_type["schema"], is_stored=True)
        return cls(node_type["name"], node_type["description"] or "", str(node_type["version"]),
                   tab if tab in TABS else "form", laid_out(schema), rows_of(schema))

    @classmethod
    def of_post(cls, form: Form) -> Draft:
        """Return one as it was typed."""
        tab = form.get("tab", "")
        return cls(form.get("name", ""), form.get("description", "").replace("\r\n", "\n"),
                   form.get("version", ""), tab if tab in TABS else "form",
                   form.get("text", "").replace("\r\n", "\n"), posted(form))

    def schema(self) -> Any:
        """Return the schema that it says, its members in their order; None for none.

        :raises ValueError: when it is none; ``faults`` say where
        """
        if self.tab == "json":
            made = self._parsed()
        else:
            made = schema_of(self.top)
            self.faults = [Fault(f"{row.place}.{name}", faults.called(row, name), told)
                           for row in self.top.below() for name, told in row.wrong.items()]
            if self.faults:
                raise ValueError("the schema cannot be read")
        return in_order(made)

    def is_named(self) -> bool:
        """Tell whether the type has a name; ``faults`` say so where it has none."""
        if not self.name.strip():
            self.faults = [Fault("name", "name", "is missing")]
        return not self.faults

    def sketch(self) -> Any:
        """Return the schema as far as it can be read, without a word on what is wrong."""
        try:
            return in_order(parse(self.text) if self.tab == "json" else schema_of(self.top))
        except ValueError:
            return None

    def turn(self, tab: str) -> None:
        """Say the same schema in another tab.

        :raises ValueError: as :meth:`schema` does
        """
        schema = self.schema()
        self.tab, self.text, self.top = tab, laid_out(schema), rows_of(schema)

    def params(self, schema: Any) -> dict[str, Any]:
        """Return what is to be saved, for the calls that create and update a node type."""
        version = {"version": version_of(self.version)} if self.version else {}
        return {"name": self.name, "description": self.description or None,
                "schema": schema} | version

    def differs(self, node_type: dict[str, Any]) -> list[Step]:
        """Return where it is another than a node type as it is.

        :raises ValueError: as :meth:`schema` does
        """
        now = Draft.of_type(node_type, self.tab)
        theirs, yours = ({"name": one.name, "description": one.description,
                          "schema": one.schema()} for one in (now, self))
        return between(theirs, yours)

    def blame(self, error: FlexdbError) -> None:
        """Say where it is wrong what a call refused."""
        fields = error.data.get("fields", {}) if isinstance(error.data, dict) else {}
        for name, told in fields.items():
            for one in told:
                self.faults.append(faults.placed(self.top if self.tab == "form" else None, one)
                                   if name == "schema" else Fault(name, name, one))
        if not self.faults:
            self.faults = [Fault("", "", str(error))]

    @property
    def wrong(self) -> dict[str, str]:
        """What is wrong, by the names of the fields."""
        return {fault.field: fault.told for fault in self.faults}

    def is_wrong_inside(self, place: str) -> bool:
        """Tell whether something is wrong with a keyword of a row."""
        return any(name.startswith(f"{place}.k.") or name == f"{place}.further"
                   for name in self.wrong)

    @property
    def lines(self) -> list[tuple[int, str]]:
        """What is wrong in the text, each with its line."""
        return [(line_of(self.text, fault.pointer) if fault.line is None else fault.line,
                 fault.told) for fault in self.faults if fault.field == "text"]

    def _parsed(self) -> Any:
        if not self.text.strip():
            return None
        try:
            return parse(self.text)
        except ValueError as error:
            line = getattr(error, "lineno", 1)
            self.faults = [Fault("text", f"line {line}", f"is no JSON: {error}", line=line)]
            raise


def version_of(text: str) -> Any:
    """Return the version that a form sent; what is none stays as it is, for a call to refuse."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else text
