"""What the grammar is made of: kinds of values, keys, and mappings with known keys.

A kind says the same thing twice: in words for people, and as JSON Schema (draft 7) for editors.
YAML is read as text here, so a schema takes a number or a boolean wherever text may stand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ivr.flow.loading.section import span

Schema = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Kind:
    """What may stand as a value. `low` and `high` are those of a number or a duration."""

    words: str
    schema: Schema
    low: float | None = None
    high: float | None = None

    @property
    def is_duration(self) -> bool:
        """Whether the bounds are seconds."""
        return self.schema.get("pattern") == DURATION


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a mapping; `default` is what counts without it, as it would be written.

    With a `pattern`, it stands for every key that matches it, and `name` is only how it is shown.
    """

    name: str
    kind: Kind
    about: str
    default: str = ""
    required: bool = False
    pattern: str | None = None

    def is_for(self, name: str) -> bool:
        """Whether this key of a file is meant."""
        return bool(re.search(self.pattern, name)) if self.pattern else name == self.name


@dataclass(frozen=True, slots=True)
class Block:
    """A mapping with known keys; `title` names it in the reference."""

    name: str
    title: str
    about: str
    keys: tuple[Key, ...]
    example: str = ""

    def takes(self, name: str) -> bool:
        """Whether a key may stand here."""
        return any(key.is_for(name) for key in self.keys)

    def key(self, name: str) -> Key:
        """The key of that name. Raises KeyError."""
        found = next((key for key in self.keys if key.is_for(name)), None)
        if found is None:
            raise KeyError(name)
        return found


# --- kinds -----------------------------------------------------------------------------------

DURATION = r"^(?=.)(\d{1,3}d)?(\d{1,4}h)?(\d{1,6}m)?(\d{1,6}(\.\d{1,3})?s)?$"
_SCALAR = ["string", "number", "boolean"]


def reference(block: str) -> Schema:
    """A definition of the schema, by its name."""
    return {"$ref": f"#/definitions/{block}"}


def duration(low: float, high: float) -> Kind:
    """Seconds within bounds."""
    words = f"duration, {span(low)} to {span(high)}"
    return Kind(words, {"type": "string", "pattern": DURATION}, low, high)


def integer(low: int, high: int) -> Kind:
    """A whole number within bounds."""
    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Kind(f"{low} to {high}", schema, low, high)


def choice(*words: str) -> Kind:
    """One of a few words."""
    return Kind(", ".join(f"`{each}`" for each in words), {"enum": list(words)})


def name(pattern: str, words: str) -> Kind:
    """A name."""
    return Kind(words, {"type": ["string", "integer"], "pattern": pattern})


def list_of(kind: Kind, words: str) -> Kind:
    """A list; a single value will do."""
    items = {"type": "array", "items": kind.schema}
    return Kind(words, {"anyOf": [kind.schema, items]})


def mapping_of(kind: Kind, words: str, names: str = ".") -> Kind:
    """Free names, each with a value."""
    return Kind(
        words,
        {
            "type": "object",
            "additionalProperties": kind.schema,
            "propertyNames": {"pattern": names},
        },
    )


def block(of: str, words: str) -> Kind:
    """A mapping with the keys of the block of that name."""
    return Kind(words, reference(of))


def either(words: str, *kinds: Kind) -> Kind:
    """One kind or another."""
    return Kind(words, {"anyOf": [kind.schema for kind in kinds]})


FIELD_NAME = "^[a-z][a-z0-9_]{0,39}$"
PLAIN_NAME = "^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$"

TEXT = Kind("text", {"type": _SCALAR})
NOTHING = Kind("nothing", {"type": "null"})
TEMPLATE = Kind("text with fields", {"type": _SCALAR})
CONDITION = Kind("condition", {"type": _SCALAR})
BOOLEAN = Kind("`true` or `false`", {"type": "boolean"})
WORDS = Kind("words", reference("speech"))
ESCALATION = Kind("list of words", reference("escalation"))
STEP = name(r"^[a-z][a-z0-9_-]{0,39}\??$", "step")
FIELD = name(FIELD_NAME, "field")
FIELDS = list_of(FIELD, "list of fields")
CALENDAR = Kind("calendar", {"type": "string"})
PLAIN = name(PLAIN_NAME, "name")
SETS = mapping_of(TEMPLATE, "field: value", FIELD_NAME)
GIVEN = mapping_of(TEMPLATE, "name: value")
TAKE = mapping_of(TEXT, "field: where from", FIELD_NAME)
LEVEL = integer(1, 10)
NEEDS = mapping_of(LEVEL, "skill: level, 1 to 10")
FINISH = choice("#", "*", "none")
KEYPAD = "^[0-9*#]$"
