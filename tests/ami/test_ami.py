"""The AMI client against a scripted manager: each defect seen in the library, and our own rules."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog
import uvloop
from panoramisk.message import Message

from ivr.asterisk.ami import AmiClient, Ready, _Backoff
from ivr.asterisk.fence import MESSAGE_BYTES
from ivr.asterisk.living import LiveChannel
from ivr.errors import AsteriskRefused, AsteriskUnreachable, ServiceFault
from tests.ami.manager import PATIENCE, Action, FakeManager, error, listed, managed


class Seen:
    """Events and readiness as a client hands them out."""

    def __init__(self, client: AmiClient) -> None:
        self.items: list[Message | Ready] = []
        self._news = asyncio.Condition()
        client.on_event(self._take)
        client.on_ready(self._take)

    async def _take(self, item: Message | Ready) -> None:
        async with self._news:
            self.items.append(item)
            self._news.notify_all()

    @property
    def events(self) -> list[Message]:
        return [item for item in self.items if not isinstance(item, Ready)]

    @property
    def readies(self) -> list[Ready]:
        return [item for item in self.items if isinstance(item, Ready)]

    async def until(self, true: Callable[[Seen], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: true(self))


def named(name: str) -> Callable[[Seen], bool]:
    return lambda seen: any(event.event == name for event in seen.events)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.005)


def logged(logs: list[Any], event: str) -> list[Any]:
    return [entry for entry in logs if entry["event"] == event]


# --- reading ----------------------------------------------------------------------------------


async def test_a_character_split_between_two_packets_is_kept() -> None:
    async with managed() as (manager, client):
        seen = Seen(client)
        raw = "Event: Newchannel\r\nCallerIDName: Zoë 李雷 🙂\r\n\r\n".encode()
        for byte in raw:
            await manager.send(bytes([byte]))
        await seen.until(named("Newchannel"))
        assert seen.events[-1].calleridname == "Zoë 李雷 🙂"


async def test_a_latin1_byte_or_a_control_character_in_a_value_is_replaced() -> None:
    async with managed() as (manager, client):
        seen = Seen(client)
        await manager.send(
            b"Event: Newchannel\r\nCallerIDName: Zo\xeb\nX: \0\x1b[2J\r\nB: 1\r\n\r\n"
        )
        await seen.until(named("Newchannel"))
        assert seen.events[-1].calleridname == "Zo��X: ��[2J"
        assert seen.events[-1].b == "1"
        assert client.connected


async def test_a_repeated_header_is_a_list() -> None:
    async with managed() as (manager, client):
        seen = Seen(client)
        await manager.send("Event: Hangup\nChanVariable: A=1\nChanVariable: B=\n\n")
        await seen.until(named("Hangup"))
        assert seen.events[-1]["ChanVariable"] == ["A=1", "B="]


async def test_a_message_without_end_costs_the_connection_not_the_memory() -> None:
    async with managed() as (manager, _):
        with structlog.testing.capture_logs() as logs:
            chunk = b"Output: " + b"x" * 65_000 + b"\r\n"
            for _ in range(MESSAGE_BYTES // len(chunk) + 2):
                await manager.send(chunk)
            await until(lambda: manager.logins == 2)
        assert logged(logs, "ami.refused_peer")


async def test_a_peer_that_is_no_manager_is_refused() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    client = AmiClient("127.0.0.1", server.sockets[0].getsockname()[1], "u", "s")
    with structlog.testing.capture_logs() as logs:
        await client.start()
        await until(lambda: bool(logged(logs, "ami.refused_peer")))
    assert not client.connected
    await client.close()
    server.close()
    await server.wait_closed()


# --- writing ----------------------------------------------------------------------------------

EVIL = "x\r\nAction: Originate\r\nChannel: PJSIP/1"


@pytest.mark.parametrize(
    "ask",
    [
        lambda c: c.action("Setvar", Variable="A", Value=EVIL),
        lambda c: c.action("Setvar", Variable="A", Value="x\n"),
        lambda c: c.action("Setvar", Variable="A", Value="x\0y"),
        lambda c: c.action("Setvar", Variable="A", Value="\ud800"),
        lambda c: c.action("SIPnotify", Variable=["a=1", f"b={EVIL}"]),
        lambda c: c.action("Originate", Variable={"A": EVIL}),
        lambda c: c.action("Originate", Variable={f"A={EVIL}": "1"}),
        lambda c: c.action("Originate", Variable="A=1,B=2"),
        lambda c: c.action(f"Ping\r\n{EVIL}"),
        lambda c: c.action("Ping", **{f"X: 1\r\n{EVIL}": "1"}),
        lambda c: c.action("Ping", ActionID="mine"),
        lambda c: c.action("Setvar", Variable="A", Value="x" * 2000),
        lambda c: c.action("Setvar", Variable=["a=1"] * 130),
        lambda c: c.listing("Status", Variables="A\r\nB: 1"),
        lambda c: c.command("core show version\nAction: Logoff"),
        lambda c: c.hangup("/^PJSIP/"),
        lambda c: c.set_device_state("a b", "INUSE"),
        lambda c: c.set_device_state("lamp", "ON"),
        lambda c: c.redirect("PJSIP/1-1", "ctx", "1\r\nX: y"),
    ],
)
async def test_a_field_that_asterisk_would_take_for_more_is_never_sent(
    ask: Callable[[AmiClient], Awaitable[object]],
) -> None:
    async with managed() as (manager, client):
        with pytest.raises(ServiceFault):
            await ask(client)
        await client.action("CoreStatus")
        assert [action["Action"] for action in manager.actions] == [
            ["Challenge"],
            ["Login"],
            ["CoreStatus"],
        ]


@pytest.mark.parametrize(
    ("ask", "wire"),
    [
        (
            lambda c: c.wake("PJSIP/line-1"),
            {
                "Action": ["PlayDTMF"],
                "Channel": ["PJSIP/line-1"],
                "Digit": ["D"],
                "Duration": ["80"],
                "Receive": ["true"],
            },
        ),
        (
            lambda c: c.set_device_state("q-sales", "INUSE"),
            {
                "Action": ["Setvar"],
                "Value": ["INUSE"],
                "Variable": ["DEVICE_STATE(Custom:q-sales)"],
            },
        ),
        (
            lambda c: c.redirect("PJSIP/line-1", "inbound", "100"),
            {
                "Action": ["Redirect"],
                "Channel": ["PJSIP/line-1"],
                "Context": ["inbound"],
                "Exten": ["100"],
                "Priority": ["1"],
            },
        ),
        (
            lambda c: c.hangup("PJSIP/line-1", 17),
            {"Action": ["Hangup"], "Channel": ["PJSIP/line-1"], "Cause": ["17"]},
        ),
        (
            lambda c: c.action("Originate", Variable={"A": 'x,y=(1) "q" \\', "B": ""}),
            {"Action": ["Originate"], "Variable": ['A=x\\,y=\\(1\\) \\"q\\" \\\\', "B="]},
        ),
    ],
)
async def test_each_convenience_says_its_action(
    ask: Callable[[AmiClient], Awaitable[object]], wire: Action
) -> None:
    async with managed() as (manager, client):
        await ask(client)
        sent = dict(manager.actions[-1])
        assert len(sent.pop("ActionID")) == 1
        assert sent == wire


# --- outcomes ---------------------------------------------------------------------------------


async def test_an_error_is_a_refusal_with_asterisks_words() -> None:
    async with managed() as (manager, client):
        manager.answers["Redirect"] = lambda action: error(action, "Channel does not exist")
        with pytest.raises(AsteriskRefused, match="Channel does not exist"):
            await client.redirect("PJSIP/x-1", "a", "b")


async def test_no_answer_is_unreachable_and_a_late_one_is_nobodys() -> None:
    async with managed() as (manager, client):
        seen = Seen(client)
        manager.answers["Getvar"] = lambda action: None
        with pytest.raises(AsteriskUnreachable, match="Getvar"):
            await client.action("Getvar", timeout=0.05, Variable="A")
        [late] = manager.actions[-1]["ActionID"]
        await manager.send(f"Response: Success\nActionID: {late}\nValue: 1\n\n")
        assert (await client.action("CoreStatus")).message == "done"
        assert seen.events == []


async def test_what_comes_late_for_an_abandoned_list_is_no_event() -> None:
    async with managed() as (manager, client):
        seen = Seen(client)
        manager.answers["Status"] = lambda action: b"OKEventList: start\r\n\r\n"
        with pytest.raises(AsteriskUnreachable):
            await client.listing("Status", timeout=0.05)
        [late] = manager.actions[-1]["ActionID"]
        await manager.send(f"Event: Status\nActionID: {late}\nChannel: x\n\n")
        await manager.event("Newchannel")
        await seen.until(named("Newchannel"))
        assert [event.event for event in seen.events] == ["Newchannel"]


async def test_without_a_connection_an_action_is_unreachable_at_once() -> None:
    client = AmiClient("127.0.0.1", 1, "u", "s")
    await client.start()
    with pytest.raises(AsteriskUnreachable):
        await client.action("CoreStatus")
    with pytest.raises(AsteriskUnreachable):
        await client.wait_ready(0.01)
    await client.close()


async def test_an_unanswered_action_fails_with_the_connection_and_is_never_sent_again() -> None:
    async with managed() as (manager, client):
        manager.answers["Originate"] = lambda action: None
        ringing = asyncio.create_task(client.action("Originate", Channel="PJSIP/1001"))
        await manager.action("Originate")
        await manager.drop()
        with pytest.raises(AsteriskUnreachable, match="Originate"):
            await ringing
        await until(lambda: manager.logins == 2)
        await client.wait_ready(PATIENCE)
        await client.action("CoreStatus")
        assert len(manager.seen("Originate")) == 1


async def test_a_list_is_its_events_without_the_frame() -> None:
    async with managed() as (manager, client):
        seen = Seen(client)
        manager.answers["QueueStatus"] = lambda action: listed(action, "Member", "Member")
        manager.answers["Status"] = listed
        members = await client.listing("QueueStatus")
        assert [member.event for member in members] == ["Member", "Member"]
        assert await client.channels() == ()
        assert seen.events == []


async def test_a_refused_list_is_a_refusal_at_once() -> None:
    async with managed() as (manager, client):
        manager.answers["Status"] = lambda action: error(action, "No such channel")
        with pytest.raises(AsteriskRefused, match="No such channel"):
            await client.listing("Status", Channel="x")


async def test_an_event_with_our_action_id_does_not_answer_the_action() -> None:
    async with managed() as (manager, client):
        seen = Seen(client)

        def originate(action: Action) -> bytes:
            [identity] = action["ActionID"]
            early = f"Event: OriginateResponse\r\nActionID: {identity}\r\n\r\n".encode()
            return early + b"OKMessage: Originate successfully queued\r\n\r\n"

        manager.answers["Originate"] = originate
        response = await client.action("Originate", Channel="x", Async="true")
        assert response.message == "Originate successfully queued"
        await seen.until(named("OriginateResponse"))


async def test_a_command_is_what_the_console_prints() -> None:
    async with managed() as (manager, client):
        manager.answers["Command"] = lambda action: (
            b"OKMessage: Command output follows\r\nOutput: a\tb\r\nOutput: \r\nOutput: c\r\n\r\n"
        )
        assert await client.command("core show x") == "a\tb\n\nc"
        manager.answers["Command"] = lambda action: b"OKOutput: one\r\n\r\n"
        assert await client.command("core show x") == "one"
        manager.answers["Command"] = lambda action: error(
            action, "Command output follows\r\nOutput: No such command"
        )
        with pytest.raises(AsteriskRefused, match="No such command"):
            await client.command("nonsense")


async def test_channels_tell_contact_and_leg() -> None:
    status = (
        "Status\r\nChannel: PJSIP/line-1\r\nChannelStateDesc: Up\r\nUniqueid: 1.1\r\n"
        "Linkedid: 1.1\r\nBridgeID: b-1\r\nApplication: AGI\r\nSeconds: 12\r\n"
        "Variable: TIELINE_CONTACT=c-1\r\nVariable: TIELINE_LEG=(null)"
    )
    async with managed() as (manager, client):
        manager.answers["Status"] = lambda action: listed(action, status)
        assert await client.channels() == (
            LiveChannel(
                channel="PJSIP/line-1",
                uniqueid="1.1",
                linkedid="1.1",
                state="Up",
                contact="c-1",
                leg="",
                bridge="b-1",
                application="AGI",
                seconds=12,
            ),
        )
        assert manager.actions[-1]["Variables"] == ["TIELINE_CONTACT,TIELINE_LEG,TIELINE_OURS"]


# --- the connection ---------------------------------------------------------------------------


async def test_a_silent_peer_is_noticed_and_reconnected() -> None:
    async with managed(ping_seconds=0.1, pong_seconds=0.1) as (manager, client):
        manager.silent = True
        await until(lambda: not client.connected)
        manager.silent = False
        await client.wait_ready(PATIENCE)
        assert manager.logins == 2
        assert manager.seen("Ping")


async def test_a_peer_that_answers_pings_is_kept() -> None:
    async with managed(ping_seconds=0.02, pong_seconds=1.0) as (manager, client):
        await manager.action("Ping", count=5)
        assert client.connected
        assert manager.logins == 1


async def test_a_slow_action_is_not_taken_for_silence() -> None:
    async with managed(ping_seconds=0.05, pong_seconds=0.05, action_seconds=1.0) as (
        manager,
        client,
    ):
        manager.silent = True
        reloading = asyncio.create_task(client.command("module reload", timeout=PATIENCE))
        command = await manager.action("Command")
        await asyncio.wait([reloading], timeout=0.3)
        assert client.connected
        await manager.send(f"Response: Success\nActionID: {command['ActionID'][0]}\n\n")
        assert await reloading == ""
        manager.silent = False


async def test_a_wrong_secret_is_said_clearly_and_tried_ever_more_slowly() -> None:
    with structlog.testing.capture_logs() as logs:
        async with managed(FakeManager(secret="other"), wait=False) as (manager, client):
            await until(lambda: len(manager.tries) == 2)
            assert manager.tries[1] - manager.tries[0] > 0.9
            assert not client.connected
    refusals = logged(logs, "ami.login_refused")
    assert [entry["next_try"] for entry in refusals][:2] in ([1.0], [1.0, 2.0])
    assert "secret" in refusals[0]["cure"]
    assert "s3cret" not in str(logs)


def test_the_pauses_grow_to_their_limits() -> None:
    refusals, losses = _Backoff(1.0, 30.0), _Backoff(0.2, 2.0)
    assert [refusals.next() for _ in range(7)] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert [losses.next() for _ in range(6)] == [0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


async def test_after_every_login_the_owner_is_told_and_a_restart_is_seen() -> None:
    async with managed() as (manager, client):
        seen = Seen(client)
        await manager.drop()
        await seen.until(lambda s: len(s.readies) == 1)
        assert seen.readies[0] == Ready(100.0, 7.0, restarted=False)
        manager.uptime = 3
        await manager.drop()
        await seen.until(lambda s: len(s.readies) == 2)
        assert seen.readies[1] == Ready(3.0, 7.0, restarted=True)
        await manager.drop()
        await seen.until(lambda s: len(s.readies) == 3)
        assert not seen.readies[2].restarted


async def test_it_is_not_ready_before_asterisk_has_booted() -> None:
    manager = FakeManager()
    manager.boots = False
    async with managed(manager, wait=False) as (_, client):
        await until(lambda: manager.logins == 1)
        with pytest.raises(AsteriskUnreachable):
            await client.wait_ready(0.05)
        await manager.event("FullyBooted", Uptime="1", LastReload="1")
        await client.wait_ready(PATIENCE)


async def test_it_comes_back_when_asterisk_was_away() -> None:
    with structlog.testing.capture_logs() as logs:
        async with managed() as (manager, client):
            await manager.stop()
            await until(lambda: not client.connected)
            await until(lambda: len(logged(logs, "ami.connection_lost")) >= 2)
            await manager.start()
            await client.wait_ready(PATIENCE)
            assert (await client.action("CoreStatus")).message == "done"
    assert len(logged(logs, "ami.connection_lost")) == 2, "once for each reason"


def test_it_runs_on_uvloop_too() -> None:
    async def act() -> None:
        async with managed() as (manager, client):
            manager.answers["Status"] = listed
            assert await client.channels() == ()
            await manager.drop()
            await until(lambda: manager.logins == 2)
            await client.wait_ready(PATIENCE)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(act())


async def test_a_client_is_started_once() -> None:
    async with managed() as (_, client):
        with pytest.raises(ServiceFault):
            await client.start()


# --- events -----------------------------------------------------------------------------------


async def test_a_handler_that_raises_is_logged_and_the_connection_stays() -> None:
    async with managed() as (manager, client):

        async def broken(message: Message) -> None:
            raise ZeroDivisionError

        client.on_event(broken)
        seen = Seen(client)
        with structlog.testing.capture_logs() as logs:
            await manager.event("One")
            await manager.event("Two")
            await seen.until(named("Two"))
        assert [event.event for event in seen.events] == ["One", "Two"]
        assert len(logged(logs, "ami.handler_failed")) == 2
        assert client.connected
        assert manager.logins == 1


async def test_events_are_handled_in_order_however_long_each_takes() -> None:
    async with managed() as (manager, client):
        order: list[str] = []

        async def slow_at_first(message: Message) -> None:
            await asyncio.sleep(0.05 if message.event == "E0" else 0)
            order.append(message.event)

        client.on_event(slow_at_first)
        seen = Seen(client)
        for number in range(20):
            await manager.event(f"E{number}")
        await seen.until(named("E19"))
        assert order == [f"E{number}" for number in range(20)]


async def test_a_handler_may_act_while_it_handles() -> None:
    async with managed() as (manager, client):
        answers: list[str] = []

        async def ask(message: Message) -> None:
            answers.append((await client.action("CoreStatus")).message)

        client.on_event(ask)
        seen = Seen(client)
        await manager.event("One")
        await seen.until(named("One"))
        assert answers == ["done"]


async def test_a_handler_that_hangs_stops_no_reading() -> None:
    async with managed(queue_length=50) as (manager, client):
        gate = asyncio.Event()

        async def hang(message: Message) -> None:
            await gate.wait()

        client.on_event(hang)
        for _ in range(200):
            await manager.event("VarSet", Value="x" * 900)
            assert (await client.action("CoreStatus")).message == "done"
        assert client.connected
        gate.set()


async def test_too_many_events_are_dropped_together_and_the_owner_is_told() -> None:
    async with managed(queue_length=10) as (manager, client):
        gate = asyncio.Event()

        async def wait(message: Message) -> None:
            await gate.wait()

        client.on_event(wait)
        seen = Seen(client)
        with structlog.testing.capture_logs() as logs:
            await manager.send(b"".join(b"Event: E%d\r\n\r\n" % number for number in range(25)))
            await until(lambda: bool(logged(logs, "ami.queue_overflowed")))
            gate.set()
            await manager.event("Last")
            await seen.until(named("Last"))
        marker = next(i for i, item in enumerate(seen.items) if isinstance(item, Ready))
        ready = seen.items[marker]
        assert isinstance(ready, Ready)
        assert ready.overflowed
        assert not ready.restarted
        after = [item.event for item in seen.items[marker + 1 :] if not isinstance(item, Ready)]
        numbers = [int(name[1:]) for name in after[:-1]]
        assert numbers == list(range(numbers[0], 25)), "what follows the gap is whole"


async def test_events_nobody_wants_are_not_queued() -> None:
    manager = FakeManager()
    await manager.start()
    client = AmiClient("127.0.0.1", manager.port, "u", "s3cret", events={"Hangup"})
    seen = Seen(client)
    await client.start()
    await client.wait_ready(PATIENCE)
    await manager.event("VarSet")
    await manager.event("Hangup")
    await seen.until(named("Hangup"))
    assert [event.event for event in seen.events] == ["Hangup"]
    assert len(seen.readies) == 1
    await client.close()
    await manager.stop()
