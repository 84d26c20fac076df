"""`guidance.yaml` beside the flows: what an agent says at each stage of a conversation.

    scripts:
      - queue: appointments
        reason: appointment
        greet: {en: "Good morning, {{ name }}, this is the clinic.", zh: "{{ name }}，您好。"}
        verify: {en: "May I have your date of birth?"}
      - greet: "Good morning. How can I help you?"

A script is for a queue, a reason, both, or neither; the most exact one that fits is shown. Words
take the contact's fields as those of flows do, and what is not known is left blank.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ivr.flow.loading.files import read_source
from ivr.flow.loading.loader import GUIDANCE
from ivr.flow.loading.section import Section, as_text
from ivr.flow.loading.yaml import Mapping as MappingNode
from ivr.flow.loading.yaml import Node, Problems, Sequence, parse
from ivr.flow.templates import TemplateRefused, Text, compile_text

STAGES: Final = ("greet", "verify", "identify", "understand", "solve", "recap", "offer")
ANY: Final = ""
"""The language of words that are given in one alone."""


@dataclass(frozen=True, slots=True)
class Script:
    """What is said, by stage and language. `queue` and `reason` are "" for all of them."""

    queue: str
    reason: str
    lines: Mapping[str, Mapping[str, Text]]


@dataclass(frozen=True, slots=True)
class Guidance:
    """Every script of an installation."""

    scripts: tuple[Script, ...] = field(default_factory=tuple)

    def lines(
        self, queue: str, reason: str, fields: Mapping[str, object], language: str
    ) -> tuple[tuple[str, str], ...]:
        """Stage and words, in the order of stages; nothing where no script fits."""
        fits = [
            each
            for each in self.scripts
            if each.queue in {"", queue} and each.reason in {"", reason}
        ]
        if not fits:
            return ()
        script = max(fits, key=lambda each: (bool(each.queue), bool(each.reason)))
        said = ((stage, script.lines.get(stage)) for stage in STAGES)
        return tuple((stage, _in(words, language).render(fields)) for stage, words in said if words)


def _in(words: Mapping[str, Text], language: str) -> Text:
    first = next(iter(words.values()))
    return words.get(language) or words.get(ANY) or words.get("en") or first


def read_guidance(folder: Path, problems: Problems, queues: Collection[str]) -> Guidance:
    """The file in that folder; without one there is no guidance."""
    source = read_source(folder / GUIDANCE, problems, optional=True)
    root = parse(source, str(folder / GUIDANCE), problems) if source is not None else None
    if root is None:
        return Guidance()
    with Section(root, "the file", problems) as section:
        node = section.node("scripts", required=True)
        if node is not None and not isinstance(node, Sequence):
            problems.add(node.place, '"scripts" is a list', "begin each script with a dash")
        items = node.items if isinstance(node, Sequence) else ()
        return Guidance(tuple(_script(item, problems, queues) for item in items))


def _script(item: Node, problems: Problems, queues: Collection[str]) -> Script:
    with Section(item, "a script", problems) as section:
        queue, reason = section.text("queue", ""), section.text("reason", "")
        if queue and queue not in queues:
            problems.unknown(section.place_of("queue"), "queue", queue, queues)
        lines = dict(_stages(section, problems))
        if section.usable and not lines:
            cure = f"write what is said: {', '.join(STAGES)}"
            problems.add(item.place, "this script says nothing", cure)
    return Script(queue, reason, lines)


def _stages(section: Section, problems: Problems) -> Iterator[tuple[str, dict[str, Text]]]:
    for stage in STAGES:
        node = section.node(stage)
        if node is None:
            continue
        if isinstance(node, MappingNode):
            found = {lang: _words(text, problems) for lang, _, text in section.entries(stage)}
        else:
            found = {ANY: _words(node, problems)}
        words = {language: text for language, text in found.items() if text is not None}
        if words:
            yield stage, words


def _words(node: Node, problems: Problems) -> Text | None:
    text = as_text(node, "what is said", problems)
    if text is None:
        return None
    try:
        return compile_text(text, node.place)
    except TemplateRefused as refused:
        problems.add(node.place, refused.reason, refused.cure)
        return None
