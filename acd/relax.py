"""What a call still asks for after some of its queue's relaxations. Steps only ever widen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from acd.floor import ALL_SKILLS, Relaxation


def asked_after(
    steps: Sequence[Relaxation], needs: Mapping[str, int]
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Needs after these steps, and the further queues whose agents may take the call."""
    left, also = dict(needs), list[str]()
    for step in steps:
        for skill, most in step.levels.items():
            if skill in left:
                left[skill] = min(left[skill], most)
        dropped = left.keys() if ALL_SKILLS in step.drop else left.keys() & set(step.drop)
        for skill in tuple(dropped):
            del left[skill]
        also += [queue for queue in step.also if queue not in also]
    return left, tuple(also)
