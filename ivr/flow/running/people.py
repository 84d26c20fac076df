"""The steps that reach for people: queues, transfers, and messages left for somebody."""

from __future__ import annotations

from ivr.flow.actions import (
    Failed,
    NotRecorded,
    Queue,
    QueueLeft,
    Record,
    Recorded,
    Transfer,
    TransferLeft,
    Voicemail,
)
from ivr.flow.errands import AnyResult
from ivr.flow.model import QueueStep, RecordStep, TransferStep, VoicemailStep
from ivr.flow.running.kinds import Kind, Next, end
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
            case QueueLeft(outcome, detail) if outcome != "answered":
                if outcome == "timeout":
                    _waited(scene)
                scene.tell("queue_left", outcome=outcome, detail=detail)
                return step.exits[outcome]
            case Failed(why):
                scene.tell("failed", why=why)
                return step.exits["failed"]
            case _:
                raise scene.unfit(result)


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
