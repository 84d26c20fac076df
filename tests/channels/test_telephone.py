"""What a caller hears and keys on one line, over a scripted AGI session."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
import structlog

from ivr.agi.session import AgiSession
from ivr.channels.telephone import LOOK_MS, QUIET, Telephone, take_entry
from ivr.errors import AsteriskRefused, CallerHungUp
from ivr.flow.actions import Ask, Keys, NoKeys, Prompt


class Line:
    """Plays Asterisk's part: what is keyed during each thing that is heard."""

    def __init__(self, *keyed: str) -> None:
        self.hung_up = asyncio.Event()
        self.heard: list[str] = []
        self.meanwhile: list[str] = []
        self.slow = self.refuses = False
        self.asked_after: list[list[str]] = []
        self.log = structlog.get_logger(__name__)
        self._keyed = list(keyed)

    def on_question(self) -> None:
        self.asked_after.append(list(self.heard))

    def _next(self) -> str:
        return self._keyed.pop(0) if self._keyed else ""

    async def stream_file(self, path: str, escape_digits: str = "") -> str:
        if self.refuses:
            raise AsteriskRefused("no such file")
        self.heard.append(path if escape_digits else f"{path}!")
        return self._next() if escape_digits else ""

    async def get_data(self, path: str, timeout_ms: int, max_digits: int) -> tuple[str, bool]:
        self.heard.append(f"{path or '-'} ?{max_digits} {timeout_ms}")
        keys = self._next()
        return keys.removesuffix("#"), not keys

    async def wait_for_digit(self, timeout_ms: int) -> str:
        if self.hung_up.is_set():
            raise CallerHungUp("gone")
        if timeout_ms <= LOOK_MS:
            await asyncio.sleep(0.05)
            return self.meanwhile.pop(0) if self.meanwhile else ""
        self.heard.append(f"- ?{timeout_ms}")
        return self._next()

    async def set_music(self, on: bool) -> None:
        self.heard.append("music" if on else "quiet")


