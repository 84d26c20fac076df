"""What flows will say, as far as it is known before anyone calls.

Words without a template are fixed: they can be spoken ahead, so that no caller waits for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass

from ivr.flow.actions import Prompt
from ivr.flow.model import Flow, Place, Speech, Words


@dataclass(frozen=True, slots=True)
class Line:
    """Words of a flow in one language; unless `fixed`, the text is a template still."""

    prompt: Prompt
    fixed: bool
    place: Place


def lines(flows: Iterable[Flow]) -> list[Line]:
    """Every line of these flows in every language it is written in, in their order."""
    spoken = (words for flow in flows for speech in _speeches(flow) for words in speech)
    return list(
        dict.fromkeys(_line(words, language) for words in spoken for language in words.texts)
    )


def fixed_batches(flows: Iterable[Flow]) -> list[tuple[Prompt, ...]]:
    """What to `prepare`: whole speeches where everything is fixed, else the lines that are."""
    found: dict[tuple[Prompt, ...], None] = {}
    for flow in flows:
        for speech in _speeches(flow):
            found.update(dict.fromkeys(_batches(speech)))
    return list(found)


def _batches(speech: Speech) -> Iterator[tuple[Prompt, ...]]:
    languages = dict.fromkeys(language for words in speech for language in words.texts)
    for language in languages:
        told = [_line(words, language) for words in speech if language in words.texts]
        if all(line.fixed for line in told):
            yield tuple(line.prompt for line in told)
        else:
            yield from ((line.prompt,) for line in told if line.fixed)


def _line(words: Words, language: str) -> Line:
    template = words.texts[language]
    fixed = not template.names
    text = template.render({}) if fixed else template.source
    return Line(Prompt(text, language, words.sound), fixed, words.place)


def _speeches(value: object) -> Iterator[Speech]:
    """All speeches below `value`, found by their type: a new kind of step needs no change here."""
    if isinstance(value, tuple):
        if value and all(isinstance(item, Words) for item in value):
            yield value
        else:
            for item in value:
                yield from _speeches(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _speeches(item)
    elif is_dataclass(value):
        for each in fields(value):
            yield from _speeches(getattr(value, each.name))
