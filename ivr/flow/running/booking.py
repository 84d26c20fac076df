"""`book`: free times of a calendar service are offered page by page, and one is reserved."""

from __future__ import annotations

from datetime import datetime, timedelta

from ivr.flow.actions import Choice, Failed, Prompt, Prompts, Value
from ivr.flow.asking import BookStep
from ivr.flow.errands import (
    AnyResult,
    Reserve,
    Reserved,
    Slot,
    SlotList,
    Slots,
    SlotTaken,
)
from ivr.flow.running.kinds import Kind, Next
from ivr.flow.running.questions import Asks, Question, note_answer
from ivr.flow.running.scene import Scene

LATER = "9"
"""The key for later times."""
MAX_OFFER = 8
PAGES = 4
"""Pages of times asked for at once."""
MAX_SLOTS = 64
"""Times held for one question; with that many nothing later is asked for."""
MANY = 200
"""Times asked for at once where a calendar of ours decides which of them are offered."""


class _Books(Asks[BookStep]):
    """A time that was taken meanwhile is told, and fresh ones are offered, `attempts` times."""

    def begin(self, scene: Scene, step: BookStep) -> Next:
        if step.hours is not None and not scene.check_hours(step.hours):
            return step.asking.otherwise
        return self._seek(scene, step)

    def again(self, scene: Scene, step: BookStep) -> Next:
        match scene.state.phase:
            case "slots":
                return self._seek_on(scene, step)
            case "reserve" if scene.state.held is not None:
                # It may be theirs already: the same asking, by the same key, takes it once.
                return self._reserve(scene, step, str(scene.state.held))
            case _:
                return super().again(scene, step)

    def take(self, scene: Scene, step: BookStep, result: AnyResult) -> Next:
        match scene.state.phase, result:
            case "slots", SlotList(slots):
                return self._found(scene, step, slots)
            case "reserve", Reserved(reference):
                return self._reserved(scene, step, reference)
            case "reserve", SlotTaken():
                return self._taken(scene, step)
            case (("slots" | "reserve"), Failed(why)):
                scene.tell("failed", why=why)
                return step.asking.otherwise
            case (("slots" | "reserve"), _):
                raise scene.unfit(result)
        return super().take(scene, step, result)

    # --- finding times ---

    def _seek(self, scene: Scene, step: BookStep) -> Next:
        """From the beginning."""
        scene.change(slots=(), place=0, held=None)
        return self._seek_on(scene, step)

    def _seek_on(self, scene: Scene, step: BookStep) -> Next:
        """What comes after the times that are known."""
        first = scene.now.astimezone(scene.flow.zone) + timedelta(seconds=step.after)
        last = scene.now + timedelta(seconds=step.within)
        if scene.state.slots:
            known = datetime.fromisoformat(scene.state.slots[-1].start)
            first = max(first, known.astimezone(scene.flow.zone) + timedelta(seconds=1))
        scene.change(phase="slots")
        within = max(0.0, (last - first).total_seconds())
        prompts = scene.prompts(step.patience)
        return Slots(step.service, first, within, _limit(step), prompts)

    def _found(self, scene: Scene, step: BookStep, found: tuple[Slot, ...]) -> Next:
        scene.tell("slots", service=step.service, found=len(found))
        limit, known = _limit(step), scene.state.slots
        earliest = known[-1].start if known else None
        sound = _sound(found[:limit], earliest)
        if len(sound) < len(found[:limit]):
            scene.tell("answer_refused", name=step.into, path="slots")
        if found and not sound and not known:
            return step.asking.otherwise
        fresh = self._during(scene, step, sound)[: MAX_SLOTS - len(known)]
        if not fresh and not known:
            return step.none
        slots = (*known, *fresh)
        more = len(found) >= limit and bool(fresh) and len(slots) < MAX_SLOTS
        scene.change(slots=slots, place=len(known) if fresh else 0, more=more)
        return self.ask(scene, step)

    def _during(self, scene: Scene, step: BookStep, slots: tuple[Slot, ...]) -> tuple[Slot, ...]:
        """Those that begin while the calendar of the step is open."""
        if step.during is None:
            return slots
        calendar = scene.flow.calendars[step.during]
        switch = scene.switches.get(calendar.name)
        kept = tuple(
            slot for slot in slots if calendar.is_open(datetime.fromisoformat(slot.start), switch)
        )
        if len(kept) < len(slots):
            left_out = len(slots) - len(kept)
            scene.tell("slots_left_out", calendar=step.during, slots=left_out)
        return kept

    # --- offering them ---

    def question(self, scene: Scene, step: BookStep) -> Question:
        return Question(keys=tuple(self._page(scene, step)))

    def _page(self, scene: Scene, step: BookStep) -> dict[str, Slot | None]:
        """What each key stands for; None for later times."""
        state, offer = scene.state, _offer(step)
        slots = state.slots[state.place : state.place + offer]
        page: dict[str, Slot | None] = {str(at): slot for at, slot in enumerate(slots, 1)}
        if state.more or len(state.slots) > state.place + offer:
            page[LATER] = None
        return page

    def _offers(self, scene: Scene, step: BookStep) -> dict[str, Prompt]:
        """The sentence for each key."""
        barge_in = step.asking.barge_in
        sentences: dict[str, Prompt] = {}
        for key, slot in self._page(scene, step).items():
            if slot is None:
                sentences[key] = scene.phrase("later-slots", "", barge_in, key=key)
            else:
                moment = scene.speak("moment", slot.start)
                sentences[key] = scene.phrase("slot", "", barge_in, moment=moment, key=key)
        return sentences

    def words(self, scene: Scene, step: BookStep, question: Question) -> Prompts:
        prompts = scene.prompts(step.say, barge_in=step.asking.barge_in)
        return (*prompts, *self._offers(scene, step).values())

    def choices(self, scene: Scene, step: BookStep, question: Question) -> tuple[Choice, ...]:
        # Written, a sentence is the key and its label.
        return tuple(
            Choice(key, sentence.text.removeprefix(f"{key} "))
            for key, sentence in self._offers(scene, step).items()
        )

    def answered(self, scene: Scene, step: BookStep, answer: Value, keyed: str) -> Next:
        scene.tell("key", key=str(answer))
        slot = self._page(scene, step)[str(answer)]
        if slot is None:
            return self._later(scene, step)
        return self._reserve(scene, step, slot.id)

    def _reserve(self, scene: Scene, step: BookStep, slot: str) -> Reserve:
        scene.change(phase="reserve", held=slot)
        given = scene.rendered(step.given)
        return Reserve(step.service, slot, given, scene.prompts(step.patience))

    def _later(self, scene: Scene, step: BookStep) -> Next:
        scene.change(noinputs=0, nomatches=0, helps=0)
        place = scene.state.place + _offer(step)
        if place < len(scene.state.slots):
            scene.change(place=place)
            return self.ask(scene, step)
        return self._seek_on(scene, step)

    def back(self, scene: Scene, step: BookStep) -> Next | None:
        if scene.state.place == 0:
            return None
        scene.change(place=max(0, scene.state.place - _offer(step)))
        return self.reask(scene, step)

    # --- taking one ---

    def _reserved(self, scene: Scene, step: BookStep, reference: str) -> Next:
        state = scene.state
        slot = next((each for each in state.slots if each.id == state.held), None)
        start = scene.flow.fields[step.into].from_text(slot.start) if slot is not None else None
        scene.tell("booked", service=step.service, start=start, reference=reference)
        if start is not None:
            scene.fill({step.into: start}, by="service")
            note_answer(scene, step.into)
        if step.reference is not None and reference:
            value = scene.flow.fields[step.reference].from_text(reference)
            if value is None:
                scene.tell("field_refused", name=step.reference, value=reference)
            else:
                scene.fill({step.reference: value}, by="service")
                note_answer(scene, step.reference)
        return step.next

    def _taken(self, scene: Scene, step: BookStep) -> Next:
        rounds = scene.state.rounds + 1
        scene.tell("slot_taken", tries=rounds)
        if rounds >= step.asking.attempts:
            scene.tell("gave_up", tries=rounds)
            return step.asking.otherwise
        scene.change(rounds=rounds, notice="slot-gone", noinputs=0, nomatches=0, helps=0)
        return self._seek(scene, step)


BOOK: Kind[BookStep] = _Books()


def _offer(step: BookStep) -> int:
    return max(1, min(step.offer, MAX_OFFER))


def _limit(step: BookStep) -> int:
    return _offer(step) * PAGES if step.during is None else MANY


def _sound(slots: tuple[Slot, ...], after: str | None) -> tuple[Slot, ...]:
    """Those with a readable start, in order of time, that come after what is known."""
    known = datetime.fromisoformat(after) if after is not None else None
    starts = [(start, slot) for slot in slots if (start := _start(slot)) is not None]
    later = (each for each in starts if known is None or each[0] > known)
    return tuple(slot for _, slot in sorted(later, key=lambda each: each[0]))


def _start(slot: Slot) -> datetime | None:
    try:
        start = datetime.fromisoformat(slot.start)
    except ValueError:
        return None
    return start if start.tzinfo is not None else None
