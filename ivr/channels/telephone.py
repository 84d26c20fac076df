"""What a caller hears and keys, over AGI: words, questions, recordings, and no silence in between.

Keys pressed while words are spoken or made, or while the house is asked, count: they cut short what
may be cut short and answer the questions that follow. Words with `barge_in` off are heard to their
end, and keys pressed meanwhile are dropped.
A question is one GET DATA where that can be done: between two AGI commands a key can be lost.
"""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from ivr.agi.session import AgiSession
from ivr.channels.services import PromptFiles, sound_name
from ivr.errors import AsteriskRefused, AsteriskUnreachable, CallerHungUp
from ivr.flow.actions import Ask, Keys, NoKeys, Prompts
from ivr.speech.engine import SpeechFailed

T = TypeVar("T")
Knock = Callable[[], Awaitable[object]]
"""Plays WAKE_DIGIT into the channel."""

KEYS = "0123456789*#"
WAKE_DIGIT = "D"
"""A knock at the door of the queue; where it comes late it is no key."""
QUIET = 0.8
"""Seconds without a word that a caller takes for nothing; after that they hear something."""
INSTANT = 0.03
"""Seconds in which nobody presses a key; work that is done by then is not listened through."""
LOOK_MS = 500
"""While work goes on the channel listens for keys. It is knocked at as soon as the work is done,
and looks by itself this often."""
KNOCK_AGAIN = 0.1
SILENCE_ENDS_RECORDING = 5


