"""Text messages: none lost, none sent twice, none sent for ever."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.backends import outbox
from ivr.backends.outbox import Message, messages_in
from ivr.backends.owners import is_gone
from ivr.backends.segments import Segments, segments
from ivr.backends.services import Gateway
from ivr.backends.texting import Draft
from ivr.demo.backends import Backends
from ivr.flow.actions import Failed
from ivr.flow.errands import Sent, Sms
from tests.backends.house import House, free_port, house, offering, says, service, until, wire

HELLO = Sms("13800138000", "Your visit is at 10. 您好")


@pytest.fixture
async def gateway() -> AsyncIterator[tuple[Backends, str]]:
    backends = Backends()
    async with backends.serving() as url:
        yield backends, url + "/messages"


def listed(folder: Path) -> list[Message]:
    return messages_in(folder / "e.sqlite", everything=True)


async def sent(there: House, errand: Sms = HELLO, **more: str) -> Sent:
    found = await there.run(errand, **more)
    assert isinstance(found, Sent), found
    return found


async def test_a_message_is_accepted_at_once_and_sent_in_the_background(
    tmp_path: Path, gateway: tuple[Backends, str]
) -> None:
    backends, url = gateway
    async with house(tmp_path, offering(service(url, name="gateway"), region="CN")) as there:
        await there.errands.start()
        found = await sent(there)
        await until(lambda: listed(tmp_path)[0].state == "sent")
        await until(lambda: bool(there.story))
    assert backends.messages == [
        {"id": found.message, "to": "+8613800138000", "from": "1000", "text": HELLO.text}
    ]
    told = there.story[0]
    assert (told.contact, told.kind) == ("c1", "message_sent")
    assert told.data == {"id": found.message, "to": "+8613800138000", "why": ""}


async def test_who_waits_for_all_messages_to_leave_finds_them_gone(
    tmp_path: Path, gateway: tuple[Backends, str]
) -> None:
    backends, url = gateway
    async with house(tmp_path, offering(service(url, name="gateway"), region="CN")) as there:
        await sent(there)
        assert not await there.errands.sent_all(0.1), "nobody sends yet"
        await there.errands.start()
        assert await there.errands.sent_all(10)
        assert len(backends.messages) == 1


async def test_asking_again_sends_nothing_more(
    tmp_path: Path, gateway: tuple[Backends, str]
) -> None:
    backends, url = gateway
    async with house(tmp_path, offering(service(url, name="gateway"), region="CN")) as there:
        first = await sent(there)
        assert await sent(there) == first
        assert await sent(there, once="c1/step/1") != first
        again = await sent(there, Sms(HELLO.to, "other words"), once="c1/step/1")
        assert again != first
        assert len(listed(tmp_path)) == 2
        await there.errands.start()
        await until(lambda: {each.state for each in listed(tmp_path)} == {"sent"})
    async with house(tmp_path, there.sources.services) as there:
        assert await sent(there) == first
    assert len(backends.messages) == 2


async def test_without_a_gateway_messages_wait_for_one(
    tmp_path: Path, gateway: tuple[Backends, str]
) -> None:
    backends, url = gateway
    async with house(tmp_path, offering(region="CN")) as there:
        await there.errands.start()
        await sent(there)
    assert [each.state for each in listed(tmp_path)] == ["queued"]
    async with house(tmp_path, offering(service(url, name="gateway"), region="CN")) as there:
        await there.errands.start()
        await until(lambda: listed(tmp_path)[0].state == "sent")
    assert len(backends.messages) == 1


async def test_a_gateway_that_is_down_gets_the_message_later(tmp_path: Path) -> None:
    backends, port = Backends(), free_port()
    address = f"http://127.0.0.1:{port}/messages"
    async with house(tmp_path, offering(service(address, name="gateway"), region="CN")) as there:
        await there.errands.start()
        await sent(there)
        await until(lambda: listed(tmp_path)[0].tries == 1)
        waiting = listed(tmp_path)[0]
        assert waiting.state == "queued"
        assert waiting.why == "gateway: it cannot be reached"
        assert waiting.due == there.clock.at + outbox.FIRST_PAUSE
        async with backends.serving(port):
            there.clock.at += outbox.FIRST_PAUSE
            await sent(there, Sms(HELLO.to, "wakes the sender"))
            await until(lambda: {each.state for each in listed(tmp_path)} == {"sent"})
    assert sorted(each["text"] for each in backends.messages) == [HELLO.text, "wakes the sender"]


async def test_a_message_that_is_refused_is_given_up_and_told(tmp_path: Path) -> None:
    async with wire(says("400 Bad", b'{"error": "no such number"}')) as there_is:
        services = offering(service(there_is.url, name="gateway"), region="CN")
        async with house(tmp_path, services) as there:
            await there.errands.start()
            await sent(there)
            await until(lambda: bool(there.story))
    assert len(there_is.heard) == 1
    assert (listed(tmp_path)[0].state, listed(tmp_path)[0].why) == (
        "failed",
        "the gateway answered 400",
    )
    assert there.story[0].kind == "message_failed"


async def test_a_message_too_old_to_be_of_use_is_given_up(tmp_path: Path) -> None:
    services = offering(service(f"http://127.0.0.1:{free_port()}", name="gateway"), region="CN")
    async with house(tmp_path, services) as there:
        await sent(there)
        there.clock.at += outbox.PATIENCE + 1
        await there.errands.start()
        await until(lambda: listed(tmp_path)[0].state == "failed")


async def test_two_services_send_each_message_once(
    tmp_path: Path, gateway: tuple[Backends, str]
) -> None:
    heard: list[str] = []
    backends, url = gateway
    services = offering(service(url, name="gateway"), region="CN")
    async with house(tmp_path, services) as here, house(tmp_path, services) as there:
        for n in range(20):
            heard.append((await sent(here, Sms(f"138001380{n:02}", "Hello"))).message)
        await asyncio.gather(here.errands.start(), there.errands.start())
        await until(lambda: {each.state for each in listed(tmp_path)} == {"sent"})
    assert sorted(each["id"] for each in backends.messages) == sorted(heard)
    assert backends.requests == 20


async def test_one_bad_moment_does_not_end_all_sending(
    tmp_path: Path, gateway: tuple[Backends, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ivr.backends.texting.IDLE", 0.05)
    services = offering(service(gateway[1], name="gateway"), region="CN")
    async with house(tmp_path, services) as there:
        sources = there.sources
        there.sources = None  # type: ignore[assignment] # a mistake of ours
        await there.errands.start()
        await asyncio.sleep(0)
        there.sources = sources
        await sent(there)
        await until(lambda: listed(tmp_path)[0].state == "sent")


async def test_a_code_that_was_left_behind_is_given_up(
    tmp_path: Path, gateway: tuple[Backends, str]
) -> None:
    services = offering(service(gateway[1], name="gateway"), region="CN")
    async with house(tmp_path, services) as there:
        now = there.clock.at
        texts, box = there.errands._house.texts, there.errands._house.texts._outbox
        draft = Draft("code-1", "c1", HELLO.to, "Code 123456", "Code •••")
        message = texts._message(draft, due=now)
        assert isinstance(message, Message)
        assert await box.keep(message) == "kept"
        await there.errands.start()
        await until(lambda: listed(tmp_path)[0].state == "failed")
        await until(lambda: bool(there.story))
    assert gateway[0].messages == []
    assert "not sent at once" in listed(tmp_path)[0].why


async def test_one_number_does_not_get_messages_without_end(tmp_path: Path) -> None:
    async with house(tmp_path, offering(region="CN")) as there:
        found = [await there.run(Sms(HELLO.to, f"{n}")) for n in range(outbox.PER_HOUR + 1)]
        assert isinstance(found[-1], Failed)
        assert not any(isinstance(each, Failed) for each in found[:-1])
        there.clock.at += 3601
        assert isinstance(await there.run(Sms(HELLO.to, "an hour later")), Sent)


@pytest.mark.parametrize(
    "errand", [Sms("nobody", "Hello"), Sms("13800138000", " "), Sms("13800138000", "x" * 2000)]
)
async def test_what_is_no_message_is_not_accepted(tmp_path: Path, errand: Sms) -> None:
    async with house(tmp_path, offering(region="CN")) as there:
        assert isinstance(await there.run(errand), Failed)


async def test_messages_go_where_they_may(tmp_path: Path, gateway: tuple[Backends, str]) -> None:
    services = offering(service(gateway[1], name="gateway"), region="CN")
    async with house(tmp_path, services) as there:
        there.reload(gateway=Gateway("gateway", "1000", ("+86*",)))
        assert isinstance(await there.run(Sms("+882161234567", "Hello")), Failed)
        assert isinstance(await there.run(Sms("13800138000", "Hello")), Sent)


# --- another process ---

CLAIMS = """
import asyncio, sys
from pathlib import Path
from ivr.backends import outbox
from ivr.backends.store import Store

