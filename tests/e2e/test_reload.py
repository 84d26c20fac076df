"""A reload takes the files whole or not at all, and nobody on the phone notices."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from acd.views import AgentRow, CallRow
from ivr.demo.phone import Line, LineState
from tests.e2e.conftest import Phones
from tests.e2e.hostile import RawPhone
from tests.e2e.hostile_sockets import Lateness, stopwatch
from tests.e2e.house import House, until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

ONE = """flow: reloaded
numbers: ["4920"]
start: choose
defaults: {wait: 5s, attempts: 3}
steps:
  choose:
    menu: "The first one. Press 1."
    "1": old
    otherwise: bye
  old:
    queue: billing
    next: bye
    otherwise: bye
  bye:
    hangup: "Goodbye."
"""
TWO = ONE.replace("first", "second").replace('"1": old', '"1": new').replace("  old:", "  new:")
BROKEN = TWO.replace("queue: billing", "queue: biling").replace("  new:", "    press: 1\n  new:")
LIVE = 20
NEWCOMER = '  "3009":\n    name: Eva Newman\n    queues: [billing]\n    skills: {english: 5}\n'


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a house, and the console that puts them into force."""

    house: House
    flow: Path
    floor: Path

    async def reload(self) -> str:
        """What the operator reads after `acd do reload`."""
        return await self.house.asterisk.command("acd do reload")


@pytest_asyncio.fixture(loop_scope="session")
async def files(house: House) -> AsyncIterator[Files]:
    """The flow `reloaded` is in force; afterwards all is as it was."""
    files = Files(house, house.flows / "reloaded.yaml", house.flows / "floor.yaml")
    floor = files.floor.read_text()
    files.flow.write_text(ONE)
    assert "flow reloaded: new" in await files.reload()
    try:
        yield files
    finally:
        files.flow.unlink()
        files.floor.write_text(floor)
        assert "flow reloaded: removed" in await files.reload()


async def call(phones: Phones, number: str, dialled: str) -> Line:
    line = await (await phones.caller(number)).dial(dialled)
    await line.answered()
    return line


async def first_to_ring(phones: Phones, *agents: str) -> Line:
    """Whichever of them rings has answered."""
    ringing = [asyncio.ensure_future((await phones.agent(each)).incoming(10)) for each in agents]
    done, waiting = await asyncio.wait(ringing, return_when=asyncio.FIRST_COMPLETED)
    for other in waiting:
        other.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    line = done.pop().result()
    await line.answer()
    return line


async def revision(house: House, line: Line, contact: str) -> str:
    """The revision in the contact's record, once its call is over."""
    await line.hang_up()
    return (await house.record(contact)).revision


async def at_menu(phones: Phones, number: str) -> tuple[Line, str]:
    """A caller who listens to the flow's menu, and their contact."""
    known = set(phones.house.contacts())
    line = await call(phones, number, "4920")
    contact = await phones.house.at_step("choose", known)
    await line.hears_sound(5)
    return line, contact


async def test_a_broken_file_is_refused_with_each_mistake_at_its_place_and_calls_go_on(
    house: House, files: Files, phones: Phones
) -> None:
    first, contact = await at_menu(phones, "+15550701")
    old = await revision(house, first, contact)
    plan = files.floor.read_text()
    files.flow.write_text(BROKEN)
    files.floor.write_text(plan.replace("queues: [cards, loans,", "queues: [cards, laons,"))
    told = await files.reload()
    line_no = plan[: plan.index("queues: [cards, loans,")].count("\n") + 1
    assert f'{files.floor}:{line_no}:21: unknown queue "laons" (did you mean "loans"?)' in told
    assert f'{files.flow}:10:5: unknown key in step "choose": "press"' in told
    assert "nothing was changed" in told
    files.floor.write_text(plan)
    told = await files.reload()
    assert f'{files.flow}:12:12: unknown queue "biling" (did you mean "billing"?)' in told
    assert re.search(rf"^{re.escape(str(files.flow))}:10:5: ", told, re.M)
    assert "2 mistakes; nothing was changed" in told
    shown = await house.asterisk.command("acd show flows/reloaded")
    assert old in shown
    line, contact = await at_menu(phones, "+15550702")
    await line.press("1")
    await until(partial(is_queued, house, contact), why="the old flow serves")
    assert await revision(house, line, contact) == old


def heard_more(line: Line, than: float) -> bool:
    """Whether a second has been heard since."""
    return line.heard_seconds > than + 1


async def test_a_reload_is_not_noticed_by_anybody_on_the_phone(
    house: House, files: Files, phones: Phones, measured: Callable[[str, str], None]
) -> None:
    """One talks, one wraps up, one is paused, one waits: all as before, after."""
    await asyncio.gather(*(phones.ready(agent) for agent in ("2001", "2002")))
    await house.asterisk.command("acd do login/2003")
    assert "paused" in await house.asterisk.command("acd do pause/2003/lunch")
    first = await call(phones, "+15550711", "4900")
    done = await first_to_ring(phones, "2001", "2002")
    talker = await call(phones, "+15550712", "4900")
    talking = await first_to_ring(phones, "2001", "2002")
    await first.hang_up()
    wrapping = done.phone.user
    await until(lambda: house.agent(wrapping).state == "wrap_up", why="one wraps up")
    assert "wrap-up" in await house.asterisk.command(f"acd do extend/{wrapping}/90")
    waiter = await call(phones, "+15550713", "4900")
    await until(lambda: len(house.calls()) == 2, why="the third caller waits")
    before = floor(house)
    talker.hum()
    await talking.hears_tone(talker.phone.tone_hz, 5)
    music = waiter.heard_seconds

    plan = files.floor.read_text()
    late: list[Lateness] = []
    assert house._service is not None
    # What a reload costs it costs every time; what else the machine does, it does now and then.
    for flow, floor_now in ((TWO, plan + NEWCOMER), (ONE, plan), (TWO, plan + NEWCOMER)):
        files.flow.write_text(flow)
        files.floor.write_text(floor_now)
        async with stopwatch(house.settings.console_port, house._service.pid, late):
            told = await files.reload()
            heard = talking.heard_seconds
            await until(partial(heard_more, talking, heard), why="the talk goes on")
    assert "flow reloaded: changed" in told
    assert "agent 3009 Eva Newman: added" in told
    assert floor(house) == before
    await until(partial(heard_more, waiter, music), why="the music plays on")
    least = min(each.own for each in late)
    assert least < 50, late
    measured("reload during calls: event loop late (limit 50 ms)", f"{least:.0f} ms")


