"""The wait for a person in the flow language: words, keys, one agent first, kinds of nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.channels.text import Conversation, Message
from ivr.flow.actions import NOBODY, Queue, QueueLeft, Voicemail
from ivr.flow.difference import flow_differences
from ivr.flow.loading.loader import Library, load, read_flow
from ivr.flow.loading.yaml import Problems
from ivr.flow.model import QueueStep
from ivr.flow.running.interpreter import Facts, resume, start
from ivr.flow.wording import waits
from ivr.rehearsal.house import pretended_house
from ivr.rehearsal.playing import ends_of_waits, play
from ivr.rehearsal.scenario import read_scenarios
from tests.flow.checking import END, loaded, noted, told
from tests.flow.flows import NOW, flow_of
from tests.flow.test_text import run

LINE = """
flow: line
numbers: ["4000"]
languages: [en, zh]
collects: {why: {type: choice, of: [call, note]}}
calendars: {desk: {zone: UTC, hours: {mon-fri: 08:00-18:00}}}
defaults:
  queue:
    paused: away
    otherwise: bye
    waiting:
      say:
        - {en: "Thank you for waiting.", zh: "感谢您的等待。"}
        - {en: "Still here?", zh: "还在吗？"}
      every: 40s
      estimate: false
      keys:
        "1": {label: {en: a call back, zh: 回电}, set: {why: call}, next: ring-me}
        "2": {label: {en: a message, zh: 留言}, also: [voicemail], hours: desk, next: note}
start: talk
steps:
  talk: {queue: billing, prefer: "1001", prefer_for: 20s}
  quiet: {queue: cards, waiting: {position: false, estimate: false}, nobody: bye, otherwise: talk}
  ring-me: {callback: billing, number: "{{ caller }}", next: bye, otherwise: quiet}
  note: {voicemail: box, say: {en: "Go.", zh: "请讲。"}, next: bye}
  away: {hangup: {en: "On a break.", zh: "休息中。"}}
  bye: {hangup: {en: "Goodbye.", zh: "再见。"}}
"""
FLOW = flow_of(LINE)


def talk(channel: str = "voice", language: str = "en") -> Conversation:
    facts = Facts("13800138000", "4000", channel)
    house = pretended_house(Library({}, {}, {}), FLOW, {})
    return Conversation(FLOW, house, NOW, facts, language)


def test_a_wait_says_in_turn_and_offers_its_keys_in_the_callers_language() -> None:
    wait = start(FLOW, Facts(), NOW, "zh").action
    assert isinstance(wait, Queue)
    assert wait.waiting is not None
    assert [each[0].text for each in wait.waiting.say] == ["感谢您的等待。", "还在吗？"]
    assert [each.text for each in wait.waiting.offers] == ["回电，请按1。", "留言，请按2。"]
    assert (wait.waiting.every, wait.waiting.position, wait.waiting.estimate) == (40, True, False)
    assert [choice.key for choice in wait.waiting.keys] == ["1", "2"]


def test_one_agent_is_preferred_for_a_while_or_wanted_alone() -> None:
    wait = start(FLOW, Facts(), NOW).action
    assert isinstance(wait, Queue)
    assert (wait.prefers, wait.prefer_seconds, wait.agent) == ("1001", 20, None)


def test_a_key_leads_out_of_the_wait_and_sets_its_fields() -> None:
    turn = start(FLOW, Facts("13800138000"), NOW)
    after = resume(FLOW, turn.state, QueueLeft("key", "1"), NOW)
    assert after.state.step == "ring-me"
    assert after.state.fields["why"] == "call"
    left = next(event for event in after.events if event.kind == "queue_left")
    assert left.data == {"outcome": "key", "detail": "1"}


@pytest.mark.parametrize(("kind", "detail"), NOBODY.items())
def test_each_kind_of_nobody_may_have_its_own_way(kind: str, detail: str) -> None:
    turn = start(FLOW, Facts(), NOW)
    after = resume(FLOW, turn.state, QueueLeft("nobody", detail), NOW)
    assert after.state.step == ("away" if kind == "paused" else "bye")


def test_a_steps_own_word_on_nobody_goes_before_what_it_inherits_for_one_kind() -> None:
    quiet = FLOW.steps["quiet"]
    assert isinstance(quiet, QueueStep)
    assert "paused" not in quiet.exits


# --- on every medium -----------------------------------------------------------------------------


def test_a_pretended_call_hears_the_first_words_and_leaves_by_a_key() -> None:
    call = talk()
    assert call.heard() == (
        "Thank you for waiting. For a call back, press 1. For a message, press 2."
    )
    assert call.press("7") == "7", "a key that leads nowhere"
    assert call.press("2") == ""
    assert isinstance(call.waiting, Voicemail)


@pytest.mark.parametrize("answer", ["2", "A message!", "voicemail", "留言"])
def test_in_letters_the_list_comes_once_and_a_word_of_it_is_an_answer(answer: str) -> None:
    chat = talk("chat")
    (message,) = [each.text for each in chat.log if isinstance(each, Message)]
    assert message == "1 a call back\n2 a message"
    chat.write("Are you there?")
    assert chat.written == ["Are you there?"]
    chat.write(answer)
    assert isinstance(chat.waiting, Voicemail)
    assert chat.written == ["Are you there?"], "a choice is no message to a person"


def test_scenarios_press_keys_in_a_wait_and_tell_real_calls_how_waits_end(tmp_path: Path) -> None:
    (tmp_path / "line.yaml").write_text(LINE)
    source = """
