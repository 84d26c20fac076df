"""What nobody but its owner may know: keyed PINs, passwords, and who works here."""

from __future__ import annotations

import asyncio
import os
import re
import stat
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import permutations
from pathlib import Path

import pytest

from ivr.asterisk.process import AsteriskProcess
from ivr.asterisk.provision import ensure_asterisk
from ivr.demo.backends import Backends
from ivr.operator.client import ask
from ivr.operator.wording import Refused
from ivr.plans import load_plan
from ivr.secrets import Secrets
from ivr.settings import load_settings
from ivr.site import build_site, write_configuration
from tests.e2e.conftest import Phones
from tests.e2e.hostile import RawPhone, Sip, raw_agent
from tests.e2e.house import House, free_ports, until
from tests.e2e.sipp import Sipp, SippCall
from tests.e2e.stage import at_menu

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

VAULT = """
flow: vault
numbers: ["4910"]
collects:
  code: {type: digits, length: 14, secret: true, say: "Your code."}
defaults: {wait: 1s, digit_wait: 1s, attempts: 2}
start: ask
steps:
  ask:
    collect: code
    next: wait
    otherwise: wait
  wait:
    queue: billing
    otherwise: bye
    next: bye
  bye:
    hangup: "Goodbye."
"""
CODE = "73918264503917"
CARD = "4929173850627713"


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file below `folder`, by its path; names are looked at with what is inside."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {path: path.name.encode() + b"\n" + path.read_bytes() for path in files}


def holding(folder: Path, secret: str) -> list[Path]:
    """The files that hold these digits, not as part of a longer number."""
    wanted = re.compile(rb"(?<![0-9])%s(?![0-9])" % secret.encode())
    return [path for path, text in contents(folder).items() if wanted.search(text)]


def unheard_of(folder: Path) -> str:
    """Four digits that stand nowhere yet, so that a hit later is a leak."""
    known = b"\n".join(contents(folder).values())
    pins = ("".join(digits) for digits in permutations("739158", 4))
    return next(pin for pin in pins if pin.encode() not in known)


@asynccontextmanager
async def everything_logged(house: House) -> AsyncIterator[None]:
    """The service at its most talkative, Asterisk as an operator may leave it: verbose 5."""
    asterisk = house.asterisk
    await house.stop_service()
    house.environment["TIELINE_LOG_LEVEL"] = "debug"
    await house.start_service()
    await asterisk.command("logger add channel talkative verbose(5),notice,warning,error")
    try:
        yield
    finally:
        await asterisk.command("logger remove channel talkative")
        await house.stop_service()
        del house.environment["TIELINE_LOG_LEVEL"]
        await house.start_service()


async def key_in(call: SippCall, house: House, contact: str, keys: str, kind: str) -> None:
    """Press keys; return when the contact has one more event of that kind."""

    def count() -> int:
        return sum(event.kind == kind for event in house.story(contact))

    before = count()
    await call.media.press(keys)
    await until(lambda: count() > before, why=f"{kind} follows")


async def fail_at_the_bank(house: House, sipp: Sipp, pin: str, account: str) -> str:
    """Three wrong tries, a wait, a talk; the INVITE that reached the agent."""
    known = set(house.contacts())
    async with sipp.call("4002") as call, raw_agent(house, "1003") as agent:
        await call.answered()
        contact = await house.at_step("language", known)
        await key_in(call, house, contact, "1", "language")
        await key_in(call, house, contact, "2", "field")
        for _ in range(3):
            await key_in(call, house, contact, account + pin, "identified")
        await until(lambda: house.story(contact)[-1].step == "this-number")
        now = time.monotonic() - call.media.ear.began
        await call.media.ear.hears_sound(5, after=now)
        await call.media.press("1")
        invite = await agent.rings()
        await agent.pick_up(invite)
        await until(lambda: house.agent("1003").state == "talking")
        await call.hang_up()
    record = await house.record(contact)
    assert (record.verified, record.fields["account"]) == (False, account)
    assert record.fields["pin"] == "•••"
    return invite.raw.decode()


