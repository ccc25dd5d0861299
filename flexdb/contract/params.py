"""The parameters of an operation."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from marshmallow import RAISE, Schema, ValidationError, fields, missing

from flexdb.context import Context
from flexdb.contract.violations import UnknownName


class Params(Schema):
    """The parameters of an operation; their order is the order of positional parameters.

    They pass through their fields one by one: marshmallow's own way of loading an object costs
    several times as much, and a call may hold thousands. So a hook or a validator would never be
    called, and :func:`flexdb.contract.operation.operation` refuses a class that has one.
    """

    class Meta:
        unknown = RAISE

    # The parameters of which exactly one is to be given, if any.
    either: ClassVar[tuple[str, ...]] = ()

    error_messages = {"type": "must be an object"}

    def load(self, data: Any, *, context: Context,  # type: ignore[override]
             **options: Any) -> dict[str, Any]:
        """Validate parameters; an empty string for an optional one counts as absent.

        :param context: where the limits are
        :raises marshmallow.ValidationError: with the messages of each field
        """
        if not isinstance(data, dict):
            raise ValidationError([self.error_messages["type"]])
        loaded: dict[str, Any] = {}
        wrong: dict[str, Any] = {}
        known = 0
        for key, name, field, default in self._members:
            value = data.get(key, missing)
            if value is missing and not field.required:
                if default is not missing:
                    loaded[name] = default() if callable(default) else default
                continue
            if value is not missing:
                known += 1
                if value == "" and not field.required:
                    value = missing
            try:
                if value is missing or value is None:
                    value = field.deserialize(value, key, data)
                else:
                    # What deserialize() does around it is to look for validators.
                    value = field._deserialize(value, key, data, context=context)
                if value is not missing:
                    loaded[name] = value
            except ValidationError as error:
                wrong[key] = error.messages
        if known < len(data):
            keys = dict.fromkeys(key for key, *_ in self._members)
            unknown = [UnknownName([*keys])]
            wrong |= {key: unknown for key in data if key not in keys}
        # What is wrong itself was meant to be given.
        if self.either and not wrong.keys() & {*self.either}:
            wrong |= self._wrong_choice(len(loaded.keys() & {*self.either}))
        if wrong:
            raise ValidationError(wrong)
        return loaded

    def _wrong_choice(self, given: int) -> dict[str, list[str]]:
        """Return what is wrong where so many are given of which one is to be."""
        if given == 1:
            return {}
        told = "may not stand beside {}" if given else "is missing: give it, or {}"
        return {name: [told.format(" or ".join(other for other in self.either if other != name))]
                for name in self.either}

    @cached_property
    def _members(self) -> list[tuple[str, str, fields.Field[Any], Any]]:
        """Return keys, names and fields, and what counts where one is absent."""
        return [(field.data_key or name, name, field, field.load_default)
                for name, field in self.load_fields.items()]