async def test_a_live_call_ends_as_it_began_and_the_next_one_meets_what_is_new(
    house: House, files: Files, phones: Phones
) -> None:
    earlier, began = await at_menu(phones, "+15550721")
    files.flow.write_text(TWO)
    files.floor.write_text(files.floor.read_text() + NEWCOMER)
    assert "1 contact in it finishes on the old one" in await files.reload()
    later, fresh = await at_menu(phones, "+15550722")
    for line, contact, step in ((earlier, began, "old"), (later, fresh, "new")):
        await line.press("1")
        await until(partial(is_queued, house, contact), why=f"{step} serves")
        assert step in {event.step for event in house.story(contact)}
    eva = await phones.ready("3009")
    for line, contact in ((earlier, began), (later, fresh)):
        ringing = await eva.incoming(10)
        assert ringing.headers["X-Tieline-Contact"] == contact
        await ringing.answer()
        line.hum()
        await ringing.hears_tone(line.phone.tone_hz, 5)
        await ringing.hang_up()
        await phones.dial_code(eva, "*44")
    first = await revision(house, earlier, began)
    second = await revision(house, later, fresh)
    assert first != second
    assert second in await house.asterisk.command("acd show flows/reloaded")


async def test_twenty_live_calls_lose_nobody_to_a_reload_nor_to_a_restart_and_keep_their_flow(
    house: House, files: Files, phones: Phones, measured: Callable[[str, str], None]
) -> None:
    """A reload, a new call, a service that is killed: then each goes where its own flow leads."""
    known = set(house.contacts())
    numbers = [f"+155508{n:02}" for n in range(LIVE)]
    earlier = await asyncio.gather(*(call(phones, number, "4920") for number in numbers))
    await until(lambda: len(set(house.contacts()) - known) == LIVE, why="all are in the flow")
    files.flow.write_text(TWO)
    told = await files.reload()
    assert f"{LIVE} contacts in it finish on the old one" in told
    later, fresh = await at_menu(phones, "+15550899")
    await house.kill_service()
    await house.start_service()
    contacts = [house.contact_of(number) for number in numbers]
    lines, back = [*earlier, later], [*contacts, fresh]
    await until(lambda: all(house.told(each, "resumed") for each in back), 15, "all are back")
    # What is keyed before the question is asked again is nothing.
    await asyncio.gather(
        *(pressed_until_queued(house, *each) for each in zip(lines, back, strict=True))
    )
    assert all(line.state is LineState.TALKING for line in lines)
    assert all(house.steps(contact)[-1] == "old" for contact in contacts)
    assert house.steps(fresh)[-1] == "new"
    await asyncio.gather(*(line.hang_up() for line in lines))
    revisions = {(await house.record(contact)).revision for contact in contacts}
    assert len(revisions) == 1
    assert (await house.record(fresh)).revision not in revisions
    measured("reload and restart under live calls: dropped, on a wrong flow", f"0, 0 of {LIVE}")


async def pressed_until_queued(house: House, line: Line, contact: str) -> None:
    def noticed(enough: float) -> bool:
        return is_queued(house, contact) or line.heard_seconds > enough

    while not is_queued(house, contact):
        enough = line.heard_seconds + 1.5
        await line.press("1")
        await until(partial(noticed, enough), why="the wait begins, or the menu is heard")


def is_queued(house: House, contact: str) -> bool:
    return any(event.kind == "queued" for event in house.story(contact))


def floor(house: House) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Who does what since when, and who waits where since when."""
    agents = [row for row in house.engine().agents_view(0) if row.agent in ("2001", "2002", "2003")]
    return (
        [_told(row, "agent", "state", "since", "reason", "wrap_up_until") for row in agents],
        [_told(row, "call", "queue", "enqueued_at", "agent") for row in house.calls()],
    )


def _told(row: AgentRow | CallRow, *names: str) -> tuple[str, ...]:
    return tuple(str(getattr(row, name)) for name in names)


async def test_an_agent_who_was_removed_is_let_in_no_more(house: House, files: Files) -> None:
    floor = files.floor.read_text()
    files.floor.write_text(floor + NEWCOMER)
    await files.reload()
    password = house.password("3009")
    async with RawPhone.open(house.domain, "3009", password) as phone:
        assert await phone.register() == 200
        files.floor.write_text(floor)
        assert "agent 3009 Eva Newman: removed" in await files.reload()
        assert await phone.register() in (401, 403)
        assert await phone.call(b"*41") in (401, 403, 404)
    assert "3009" not in await house.asterisk.command("acd show agents")
