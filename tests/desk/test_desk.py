"""What the desk keeps, alike in both databases."""

from __future__ import annotations

import pytest

from acd.desk import Announcements, Code, Dispositions, Knowledge, Tickets
from acd.records import Conflict, Database, NotFound, Refused

T0 = 1_760_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


async def test_a_ticket_tells_its_own_story(database: Database) -> None:
    tickets = Tickets(database, Clock())
    made = await tickets.open("Call back", body="about 退款", contact="c1", customer=7, by="ada")
    await tickets.comment(made.id, "left a message", "bob")
    after = await tickets.edit(
        made.id, assignee="bob", due_at=T0 + 3600, state="pending", version=1, by="ada"
    )
    assert (after.state, after.assignee, after.version) == ("pending", "bob", 2)
    with pytest.raises(Conflict, match="was changed meanwhile"):
        await tickets.edit(made.id, state="solved", version=1, by="carl")
    emptied = await tickets.edit(made.id, due_at=None, customer=None, by="ada")
    assert (emptied.due_at, emptied.customer, emptied.contact) == (None, None, "c1")
    said = [(each.by, each.text) for each in await tickets.comments(made.id)]
    assert said == [
        ("bob", "left a message"),
        ("ada", "state: open → pending; assignee: - → bob; due: - → 2025-10-09 09:53 UTC"),
        ("ada", "customer: 7 → -; due: 2025-10-09 09:53 UTC → -"),
    ]


async def test_tickets_are_found_what_is_due_first(database: Database) -> None:
    tickets = Tickets(database, Clock())
    late = await tickets.open("late", due_at=T0 - 10, assignee="ada", by="ada")
    later = await tickets.open("later", due_at=T0 + 9000, customer=7, by="ada")
    never = await tickets.open("never", by="ada")
    assert await tickets.find() == [late, later, never]
    assert await tickets.find(overdue_at=T0) == [late]
    assert late.overdue(T0)
    assert await tickets.find(customer=7) == [later]
    await tickets.edit(late.id, state="solved", by="ada")
    assert await tickets.find(overdue_at=T0) == []
    assert [each.title for each in await tickets.find(state="open")] == ["later", "never"]
    with pytest.raises(Refused, match="open, pending, solved, closed"):
        await tickets.edit(late.id, state="done", by="ada")
    with pytest.raises(NotFound):
        await tickets.get(99_999)


@pytest.fixture
async def knowledge(database: Database) -> Knowledge:
    knowledge = Knowledge(database, Clock())
    for title, body, language, tags in (
        ("Refunds", "Money back within thirty days, to the same card.", "en", ["money"]),
        ("Cards", "A lost card is blocked at once; refunds of a lost card wait.", "en", ["card"]),
        ("退款政策", "三十天内可以退款，原路退回到银行卡。", "zh", ["money"]),
        ("Cafés", "Über die Öffnungszeiten <script>alert(1)</script>", "de", []),
    ):
        await knowledge.add(title, body, language=language, tags=tags, by="root")
    return knowledge


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("refund", ["Refunds", "Cards"]),
        ("lost card", ["Cards"]),
        ("退款", ["退款政策"]),
        ("银行卡", ["退款政策"]),
        ("行", ["退款政策"]),
        ("行银", []),
        ("cafe", ["Cafés"]),
        ("offnung", ["Cafés"]),
        ("money", ["退款政策", "Refunds"]),
        ('") OR *', []),
    ],
)
async def test_articles_are_found_by_words_of_any_script_titles_first(
    knowledge: Knowledge, text: str, titles: list[str]
) -> None:
    found = ["".join(piece.text for piece in hit.title) for hit in await knowledge.search(text)]
    assert sorted(found) == sorted(titles)
    if text == "refund":
        assert found == titles


async def test_finds_are_marked_as_text_never_as_markup(knowledge: Knowledge) -> None:
    (hit,) = await knowledge.search("offnungs script")
    assert [piece.text for piece in hit.snippet if piece.marked] == [
        "Öffnungszeiten", "script", "script"
    ]  # fmt: skip
    assert (
        "".join(p.text for p in hit.snippet) == "Über die Öffnungszeiten <script>alert(1)</script>"
    )
    (hit,) = await knowledge.search("退款", language="zh")
    assert [(p.text, p.marked) for p in hit.title] == [("退款", True), ("政策", False)]
    assert [h.language for h in await knowledge.search("refund", tag="MONEY")] == ["en"]


async def test_a_long_article_shows_where_it_has_most(knowledge: Knowledge) -> None:
    body = (
        "first comes nothing of note. " * 50 + "Then the warranty of the router ends." + " x" * 500
    )
    await knowledge.add("Long", body, by="root")
    (hit,) = await knowledge.search("warranty router")
    shown = "".join(piece.text for piece in hit.snippet)
    assert "the warranty of the router ends" in shown
    assert shown.startswith("… ")
    assert shown.endswith(" …")
    assert len(shown) < 230


async def test_an_edited_article_is_found_by_what_it_says_now(knowledge: Knowledge) -> None:
    (hit,) = await knowledge.search("lost")
    first = await knowledge.get(hit.article)
    await knowledge.edit(first.id, body="Stolen ones as well.", version=first.version, by="ada")
    assert await knowledge.search("lost") == []
    assert [each.article for each in await knowledge.search("stolen")] == [first.id]
    with pytest.raises(Conflict):
        await knowledge.edit(first.id, body="x", version=first.version, by="bob")
    await knowledge.delete(first.id)
    assert await knowledge.search("stolen") == []
    with pytest.raises(NotFound):
        await knowledge.get(first.id)


async def test_what_must_be_read_is_shown_until_it_was(database: Database) -> None:
    clock = Clock()
    announcements = Announcements(database, clock)
    everybody = await announcements.publish("Fire drill", "At noon.", by="root")
    cards = await announcements.publish("Cards", "New.", queues=["cards"], by="root")
    await announcements.publish("FYI", "Cake.", must_read=False, by="root")
    await announcements.publish("Old", "Gone.", until=T0 - 1, by="root")
    assert await announcements.unread("ada", ["billing"]) == [everybody]
    assert await announcements.unread("ada", ["cards", "billing"]) == [everybody, cards]
    first = await announcements.read(everybody.id, "ada")
    assert await announcements.read(everybody.id, "ada") == first
    assert await announcements.readers(everybody.id) == [("ada", first)]
    assert await announcements.unread("ada", ["cards"]) == [cards]
    await announcements.withdraw(cards.id)
    assert await announcements.unread("bob", ["cards"]) == [everybody]
    assert [each.title for each in await announcements.current()] == ["FYI", "Fire drill"]


async def test_a_queue_without_codes_of_its_own_has_everybodys(database: Database) -> None:
    dispositions = Dispositions(database, Clock())
    await dispositions.define("", [Code("solved", "Solved"), Code("again", "Calls again")])
    await dispositions.define("cards", [Code("blocked", "Card blocked")])
    assert [each.code for each in await dispositions.codes("billing")] == ["solved", "again"]
    assert [each.code for each in await dispositions.codes("cards")] == ["blocked"]
    given = await dispositions.give(
        "c1", "cards", "blocked", notes="at once", agent="1001", by="ada"
    )
    with pytest.raises(Refused, match="no disposition of cards: blocked"):
        await dispositions.give("c1", "cards", "solved", agent="1001", by="ada")
    await dispositions.define("cards", [])
    assert await dispositions.given("c1") == [given]
    with pytest.raises(Refused, match="each code stands once"):
        await dispositions.define("x", [Code("a", ""), Code("a", "")])
