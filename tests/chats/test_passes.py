"""Codes that agents give, chats that a link opens, and forms: each good once, and kept nowhere."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ivr.backends.passing import form_field
from ivr.backends.services import Lockout
from ivr.flow.actions import MASK
from ivr.flow.errands import FormField
from ivr.flow.fields import Field
from tests.chats.house import House, Visitor, house

KNOWN = {
    "fields": {"order": "1001"},
    "level": "verified",
    "customer": {"name": "Mei"},
    "proofs": ["people"],
    "proven": [],
}


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        yield built


async def talking(shop: House) -> Visitor:
    shop.rooms.log_in("1001")
    visitor = await shop.come()
    await visitor.say("1")
    await shop.rooms.threads.settled(shop.thread(visitor))
    shop.rooms.threads.people.accept("1001", shop.rooms.offer_to("1001"))
    return visitor


# --- an agent gives a code ---------------------------------------------------------------------


async def test_an_agent_gives_a_code_that_only_the_visitor_reads(shop: House) -> None:
    visitor = await talking(shop)
    answer = await shop.agent.ask("POST", f"/api/chats/{visitor.chat}/code")
    assert answer.status == 200
    shown = await answer.json()
    assert (shown["sender"], MASK in shown["text"]) == ("system", True)
    said = (await visitor.until("message", by="house"))["text"]
    found = re.search(r"ring \+86 10 6555 1234 and key ([0-9]{6})", said)
    assert found is not None
    code = found[1]
    taken = await shop.passes.take_code(code, "+861", Lockout())
    assert not isinstance(taken, str)
    assert taken.contact == visitor.chat
    kept = b"".join(each.read_bytes() for each in shop.folder.rglob("*") if each.is_file())
    assert code.encode() not in kept
    assert code not in str(shop.rooms.story) + str(shop.told("chat_message"))
    pane = await (await shop.agent.ask("GET", f"/api/chats/{visitor.chat}")).json()
    assert code not in str(pane)
    back = await shop.come(token=visitor.token, chat=visitor.chat)
    assert any(code in text for text in back.read), "who comes back reads it still"
    await shop.restart()
    late = await shop.come(token=visitor.token, chat=visitor.chat)
    assert not any(code in text for text in late.read)


async def test_codes_are_for_ones_own_chats_and_not_without_end(shop: House) -> None:
    visitor = await talking(shop)
    path = f"/api/chats/{visitor.chat}/code"
    assert (await shop.agent.ask("POST", "/api/chats/nobody/code")).status == 404
    assert [(await shop.agent.ask("POST", path)).status for _ in range(4)] == [200, 200, 200, 409]


async def test_a_site_without_a_telephone_has_no_codes(shop: House) -> None:
    shop.shop = replace(shop.shop, phone="")
    visitor = await talking(shop)
    answer = await shop.agent.ask("POST", f"/api/chats/{visitor.chat}/code")
    assert answer.status == 409
    assert "services.yaml" in (await answer.json())["detail"]


# --- a link opens the chat ---------------------------------------------------------------------


async def link(shop: House, contact: str = "call-1", site: str = "shop") -> str:
    return await shop.passes.link("chat", contact, 600, {"site": site, "known": KNOWN})


async def test_a_link_opens_the_chat_as_the_contact_of_the_call_and_once(shop: House) -> None:
    secret = await link(shop)
    visitor = await shop.come(**{"pass": secret})
    assert visitor.chat == "call-1"
    assert shop.thread(visitor).facts["known"] == KNOWN
    assert (await shop.come(**{"pass": secret})).chat != "call-1"
    assert (await shop.come(token=visitor.token)).chat == "call-1", "the browser has a token now"


async def test_a_link_of_another_site_or_a_made_up_one_opens_nobodys_chat(shop: House) -> None:
    for secret in (await link(shop, site="other"), "x", "x" * 500):
        assert (await shop.come(**{"pass": secret})).chat != "call-1"


async def test_a_link_to_a_contact_that_chats_already_opens_that_chat(shop: House) -> None:
    visitor = await shop.come()
    phone = await shop.come(**{"pass": await link(shop, visitor.chat)})
    assert phone.chat == visitor.chat


async def test_a_link_from_another_node_goes_on_here_and_the_story_says_from_whom(
    shop: House,
) -> None:
    about = {"site": "shop", "known": KNOWN, "continues": "call-n1"}
    secret = await shop.passes.link("chat", "chat-n2", 600, about)
    visitor = await shop.come(**{"pass": secret})
    assert visitor.chat == "chat-n2"
    told = [each for each in shop.rooms.story if each.kind == "continues"]
    assert [(each.contact, each.data) for each in told] == [("chat-n2", {"contact": "call-n1"})]


# --- forms -------------------------------------------------------------------------------------

LINES = [
    FormField(Field("mail", "text", length_max=20), "Your e-mail"),
    FormField(Field("when", "date"), "When?"),
    FormField(Field("size", "choice", of=("small", "large")), "Size"),
    FormField(Field("gift", "yesno"), "A gift?"),
]


def plain(each: FormField) -> dict[str, Any]:
    told = {name: getattr(each.field, name) for name in ("name", "type", "order")}
    lengths = {name: getattr(each.field, name) for name in ("length_min", "length_max")}
    bounds = {"low": None, "high": None, "of": list(each.field.of), "label": each.label}
    return {**told, **lengths, **bounds}


async def form(shop: House) -> str:
    about = {"flow": "shop", "language": "en", "fields": [plain(each) for each in LINES]}
    assert [form_field(each) for each in about["fields"]] == LINES  # type: ignore[arg-type]  # a list
    return await shop.passes.link("form", "c1", 600, about)


GIVEN = {"mail": "mei@example.org", "when": "2026-03-09", "size": "large", "gift": "yes"}


async def asks(shop: House, path: str, **body: Any) -> tuple[int, Any]:
    async with shop.session.post(f"{shop.url}/forms/{path}", json=body) as answer:
        return answer.status, await answer.json() if answer.content_length else None


async def test_a_form_asks_for_its_fields_and_is_sent_once(shop: House) -> None:
    secret = await form(shop)
    status, told = await asks(shop, "look", secret=secret)
    assert status == 200
    assert [each["label"] for each in told["fields"]] == [each.label for each in LINES]
    assert told["fields"][2]["of"] == ["small", "large"]
    assert (await asks(shop, "fill", secret=secret, values=GIVEN))[0] == 204
    values = {"mail": "mei@example.org", "when": "2026-03-09", "size": "large", "gift": True}
    assert shop.filled == [("c1", "shop", values)]
    assert (await asks(shop, "fill", secret=secret, values=GIVEN))[0] == 404
    assert (await asks(shop, "look", secret=secret))[0] == 404
    assert len(shop.filled) == 1


async def test_what_is_wrong_is_told_by_field_and_nothing_is_used_up(shop: House) -> None:
    secret = await form(shop)
    wrong = {**GIVEN, "mail": "x" * 30, "when": "soon", "size": "", "more": "x"}
    status, told = await asks(shop, "fill", secret=secret, values=wrong)
    assert status == 422
    assert {each["field"]: each["message"] for each in told["errors"]} == {
        "mail": "text",
        "when": "date",
        "size": "missing",
    }
    assert shop.filled == []
    assert (await asks(shop, "fill", secret=secret, values=GIVEN))[0] == 204


async def test_an_answer_is_one_line_without_controls(shop: House) -> None:
    odd = {**GIVEN, "mail": " mei\x00\x1b[2J\r\nFrom:\u2028x \x85"}
    assert (await asks(shop, "fill", secret=await form(shop), values=odd))[0] == 204
    assert shop.filled[0][2]["mail"] == "mei [2J From: x"


@pytest.mark.parametrize(
    "body", [{}, {"secret": ""}, {"secret": "x" * 200, "values": {}}, {"secret": 7, "values": []}]
)
async def test_what_is_no_form_is_refused(shop: House, body: dict[str, Any]) -> None:
    assert (await asks(shop, "fill", **body))[0] == 422


async def test_the_page_of_forms_runs_nothing_but_our_own_files(shop: House) -> None:
    for path, media in (
        ("", "text/html"),
        ("/form.js", "text/javascript"),
        ("/form.css", "text/css"),
    ):
        async with shop.session.get(f"{shop.url}/forms{path}") as answer:
            assert (answer.status, answer.content_type) == (200, media)
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
