"""The queues of a floor file: every rule of `acd.floor.Queue`, each with its bounds."""

from __future__ import annotations

from collections.abc import Collection

from acd.floor import ALL_SKILLS, Callbacks, Queue, Relaxation
from acd.words import Formula, Order, Strategy
from ivr.floor.agents import known_queue
from ivr.floor.reading import EXTENSION, shown
from ivr.flow.loading.section import Section, as_duration, as_integer, as_list, as_text, kind
from ivr.flow.loading.yaml import Node, Problems, Scalar, Sequence, quote
from ivr.flow.words import Place

NEVER = "never"
"""A grace that does not end."""


class Relaxations:
    """The steps of all queues; what they name is checked once all queues and agents are read."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self._queues: list[Node] = []
        self._skills: list[tuple[str, Place]] = []

    def check(self, queues: set[str], skills: Collection[str]) -> None:
        """Report queues that do not exist and skills that no agent has."""
        for node in self._queues:
            known_queue(node, queues, self.problems)
        for skill, place in self._skills:
            if skill not in skills:
                self.problems.unknown(place, "skill", skill, skills)

    def read(self, section: Section) -> tuple[Relaxation, ...]:
        """The steps under `relax`, each later than the one before."""
        node = section.node("relax")
        if node is None:
            return ()
        items = node.items if isinstance(node, Sequence) else (node,)
        steps = [self._step(item) for item in items]
        for before, after, item in zip(steps, steps[1:], items[1:], strict=False):
            if after.after <= before.after:
                cure = "write the steps in order, each with a longer wait"
                message = f"a step after {after.after:g}s cannot follow one after {before.after:g}s"
                self.problems.add(item.place, message, cure)
        return tuple(steps)

    def _step(self, item: Node) -> Relaxation:
        with Section(item, "a step of relax", self.problems) as section:
            after = section.duration("after", low=1)
            levels = {}
            for skill, place, level in section.entries("levels"):
                self._skills.append((skill, place))
                what = f"the level of {skill}"
                levels[skill] = as_integer(level, what, self.problems, low=1, high=10) or 1
            drop, also = self._drop(section), self._also(section)
            if section.usable and not (levels or drop or also):
                cure = "write levels: {skill: 3}, drop: [skill], drop: all, or also: [queue]"
                self.problems.add(item.place, "this step of relax changes nothing", cure)
        return Relaxation(after, levels, drop, also)

    def _drop(self, section: Section) -> tuple[str, ...]:
        node = section.node("drop")
        if node is None:
            return ()
        if isinstance(node, Scalar) and node.text == "all":
            return (ALL_SKILLS,)
        return as_list(node, quote("drop"), self.problems, self._skill)

    def _skill(self, node: Node) -> str | None:
        skill = as_text(node, "a skill", self.problems)
        if skill is not None:
            self._skills.append((skill, node.place))
        return skill

    def _also(self, section: Section) -> tuple[str, ...]:
        node = section.node("also")
        if node is None:
            return ()
        return as_list(node, quote("also"), self.problems, self._queue)

    def _queue(self, node: Node) -> str | None:
        self._queues.append(node)
        return as_text(node, "a queue", self.problems)


def read_queue(
    name: str, section: Section, relaxations: Relaxations, callbacks: Callbacks
) -> Queue:
    """One queue; what is not written is as in `acd.floor.Queue`."""
    usual = Queue(name)
    empty = _grace(section, "leave_when_empty", usual.leave_when_empty)
    return Queue(
        name=name,
        title=shown(section, "title", name),
        ring_seconds=section.duration("ring", usual.ring_seconds, low=5, high=120),
        wrap_up_seconds=section.duration("wrap_up", usual.wrap_up_seconds, high=3600),
        seconds_per_priority=section.duration(
            "per_priority", usual.seconds_per_priority, high=3600
        ),
        weight=section.integer("weight", 0, low=-100, high=100),
        max_waiting=section.integer("max_waiting", None, low=1, high=10_000),
        max_wait=section.duration("max_wait", None, low=5),
        max_expected_wait=section.duration("max_expected_wait", None, low=5),
        leave_when_empty=empty,
        leave_when_unskilled=_grace(section, "leave_when_unskilled", empty),
        leave_when_paused=_grace(section, "leave_when_paused", None),
        leave_when_busy=_grace(section, "leave_when_busy", None),
        turn_away_when_empty=section.duration("turn_away_when_empty", None),
        turn_away_when_unskilled=section.duration("turn_away_when_unskilled", None),
        turn_away_when_paused=section.duration("turn_away_when_paused", None),
        turn_away_when_busy=section.duration("turn_away_when_busy", None),
        no_answer_limit=section.integer("no_answer_limit", usual.no_answer_limit, low=0, high=20),
        retry_same_agent_after=section.duration("retry_same_agent", usual.retry_same_agent_after),
        target_seconds=section.duration("target", usual.target_seconds, low=1),
        short_abandon_seconds=section.duration("short_abandon", usual.short_abandon_seconds),
        strategy=Strategy(section.choice("strategy", [*Strategy], Strategy.LONGEST_IDLE)),
        order=Order(section.choice("order", [*Order], Order.AGE)),
        relax=relaxations.read(section),
        prefer_seconds=section.duration("prefer", usual.prefer_seconds, high=3600),
        disposition_required=_disposition(section),
        formula=Formula(section.choice("service_level", [*Formula], Formula.WITHOUT_SHORT)),
        handle_seconds=section.duration("handle_time", None, low=5),
        announce_every=section.duration("announce_every", usual.announce_every, low=10),
        regain_seconds=section.duration("regain", usual.regain_seconds, high=3600),
        callbacks=callbacks,
        promise_seconds=section.duration("promise", None, low=5, high=3600),
    )


def _disposition(section: Section) -> bool:
    return section.choice("disposition", ("optional", "required"), "optional") == "required"


def _grace(section: Section, key: str, usual: float | None) -> float | None:
    """A duration, or `never`."""
    node = section.node(key)
    if node is None:
        return usual
    if isinstance(node, Scalar) and node.text == NEVER:
        return None
    if not isinstance(node, Scalar) or not node.text[:1].isdigit():
        cure = f"write a number and its unit, such as 20s, or {NEVER}"
        section.problems.add(node.place, f"{quote(key)} cannot be {kind(node)}", cure)
        return usual
    return as_duration(node, quote(key), section.problems)


def read_number(section: Section, queue: str, numbers: dict[str, str]) -> None:
    """The number agents dial for the queue, entered into `numbers`."""
    problems, node = section.problems, section.node("number")
    text = as_text(node, "number", problems) if node is not None else None
    if node is None or text is None:
        return
    if not EXTENSION.fullmatch(text):
        problems.add(node.place, f'"{text}" is not a number to dial', "2 to 15 digits, in quotes")
    elif text in numbers:
        problems.add(
            node.place, f"{text} is the number of {numbers[text]} already", "give it its own"
        )
    else:
        numbers[text] = queue