async def wait_with_a_code(house: House, sipp: Sipp) -> list[str]:
    """A code keyed in part, then in full; all that an operator is shown of the caller."""
    known = set(house.contacts())
    async with sipp.call("4910") as call:
        await call.answered()
        contact = await house.at_step("ask", known)
        await call.media.ear.hears_silence(0.3)
        await key_in(call, house, contact, CODE[:9], "nomatch")
        await key_in(call, house, contact, CODE, "field")
        await until(lambda: house.story(contact)[-1].kind == "queued", why="the caller waits")
        answers = [
            await house.asterisk.command(f"core show channel {channel}")
            for channel in (await house.asterisk.command("core show channels concise")).split("!")
            if channel.startswith("PJSIP/")
        ]
        for verb, words in (
            *(("show", what) for what in ("calls", "contacts", f"contacts/{contact}", "agents")),
            *(("show", what) for what in ("queues", "flows", "flows/vault", "flows/bank")),
            *(("why", contact), ("why", "1003"), ("do", f"priority/{contact}/x"), ("help", "me")),
        ):
            answers.append(await asyncio.to_thread(answer, house, verb, words))
        await call.hang_up()
    await house.record(contact)
    return answers


async def type_secrets_at_every_door(
    house: House, phones: Phones, backends: Backends, pin: str
) -> str:
    """A card for a service, a PIN for a table and for a service, a code; the code."""

    async def card() -> None:
        line, contact = await at_menu(phones, "+8613900138001", "4931")
        await line.press("9")
        await until(lambda: "card" in house.steps(contact), why="the card is asked for")
        await line.press(CARD)
        await line.ended(15)
        assert "pay" in house.steps(contact)
        assert house.fields(contact) == {"card": "•••"}

    async def identity(number: str, key: str, step: str, account: str) -> None:
        line, contact = await at_menu(phones, number, "4935")
        await line.press(key)
        await until(lambda: step in house.steps(contact), why=f"{step} comes")
        await line.press(account + pin)
        await until(lambda: house.told(contact, "identified"), why="it is compared")
        await line.hang_up()

    async def code() -> str:
        known = len(backends.messages)
        line, contact = await at_menu(phones, "+8613900138004", "4935")
        await line.press("4")
        sent = await until(lambda: backends.messages[known:], why="a code is sent")
        (code,) = re.findall(r"\b\d{6}\b", sent[0]["text"])
        await line.press(code)
        await line.ended(15)
        assert "weak" in house.steps(contact)
        return str(code)

    _, _, _, drawn = await asyncio.gather(
        card(),
        identity("+8613900138002", "2", "who", "30030030"),
        identity("+8613900138003", "3", "asked", "12345678"),
        code(),
    )
    return drawn


@asynccontextmanager
async def overheard(house: House) -> AsyncIterator[list[bytes]]:
    """What a second client of AMI is told meanwhile."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.settings.ami_port)
    secret = Secrets(house.settings.home).ami_secret
    login = f"Action: Login\r\nUsername: tieline\r\nSecret: {secret}\r\nEvents: on\r\n\r\n"
    writer.write(login.encode())
    heard: list[bytes] = []

    async def listen() -> None:
        while data := await reader.read(65536):
            heard.append(data)

    listening = asyncio.create_task(listen())
    try:
        yield heard
    finally:
        listening.cancel()
        writer.close()


def answer(house: House, verb: str, words: str) -> str:
    try:
        return ask(house.settings, verb, words)
    except Refused as refused:
        return str(refused)


async def test_a_keyed_secret_is_found_nowhere(
    house: House,
    sipp: Sipp,
    phones: Phones,
    backends: Backends,
    measured: Callable[[str, str], None],
) -> None:
    (house.flows / "vault.yaml").write_text(VAULT)
    pin = unheard_of(house.folder)
    assert not holding(house.folder, CODE)
    try:
        async with everything_logged(house), overheard(house) as heard:
            invite, answers, drawn = await asyncio.gather(
                fail_at_the_bank(house, sipp, pin, "90909090"),
                wait_with_a_code(house, sipp),
                type_secrets_at_every_door(house, phones, backends, pin),
            )
            told = [invite, *answers, await told_by_the_command_line(house)]
            told.append(b"".join(heard).decode(errors="replace"))
    finally:
        (house.flows / "vault.yaml").unlink()
        await house.asterisk.command("acd do reload")
    talkative = (house.settings.log_dir / "talkative").read_text(errors="replace")
    assert "Executing [s@call:" in talkative, "Asterisk did write at verbose 5"
    assert "DTMF" not in talkative
    assert "level=debug" in house.log()
    assert "Event: Hangup" in told[-1], "AMI did tell of the calls"
    for secret in (pin, CODE, CODE[:9], CARD, drawn):
        assert holding(house.folder, secret) == []
        for text in told:
            assert secret not in text
    assert any("90909090" in text for text in told), "what is no secret is seen"
    files = len(contents(house.folder))
    measured("keyed PINs found in files, answers", f"0 in {files}, 0 in {len(told)}")


async def told_by_the_command_line(house: House) -> str:
    """`tieline contacts`, as JSON, of all there is."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ivr", "contacts", "--json"),
        cwd=house.folder,
        env={**os.environ, **house.environment},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


