"""Every action, right and wrong: what is true afterwards, and who is said to have done it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from acd.model import (
    Agent,
    AgentState,
    Floor,
    FloorLoaded,
    LoggedIn,
    Paused,
    Queue,
    QueueClosed,
    WrapUpExtended,
)
from ivr.errors import AsteriskUnreachable, ConfigError, Problem
from ivr.flow.calendar import Calendar, Span
from ivr.operator.commands import ACTIONS
from ivr.operator.reload import MOST_LINES
from ivr.operator.wording import Refused
from ivr.plans import NoSuchRevision
from ivr.revisions import Author
from tests.operator.conftest import FLOOR, House, a_flow


def state(house: House, agent: str) -> AgentState:
    rows = house.bench.engine.agents_view(house.bench.time)
    return next(row.state for row in rows if row.agent == agent)


def waiting(house: House, queue: str) -> list[str]:
    rows = house.bench.engine.calls_view(house.bench.time)
    return [row.contact for row in rows if row.queue == queue and row.position is not None]


async def refusal(house: House, question: str) -> str:
    """The text of a refusal, having checked that nothing at all was changed."""
    before = house.bench.engine.snapshot()
    with pytest.raises(Refused) as refused:
        await house.ask(question)
    assert house.bench.engine.snapshot() == before
    return str(refused.value)


async def test_an_agent_is_logged_in_paused_made_ready_and_logged_out(house: House) -> None:
    assert await house.ask("do login/1001") == "1001 Ana Ruiz: ready."
    assert house.bench.sent[-1] == LoggedIn(house.bench.time, "1001", "console")
    assert await house.ask("do pause/1001/lunch") == "1001 Ana Ruiz: paused (lunch)."
    assert house.bench.sent[-1] == Paused(house.bench.time, "1001", "lunch", "console")
    assert await house.ask("do pause/1001/break") == "1001 Ana Ruiz: paused (break)."
    assert await house.ask("do ready/1001") == "1001 Ana Ruiz: ready."
    assert await house.ask("do logout/1001") == "1001 Ana Ruiz: logged out."
    assert state(house, "1001") is AgentState.LOGGED_OUT


async def test_what_is_so_already_is_said_and_not_done_again(house: House) -> None:
    assert await house.ask("do logout/1001") == "1001 Ana Ruiz: already logged out."
    house.login("1001")
    events = len(house.bench.sent)
    assert await house.ask("do login/1001") == "1001 Ana Ruiz: logged in already, ready."
    assert await house.ask("do ready/1001") == "1001 Ana Ruiz: ready."
    assert await house.ask("do open/billing") == "billing: open already."
    assert len(house.bench.sent) == events


async def test_a_pause_during_a_call_waits_for_its_end(busy_house: House) -> None:
    assert await busy_house.ask("do pause/1002/lunch") == (
        "1002 李娜: talking 0:44, Mei Lin <13812345678> (billing); "
        "paused (lunch) when this work is over."
    )
    assert await busy_house.ask("do ready/1002") == (
        "1002 李娜: talking 0:44, Mei Lin <13812345678> (billing)."
    )


async def test_an_agent_made_ready_is_seen_to_get_the_waiting_call(house: House) -> None:
    house.queue("a-1", "Mei Lin", "138")
    assert (
        await house.ask("do login/1001") == "1001 Ana Ruiz: offered 0:00, Mei Lin <138> (billing)."
    )


async def test_a_wrap_up_is_extended_and_finished(busy_house: House) -> None:
    busy_house.release("1002")
    assert await busy_house.ask("do extend/1002/60") == "1002 李娜: wrap-up 1:20 left."
    assert busy_house.bench.sent[-1] == WrapUpExtended(busy_house.bench.time, "1002", 60, "console")
    assert await busy_house.ask("do extend/1002/1m") == "1002 李娜: wrap-up 2:20 left."
    assert await busy_house.ask("do finish/1002") == (
        "1002 李娜: offered 0:00, 王芳 <13900001111> (billing)."
    )


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("do pause/1001", "A pause has a reason: lunch, break. Such as: acd do pause/1001/lunch"),
        (
            "do pause/1001/lanch",
            'No pause reason "lanch". Did you mean lunch? Such as: acd do pause/1001/lunch',
        ),
        (
            "do pause/1001/lunch",
            "1001 Ana Ruiz is logged out and cannot be paused. First: acd do login/1001",
        ),
        (
            "do ready/1001",
            "1001 Ana Ruiz is logged out: a login makes them ready: acd do login/1001",
        ),
        ("do login/1009", 'No agent "1009". Did you mean 1003?'),
        ("do pause", "Usage: acd do pause/AGENT/REASON"),
        ("do pause/1001/lunch/now", "Usage: acd do pause/AGENT/REASON"),
        ("do login/", "Usage: acd do login/AGENT/PHONE"),
        ("do login//", "Usage: acd do login/AGENT/PHONE"),
        ("do drain/billing", "Usage: acd do drain"),
        ("do puase/1001", 'No action "puase". Did you mean pause? See acd help.'),
        ("do frobnicate/1", 'No action "frobnicate". See acd help.'),
        ("do ", f"Usage: acd do ACTION. Known: {', '.join(ACTIONS)}."),
        ("do finish/1001", "1001 Ana Ruiz is not in wrap-up but logged out: nothing was changed."),
        (
            "do extend/1001/soon",
            '"soon" is no length of time: write seconds from 1 to 3600, or minutes as 2m, such as '
            "acd do extend/1001/60",
        ),
        ("do move/nope/cards", 'No call "nope" is alive. See them: acd show calls'),
        ("do close/biling", 'No queue "biling". Did you mean billing?'),
        ("do hangup/nope", 'No contact "nope" is alive. See them: acd show contacts'),
    ],
)
async def test_wrong_input_is_answered_with_what_is_right(
    house: House, question: str, answer: str
) -> None:
    assert await refusal(house, question) == answer


@pytest.mark.parametrize("seconds", ["0", "-5", "3601", "61m", "1e3", "٣"])
async def test_a_wrap_up_grows_by_sensible_times_only(busy_house: House, seconds: str) -> None:
    busy_house.release("1002")
    assert "is no length of time" in await refusal(busy_house, f"do extend/1002/{seconds}")


async def test_a_floor_with_one_reason_needs_none_named(house: House) -> None:
    house.bench.send(FloorLoaded(house.bench.time, replace(FLOOR, pause_reasons=("rest",))))
    house.login("1001")
    assert await house.ask("do pause/1001") == "1001 Ana Ruiz: paused (rest)."
    house.bench.send(FloorLoaded(house.bench.time, replace(FLOOR, pause_reasons=())))
    assert await house.ask("do pause/1001/coffee") == "1001 Ana Ruiz: paused (coffee)."


async def test_a_waiting_call_is_moved_raised_and_withdrawn(busy_house: House) -> None:
    assert await busy_house.ask("do move/t5k1/cards") == (
        "t5k1-cd1e 王芳 <13900001111>: waits in cards at place 1, priority 0."
    )
    assert waiting(busy_house, "cards") == ["t5k1-cd1e"]
    assert await busy_house.ask("do priority/cd1e/7") == (
        "t5k1-cd1e 王芳 <13900001111>: waits in cards at place 1, priority 7."
    )
    assert await busy_house.ask("do withdraw/t5k1-cd1e.1") == (
        "t5k1-cd1e 王芳 <13900001111>: taken out of cards, goes on in its flow."
    )
    assert waiting(busy_house, "cards") == []


async def test_a_call_moved_to_a_free_agents_queue_rings_there(busy_house: House) -> None:
    busy_house.login("1003")
    busy_house.miss("1001")
    assert await busy_house.ask("do move/t5k2/cards") == (
        "t5k2-ef2f unknown caller: waits in cards, 1003 Tom Okafor is being rung, priority 0."
    )


async def test_a_call_that_cannot_be_changed_says_why(busy_house: House) -> None:
    assert await refusal(busy_house, "do move/t5k0/cards") == (
        "t5k0-ab0d Mei Lin <13812345678> talks with 1002 李娜: "
        "only a call that waits can be changed"
    )
    assert await refusal(busy_house, "do move/t5k1/billing") == (
        "t5k1-cd1e 王芳 <13900001111> waits in billing already."
    )
    assert await refusal(busy_house, "do priority/t5k1/high") == (
        '"high" is no priority: write a whole number from -100 to 100; '
        "this call has 0, higher goes first"
    )
    assert "is no priority" in await refusal(busy_house, "do priority/t5k1/101")


async def test_a_beginning_that_several_calls_have_is_not_guessed(busy_house: House) -> None:
    answer = await refusal(busy_house, "do withdraw/t5k")
    assert answer.startswith('"t5k" begins 3 calls: ')
    assert "t5k1-cd1e 王芳 <13900001111>" in answer
    assert answer.endswith("Write more of it.")


async def test_a_line_is_hung_up_by_its_channel(busy_house: House) -> None:
    busy_house.caller("t5k9-zz9z", "Bo", "555")
    assert await busy_house.ask("do hangup/t5k9") == (
        "t5k9-zz9z Bo <555>: the line is being hung up."
    )
    assert busy_house.hung_up == ["PJSIP/trunk-t5k9-zz9z"]


async def test_queues_are_closed_and_opened(busy_house: House) -> None:
    assert await busy_house.ask("do close/billing") == (
        "billing: closed to new calls; 2 calls in it will be served."
    )
    assert busy_house.bench.sent[-1] == QueueClosed(busy_house.bench.time, "billing", "console")
    assert await busy_house.ask("do close/billing") == (
        "billing: closed to new calls already; 2 calls in it will be served."
    )
    assert await busy_house.ask("do move/t5k1/cards") == (
        "t5k1-cd1e 王芳 <13900001111>: waits in cards at place 1, priority 0."
    )
    assert (await busy_house.ask("do move/t5k1/billing")).endswith(
        "billing is closed to new calls, those in it are served."
    )
    assert await busy_house.ask("do open/billing") == "billing: open."
    assert all(row.open for row in busy_house.bench.engine.queues_view(0))


async def test_a_drained_machine_shuts_its_door_and_leaves_the_queues_open(
    busy_house: House,
) -> None:
    assert await busy_house.ask("show drain") == "open: True"
    assert await busy_house.ask("do drain") == "open: False"
    assert all(row.open for row in busy_house.bench.engine.queues_view(0))
    assert await busy_house.ask("do undrain") == "open: True"


async def test_a_removed_queue_is_not_opened_again(busy_house: House) -> None:
    floor = Floor((Queue("cards"),), (Agent("1003", "Tom Okafor", ("cards",)),))
    busy_house.bench.send(FloorLoaded(busy_house.bench.time, floor))
    assert "was removed from the floor file" in await refusal(busy_house, "do open/billing")
    assert "removed: gone when its last call ends" in await busy_house.ask("show queues/billing")


async def test_an_agent_who_was_removed_cannot_be_logged_in(house: House) -> None:
    house.login("1002")
    house.queue("a-1", "Mei Lin", "138")
    house.answer("1002")
    house.without_agent("1002")
    assert (await refusal(house, "do pause/1002/lunch")).startswith("Nothing was changed: ")


async def test_a_reload_says_what_is_different_now(busy_house: House) -> None:
    busy_house.flows = {
        "clinic": a_flow("clinic", "aaa111"),
        "old": a_flow("old", "o1"),
        "same": a_flow("same", "s1"),
    }
    busy_house.flows_on_disk = {
        "clinic": a_flow("clinic", "bbb222"),
        "bank": a_flow("bank", "ccc333"),
        "same": a_flow("same", "s1"),
    }
    busy_house.floor_on_disk = Floor(
        (replace(FLOOR.queues[0], ring_seconds=30), Queue("loans")),
        (*FLOOR.agents[:1], Agent("1004", "Zhang Wei", ("loans",))),
        ("lunch",),
    )
    assert await busy_house.ask("do reload") == (
        """\
