"""What flows will say, as far as it is known before anyone calls.

Words without a template are fixed: they can be spoken ahead, so that no caller waits for them. So
can the sentences that are made of fixed labels, and those of the flow language itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass

from ivr.flow.actions import Prompt
from ivr.flow.asking import MenuStep, Option, Waiting
from ivr.flow.model import Flow, QueueStep
from ivr.flow.wording import PHRASES, phrase, waits
from ivr.flow.words import Place, Speech, Words

Batch = tuple[Prompt, ...]

_WRITTEN = frozenset({"text", "label"})
"""Speeches that are never spoken as they are: text messages, and labels, which become sentences."""


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


def fixed_batches(flows: Iterable[Flow]) -> list[Batch]:
    """What to `prepare`: whole speeches and menus where all is fixed, else the lines that are."""
    found: dict[Batch, None] = {}
    for flow in flows:
        for speech in _speeches(flow):
            for language in _languages(speech):
                found.update(dict.fromkeys(_batches(_told(speech, language))))
        for step in flow.steps.values():
            if isinstance(step, MenuStep):
                found.update(dict.fromkeys(_menu(step)))
            elif isinstance(step, QueueStep) and step.waiting is not None:
                found.update(dict.fromkeys(_wait(step.waiting, flow)))
        for each in flow.languages:
            found.update(dict.fromkeys(_own_sentences(each.code)))
    return list(found)


def _batches(told: Sequence[Line]) -> Iterator[Batch]:
    if told and all(line.fixed for line in told):
        yield tuple(line.prompt for line in told)
    else:
        yield from ((line.prompt,) for line in told if line.fixed)


def _menu(step: MenuStep) -> Iterator[Batch]:
    """The question with everything it offers, as it is said while all of it is open."""
    for language in _languages(step.say):
        told = _told(step.say, language)
        for key, option in step.options.items():
            told += _told(option.say, language) or _sentence(key, option, language)
        yield from _batches(told)


def _wait(waiting: Waiting, flow: Flow) -> Iterator[Batch]:
    """What is heard in a wait: each part of it, as they are joined in many ways."""
    for each in flow.languages:
        for key, option in waiting.options.items():
            told = _told(option.say, each.code) or _sentence(key, option, each.code)
            yield from _batches(told)
        yield from ((Prompt(text, each.code),) for text in waits.usual(each.code))


def _sentence(key: str, option: Option, language: str) -> list[Line]:
    label = _told(option.label, language)
    text = " ".join(line.prompt.text for line in label)
    if not text:
        return []
    said = phrase("option", language, False, label=text, key=key)
    return [Line(Prompt(said, language), all(line.fixed for line in label), option.place)]


def _own_sentences(language: str) -> Iterator[Batch]:
    for name, texts in PHRASES.items():
        if "{" not in texts["en"][0]:
            yield (Prompt(phrase(name, language, False), language),)


def _languages(speech: Speech) -> list[str]:
    return list(dict.fromkeys(language for words in speech for language in words.texts))


def _told(speech: Speech, language: str) -> list[Line]:
    return [_line(words, language) for words in speech if language in words.texts]


def _line(words: Words, language: str) -> Line:
    template = words.texts[language]
    fixed = not template.names
    text = template.render({"language": language}) if fixed else template.source
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
            if each.name not in _WRITTEN:
                yield from _speeches(getattr(value, each.name))