flow: line
scenarios:
  - name: Out by a key
    from: "13800138000"
    steps:
      - expect: {queue: billing, prompt: "a call back"}
      - press: "1"
      - expect: {callback: {queue: billing}}
  - name: Nobody but people on a break
    steps: [queue: paused, expect: {prompt: "On a break", hangup: true}]
"""
    library, problems = load([tmp_path]), Problems()
    scenarios = read_scenarios(source, "line.scenarios.yaml", problems)
    assert not problems.all()
    for scenario in scenarios:
        for channel in scenario.plays_on():
            assert play(scenario, library, channel) is None
    assert [ends_of_waits(each, library) for each in scenarios] == [("",), ("paused",)]


def test_try_takes_a_key_in_a_wait(tmp_path: Path) -> None:
    (tmp_path / "line.yaml").write_text(LINE)
    code, shown = run("try", str(tmp_path / "line.yaml"), "--keys", "2", "--at", "2026-03-02 10:00")
    assert code == 0
    assert "Thank you for waiting." in shown
    assert "recorded: mailbox box" in shown


# --- mistakes ------------------------------------------------------------------------------------

WAIT = "  a: {queue: billing, otherwise: z, waiting: {%s}}\n"


@pytest.mark.parametrize(
    ("waiting", "mistake"),
    [
        ('keys: {"1": nowhere}', 'unknown step "nowhere"'),
        ('keys: {"1": z, "1": z}', "1"),
        ("keys: {one: z}", '"one" is no key'),
        ('keys: {"12": z}', '"12" is no key'),
        ("every: 5s", '"every" is 5s'),
        ("position: 3", '"position" must be true or false'),
        ("music: loud", "unknown key"),
        ('keys: {"1": {hours: dask, next: z}}', "unknown calendar"),
        ('keys: {"1": {set: {reason: c}, next: z}}', 'unknown value of "reason" "c"'),
    ],
)
def test_slips_in_a_wait_are_told(tmp_path: Path, waiting: str, mistake: str) -> None:
    found = told(tmp_path, WAIT % waiting + END)
    assert found, waiting
    assert mistake in found[0]


def test_words_of_a_wait_are_there_in_every_language() -> None:
    problems = Problems()
    read_flow(LINE.replace(', zh: "还在吗？"', ""), "x.yaml", problems)
    assert ["no zh text" in str(each) for each in problems.all()] == [True]


def test_an_agent_is_wanted_alone_or_first_but_not_both(tmp_path: Path) -> None:
    step = "  a: {queue: billing, otherwise: z, %s}\n" + END
    assert "both `agent` and `prefer`" in told(tmp_path, step % 'agent: "1001", prefer: "1001"')[0]
    assert "nobody is preferred" in told(tmp_path, step % "prefer_for: 5s")[0]
    assert 'unknown agent "1009"' in told(tmp_path, step % 'prefer: "1009"')[0]


def test_a_step_that_only_a_key_of_a_wait_leads_to_is_reached_and_knows_its_fields(
    tmp_path: Path,
) -> None:
    steps = WAIT % 'keys: {"1": {label: x, next: b}}' + '  b: {say: "{{ reason }}", next: z}\n'
    assert told(tmp_path, steps + END) == []


def test_a_key_that_leads_to_what_is_closed_is_told(tmp_path: Path) -> None:
    steps = WAIT % 'keys: {"1": {label: x, next: b}}'
    steps += "  b: {queue: cards, hours: desk, otherwise: z}\n"
    assert 'key 1 offers "b"' in told(tmp_path, steps + END)[0]


@pytest.mark.parametrize(
    ("waiting", "notes"),
    [
        ('say: ["Press 1 for a call."], keys: {"1": z}', []),
        ('say: ["Hello."], keys: {"1": z}', ["nothing tells callers of key 1"]),
        ('say: ["Press 2."], keys: {"1": {label: x, next: z}}', ["the words say key 2"]),
    ],
)
def test_the_words_of_a_wait_and_its_keys_agree(
    tmp_path: Path, waiting: str, notes: list[str]
) -> None:
    found = noted(tmp_path, WAIT % waiting + END)
    assert [each[: len(note)] for each, note in zip(found, notes, strict=True)] == notes


def test_a_round_that_only_a_key_closes_is_no_endless_one(tmp_path: Path) -> None:
    assert loaded(tmp_path, WAIT % 'keys: {"1": {label: x, next: a}}' + END)


def test_what_changed_in_a_wait_is_told_in_words() -> None:
    other = flow_of(LINE.replace("every: 40s", "every: 60s").replace("also: [voicemail], ", ""))
    lines = flow_differences(FLOW, other)
    assert "queue `talk`: while waiting every: 40 s -> 60 s" in lines


# --- place and wait in words ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            [
                "You are next in line.",
                "You are number three in line.",
                "Your wait will be less than a minute.",
                "Your wait will be about two to ten minutes.",
                "We mean to answer every call within twenty seconds.",
                "We mean to answer every call within two minutes.",
            ],
        ),
        (
            "zh-CN",
            [
                "您是下一位。",
                "您现在排在第三位。",
                "预计等待不到一分钟。",
                "预计等待两到十分钟。",
                "我们力争在二十秒内接听每一个来电。",
                "我们力争在两分钟内接听每一个来电。",
            ],
        ),
    ],
)
def test_place_and_wait_are_said_as_people_say_them(language: str, words: list[str]) -> None:
    said = [
        waits.place(language, 1),
        waits.place(language, 3),
        waits.wait(language, (0, 1)),
        waits.wait(language, (2, 10)),
        waits.promise(language, 20),
        waits.promise(language, 120),
    ]
    assert said == words
