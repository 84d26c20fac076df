"""A caller who keys the code of a chat goes on as that contact, everywhere."""

from __future__ import annotations

from sqlalchemy import select

from acd.customers import Address, Customers, Links
from acd.records.queries import story
from acd.records.tables import contacts
from ivr.threads.book import Thread
from ivr.threads.threads import Opening
from tests.e2e.house import until
from tests.shell.house import House

SHOP = """
flow: shop
collects:
  order: {type: digits, length: 4, say: "Your order?"}
start: order
steps:
  order: {collect: order, next: code, otherwise: bye}
  code: {invite: "Ring 4900 and key {{ code }}.", next: talk, otherwise: bye}
  talk: {queue: sales, next: bye, otherwise: bye}
  bye: {hangup: "Bye."}
"""
LINE = """
flow: line
numbers: ["4900"]
collects: {order: {type: digits}}
start: code
steps:
  code: {join: "Your code?", take: {order: order}, attempts: 2, next: known, otherwise: talk}
  known: {say: "Order {{ order }}.", next: talk}
  talk: {queue: sales, tell_agent: "order {{ order }}", next: bye, otherwise: bye}
  bye: {hangup: "Bye."}
"""


async def shop(house: House) -> None:
    (house.flows / "shop.yaml").write_text(SHOP)
    (house.flows / "line.yaml").write_text(LINE)
    await house.service.reload()


async def writes(house: House, *texts: str) -> Thread:
    """Somebody chats until they have a code."""
    threads = house.service.threads
    thread = threads.begin(Opening("chat", "visitor-1", "shop", "shop"))
    await threads.settled(thread)
    for number, each in enumerate(texts):
        threads.incoming(thread, f"m{number}", each)
        await threads.settled(thread)
    return thread


def code_of(house: House, thread: Thread) -> str:
    """The code as the visitor reads it."""
    book = house.service.threads.book
    said = [book.as_sent(thread, each).text for each in book.messages(thread.id)]
    [line] = [each for each in said if each.startswith("Ring 4900")]
    return "".join(each for each in line.removeprefix("Ring 4900") if each.isdigit())


async def test_the_call_is_of_the_chats_contact_with_what_is_known(house: House) -> None:
    await shop(house)
    thread = await writes(house, "1001")
    code = code_of(house, thread)
    house.log_in("1001")
    caller = await house.call()
    await caller.comes_to("GET DATA")
    before = caller.contact
    await caller.press(code)
    await caller.comes_to("EXEC Dial")
    assert caller.contact == thread.id != before
    live = house.service.contacts.get(thread.id)
    assert live is not None
    assert live.waiting_action["tell_agent"] == "order 1001"
    assert house.service.contacts.get(before) is None
    assert caller.offer.startswith(thread.id)
    await house.service.records.flush()
    engine = await house.service.database.engine()
    told = await story(engine, thread.id)
    began = [each.data["channel"] for each in told if each.kind == "began"]
    assert began == ["chat", "voice"]
    assert await story(engine, before) == []
    assert code not in str([each.data for each in told]) + str(house.logs)
    again = await house.call()
    await again.press(code)
    await again.comes_to("GET DATA")
    assert house.told(again.contact, "code_taken")[-1]["ok"] is False, "a code is good once"


async def test_a_contact_ends_once_with_the_last_of_its_channels(house: House) -> None:
    await shop(house)
    thread = await writes(house, "1001")
    caller = await house.call()
    await caller.press(code_of(house, thread))
    await caller.comes_to("WAIT FOR DIGIT")
    await caller.leaves()
    await until(lambda: bool(house.told(thread.id, "line_ended")), why="the call is over")
    assert house.told(thread.id, "ended") == []
    assert house.told(thread.id, "line_ended")[0]["channel"] == "voice"
    house.service.threads.end(thread)
    (ended,) = house.told(thread.id, "ended")
    assert (ended["outcome"], ended["by"]) == ("completed", "customer")


async def test_a_chat_that_is_closed_does_not_end_the_call(house: House) -> None:
    await shop(house)
    thread = await writes(house, "1001")
    house.log_in("1001")
    caller = await house.call()
    await caller.press(code_of(house, thread))
    await caller.comes_to("EXEC Dial")
    house.service.threads.end(thread)
    assert [told["channel"] for told in house.told(thread.id, "line_ended")] == ["chat"]
    assert house.told(thread.id, "ended") == []
    await caller.leaves()
    await until(lambda: bool(house.told(thread.id, "ended")), why="the call is over")
    assert house.ending(thread.id)[1] == "caller"


async def test_a_wrong_code_leaves_the_call_as_it_is(house: House) -> None:
    await shop(house)
    thread = await writes(house, "1001")
    wrong = f"{(int(code_of(house, thread)) + 1) % 1_000_000:06}"
    caller = await house.call()
    for _ in range(2):
        await caller.press(wrong)
    await caller.comes_to("WAIT FOR DIGIT")
    assert caller.contact != thread.id
    assert house.service.contacts.get(caller.contact) is not None


async def test_whoever_joined_is_found_again_after_the_service_was_killed(house: House) -> None:
    await shop(house)
    thread = await writes(house, "1001")
    caller = await house.call()
    await caller.press(code_of(house, thread))
    await caller.comes_to("WAIT FOR DIGIT")
    await house.restart(caller)
    await caller.comes_to("WAIT FOR DIGIT")
    assert caller.contact == thread.id
    assert [each.id for each in house.service.contacts] == [thread.id]


