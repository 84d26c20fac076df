"""The node that owns calls: the leader's commands come to it as letters, each acknowledged.

A letter stays until the node has taken it, and is taken after its command was carried out. A node
that dies in between is handed the same command again when it is back: at least once, so carrying
out must be harmless the second time. Offers, calls and agents have ids of their own for that: an
offer that rings already is not rung again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple, NoReturn

import structlog

from acd.live.store import Letter, SharedReader, StoreUnreachable
from acd.model import COMMANDS, Command, from_json

WAIT = 5.0
TRY_AGAIN_AFTER = 0.2

log = structlog.get_logger(__name__)


class Instruction(NamedTuple):
    """A command, and the entry of the stream that led to it."""

    seq: int
    command: Command


class Node:
    """Hands the letters to `address` to `handle`, one after another, in the order posted."""

    def __init__(
        self, store: SharedReader, address: str, handle: Callable[[Instruction], Awaitable[None]]
    ) -> None:
        self._store, self._address, self._handle = store, address, handle
        self._done: tuple[int, ...] = (0,)

    async def run(self) -> NoReturn:
        """Work until cancelled."""
        after = "0"
        while True:
            try:
                letters = await self._store.letters(self._address, after, wait=WAIT)
                for letter in letters:
                    await self._see_to(letter)
                if letters:
                    after = letters[-1].id
                    await self._store.take(self._address, after)
            except StoreUnreachable as silent:
                # From the beginning: what is taken is gone, what is done is remembered.
                log.warning("no_letters", address=self._address, problem=str(silent))
                after = "0"
                await asyncio.sleep(TRY_AGAIN_AFTER)

    async def _see_to(self, letter: Letter) -> None:
        """A command that cannot be carried out is logged: it must not keep up the others."""
        if letter.place <= self._done:
            return
        try:
            await self._handle(_instruction(letter))
        except Exception:
            log.exception("instruction_failed", address=self._address, **letter.body)
        self._done = letter.place


def _instruction(letter: Letter) -> Instruction:
    """Raises ValueError when the letter holds no command."""
    command = from_json(letter.body.get("command") or {})
    if not isinstance(command, COMMANDS):
        raise ValueError(f"letter {letter.id} holds no command but {type(command).__name__}")
    return Instruction(int(letter.body.get("seq") or 0), command)
