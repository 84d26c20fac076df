"""A level meter: how loud a line is just now, drawn as a strip of blocks."""

from __future__ import annotations

import math
import time
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable

from ivr.demo.ear import FRAME_SECONDS, LOUD_DBFS, Ear, loudness

QUIETEST, LOUDEST = -52.0, -12.0
"""dBFS at the two ends of the scale; speech lies between."""
BLOCKS = " ▁▂▃▄▅▆▇█"
PLAIN_BLOCKS = " .:-=+*#@"


class Meter(Ear):
    """An ear that also remembers how loud it was since it was last looked at."""

    def __init__(self, began: float, width: int = 24) -> None:
        super().__init__(began)
        self.levels: deque[float] = deque([-math.inf] * width, width)
        """One level in dBFS for each `sample`, the oldest first."""
        self._peak = -math.inf
        self._loud_at: list[float] = []

    def feed(self, pcm: bytes, at: float | None = None) -> None:
        """See `Ear.feed`."""
        at = time.monotonic() if at is None else at
        super().feed(pcm, at)
        level = loudness(array("h", pcm))
        self._peak = max(self._peak, level)
        if level >= LOUD_DBFS:
            self._loud_at.append(at - self.began)

    def arrived(self, start: float) -> float:
        """When the sound that began at `start` was in hand: packets may come two at a time.

        An ear tells when a sound began; what is measured must not be better than it was.
        """
        # An ear works out `start` from the second frame: it may lie just behind the first one.
        index = bisect_left(self._loud_at, start - FRAME_SECONDS / 2)
        return self._loud_at[index] if index < len(self._loud_at) else start

    def sample(self) -> float:
        """Takes the loudest level since the last sample into the strip, and returns it."""
        peak, self._peak = self._peak, -math.inf
        self.levels.append(peak)
        return peak


def strip(levels: Iterable[float], blocks: str = BLOCKS) -> str:
    """One block for each level in dBFS, from blank (silence) to full."""
    return "".join(blocks[_height(level, len(blocks))] for level in levels)


def _height(level: float, steps: int) -> int:
    if level < QUIETEST:
        return 0
    share = (min(level, LOUDEST) - QUIETEST) / (LOUDEST - QUIETEST)
    return 1 + round(share * (steps - 2))
