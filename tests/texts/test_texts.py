"""Text messages over a provider: signed, taken once, answered, and stopped when they say so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from ivr.backends.building import HOOK
from ivr.backends.providers import json_signature, twilio_signature
from ivr.backends.quiet import Quiet
from ivr.backends.texting import Draft
from ivr.flow.actions import Failed
from tests.texts.house import OURS, THEIRS, TOKEN, House, house

FIELDS = [("MessageSid", "SM1"), ("From", THEIRS), ("To", OURS), ("Body", "Hello")]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        yield built


async def test_a_first_message_begins_the_flow_and_answers_go_on_with_it(shop: House) -> None:
    got = await shop.text("Hi there")
    assert len(got) == 1
    assert got[0].startswith("How can we help?")
    await shop.text("1")
    thread = shop.rooms.threads.book.open_with("sms", THEIRS, OURS)
    assert thread is not None
    assert thread.phase == "waiting"
    assert [text for by, text in shop.rooms.said(thread) if by == "customer"] == ["Hi there", "1"]


async def test_an_agent_answers_a_text_and_sees_that_it_arrived(shop: House) -> None:
    shop.rooms.log_in("1001")
    await shop.text("Hi", "1")
    thread = shop.rooms.threads.book.open_with("sms", THEIRS, OURS)
    assert thread is not None
    shop.rooms.threads.people.accept("1001", shop.rooms.offer_to("1001"))
    await shop.rooms.threads.agent_says("1001", thread.id, "r", "Good morning, this is Ana.")
    await shop.settled()
    assert shop.provider.phone(THEIRS)[-1] == "Good morning, this is Ana."
    assert shop.rooms.threads.book.messages(thread.id)[-1].way == "delivered"
    assert "message_delivered" in shop.rooms.kinds(thread)


async def test_what_the_provider_posts_twice_is_taken_once(shop: House) -> None:
    shop.provider.twice = True
    got = await shop.text("Hi", "1")
    thread = shop.rooms.threads.book.open_with("sms", THEIRS, OURS)
    assert thread is not None
    assert [text for by, text in shop.rooms.said(thread) if by == "customer"] == ["Hi", "1"]
    assert len(got) == len(set(got))
    assert {status for _, status in shop.provider.answers} == {200}


async def test_stop_is_confirmed_once_and_then_nothing_is_sent_until_start(shop: House) -> None:
    got = await shop.text("Hi", "STOP")
    assert "no more messages" in got[-1]
    assert shop.consents[-1].given is False
    refused = await shop.errands.texts.accept(Draft("x", "c", THEIRS, "An offer!"))
    assert isinstance(refused, Failed)
    assert "STOP" in refused.why
    before = len(got)
    assert len(await shop.text("stop")) == before + 1
    got = await shop.text("START")
    assert "get messages again" in got[-1]
    assert shop.consents[-1].given is True
    assert not isinstance(await shop.errands.texts.accept(Draft("y", "c", THEIRS, "Hi")), Failed)


async def test_nobody_who_did_not_ask_is_written_to_in_the_quiet_hours(shop: House) -> None:
    shop.rooms.time = 1_772_476_200.0  # 2026-03-02 18:30 UTC: half past two at night in Shanghai
    shop.reload(quiet=Quiet.told("21:00", "08:00", "Asia/Shanghai"))
    await shop.errands.texts.accept(Draft("asked", "c", THEIRS, "Your code is on its way."))
    await shop.errands.texts.accept(Draft("bulk", "c", THEIRS, "An offer!", asked=False))
    texts = shop.errands.texts
    assert not await texts.sent_all(1.0)
    assert shop.provider.phone(THEIRS) == ["Your code is on its way."]
    shop.rooms.time += 6 * 3600
    texts.wake()
    await shop.settled()
    assert shop.provider.phone(THEIRS)[-1] == "An offer!"


@pytest.mark.parametrize("signature", ["", "wrong", "ünsigned"])
async def test_an_unsigned_post_is_refused_and_changes_nothing(shop: House, signature: str) -> None:
    signed = signature.encode("utf-8").decode("latin-1")
    assert await shop.post(urlencode(FIELDS), X_Twilio_Signature=signed) == 403
    assert not len(shop.rooms.threads.book)


async def test_a_post_signed_for_another_address_or_another_form_is_refused(shop: House) -> None:
    elsewhere = twilio_signature(TOKEN, "https://other.example" + HOOK, FIELDS)
    assert await shop.post(urlencode(FIELDS), X_Twilio_Signature=elsewhere) == 403
    right = twilio_signature(TOKEN, shop.address + HOOK, FIELDS)
    changed = [*FIELDS[:-1], ("Body", "Goodbye")]
    assert await shop.post(urlencode(changed), X_Twilio_Signature=right) == 403
    assert await shop.post(urlencode(FIELDS), X_Twilio_Signature=right) == 200
    assert await shop.post(urlencode(FIELDS), X_Twilio_Signature=right) == 200
    await shop.settled()
    thread = shop.rooms.threads.book.open_with("sms", THEIRS, OURS)
    assert thread is not None
    assert [text for by, text in shop.rooms.said(thread) if by == "customer"] == ["Hello"]


async def test_our_own_contract_is_signed_fresh_and_taken_once(shop: House) -> None:
    shop.reload(speaks="json")
    body = f'{{"id": "m1", "from": "{THEIRS}", "to": "{OURS}", "text": "你好"}}'
    now = int(shop.rooms.time)
    post = {"content": "application/json"}
    right = json_signature(TOKEN, body.encode(), now)
    assert await shop.post(body, **post, X_Tieline_Signature=right) == 200
    assert await shop.post(body, **post, X_Tieline_Signature=right) == 200
    old = json_signature(TOKEN, body.encode(), now - 400)
    assert await shop.post(body, **post, X_Tieline_Signature=old) == 403
    assert await shop.post(body + " ", **post, X_Tieline_Signature=right) == 403
    thread = shop.rooms.threads.book.open_with("sms", THEIRS, OURS)
    assert thread is not None
    assert [text for by, text in shop.rooms.said(thread) if by == "customer"] == ["你好"]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ([("MessageSid", "SM1"), ("From", THEIRS), ("To", "+862100000000"), ("Body", "x")], 404),
        ([("MessageSid", "SM1"), ("From", "ACME"), ("To", OURS), ("Body", "x")], 400),
        ([("From", THEIRS), ("To", OURS), ("Body", "x")], 400),
        ([("MessageSid", "SM9"), ("MessageStatus", "delivered")], 200),
        ([("MessageSid", "SM9"), ("MessageStatus", "accepted")], 200),
        ([("MessageSid", "SM1"), ("From", THEIRS), ("To", OURS), ("Body", "x" * 5000)], 400),
    ],
)
async def test_what_cannot_be_taken_is_told_apart(
    shop: House, fields: list[tuple[str, str]], status: int
) -> None:
    signed = twilio_signature(TOKEN, shop.address + HOOK, fields)
    assert await shop.post(urlencode(fields), X_Twilio_Signature=signed) == status


async def test_without_a_secret_nothing_is_taken(shop: House) -> None:
    shop.reload(secret="")
    signed = twilio_signature("", shop.address + HOOK, FIELDS)
    assert await shop.post(urlencode(FIELDS), X_Twilio_Signature=signed) == 403


async def test_a_code_goes_out_as_a_text_and_its_masked_copy_is_kept(shop: House) -> None:
    await shop.text("Hi")
    thread = shop.rooms.threads.book.open_with("sms", THEIRS, OURS)
    assert thread is not None
    await shop.rooms.threads.house_says(thread, "Key 482193.", "Key •••.")
    await shop.settled()
    assert shop.provider.phone(THEIRS)[-1] == "Key 482193."
    assert shop.rooms.said(thread)[-1] == ("house", "Key •••.")
    kept = b"".join(each.read_bytes() for each in shop.rooms.folder.rglob("*") if each.is_file())
    assert b"482193" not in kept