class Telephone:
    """One caller's line. Everything raises CallerHungUp, AsteriskRefused or SpeechFailed."""

    def __init__(self, agi: AgiSession, prompts: PromptFiles, knock: Knock | None = None) -> None:
        self._agi, self._prompts, self._knock = agi, prompts, knock
        self._ahead = ""

    def forget_keys(self) -> None:
        """Drop what was keyed ahead: it was meant for something else."""
        self._ahead = ""

    # --- words -------------------------------------------------------------------------------

    async def say(self, prompts: Prompts) -> None:
        """Speak; a key cuts it short, and what follows, and is kept for the next question."""
        for group in _groups(prompts):
            if not group[0].barge_in:
                await self.announce(group)
                self.forget_keys()
            elif not self._ahead and (sound := await self._sound(group)):
                self._keep(await self._agi.stream_file(sound, KEYS))

    async def announce(self, prompts: Prompts) -> None:
        """Speak to the end, whatever is keyed."""
        if prompts:
            await self._agi.stream_file(await self._made(prompts))

    async def _sound(self, prompts: Prompts) -> str:
        """The sound of these words, "" when keys came before it was made."""
        sound = await self._made(prompts)
        return "" if self._ahead else sound

    async def _made(self, prompts: Prompts) -> str:
        """The sound of these words; music where it takes long to make. Keys meanwhile are kept."""
        making = asyncio.ensure_future(self._prompts.path(prompts))
        making.add_done_callback(_seen)
        if not await self._within(making, QUIET):
            with suppress(AsteriskRefused):
                await self._agi.set_music(True)
            await self._within(making, math.inf)
            with suppress(AsteriskRefused):
                await self._agi.set_music(False)
        return sound_name(making.result())

    def _keep(self, keys: str) -> None:
        self._ahead += keys.replace(WAKE_DIGIT, "")

    # --- questions ---------------------------------------------------------------------------

    async def ask(self, ask: Ask) -> Keys | NoKeys:
        """Ask, and take the keys that answer."""
        last = await self._but_the_last(ask)
        if ask.finish_key == "*" and ask.length_max > 1:
            await self.say(last)
            return await self._key_by_key(ask)
        sound = await self._sound(last) if last and not self._ahead else ""
        entry, self._ahead, whole = take_entry(ask, self._ahead)
        if not whole:
            entry += await self._rest(ask, sound, ask.length_max - len(entry))
        return Keys(entry) if entry else NoKeys()

    async def _but_the_last(self, ask: Ask) -> Prompts:
        """Speak what comes before the words that a key may answer, and return those."""
        groups = list(_groups(ask.prompts))
        if not ask.barge_in:
            await self.announce(ask.prompts)
            self.forget_keys()
            return ()
        last = groups.pop() if groups and groups[-1][0].barge_in else ()
        for group in groups:
            await self.say(group)
        return last

    async def _rest(self, ask: Ask, sound: str, length: int) -> str:
        """What is keyed until the entry ends. The pause between keys is as long as the wait."""
        self._agi.on_question()
        wait = ask.timeout if ask.length_max == 1 else max(ask.timeout, ask.digit_timeout)
        digits, timed_out, knocked = "", False, True
        while knocked:
            wanted = length - len(digits)
            keyed, timed_out = await self._agi.get_data(sound, int(wait * 1000), wanted)
            digits += keyed.replace(WAKE_DIGIT, "")
            # A knock that came late took the place of a key: the entry is not over for that.
            full = not timed_out and len(keyed) == wanted
            knocked = WAKE_DIGIT in keyed and (full or not digits)
            sound = "" if digits else sound
        if not digits and not timed_out and ask.length_max == 1 and ask.finish_key != "#":
            return "#"  # the key that ends an entry for Asterisk is an entry here
        return digits

    async def _key_by_key(self, ask: Ask) -> Keys | NoKeys:
        """An entry that another key than # ends."""
        self._agi.on_question()
        while True:
            entry, left, whole = take_entry(ask, self._ahead)
            if whole:
                self._ahead = left
                return Keys(entry) if entry else NoKeys()
            wait = ask.digit_timeout if entry else ask.timeout
            key = await self._agi.wait_for_digit(int(wait * 1000))
            if not key:
                self.forget_keys()
                return Keys(entry) if entry else NoKeys()
            self._keep(key)

    # --- recordings --------------------------------------------------------------------------

    async def record(
        self, prompts: Prompts, beep: Path, path: Path, max_seconds: float, finish: str = "#"
    ) -> None:
        """Speak, sound the tone, record into `path` (a .wav) until a key, silence or the limit.

        A caller who hangs up leaves a whole file.
        """
        self.forget_keys()
        await self.announce(prompts)
        await self._agi.stream_file(sound_name(beep))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        await self._agi.record_file(
            sound_name(path),
            max_ms=int(max_seconds * 1000),
            escape_digits=finish,
            beep=False,
            silence_seconds=SILENCE_ENDS_RECORDING,
        )

    # --- waiting for the house ---------------------------------------------------------------

    async def until(self, work: Awaitable[T], words: Prompts) -> T:
        """What comes of `work`: words when it takes a moment, music when it takes longer.

        Work that was begun is done to its end, also when the caller hangs up meanwhile.
        """
        task = asyncio.ensure_future(work)
        task.add_done_callback(_seen)
        if not await self._within(task, QUIET):
            await self._pass_the_time(task, words)
        return task.result()

    async def _pass_the_time(self, task: asyncio.Future[Any], words: Prompts) -> None:
        """What cannot be heard meanwhile costs nobody what comes of the work."""
        try:
            await self.say(words)
            if not task.done():
                await self._agi.set_music(True)
        except (AsteriskRefused, SpeechFailed) as mute:
            self._agi.log.warning("silence while the house is asked", why=str(mute))
        await self._comes(task)
        with suppress(AsteriskRefused):
            await self._agi.set_music(False)

    async def _within(self, task: asyncio.Future[Any], seconds: float) -> bool:
        """Whether the work is done in time; keys pressed meanwhile are kept."""
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        await asyncio.wait((task,), timeout=INSTANT)
        while not task.done() and (left := until - clock()) > 0:
            knocking = asyncio.create_task(self._knock_after(task))
            try:
                look = max(1, int(1000 * min(left, LOOK_MS / 1000)))
                self._keep(await self._agi.wait_for_digit(look))
            finally:
                knocking.cancel()
        return task.done()

    async def _knock_after(self, task: asyncio.Future[Any]) -> None:
        """Wake the listening channel, until it is heard."""
        await asyncio.wait((task,))
        with suppress(AsteriskRefused, AsteriskUnreachable):
            while self._knock is not None:
                await self._knock()
                await asyncio.sleep(KNOCK_AGAIN)

    async def _comes(self, task: asyncio.Future[Any]) -> None:
        """Returns once the work is done; raises CallerHungUp."""
        left: asyncio.Future[Any] = asyncio.ensure_future(self._agi.hung_up.wait())
        try:
            await asyncio.wait([task, left], return_when=asyncio.FIRST_COMPLETED)
        finally:
            left.cancel()
        if self._agi.hung_up.is_set():
            raise CallerHungUp("the caller hung up while the house was asked")


def take_entry(ask: Ask, keys: str) -> tuple[str, str, bool]:
    """The entry these keys make, the keys left over, and whether a key ended the entry."""
    for index, key in enumerate(keys):
        if key == ask.finish_key:
            return keys[:index], keys[index + 1 :], True
        if (key in ask.instant and key not in ask.letters) or index + 1 == ask.length_max:
            return keys[: index + 1], keys[index + 1 :], True
    return keys, "", False


def _groups(prompts: Prompts) -> Iterator[Prompts]:
    """Neighbours that can, or cannot, be cut short."""
    for _, group in itertools.groupby(prompts, key=lambda prompt: prompt.barge_in):
        yield tuple(group)


def _seen(task: asyncio.Future[Any]) -> None:
    """Nobody waits for the work of a caller who has hung up; its failure is no news then."""
    if not task.cancelled():
        task.exception()