async def test_a_channel_that_was_not_told_of_its_contact_is_known_all_the_same(
    house: House,
) -> None:
    await shop(house)
    thread = await writes(house, "1001")
    caller = await house.call()
    await caller.comes_to("GET DATA")
    before = caller.contact
    await caller.press(code_of(house, thread))
    await caller.comes_to("WAIT FOR DIGIT")
    caller.variables["TIELINE_CONTACT"] = before
    await house.restart(caller)
    await caller.comes_to("WAIT FOR DIGIT")
    assert [each.id for each in house.service.contacts] == [thread.id]


async def test_a_contact_that_is_on_the_line_already_is_not_taken_over(house: House) -> None:
    await shop(house)
    thread = await writes(house, "1001")
    first = await house.call()
    await first.press(code_of(house, thread))
    await first.comes_to("WAIT FOR DIGIT")
    passes = house.service.errands.passing.passes
    second = await house.call()
    await second.comes_to("GET DATA")
    mine = second.contact
    link, code = await passes.link("form", mine, 60, {}), await passes.code(thread.id, 60)
    await second.press(code)
    await until(lambda: bool(house.told(mine, "code_taken")))
    assert house.told(mine, "code_taken")[-1]["ok"] is False
    assert second.contact == mine != thread.id
    form, unused = await passes.look("form", link), await passes.look("code", code)
    assert form is not None
    assert form.contact == mine, "whose code was refused fills in no form for the other"
    assert unused is not None


async def test_links_that_a_call_has_sent_go_with_it_to_the_contact_of_the_code(
    house: House,
) -> None:
    await shop(house)
    thread = await writes(house, "1001")
    caller = await house.call()
    await caller.comes_to("GET DATA")
    passes = house.service.errands.passing.passes
    link = await passes.link("form", caller.contact, 60, {})
    await caller.press(code_of(house, thread))
    await caller.comes_to("WAIT FOR DIGIT")
    assert caller.contact == thread.id
    form = await passes.look("form", link)
    assert form is not None
    assert form.contact == thread.id


async def test_answers_of_a_form_reach_the_call_that_is_on_the_line(house: House) -> None:
    (house.flows / "line.yaml").write_text("""
flow: line
numbers: ["4900"]
collects: {note: {type: text}}
start: form
steps:
  form: {sms: "1", text: "{{ link }}", link: {form: [note]}, next: ready, otherwise: ready}
  ready: {menu: "1 when you have filled it in.", "1": talk, otherwise: bye}
  talk: {queue: sales, tell_agent: "{{ note }}", next: bye, otherwise: bye}
  bye: {hangup: "Bye."}
""")
    await house.service.reload()
    caller = await house.call()
    await caller.comes_to("GET DATA")
    house.service.matters.fill(caller.contact, "line", {"note": "blue"})
    await house.restart(caller)
    await caller.press("1")
    await caller.comes_to("WAIT FOR DIGIT")
    live = house.service.contacts.get(caller.contact)
    assert live is not None
    assert (live.waiting_action["tell_agent"], live.answers) == ("blue", {})
    assert {"name": "note", "value": "blue", "by": "form"} in house.told(caller.contact, "field")


async def test_a_caller_whom_the_flow_has_identified_is_linked_to_the_customer(
    house: House,
) -> None:
    (house.flows / "accounts.table.yaml").write_text(
        'key: account\nrows:\n  - {account: "12345678", name: Mei}\n'
    )
    (house.flows / "line.yaml").write_text("""
flow: line
numbers: ["4900"]
collects: {account: {type: digits, length: 8, say: "Your account?"}}
start: who
steps:
  who: {identify: accounts, ask: [account], level: number, next: bye, otherwise: bye}
  bye: {hangup: "Bye."}
""")
    await house.service.reload()
    customers = Customers(house.service.database)
    mei = await customers.create(name="Mei", addresses=[Address("other", "12345678")], by="ada")
    caller = await house.call()
    await caller.press("12345678")
    await caller.closed()
    await house.service.records.flush()
    link = await Links(house.service.database).of(caller.contact)
    assert link is not None
    assert (link.customer, link.sure) == (mei.id, "recognised")


async def test_no_form_changes_the_record_of_what_a_caller_has_proven(house: House) -> None:
    (house.flows / "accounts.table.yaml").write_text(
        'key: account\nrows:\n  - {account: "12345678", name: Mei}\n'
    )
    (house.flows / "line.yaml").write_text("""
flow: line
numbers: ["4900"]
collects: {account: {type: digits, length: 8, say: "Your account?"}, note: {type: text}}
start: who
steps:
  who: {identify: accounts, ask: [account], next: form, otherwise: bye}
  form:
    sms: "1"
    text: "{{ link }}"
    link: {form: [account, note]}
    next: ready
    otherwise: ready
  ready: {menu: "1 when you have filled it in.", "1": bye, otherwise: bye}
  bye: {hangup: "Bye."}
""")
    await house.service.reload()
    caller = await house.call()
    await caller.press("12345678")
    await caller.comes_to("GET DATA")
    contact = caller.contact
    house.service.matters.fill(contact, "line", {"account": "66666666", "note": "blue"})
    await caller.press("1")
    await caller.closed()
    house.service.matters.fill(contact, "line", {"account": "77777777"})
    await house.service.records.flush()
    async with house.service.database.reading() as connection:
        kept = await connection.execute(select(contacts.c.fields).where(contacts.c.id == contact))
        assert kept.scalar_one() == {"account": "12345678", "note": "blue"}
