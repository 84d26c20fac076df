"""One flow inside another: `run` begins it, `return` ends it."""

from __future__ import annotations

from ivr.flow.actions import MASK, Value
from ivr.flow.model import ReturnStep, RunStep
from ivr.flow.running.kinds import Kind, Next, end
from ivr.flow.running.scene import Scene
from ivr.flow.running.state import Frame

MAX_DEPTH = 10
"""Flows inside flows."""


class _Runs(Kind[RunStep]):
    """`run`: its fields and its way back are its own; who is calling is known to both."""

    def begin(self, scene: Scene, step: RunStep) -> Next:
        inner, state = scene.flow.subflows.get(step.flow), scene.state
        if inner is None or len(state.frames) >= MAX_DEPTH:
            scene.tell("failed", why=f'the flow "{step.flow}" cannot be run here')
            return step.otherwise
        given: dict[str, Value] = {}
        secrets: dict[str, str] = {}
        for name, text in scene.rendered(step.given).items():
            field = inner.fields[name]
            value = field.from_text(text) if text else None
            if value is None and text:
                scene.tell("field_refused", name=name, value=MASK if field.secret else text)
            elif field.secret and value is not None:
                secrets[name] = text
            elif value is not None:
                given[name] = value
        scene.tell("run", flow=step.flow)
        waiting = Frame(
            step.name,
            step.flow,
            state.fields,
            state.secrets,
            state.trail,
            state.proven,
            state.doubted,
        )
        scene.flow = inner
        scene.change(
            frames=(*state.frames, waiting),
            fields=given,
            secrets=secrets,
            trail=(),
            proven={},
            doubted=(),
        )
        return inner.start


RUN: Kind[RunStep] = _Runs()


class _Returns(Kind[ReturnStep]):
    """`return`; in a flow that no other one runs it ends the call."""

    def begin(self, scene: Scene, step: ReturnStep) -> Next:
        if not scene.state.frames:
            return end(scene)
        results, proven = scene.state.fields, scene.state.proven
        frame = leave(scene)
        scene.tell("returned", flow=frame.runs, ok=step.ok)
        waiting = scene.flow.steps.get(frame.step)
        if not isinstance(waiting, RunStep):
            return frame.step
        if not step.ok:
            return waiting.otherwise
        for ours, theirs in waiting.keep.items():
            value = scene.flow.fields[ours].from_json(results.get(theirs))
            if value is not None:
                scene.fill({ours: value}, by="run")
            elif theirs in results:
                scene.tell("field_refused", name=ours, value=results[theirs])
            if theirs in proven and value is not None:
                scene.change(proven={**scene.state.proven, ours: value})
        return waiting.next


RETURN: Kind[ReturnStep] = _Returns()


def leave(scene: Scene) -> Frame:
    """Gives the call back to the flow that waits; returns its frame."""
    *rest, frame = scene.state.frames
    scene.flow = scene.root
    for outer in rest:
        scene.flow = scene.flow.subflows[outer.runs]
    # Who was dropped as unknown inside is not proven outside either.
    proven = frame.proven if scene.state.level != "unknown" else {}
    scene.change(
        frames=tuple(rest),
        fields=frame.fields,
        secrets=frame.secrets,
        trail=frame.trail,
        proven=proven,
        doubted=frame.doubted,
        step=frame.step,
    )
    return frame