async def test_asterisk_by_itself_logs_nothing_but_troubles(house: House) -> None:
    """Keys show at "debug" and "dtmf" only, which an operator must switch on by hand."""
    shown = await house.asterisk.command("logger show channels")
    (kept,) = re.findall(r" File .* - (.*?) *$", shown, re.M)
    assert kept.split() == ["NOTICE", "WARNING", "ERROR"]
    settings = await house.asterisk.command("core show settings")
    assert re.search(r"Debug level: +0$", settings, re.M), settings


async def test_passwords_are_in_private_files_only(
    house: House, measured: Callable[[str, str], None]
) -> None:
    secrets = Secrets(house.settings.home)
    plan = load_plan(house.settings.flows, house.settings.floor)
    ours = [secrets.ami_secret, secrets.console_token]
    ours += [secrets.agent_password(agent.id) for agent in plan.floor.floor.agents]
    needles = re.compile(b"|".join(re.escape(each.encode()) for each in ours))
    holders = [path for path, text in contents(house.folder).items() if needles.search(text)]
    names = {str(path.relative_to(house.settings.home)) for path in holders}
    assert names == {
        "secrets.json",
        *(f"run/etc/{name}.conf" for name in ("manager", "pjsip", "res_curl")),
    }
    for path in holders:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert house._service is not None
    for pid in (house._service.pid, house.asterisk.pid):
        for what in ("cmdline", "environ"):
            assert not needles.search(Path(f"/proc/{pid}/{what}").read_bytes())
    measured("passwords: kept in files, all 0600; found elsewhere", f"{len(holders)}; 0")


async def test_from_outside_it_cannot_be_learnt_who_works_here(
    house: House, tmp_path: Path
) -> None:
    """Bound to a network the line is for trunks: whoever else asks is answered one way."""
    sip, agi, ami, console, web = free_ports(5)
    environment = {
        **house.environment,
        "TIELINE_HOME": str(tmp_path),
        "TIELINE_BIND": "0.0.0.0",
        "TIELINE_SIP_PORT": str(sip),
        "TIELINE_AGI_PORT": str(agi),
        "TIELINE_AMI_PORT": str(ami),
        "TIELINE_CONSOLE_PORT": str(console),
        "TIELINE_WEB_PORT": str(web),
        "TIELINE_RTP_START": "32000",
        "TIELINE_RTP_END": "32099",
    }
    settings = load_settings(env=environment, cwd=house.folder)
    plan = load_plan(settings.flows, settings.floor)
    chain = ensure_asterisk(settings, lambda *_: None)
    site = build_site(settings, chain, plan.floor, plan.numbers)
    write_configuration(site)
    conf = site.folders.etc / "asterisk.conf"
    asterisk = AsteriskProcess(chain, conf, settings.log_dir / "asterisk.out")
    await asterisk.start(adopt=False)
    try:
        for method in ("REGISTER", "INVITE", "SUBSCRIBE", "OPTIONS", "MESSAGE"):
            shapes = []
            for user in ("1001", "1009", "nobody", "anonymous"):
                async with RawPhone.open(f"127.0.0.1:{sip}", user) as stranger:
                    there = b"sip:4001@127.0.0.1:%d" % sip
                    answer = await stranger.ask(method, there, {"Event": b"dialog"})
                    assert answer is not None
                    assert answer.status == 401
                    shapes.append(shape(answer, user))
            assert shapes == shapes[:1] * 4, method
    finally:
        await asterisk.stop()


def shape(answer: Sip, user: str) -> str:
    """An answer without what is random, or was asked with."""
    text = answer.raw.decode().replace(user, "USER")
    return re.sub(r'(nonce="|opaque="|branch=|tag=|port=|Call-ID: |:)[0-9A-Za-z/.+-]+', r"\1", text)
