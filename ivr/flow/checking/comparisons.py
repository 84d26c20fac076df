"""Conditions that can never hold, because a field is compared with what it cannot be.

They are found in the words of a template: a name, a sign and a constant. What is more complicated
is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ivr.flow.checking.reads import reads
from ivr.flow.errands import LEVELS
from ivr.flow.fields import Field
from ivr.flow.loading.draft import Inspection
from ivr.flow.loading.yaml import quote
from ivr.flow.words import Template

_NAME = r"(?<![\w.'\"|])(?P<name>[a-z]\w*)"
_TEXT = r"(?P<quote>['\"])(?P<text>[^'\"]*)(?P=quote)"
_COMPARED = re.compile(rf"{_NAME}\s*(?P<sign>==|!=|<=|>=|<|>)\s*{_TEXT}")
_AMONG = re.compile(rf"{_NAME}\s+(?:not\s+)?in\s*[(\[](?P<texts>[^)\]]*)[)\]]")
_TEXTS = re.compile(_TEXT)
_BLOCK = re.compile(r"\{\{(.*?)\}\}", re.S)


@dataclass(frozen=True, slots=True)
class _Comparison:
    name: str
    sign: str
    text: str


def check_comparisons(view: Inspection) -> None:
    """Reports constants that a field, the language or the level never is."""
    words: dict[str, tuple[str, ...]] = {
        "language": tuple(each.code for each in view.flow.languages),
        "level": LEVELS,
    }
    fields = view.flow.fields
    words |= {name: each.of for name, each in fields.items() if each.type == "choice" and each.of}
    for step in view.flow.steps.values():
        for read in reads(step):
            if read.template.names:
                for found in _comparisons(read.template):
                    _check(view, read.template, found, words)


def _comparisons(template: Template) -> Iterator[_Comparison]:
    source = template.source
    parts = _BLOCK.findall(source) if "{{" in source else [source]
    for part in parts:
        for match in _COMPARED.finditer(part):
            yield _Comparison(match["name"], match["sign"], match["text"])
        for match in _AMONG.finditer(part):
            for text in _TEXTS.finditer(match["texts"]):
                yield _Comparison(match["name"], "==", text["text"])


def _check(
    view: Inspection,
    template: Template,
    found: _Comparison,
    words: Mapping[str, tuple[str, ...]],
) -> None:
    if found.name not in template.names:
        return
    field = view.flow.fields.get(found.name)
    if found.name in words and found.sign in {"==", "!="} and found.text not in words[found.name]:
        message = f"{quote(found.name)} is never {quote(found.text)}"
        view.problems.add(
            template.place, message, view.problems.guess(found.text, words[found.name])
        )
    elif field is not None and field.type == "yesno":
        message = f"{quote(found.name)} is true or false, never {quote(found.text)}"
        cure = f"write `{found.name}` or `not {found.name}`"
        view.problems.add(template.place, message, cure)
    elif field is not None and field.type == "number":
        message = f"{quote(found.name)} is a number, never the text {quote(found.text)}"
        view.problems.add(template.place, message, "write the number without quotes")
    elif field is not None and found.sign in {"==", "!="} and not _can_be(field, found.text):
        message = f"{quote(found.name)} has the type {field.type}, and is never {quote(found.text)}"
        view.problems.add(template.place, message)


def _can_be(field: Field, text: str) -> bool:
    """Whether an entry can be this text; where nothing was entered, it is empty."""
    return not text or field.type == "text" or field.from_text(text) is not None
