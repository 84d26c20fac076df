"""What an operator reads, to the letter."""

from __future__ import annotations

import pytest

from acd.estimate import Told
from acd.model import (
    CallKeyed,
    CallQueued,
    Channel,
    Floor,
    FloorLoaded,
    Paused,
    QueueClosed,
    Readied,
    WaitAnnounced,
)
from ivr.operator.wording import Refused
from tests.operator.conftest import House, a_flow

FORMULAS = """\
SL = answered within the target / (answered + abandoned + timed out + nobody there \
- abandoned within 5s)
SL2 = answered within the target / (answered + abandoned); since the day began"""


async def test_queues_read_like_asterisks_own_screen(busy_house: House) -> None:
    assert await busy_house.ask("show queues") == (
        """\
billing has 2 calls (max 9) in 'longest idle' strategy (3s holdtime), W:0, C:1, A:0, \
SL:100.0%, SL2:100.0% within 20s
   Members:
      Ana Ruiz (PJSIP/1001) (offered 0:04) has taken no calls yet
      李娜 (PJSIP/1002) (talking 0:44) has taken 1 call (last was 44 secs ago)
   Callers:
      1. 王芳 <13900001111> (wait: 0:14, prio: 0, needs: mandarin>=5, id: t5k1-cd1e)
      -  unknown caller (wait: 0:04, prio: 0, rings: 1001 Ana Ruiz, id: t5k2-ef2f)
   Talking:
      Mei Lin <13812345678> with 1002 李娜 (talk: 0:44, waited: 0:03, id: t5k0-ab0d)

cards has 0 calls (max unlimited) in 'longest idle' strategy (0s holdtime), W:0, C:0, A:0, \
SL:-, SL2:- within 20s
   Members:
      李娜 (PJSIP/1002) (talking 0:44) has taken 1 call (last was 44 secs ago)
      Tom Okafor (PJSIP/1003) (logged out) has taken no calls yet
   No Callers

"""
        + FORMULAS
    )


async def test_one_queue_is_shown_alone_with_every_state_of_its_members(house: House) -> None:
    house.login("1001", "1002")
    house.queue("a-1", "Mei Lin", "138", "billing", mandarin=5)
    house.answer("1002")
    house.bench.send(Paused(house.bench.time, "1002", "lunch"))
    house.bench.send(Paused(house.bench.time, "1001", "break"))
    house.bench.send(QueueClosed(house.bench.time, "billing"))
    house.later(61)
    house.release("1002")
    house.later(7.5)
    assert await house.ask("show queues/billing") == (
        """\
billing has 0 calls (max 9) in 'longest idle' strategy (0s holdtime), W:0, C:1, A:0, \
SL:100.0%, SL2:100.0% within 20s, closed to new calls
   Members:
      Ana Ruiz (PJSIP/1001) (paused: break 1:08) has taken no calls yet
      李娜 (PJSIP/1002) (wrap-up 0:13 left, then paused (lunch)) \
has taken 1 call (last was 68 secs ago)
   No Callers

"""
        + FORMULAS
    )


async def test_a_queue_shows_how_true_its_announced_waits_were_and_who_left_by_a_key(
    house: House,
) -> None:
    house.login("1001")
    house.bench.send(Paused(house.bench.time, "1001", "break"))
    house.queue("a-1", "Mei Lin", "138", "billing")
    house.queue("b-1", "Bo", "139", "billing")
    told = Told(house.bench.time, 1, 90.0, 60.0, 130.0, 0.0, 1, 90.0)
    house.bench.send(WaitAnnounced(house.bench.time, "a-1.1", told))
    house.bench.send(CallKeyed(house.bench.time, "b-1.1", "1"))
    house.later(70)
    house.bench.send(Readied(house.bench.time, "1001"))
    house.answer("1001")
    shown = await house.ask("show queues/billing")
    assert "   Announced waits: 1 of 1 held (100%), off by 20s on average\n" in shown
    assert "   Left by a key: 1 call\n" in shown


async def test_agents_line_up_in_columns_with_chinese_names(busy_house: House) -> None:
    assert await busy_house.ask("show agents") == (
        "Agent  Name        State       For   Taken  Missed  With                   "
        "Phone       Queues          Skills\n"
        "1001   Ana Ruiz    offered     0:04  0      0       unknown caller         "
        "PJSIP/1001  billing         english 9, mandarin 2\n"
        "1002   李娜        talking     0:44  1      0       Mei Lin <13812345678>  "
        "PJSIP/1002  billing, cards  english 6, mandarin 10\n"
        "1003   Tom Okafor  logged out  0:47  0      0                              "
        "PJSIP/1003  cards           english 10\n"
        "\n"
        "3 agents: 1 logged out, 1 offered, 1 talking"
    )


async def test_one_agent_is_shown_in_full(busy_house: House) -> None:
    busy_house.miss("1001")
    busy_house.later(26)
    busy_house.release("1002")
    assert await busy_house.ask("show agents/1002") == (
        """\
李娜 (PJSIP/1002)
   State:   wrap-up 0:20 left, for 0:00
   Queues:  billing, cards
   Skills:  english 6, mandarin 10
   Taken:   1 call, talked 1:10, 1:10 a call
   Missed:  0 no answer, 0 rejected, 0 busy, 0 unreachable (0 in a row now)
   See also: acd why 1002"""
    )
    assert (
        "1 no answer, 0 rejected, 0 busy, 0 unreachable (1 in a row now)"
        in await busy_house.ask("show agent/1001")
    )


