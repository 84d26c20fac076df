"""The steps that reach for people: queues, transfers, and messages left for somebody."""

from __future__ import annotations

from ivr.flow.actions import (
    NOBODY,
    Advice,
    Choice,
    Failed,
    Meanwhile,
    NotRecorded,
    Queue,
    QueueLeft,
    Record,
    Recorded,
    Transfer,
    TransferLeft,
    Voicemail,
)
from ivr.flow.asking import Option, Waiting
from ivr.flow.errands import AnyResult
from ivr.flow.model import QueueStep, RecordStep, TransferStep, VoicemailStep
from ivr.flow.running.kinds import Kind, Next, end
from ivr.flow.running.menus import offers, open_options, words_for
from ivr.flow.running.scene import Scene, joined, whole

MAX_WAITS = 2000
"""Waits for people that count as something happening; at 20 seconds each they fill eleven hours."""


def _waited(scene: Scene) -> None:
    """A wait is no idle round of the flow, unless there is no end to them."""
    if scene.state.waits < MAX_WAITS:
        scene.change(idle=0, waits=scene.state.waits + 1)


class _Queues(Kind[QueueStep]):
    """`queue`."""

    def begin(self, scene: Scene, step: QueueStep) -> Next:
        name = scene.render(step.queue)
        if not name:
            scene.tell("queue_left", queue="", outcome="failed", detail="the queue has no name")
            return step.exits["failed"]
        if step.hours is not None and not scene.check_hours(step.hours):
            scene.tell("queue_left", queue=name, outcome="closed", detail=step.hours)
            return step.exits["closed"]
        return self.again(scene, step)

    def again(self, scene: Scene, step: QueueStep) -> Next:
        needs = scene.needs(step.needs)
        action = Queue(
            queue=scene.render(step.queue),
            needs=needs,
            priority=whole(scene.render(step.priority)),
            tell_agent=scene.render(step.tell_agent),
            whisper=joined(scene.prompts(step.whisper)),
            agent=scene.render(step.agent) or None,
            max_wait=step.max_wait,
            prefers=scene.render(step.prefer) or None,
            prefer_seconds=step.prefer_for,
            waiting=None if step.waiting is None else _meanwhile(scene, step.waiting),
        )
        if not action.queue:
            return step.exits["failed"]
        scene.change(phase="queue")
        scene.tell(
            "queue",
            queue=action.queue,
            needs=[f"{skill}:{level}" for skill, level in needs.items()],
            priority=action.priority,
            tell_agent=action.tell_agent,
        )
        return action

    def take(self, scene: Scene, step: QueueStep, result: AnyResult) -> Next:
        match result:
            case QueueLeft("answered", detail):
                _waited(scene)
                scene.tell("queue_left", outcome="answered", detail=detail)
                return end(scene) if step.next is None else step.next
            case QueueLeft("key", key):
                option = None if step.waiting is None else step.waiting.options.get(key)
                if option is None:
                    raise scene.unfit(result)
                return _by_key(scene, key, option)
            case QueueLeft(outcome, detail):
                if outcome == "timeout":
                    _waited(scene)
                scene.tell("queue_left", outcome=outcome, detail=detail)
                return _way(step, outcome, detail)
            case Failed(why):
                scene.tell("failed", why=why)
                return step.exits["failed"]
            case _:
                raise scene.unfit(result)


def _way(step: QueueStep, outcome: str, detail: str) -> str:
    """The way out; one kind of "nobody" may have its own."""
    kinds = (kind for kind, told in NOBODY.items() if outcome == "nobody" and detail == told)
    return step.exits.get(next(kinds, outcome), step.exits[outcome])


def _by_key(scene: Scene, key: str, option: Option) -> Next:
    scene.change(idle=0)
    scene.tell("queue_left", outcome="key", detail=key)
    scene.assign(option.sets)
    return option.next


