"""What a caller hears while waiting: music, and words from time to time.

Words are made while the music plays, and every one of them is cut short by a key that leads out of
the wait and by the wake digit: no word ever stands between a free agent and the ringing. What was
said of place and wait is told to the distributor once it was heard to its end, so that it is
neither said twice nor taken back. Advice to go to another channel is said only while that has room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from acd.errors import AcdError
from acd.estimate import Announcement, Told
from acd.model import WaitAnnounced
from ivr.agi.session import AgiSession
from ivr.channels.services import VoiceServices, sound_name
from ivr.channels.telephone import WAKE_DIGIT
from ivr.errors import AsteriskRefused
from ivr.flow.actions import Advice, Meanwhile, Prompt, Prompts
from ivr.flow.errands import Room, RoomFound
from ivr.flow.wording import waits
from ivr.live import LiveContact
from ivr.speech.engine import SpeechFailed

LOOK_AGAIN_MS = 5000
"""A waiting channel looks by itself this often: in time for an offer while AMI wakes nobody."""
MAKING_MS = 250
"""While words are made the channel looks this often whether they are ready."""
AT_ONCE = 0.03
"""Seconds in which words that were made before are there."""
SILENT = Meanwhile("en", position=False, estimate=False)
"""Music, and nothing else."""


class Round:
    """The words of one time: of place and wait (`told` is what they say), the rest, and the advice.

    Each piece of advice has words of its own, so that it can be left out when it is its turn.
    """

    def __init__(
        self, making: asyncio.Task[Sequence[Path]], told: Told | None, advice: Sequence[Advice]
    ) -> None:
        self.making, self.told, self.advice = making, told, advice


class MeanwhileOnTheLine:
    """The words and keys of one wait. `listen` again and again; `close` at its end."""

    def __init__(
        self, services: VoiceServices, agi: AgiSession, contact: LiveContact, plan: Meanwhile | None
    ) -> None:
        self._house, self._agi, self._contact = services, agi, contact
        self._plan = plan or SILENT
        self._keys = "".join(choice.key for choice in self._plan.keys)
        self._due = services.clock() + self._plan.after
        self._rounds = 0
        self._round: Round | None = None

    def close(self) -> None:
        """Nobody waits for words that are being made."""
        if self._round is not None:
            self._round.making.cancel()
            self._round = None

    async def listen(self) -> str:
        """Music or words, until a key that leads out of the wait, a knock, or a while has passed.

        Returns the key, or "".
        """
        if self._plan is SILENT:
            return self._out(await self._agi.wait_for_digit(LOOK_AGAIN_MS))
        left = self._due - self._house.clock()
        if self._round is None and left <= 0:
            await self._begin_round()
        if self._round is None:
            look = min(LOOK_AGAIN_MS, max(1, int(left * 1000))) if left > 0 else LOOK_AGAIN_MS
            return self._out(await self._agi.wait_for_digit(look))
        if not self._round.making.done():
            return self._out(await self._agi.wait_for_digit(MAKING_MS))
        return self._out(await self._say(self._round))

    def _out(self, key: str) -> str:
        return key if key and key in self._keys else ""

    # --- words -----------------------------------------------------------------------------------

    async def _begin_round(self) -> None:
        """Have the words made that are due; finished ones are there at once."""
        said = self._announcement()
        head = () if said is None else self._spoken(said)
        advice = [each for each in self._plan.advice if each.prompts]
        batches = [each for each in (head, self._rest(), *(a.prompts for a in advice)) if each]
        self._rounds += 1
        self._later()
        if batches:
            making = asyncio.create_task(self._made(batches))
            told = self._said(said) if said is not None and head else None
            self._round = Round(making, told, advice)
            await asyncio.wait((making,), timeout=AT_ONCE)

    def _later(self) -> None:
        self._due = self._house.clock() + self._plan.every

    def _announcement(self) -> Announcement | None:
        if not (self._plan.position or self._plan.estimate):
            return None
        engine = self._house.distributor.engine
        return engine.announcement(self._contact.call, self._house.clock())

    def _spoken(self, said: Announcement) -> Prompts:
        code, texts = self._plan.language, []
        if self._plan.position and said.position is not None:
            texts.append(waits.place(code, said.position))
        if self._plan.estimate and said.minutes is not None:
            texts.append(waits.wait(code, said.minutes))
        return tuple(Prompt(text, code) for text in texts)

    def _said(self, said: Announcement) -> Told:
        """Of what may be said, what this flow says."""
        told = said.told if self._plan.estimate else Told(said.told.at, said.told.position)
        return told if self._plan.position else replace(told, position=0)

    def _rest(self) -> Prompts:
        """The promise of the queue once, then the words in turn, each with the keys."""
        words: Prompts = ()
        promise = self._promise() if self._rounds == 0 else None
        if promise is not None:
            words += (Prompt(waits.promise(self._plan.language, promise), self._plan.language),)
        if self._plan.say:
            words += self._plan.say[self._rounds % len(self._plan.say)]
        return words + self._plan.offers

    def _promise(self) -> float | None:
        """What the queue means to keep to; silence once it is broken."""
        engine, contact = self._house.distributor.engine, self._contact
        queue = next((each for each in engine.floor.queues if each.name == contact.queue), None)
        promise = None if queue is None else queue.promise_seconds
        if promise is None or self._house.clock() - contact.since > promise:
            return None
        expected = engine.estimate(contact.call)
        left = promise - (self._house.clock() - contact.since)
        return None if expected is not None and expected.seconds > left else promise

    async def _made(self, batches: Sequence[Prompts]) -> Sequence[Path]:
        return [await self._house.prompts.path(batch) for batch in batches]

    async def _say(self, words: Round) -> str:
        """Play what is ready, and the music again; the key that ended it."""
        self._round = None
        key, heard = "", False
        try:
            paths = words.making.result()
            told = [None] * (len(paths) - len(words.advice))
            for number, (path, advice) in enumerate(
                zip(paths, [*told, *words.advice], strict=True)
            ):
                if advice is not None and not await self._has_room(advice):
                    continue
                heard = True
                key = await self._agi.stream_file(sound_name(path), self._keys + WAKE_DIGIT)
                if key:
                    break
                if number == 0 and words.told is not None:
                    self._announced(words.told)
        except SpeechFailed as mute:
            heard = True
            self._agi.log.error("speech failed", action="waiting", why=str(mute))
        except AsteriskRefused as refused:
            if self._agi.hung_up.is_set():
                raise
            self._agi.log.warning("words not played", action="waiting", why=str(refused))
        self._later()
        if heard:
            await self._agi.set_music(True)
        return key

    async def _has_room(self, advice: Advice) -> bool:
        """Whether somebody is there for it at this moment; its key counts from here on."""
        house, room = self._house, Room(advice.channel, advice.queue)
        found = await house.desk.run(room, contact=self._contact.id, now=house.now())
        if not isinstance(found, RoomFound) or not found.room:
            return False
        if advice.choice.key not in self._keys:
            self._keys += advice.choice.key
        data = {"channel": advice.channel, "queue": advice.queue}
        house.contacts.tell(self._contact, "advised", {**data})
        return True

    def _announced(self, told: Told) -> None:
        """It was heard to its end; a call whose wait has ended meanwhile has no use for it."""
        house = self._house
        try:
            house.distributor.send(WaitAnnounced(house.clock(), self._contact.call, told))
        except AcdError as late:
            self._agi.log.info("too late for the distributor", why=str(late))
            return
        house.contacts.tell(self._contact, "wait_told", _as_data(told))


def _as_data(told: Told) -> dict[str, float | int]:
    data: dict[str, float | int] = {"position": told.position} if told.position else {}
    if told.has_wait:
        data |= {"low": round(told.low), "high": round(told.high)}
    return data