In force: revision 2, 3 flows, 2 queues, 2 agents.
   flow bank: new, revision ccc333
   flow clinic: changed, revision bbb222; 3 contacts in it finish on the old one
      only its layout or comments
   flow old: removed
   queue billing: ring: 20 s -> 30 s
   queue cards: removed
   queue loans: added
   agent 1002 李娜: removed
   agent 1003 Tom Okafor: removed
   agent 1004 Zhang Wei: added
   pause reasons: without `break`"""
    )


async def test_a_calendar_that_alone_is_different_is_told_with_its_flow(house: House) -> None:
    flow = house.flows["clinic"]
    week = ((Span(480, 1080),), *((),) * 6)
    desk = Calendar("desk", ZoneInfo("UTC"), week)
    house.flows = {"clinic": replace(flow, calendars={"desk": desk})}
    closed = replace(desk, closed=frozenset({date(2026, 10, 8)}))
    house.flows_on_disk = {"clinic": replace(flow, calendars={"desk": closed})}
    assert (await house.ask("do reload")).splitlines()[1:] == [
        "   flow clinic: calendar desk: closed on 2026-10-08 as well"
    ]


async def test_a_reload_without_news_says_so(house: House) -> None:
    assert await house.ask("do reload") == (
        "In force: revision 2, 1 flow, 2 queues, 3 agents. Nothing has changed since the last "
        "reload."
    )


async def test_a_broken_file_is_told_by_place_and_changes_nothing(house: House) -> None:
    house.reload_fails = ConfigError(
        [
            Problem("flows/clinic.yaml", 3, 7, 'no step "ment"', 'did you mean "menu"?'),
            Problem("flows/floor.yaml", 9, 1, "wrong"),
        ]
    )
    assert await refusal(house, "do reload") == (
        'flows/clinic.yaml:3:7: no step "ment" (did you mean "menu"?)\n'
        "flows/floor.yaml:9:1: wrong\n"
        "2 mistakes; nothing was changed."
    )


async def test_a_reload_asterisk_did_not_hear_of_is_told_apart(house: House) -> None:
    house.flows_on_disk = {}
    house.reload_fails_after = AsteriskUnreachable("AMI is down")
    with pytest.raises(Refused) as refused:
        await house.ask("do reload")
    assert "flow clinic: removed" in str(refused.value)
    assert "Asterisk was not told of new numbers and phones: AMI is down" in str(refused.value)


async def test_a_reload_is_published_by_whoever_asked_and_why(house: House) -> None:
    await house.ask("do reload")
    await house.ask("do reload/new hours/from Monday")
    await house.ask("do:lisa reload/  a\nb ")
    assert house.published == [
        (Author("console"), None),
        (Author("console", "new hours/from Monday"), None),
        (Author("lisa", "a b"), None),
    ]


async def test_a_rollback_says_what_is_different_and_that_the_files_stay(house: House) -> None:
    house.flows_on_disk = {}
    told = await house.ask("do:bob rollback/7/too many complaints")
    assert house.published == [(Author("bob", "too many complaints"), 7)]
    assert told.startswith("In force: revision 7, 0 flows")
    assert "   flow clinic: removed" in told
    assert told.endswith("The files are as they were; they are taken again by: acd do reload")


async def test_a_revision_that_is_not_kept_changes_nothing(house: House) -> None:
    house.reload_fails = NoSuchRevision("No revision 9 is kept. There are 1 to 3")
    assert await refusal(house, "do rollback/9") == (
        "Nothing was changed: No revision 9 is kept. There are 1 to 3"
    )
    assert "is no revision's number" in await refusal(house, "do rollback/last")
    assert await refusal(house, "do rollback") == "Usage: acd do rollback/REVISION/WHY"


async def test_every_screen_says_that_something_else_than_the_files_is_in_force(
    house: House,
) -> None:
    plain = await house.ask("show queues")
    house.notice = "Revision 1 is in force, not the files."
    assert await house.ask("show queues") == f"! {house.notice}\n{plain}"


async def test_very_many_changes_are_counted(house: House) -> None:
    house.floor_on_disk = Floor(tuple(Queue(f"q{number}") for number in range(60)))
    told = (await house.ask("do reload")).splitlines()
    assert len(told) == MOST_LINES + 2
    assert re.fullmatch(r"   and \d+ more changes: tieline revisions show 2", told[-1])


async def test_help_names_every_action(house: House) -> None:
    text = await house.ask("help me")
    for word, action in ACTIONS.items():
        assert f"acd do {action.usage(word)}  " in text
    assert max(map(len, text.splitlines())) < 100