def _meanwhile(scene: Scene, waiting: Waiting) -> Meanwhile:
    there, language = open_options(scene, waiting.options), scene.state.language
    options = {key: option for key, option in there.items() if option.room is None}

    def choice(key: str, option: Option) -> Choice:
        return Choice(key, scene.said(option.label, language))

    return Meanwhile(
        language=language,
        say=tuple(prompts for each in waiting.say if (prompts := scene.prompts(each))),
        after=waiting.after,
        every=waiting.every,
        position=waiting.position,
        estimate=waiting.estimate,
        keys=tuple(choice(key, each) for key, each in options.items()),
        offers=offers(scene, options),
        answers=tuple(
            (words, key)
            for key, option in there.items()
            for words in (key, *words_for(scene, option))
        ),
        advice=tuple(
            Advice(choice(key, each), each.room.channel, queue, offers(scene, {key: each}))
            for key, each in there.items()
            if each.room is not None and (queue := scene.render(each.room.queue))
        ),
    )


QUEUE: Kind[QueueStep] = _Queues()


class _Transfers(Kind[TransferStep]):
    """`transfer`. Outside its hours it has failed at once."""

    def begin(self, scene: Scene, step: TransferStep) -> Next:
        if step.hours is not None and not scene.check_hours(step.hours):
            scene.tell("transfer_left", outcome="failed", detail=f"{step.hours} is closed")
            return step.exits["failed"]
        return self.again(scene, step)

    def again(self, scene: Scene, step: TransferStep) -> Next:
        to, queue = scene.render(step.to), scene.render(step.queue)
        if not to or (not step.outside and not queue):
            scene.tell("transfer_left", outcome="failed", detail="nobody to transfer to")
            return step.exits["failed"]
        scene.change(phase="transfer")
        scene.tell("transfer", to=to, outside=step.outside, queue=queue)
        return Transfer(
            to=to,
            outside=step.outside,
            queue=queue,
            ring=step.ring,
            tell_agent=scene.render(step.tell_agent),
            whisper=joined(scene.prompts(step.whisper)),
            prompts=scene.prompts(step.say),
        )

    def take(self, scene: Scene, step: TransferStep, result: AnyResult) -> Next:
        match result:
            case TransferLeft("answered", detail):
                _waited(scene)
                scene.tell("transfer_left", outcome="answered", detail=detail)
                return end(scene) if step.next is None else step.next
            case TransferLeft(outcome, detail) if outcome != "answered":
                scene.tell("transfer_left", outcome=outcome, detail=detail)
                return step.exits[outcome]
            case Failed(why):
                scene.tell("failed", why=why)
                return step.exits["failed"]
            case _:
                raise scene.unfit(result)


TRANSFER: Kind[TransferStep] = _Transfers()


class _Voicemails(Kind[VoicemailStep]):
    """`voicemail`."""

    def begin(self, scene: Scene, step: VoicemailStep) -> Next:
        scene.change(phase="record")
        scene.tell("voicemail", mailbox=step.mailbox)
        return Voicemail(step.mailbox, scene.prompts(step.say), step.max_seconds)

    def take(self, scene: Scene, step: VoicemailStep, result: AnyResult) -> Next:
        match result:
            case Recorded(path, seconds):
                scene.tell("recorded", mailbox=step.mailbox, path=path, seconds=seconds)
                return step.next
            case NotRecorded():
                scene.tell("not_recorded", mailbox=step.mailbox)
            case Failed(why):
                scene.tell("failed", why=why)
            case _:
                raise scene.unfit(result)
        return step.otherwise


VOICEMAIL: Kind[VoicemailStep] = _Voicemails()


class _Records(Kind[RecordStep]):
    """`record`."""

    def begin(self, scene: Scene, step: RecordStep) -> Next:
        scene.change(phase="record")
        scene.tell("record", name=step.recording)
        return Record(step.recording, scene.prompts(step.say), step.max_seconds, step.finish)

    def take(self, scene: Scene, step: RecordStep, result: AnyResult) -> Next:
        match result:
            case Recorded(path, seconds):
                scene.tell("recorded", name=step.recording, path=path, seconds=seconds)
                return step.next
            case NotRecorded():
                scene.tell("not_recorded", name=step.recording)
            case Failed(why):
                scene.tell("failed", why=why)
            case _:
                raise scene.unfit(result)
        return step.otherwise


RECORD: Kind[RecordStep] = _Records()