async def test_calls_are_listed_in_the_order_they_are_served(busy_house: House) -> None:
    assert await busy_house.ask("show calls") == (
        "Contact    Caller                 Queue    State             Wait  Prio  Agent          "
        "Needs\n"
        "t5k1-cd1e  王芳 <13900001111>     billing  waiting, place 1  0:14  0                    "
        "mandarin>=5\n"
        "t5k2-ef2f  unknown caller         billing  offered           0:04  0     1001 Ana Ruiz\n"
        "t5k0-ab0d  Mei Lin <13812345678>  billing  talking 0:44      0:03  0     1002 李娜      "
        "mandarin>=5\n"
        "\n"
        "3 calls: 1 waiting, 1 offered, 1 talking"
    )


async def test_one_call_is_shown_in_full(busy_house: House) -> None:
    assert await busy_house.ask("show calls/t5k1") == (
        """\
王芳 <13900001111> (contact t5k1-cd1e, call t5k1-cd1e.1)
   State:    waiting, place 1, in billing
   Waited:   0:14
   Priority: 0
   Needs:    mandarin>=5
   Flow:     clinic: menu, dialled 4100
   See also: acd why t5k1-cd1e"""
    )


async def test_contacts_include_callers_who_are_still_in_their_flow(busy_house: House) -> None:
    busy_house.caller("t5k9-zz9z", "Bo", "555")
    screen = await busy_house.ask("show contacts")
    assert screen.splitlines()[0].split() == [
        "Contact", "Caller", "Dialled", "Age", "Where", "Flow", "and", "step"
    ]  # fmt: skip
    assert "talking with 1002 李娜  clinic: menu" in screen
    assert "waiting in billing      clinic: menu" in screen
    assert "Bo <555>               4100     0:00  in the flow" in screen
    assert screen.endswith("4 contacts")
    assert (await busy_house.ask("show contacts/t5k9")).endswith("1 contact")


async def test_flows_show_who_is_still_in_an_older_revision(busy_house: House) -> None:
    busy_house.flows = {
        "clinic": a_flow("clinic", "bbb222", ("4100",)),
        "bank": a_flow("bank", "ccc333"),
    }
    busy_house.contacts["t5k0-ab0d"].position["revision"] = "bbb222"
    assert await busy_house.ask("show flows") == (
        "Flow    Revision  Numbers  Languages  Steps  Contacts                    File\n"
        "bank    ccc333    none     en         1      0                           "
        "flows/bank.yaml\n"
        "clinic  bbb222    4100     en         1      3 (2 on an older revision)  "
        "flows/clinic.yaml"
    )


async def test_an_empty_house_says_so_on_every_screen(house: House) -> None:
    house.bench.send(FloorLoaded(house.bench.time, Floor()))
    house.flows = {}
    assert await house.ask("show queues") == "No queues: the floor file names none."
    assert await house.ask("show agents") == "No agents: the floor file names none."
    assert await house.ask("show calls") == "No calls wait, ring or talk."
    assert await house.ask("show contacts") == "Nobody is on the telephone."
    assert await house.ask("show flows") == "No flows are in force."


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("show queue/biling", 'No queue "biling". Did you mean billing?'),
        ("show agents/9", 'No agent "9". Known: 1001, 1002, 1003.'),
        ("show calls/nope", 'No call "nope" is alive. See them: acd show calls'),
        ("show flows/klinic", 'No flow "klinic". Did you mean clinic?'),
        ("show quues", 'No screen "quues". Did you mean queues?'),
        ("list queues", 'No question "list". Known: do, help, show, why.'),
    ],
)
async def test_a_wrong_word_is_answered_with_the_right_one(
    house: House, question: str, answer: str
) -> None:
    with pytest.raises(Refused) as refused:
        await house.ask(question)
    assert str(refused.value) == answer


async def test_a_callers_name_cannot_steer_the_operators_terminal(house: House) -> None:
    house.queue("a-1", "\x1b[2J\x07Evil\u202e\nname", "1")
    screen = await house.ask("show calls")
    assert "\x1b" not in screen
    assert "\x07" not in screen
    assert "\u202e" not in screen
    assert "[2JEvil" in screen


async def test_an_agent_who_was_removed_finishes_and_is_shown_until_then(house: House) -> None:
    house.login("1002")
    house.queue("a-1", "Mei Lin", "138")
    house.answer("1002")
    house.without_agent("1002")
    assert "talking, then logged out" in await house.ask("show agents")


async def test_who_is_in_letters_or_at_another_node_is_named_as_far_as_is_known(
    house: House,
) -> None:
    at = house.bench.time
    for contact, number, channel in (
        ("t5k1-cd1e-n2", "+8613900139000", Channel.VOICE),
        ("t5k2-ef2f", "", Channel.CHAT),
        ("t5k3-0a0b-n2", "", Channel.VOICE),
    ):
        queued = CallQueued(
            at, f"{contact}.1", contact, "cards", {}, 0, at, customer=number, channel=channel
        )
        house.bench.send(queued)
    shown = await house.ask("show queues")
    for whom in ("<+8613900139000> (wait", "a visitor (wait", "unknown caller (wait"):
        assert whom in shown