async def claims():
    box = outbox.Outbox(Store(Path(sys.argv[1]), [outbox.SCHEMA]))
    found = await box.claim(float(sys.argv[2]))
    print(found.id, flush=True)
    sys.stdin.read()

asyncio.run(claims())
"""
KEEPS = CLAIMS.replace(
    "found = await box.claim(float(sys.argv[2]))",
    """at = float(sys.argv[2])
    found = outbox.Message("code-1", "c1", "+8613800138000", "Code •", 1, True, "queued", "", at,
                           at, 0, at + outbox.CLAIM)
    await box.keep(found, claimed=True)""",
)


@contextmanager
def another(there: House, folder: Path, does: str = CLAIMS) -> Iterator[subprocess.Popen[str]]:
    """A process that has claimed a message, and is at the gateway with it; killed in the end."""
    with subprocess.Popen(
        [sys.executable, "-c", does, folder / "e.sqlite", str(there.clock.at)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().strip() in {each.id for each in listed(folder)}
            yield process
        finally:
            process.kill()


async def test_what_a_killed_process_was_sending_is_sent_at_once_by_the_next(
    tmp_path: Path, gateway: tuple[Backends, str]
) -> None:
    backends, url = gateway
    async with house(tmp_path, offering(service(url, name="gateway"), region="CN")) as there:
        found = await sent(there)
        with another(there, tmp_path):
            pass
        await there.errands.start()
        await until(lambda: listed(tmp_path)[0].state == "sent")
    assert [each["id"] for each in backends.messages] == [found.message], "the id stays"
    assert backends.requests == 1


async def test_what_a_living_process_is_sending_is_left_to_it_until_it_is_killed(
    tmp_path: Path, gateway: tuple[Backends, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ivr.backends.texting.IDLE", 0.01)
    looks = 0

    def looked(owner: str) -> bool:
        nonlocal looks
        looks += 1
        return is_gone(owner)

    monkeypatch.setattr("ivr.backends.outbox.is_gone", looked)
    async with house(tmp_path, offering(service(gateway[1], name="gateway"), region="CN")) as there:
        await sent(there)
        with another(there, tmp_path):
            await there.errands.start()
            await until(lambda: looks > 20)
            assert listed(tmp_path)[0].state == "queued"
            assert gateway[0].requests == 0
        await until(lambda: listed(tmp_path)[0].state == "sent")
    assert gateway[0].requests == 1


async def test_a_code_whose_sender_was_killed_is_given_up_at_once(
    tmp_path: Path, gateway: tuple[Backends, str]
) -> None:
    async with house(tmp_path, offering(service(gateway[1], name="gateway"), region="CN")) as there:
        with another(there, tmp_path, KEEPS):
            pass
        await there.errands.start()
        await until(lambda: listed(tmp_path)[0].state == "failed")
    assert gateway[0].requests == 0


async def test_a_process_that_lives_but_hangs_has_a_message_for_so_long_only(
    tmp_path: Path, gateway: tuple[Backends, str]
) -> None:
    async with house(tmp_path, offering(service(gateway[1], name="gateway"), region="CN")) as there:
        await sent(there)
        with another(there, tmp_path):
            there.clock.at += outbox.CLAIM + 1
            await there.errands.start()
            await until(lambda: listed(tmp_path)[0].state == "sent")


async def test_a_store_from_before_anybody_was_named_goes_on(
    tmp_path: Path, gateway: tuple[Backends, str]
) -> None:
    async with house(tmp_path, offering(service(gateway[1], name="gateway"), region="CN")) as there:
        await sent(there)
    with closing(sqlite3.connect(tmp_path / "e.sqlite")) as db:
        db.execute("DROP TABLE outbox_claim")
    async with house(tmp_path, offering(service(gateway[1], name="gateway"), region="CN")) as there:
        await there.errands.start()
        await until(lambda: listed(tmp_path)[0].state == "sent")


async def test_nobody_is_named_any_more_once_all_is_sent(
    tmp_path: Path, gateway: tuple[Backends, str]
) -> None:
    async with house(tmp_path, offering(service(gateway[1], name="gateway"), region="CN")) as there:
        await there.errands.start()
        await sent(there)
        await until(lambda: listed(tmp_path)[0].state == "sent")
        with closing(sqlite3.connect(tmp_path / "e.sqlite")) as db:
            assert db.execute("SELECT count(*) FROM outbox_claim").fetchone() == (0,)


async def test_what_was_sent_long_ago_is_forgotten(
    tmp_path: Path, gateway: tuple[Backends, str]
) -> None:
    services = offering(service(gateway[1], name="gateway"), region="CN")
    async with house(tmp_path, services) as there:
        await there.errands.start()
        await sent(there)
        await until(lambda: listed(tmp_path)[0].state == "sent")
        there.clock.at += outbox.KEPT + 1
        await sent(there, Sms(HELLO.to, "later"))
        await until(lambda: [each.body for each in listed(tmp_path)] == ["later"])


# --- parts ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments("gsm-7", 0, 1)),
        ("a" * 160, Segments("gsm-7", 160, 1)),
        ("a" * 161, Segments("gsm-7", 161, 2)),
        ("a" * 306, Segments("gsm-7", 306, 2)),
        ("a" * 307, Segments("gsm-7", 307, 3)),
        ("€" * 80, Segments("gsm-7", 160, 1)),
        ("a" * 152 + "€" + "a" * 152, Segments("gsm-7", 306, 3)),
        ("àÅ¿\n", Segments("gsm-7", 4, 1)),
        ("ç", Segments("ucs-2", 1, 1)),
        ("您" * 70, Segments("ucs-2", 70, 1)),
        ("您" * 71, Segments("ucs-2", 71, 2)),
        ("您" * 134, Segments("ucs-2", 134, 2)),
        ("😀" * 35, Segments("ucs-2", 70, 1)),
        ("您" * 66 + "😀" + "您" * 66, Segments("ucs-2", 134, 3)),
    ],
)
def test_how_many_parts_a_message_takes(text: str, expected: Segments) -> None:
    assert segments(text) == expected


@given(st.text(max_size=400))
def test_parts_hold_all_units_and_no_more_than_one_part_is_wasted_for_pairs(text: str) -> None:
    found = segments(text)
    whole, part = (160, 153) if found.alphabet == "gsm-7" else (70, 67)
    assert found.parts >= 1
    if found.units > whole:
        assert (found.parts - 1) * (part - 1) < found.units <= found.parts * part
    else:
        assert found.parts == 1