class Words:
    """Every prompt's file is its text."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def path(self, prompts: Sequence[Prompt]) -> Path:
        if self._line.slow:
            await asyncio.sleep(0.2)
        return Path(" ".join(prompt.text for prompt in prompts))

    def fallback(self, language: str) -> Path:
        return Path("sorry")


def phone(*keyed: str) -> tuple[Telephone, Line]:
    line = Line(*keyed)
    return Telephone(cast(AgiSession, line), Words(line)), line


def words(*texts: str) -> tuple[Prompt, ...]:
    """Words; those with a ! are heard to their end."""
    return tuple(Prompt(text.strip("!"), "en", barge_in="!" not in text) for text in texts)


def ask(*texts: str, **more: Any) -> Ask:
    return Ask(words(*texts), **more)


async def test_a_key_during_the_words_answers_the_question_after_them() -> None:
    telephone, line = phone("2")
    await telephone.say(words("hello"))
    assert await telephone.ask(ask("menu")) == Keys("2")
    assert line.heard == ["hello"]


async def test_keys_ahead_begin_an_entry_and_the_rest_is_waited_for() -> None:
    telephone, line = phone("1", "234")
    await telephone.say(words("hello"))
    assert await telephone.ask(ask("account", length_min=4, length_max=4)) == Keys("1234")
    assert line.heard == ["hello", "- ?3 6000"]


async def test_words_that_must_be_heard_are_heard_and_keys_meanwhile_are_nothing() -> None:
    telephone, line = phone("1", "2")
    await telephone.say(words("hello", "terms!", "bye"))
    assert line.heard == ["hello", "terms!", "bye"]
    assert await telephone.ask(ask("menu")) == Keys("2")


async def test_a_question_without_barge_in_is_heard_whole_and_forgets_keys_ahead() -> None:
    telephone, line = phone("1", "2")
    await telephone.say(words("hello"))
    assert await telephone.ask(ask("menu", barge_in=False)) == Keys("2")
    assert line.heard == ["hello", "menu!", "- ?1 6000"]
    assert line.asked_after == [["hello", "menu!"]], "keys count after the words"


async def test_a_question_that_ends_in_words_to_be_heard_listens_after_them() -> None:
    telephone, line = phone("7", "3")
    assert await telephone.ask(ask("menu", "terms!")) == Keys("3")
    assert line.heard == ["menu", "terms!", "- ?1 6000"]


async def test_the_star_can_end_an_entry() -> None:
    telephone, line = phone("", "1", "2", "*")
    assert await telephone.ask(ask("number", length_max=8, finish_key="*")) == Keys("12")
    assert line.heard == ["number", "- ?6000", "- ?3000", "- ?3000"]


async def test_an_entry_ended_by_the_star_also_ends_by_silence() -> None:
    telephone, _ = phone("", "1", "")
    assert await telephone.ask(ask("number", length_max=8, finish_key="*")) == Keys("1")
    assert await telephone.ask(ask("number", length_max=8, finish_key="*")) == NoKeys()


async def test_a_late_knock_at_the_queue_is_no_key() -> None:
    telephone, line = phone("D", "5")
    assert await telephone.ask(ask("menu")) == Keys("5")
    assert len(line.heard) == 2


@pytest.mark.parametrize("keyed", ["D30010", "300D10", "30010D"])
async def test_a_late_knock_takes_no_keys_place_in_an_entry(keyed: str) -> None:
    telephone, line = phone(keyed, "0", "2")
    assert await telephone.ask(ask("account", length_min=6, length_max=6)) == Keys("300100")
    assert [each.partition(" ")[0] for each in line.heard] == ["account", "-"]
    assert line.heard[1].startswith("- ?1 "), "just what is missing is waited for"


async def test_the_hash_key_alone_is_an_answer_to_a_menu() -> None:
    telephone, _ = phone("#")
    assert await telephone.ask(ask("menu", finish_key="")) == Keys("#")


async def test_silence_is_no_answer() -> None:
    telephone, _ = phone()
    assert await telephone.ask(ask("menu")) == NoKeys()


async def test_forgotten_keys_answer_nothing() -> None:
    telephone, _ = phone("1", "")
    await telephone.say(words("hello"))
    telephone.forget_keys()
    assert await telephone.ask(ask("menu")) == NoKeys()


async def test_keys_ahead_answer_one_question_after_the_other() -> None:
    telephone, line = phone()
    line.meanwhile = ["1", "2", "3", "4", "#", "9"]
    assert await telephone.until(asyncio.sleep(0.5, "done"), ()) == "done"
    assert await telephone.ask(ask("menu")) == Keys("1")
    assert await telephone.ask(ask("account", length_max=8)) == Keys("234")
    await telephone.say(words("thanks"))
    assert await telephone.ask(ask("menu")) == Keys("9")
    assert line.heard == [], "whoever knows the way hears no word of it"


async def test_a_key_while_words_are_being_made_is_not_lost() -> None:
    telephone, line = phone()
    line.meanwhile, line.slow = ["2"], True
    assert await telephone.ask(ask("menu")) == Keys("2")
    assert line.heard == []


# --- waiting for the house -------------------------------------------------------------------


async def test_a_quick_answer_is_not_talked_over() -> None:
    telephone, line = phone()
    assert await telephone.until(asyncio.sleep(0, "done"), words("one moment")) == "done"
    assert line.heard == []


async def test_a_slow_answer_is_waited_for_with_words_and_then_music() -> None:
    telephone, line = phone()
    slow = asyncio.sleep(QUIET + 0.1, "done")
    assert await telephone.until(slow, words("one moment")) == "done"
    assert line.heard == ["one moment", "music", "quiet"]


async def test_who_hangs_up_while_the_house_is_asked_has_hung_up_but_the_work_is_done() -> None:
    telephone, line = phone()
    done = asyncio.Event()
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await line.hung_up.wait()
        await asyncio.sleep(0.2)
        done.set()

    waiting = asyncio.create_task(telephone.until(work(), ()))
    await begun.wait()
    line.hung_up.set()
    with pytest.raises(CallerHungUp):
        await waiting
    await asyncio.wait_for(done.wait(), 2)


@pytest.mark.parametrize(
    ("keys", "taken"),
    [
        ("", ("", "", False)),
        ("12", ("12", "", False)),
        ("123", ("123", "", True)),
        ("1#5", ("1", "5", True)),
        ("1*5", ("1*", "5", True)),
        ("#", ("", "", True)),
    ],
)
def test_keys_make_an_entry(keys: str, taken: tuple[str, str, bool]) -> None:
    question = Ask((), length_max=3, finish_key="#", instant="*")
    assert take_entry(question, keys) == taken
    point = Ask((), length_max=6, finish_key="#", instant="*", letters="*")
    assert take_entry(point, "1*5") == ("1*5", "", False)


async def test_words_that_cannot_be_said_meanwhile_cost_nobody_what_comes_of_the_work() -> None:
    telephone, line = phone()
    line.refuses = True
    slow = asyncio.sleep(QUIET + 0.2, "done")
    assert await telephone.until(slow, words("one moment")) == "done"
