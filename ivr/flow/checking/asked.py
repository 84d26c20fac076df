"""What is asked of callers: whether a telephone can answer it, and whether words and keys agree."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from ivr.flow.asking import (
    CollectStep,
    IdentifyStep,
    MenuStep,
    Option,
    SurveyStep,
    Waiting,
)
from ivr.flow.checking.graph import ASKING, is_open
from ivr.flow.fields import POINT, UNKEYED
from ivr.flow.loading.draft import Inspection
from ivr.flow.loading.reading import KEYPAD
from ivr.flow.loading.yaml import quote
from ivr.flow.model import HELP, AnyStep, QueueStep
from ivr.flow.running.written import plain
from ivr.flow.words import Place, Speech, Words

_NUMERALS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_NAMED: Mapping[str, Mapping[str, str]] = {
    "en": {
        **{word: str(number) for number, word in enumerate(_NUMERALS)},
        **{"star": "*", "asterisk": "*", "hash": "#", "pound": "#"},
    },
    "zh": {
        **{sign: str(number) for number, sign in enumerate("零一二三四五六七八九")},
        **{"星号": "*", "米字": "*", "井号": "#", "井字": "#"},
    },
}
"""Other names of keys, by language."""
_KEY = re.compile(r"(?<![0-9*#])[0-9*#](?![0-9*#])")
_PRESSED = {
    "en": re.compile(r"\b(?:press|key|dial)\s+([0-9*#])(?![0-9*#])", re.I),
    "zh": re.compile(r"按\s*([0-9*#])(?![0-9*#])"),
}
_FIELDS = re.compile(r"\{\{.*?\}\}")


def asked_fields(step: AnyStep) -> tuple[str, ...]:
    """The fields a step asks its caller for."""
    match step:
        case CollectStep():
            return (step.field,)
        case IdentifyStep():
            return step.ask
        case SurveyStep():
            return tuple(question.field for question in step.questions)
        case _:
            return ()


def check_asked(view: Inspection) -> None:
    """Reports what cannot be keyed, and menus whose words and keys do not agree."""
    flow = view.flow
    _helpless(view)
    _waits(view)
    for name, step in flow.steps.items():
        if isinstance(step, MenuStep):
            _menu(view, step)
        for wanted in asked_fields(step):
            field = flow.fields.get(wanted)
            if field is None:
                continue
            if field.type == "moment" or (field.type in UNKEYED and flow.numbers):
                cure = (
                    "collect digits, or fill it by other means: `set`, `identify`, `take`, `book`"
                )
                message = f"a telephone cannot key {quote(wanted)}, which is a {field.type}"
                view.problems.add(_place(view, name, step), message, cure)
            elif field.type == "amount":
                _amount(view, name, step)


def _helpless(view: Inspection) -> None:
    """A note on a key for help where nobody ever wrote any."""
    asking = (step.asking for step in view.flow.steps.values() if isinstance(step, ASKING))
    if any(each.help.speeches for each in asking):
        return
    for target, place in view.draft.key_targets:
        if target == HELP:
            message = "this key says nothing: no question has words for `help`"
            view.problems.note(place, message, "write them under `defaults`, or at a step")


def _place(view: Inspection, name: str, step: AnyStep) -> Place:
    keys = {CollectStep: "collect", IdentifyStep: "ask", SurveyStep: "questions"}
    return view.at(name, keys[type(step)])


def _amount(view: Inspection, name: str, step: AnyStep) -> None:
    """`*` is the decimal point of an amount."""
    if not isinstance(step, CollectStep | IdentifyStep | SurveyStep):
        return
    if step.asking.finish == POINT:
        message = "* ends this entry, and is the point of an amount"
        view.problems.add(_place(view, name, step), message, 'write finish: "#"')


# --- menus -----------------------------------------------------------------------------------


def _menu(view: Inspection, step: MenuStep) -> None:
    _always_closed(view, step)
    _answers(view, step.options)
    _told(view, step.say, step.options, view.at(step.name, "menu"), view.flow.keys)


def _waits(view: Inspection) -> None:
    """The same of the keys that lead out of waits; what several steps share is told once."""
    seen: list[Waiting] = []
    for step in view.flow.steps.values():
        waiting = step.waiting if isinstance(step, QueueStep) else None
        if waiting is None or waiting in seen:
            continue
        seen.append(waiting)
        words = tuple(words for speech in waiting.say for words in speech)
        place = words[0].place if words else step.place
        _answers(view, waiting.options)
        _told(view, words, waiting.options, place, ())


def _told(
    view: Inspection,
    speech: Speech,
    options: Mapping[str, Option],
    place: Place,
    more: Collection[str],
) -> None:
    """Notes on words and keys that do not agree; `more` are keys that do something as well."""
    labelled = [key for key, option in options.items() if option.label or option.say]
    for language, announced, pressed, fixed in _announced(speech, view):
        for key in sorted(pressed - {*options, *more}):
            message = f"the words say key {key}, which does nothing here ({language})"
            view.problems.note(place, message, "add it, or change the words")
        for key, option in options.items():
            if key not in announced and fixed and key not in labelled:
                cure = "say it, or give the option a `label`"
                where = f" ({language})" if len(view.flow.languages) > 1 else ""
                view.problems.note(option.place, f"nothing tells callers of key {key}{where}", cure)


def _answers(view: Inspection, options: Mapping[str, Option]) -> None:
    """Written answers mean one option each."""
    means: dict[str, str] = {}
    for key, option in options.items():
        for words in option.label:
            for template in (*words.texts.values(), *words.written.values()):
                if not template.names:
                    means.setdefault(plain(template.source), key)
    for key, option in options.items():
        for answer in option.also:
            other = answer if answer in KEYPAD else means.setdefault(plain(answer), key)
            if other != key:
                message = f"the answer {quote(answer)} means key {other} already"
                view.problems.add(option.place, message, "take it out of `also`, or say it fuller")


def _always_closed(view: Inspection, step: MenuStep) -> None:
    """Outside the hours of all options there would be nothing to choose."""
    calendars = {option.hours for option in step.options.values()}
    known = view.known.get(step.name)
    if known is None or None in calendars or not calendars:
        return
    if not any(known.must(is_open(calendar)) for calendar in calendars if calendar is not None):
        message = "every option has hours: outside them there is nothing to choose"
        view.problems.add(step.place, message, "add an option that is always there")


def _announced(speech: Speech, view: Inspection) -> Iterator[tuple[str, set[str], set[str], bool]]:
    """By language: keys its words name, keys they say to press, and whether no word changes."""
    codes = [each.code for each in view.flow.languages]
    if any(words.every for words in speech):
        texts = [_text(speech, code) for code in codes]
        named = set[str]().union(*map(_keys, texts, codes))
        pressed = set[str]().union(*map(_pressed, texts, codes))
        yield "every language", named, pressed, not any(map(_changes, speech))
        return
    for code in codes:
        text = _text(speech, code)
        yield code, _keys(text, code), _pressed(text, code), not any(map(_changes, speech))


def _text(speech: Speech, code: str) -> str:
    parts = (words.texts[code].source for words in speech if code in words.texts)
    return " ".join(_FIELDS.sub(" ", part) for part in parts)


def _changes(words: Words) -> bool:
    return any(template.names for template in words.texts.values())


def _keys(text: str, code: str) -> set[str]:
    found = set(_KEY.findall(text))
    low = text.lower()
    for word, key in _NAMED.get(code.partition("-")[0], {}).items():
        if word in low if not word.isascii() else re.search(rf"\b{word}\b", low):
            found.add(key)
    return found


def _pressed(text: str, code: str) -> set[str]:
    pattern = _PRESSED.get(code.partition("-")[0])
    return set(pattern.findall(text)) if pattern is not None else set()
