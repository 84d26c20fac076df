"""What agents work with: knowledge, announcements, dispositions and guidance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from acd.desk import Announcement, Announcements, Article, Code, Dispositions, Given, Hit, Knowledge
from acd.model import AgentState, DispositionGiven
from acd.records.contact import ContactEvent
from ivr.web.api.contacts import ContactFiles
from ivr.web.house import House
from ivr.web.hub import EVERYBODY, Hub
from ivr.web.numbers import whole
from ivr.web.roles import LEADS, STAFF, Role
from ivr.web.routes import Call, Model, Query, Route

WRITERS = frozenset({Role.DESIGNER}) | LEADS
READERS = STAFF | WRITERS
Title = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Body = Annotated[str, StringConstraints(max_length=100_000)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$")]


class NewArticle(Model):
    """An article of the knowledge base, in plain text."""

    title: Title
    body: Body
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[a-z0-9]{1,8})*$")] = "en"
    tags: Annotated[tuple[Label, ...], Field(max_length=30)] = ()


class ArticleEdit(Model):
    """What changes; what is left out stays."""

    version: int | None = None
    title: Title | None = None
    body: Body | None = None
    language: str | None = None
    tags: list[str] | None = None


class Searched(Query):
    """Words of the question."""

    text: str = ""
    language: str | None = None
    tag: str | None = None
    limit: int = 20


class NewAnnouncement(Model):
    """What agents are told; without `queues` all of them."""

    title: Title
    body: Body
    queues: Annotated[tuple[Label, ...], Field(max_length=100)] = ()
    must_read: bool = True
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Who has read an announcement, and when."""

    account: str
    at: float


class NewCode(Model):
    """One way in which a contact can end, and what agents see of it."""

    code: Word
    title: Label


class Codes(Model):
    """The codes of a queue, in the order they are shown."""

    codes: Annotated[list[NewCode], Field(max_length=200)]


class OfQueue(Query):
    """Whose codes: a queue's, or with "" those of every queue."""

    queue: str = ""


class Disposing(Model):
    """How a contact ended; without `code` only notes are kept."""

    queue: Annotated[str, StringConstraints(max_length=60)] = ""
    code: Word | str = ""
    notes: Annotated[str, StringConstraints(max_length=10_000)] = ""


class InLanguage(Query):
    """The language of the script."""

    language: str = "en"


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """One line to say; `stage` is greet, verify, identify, understand, solve, recap or offer."""

    stage: str
    text: str


Script = Callable[[str, str, dict[str, Any], str], Sequence[ScriptLine]]
"""Queue, reason, fields and language in, the lines out."""


@dataclass(frozen=True, slots=True)
class DeskKeeps:
    """What the desk keeps in the records."""

    knowledge: Knowledge
    announcements: Announcements
    dispositions: Dispositions


class DeskAsked:
    """`/api/knowledge`, `/api/announcements`, `/api/dispositions` and a contact's guidance."""

    def __init__(
        self, keeps: DeskKeeps, house: House, files: ContactFiles, hub: Hub, script: Script
    ) -> None:
        self._keeps, self._house, self._files = keeps, house, files
        self._hub, self._script = hub, script

    def routes(self) -> Sequence[Route]:
        """What may be asked."""
        contact = "/api/contacts/{contact}"
        return (
            Route("GET", "/api/knowledge", self._search, roles=READERS, query=Searched,
                  gives=list[Hit], summary="Search; titles and snippets are pieces of text"),
            Route("POST", "/api/knowledge", self._add, roles=WRITERS, takes=NewArticle,
                  gives=Article, status=201, summary="Write an article", most=400_000,
                  audit="knowledge.add"),
            Route("GET", "/api/knowledge/{article}", self._article, roles=READERS, gives=Article,
                  summary="An article"),
            Route("PATCH", "/api/knowledge/{article}", self._rewrite, roles=WRITERS,
                  takes=ArticleEdit, gives=Article, summary="Change an article", most=400_000,
                  audit="knowledge.edit"),
            Route("DELETE", "/api/knowledge/{article}", self._delete, roles=WRITERS,
                  summary="Delete an article", audit="knowledge.delete"),
            Route("GET", "/api/announcements", self._current, roles=READERS,
                  gives=list[Announcement], summary="What is announced now"),
            Route("POST", "/api/announcements", self._announce, roles=LEADS,
                  takes=NewAnnouncement, gives=Announcement, status=201, most=400_000,
                  summary="Announce something", audit="announcement.publish"),
            Route("GET", "/api/announcements/unread", self._unread, roles=READERS,
                  gives=list[Announcement], summary="What one has not read yet"),
            Route("POST", "/api/announcements/{announcement}/read", self._read, roles=READERS,
                  summary="Say that one has read it", audit="announcement.read"),
            Route("GET", "/api/announcements/{announcement}/readers", self._readers, roles=LEADS,
                  gives=list[Reader], summary="Who has read it"),
            Route("DELETE", "/api/announcements/{announcement}", self._withdraw, roles=LEADS,
                  summary="Take it back", audit="announcement.withdraw"),
            Route("GET", "/api/dispositions", self._codes, roles=READERS, query=OfQueue,
                  gives=list[Code], summary="The codes of a queue"),
            Route("PUT", "/api/dispositions", self._define, roles=WRITERS, query=OfQueue,
                  takes=Codes, gives=list[Code], summary="Define the codes of a queue",
                  audit="disposition.define"),
            Route("POST", f"{contact}/disposition", self._dispose, roles=STAFF, takes=Disposing,
                  gives=Given, status=201, summary="Say how a contact ended",
                  audit="contact.disposition"),
            Route("GET", f"{contact}/dispositions", self._given, roles=STAFF,
                  gives=list[Given], summary="How a contact ended", audit="contact.read"),
            Route("GET", f"{contact}/guidance", self._guidance, roles=STAFF, query=InLanguage,
                  gives=list[ScriptLine], summary="What to say, the blanks filled in",
                  audit="contact.guidance"),
        )  # fmt: skip

    # --- knowledge --------------------------------------------------------------------------------

    async def _search(self, call: Call) -> list[Hit]:
        asked: Searched = call.query
        return await self._keeps.knowledge.search(
            asked.text[:200],
            language=asked.language,
            tag=asked.tag,
            limit=max(1, min(asked.limit, 100)),
        )

    async def _add(self, call: Call) -> Article:
        given: NewArticle = call.body
        article = await self._keeps.knowledge.add(
            given.title, given.body, language=given.language, tags=given.tags, by=call.me.user
        )
        call.answer.concerns.append(str(article.id))
        return article

    async def _article(self, call: Call) -> Article:
        return await self._keeps.knowledge.get(whole(call["article"], "article"))

    async def _rewrite(self, call: Call) -> Article:
        changes: dict[str, Any] = call.body.model_dump(exclude_none=True)
        number = whole(call["article"], "article")
        return await self._keeps.knowledge.edit(number, by=call.me.user, **changes)

    async def _delete(self, call: Call) -> None:
        await self._keeps.knowledge.delete(whole(call["article"], "article"))

    # --- announcements ----------------------------------------------------------------------------

    async def _current(self, call: Call) -> list[Announcement]:
        return await self._keeps.announcements.current()

    async def _announce(self, call: Call) -> Announcement:
        given: NewAnnouncement = call.body
        told = await self._keeps.announcements.publish(
            given.title,
            given.body,
            by=call.me.user,
            queues=given.queues,
            must_read=given.must_read,
            until=given.until,
        )
        call.answer.concerns.append(str(told.id))
        self._hub.publish("announcement", {"id": told.id}, EVERYBODY)
        return told

    async def _unread(self, call: Call) -> list[Announcement]:
        queues: Sequence[str] = ()
        if call.me.agent:
            agents = self._house.plan().floor.floor.agents
            queues = next((each.queues for each in agents if each.id == call.me.agent), ())
        return await self._keeps.announcements.unread(call.me.user, queues)

    async def _read(self, call: Call) -> None:
        await self._keeps.announcements.read(_announcement(call), call.me.user)

    async def _readers(self, call: Call) -> list[Reader]:
        found = await self._keeps.announcements.readers(_announcement(call))
        return [Reader(account, at) for account, at in found]

    async def _withdraw(self, call: Call) -> None:
        await self._keeps.announcements.withdraw(_announcement(call))
        self._hub.publish("announcement", {"id": _announcement(call)}, EVERYBODY)

    # --- dispositions -----------------------------------------------------------------------------

    async def _codes(self, call: Call) -> list[Code]:
        return await self._keeps.dispositions.codes(call.query.queue)

    async def _define(self, call: Call) -> list[Code]:
        codes = [Code(each.code, each.title) for each in call.body.codes]
        await self._keeps.dispositions.define(call.query.queue, codes)
        return await self._keeps.dispositions.codes(call.query.queue)

    async def _dispose(self, call: Call) -> Given:
        """Kept with the contact, told in its story, and, where the queue waits for it, to the
        distributor: only then the agent's wrap-up can end.
        """
        told = await self._files.told(call["contact"], call.me)
        wanted: Disposing = call.body
        queue = wanted.queue or told.queue
        given = await self._keeps.dispositions.give(
            told.id,
            queue,
            wanted.code,
            notes=wanted.notes,
            agent=call.me.agent,
            by=call.me.user,
        )
        at = self._house.clock()
        data = {"code": given.code, "notes": given.notes, "agent": call.me.agent, "queue": queue}
        self._house.tell(ContactEvent(told.id, at, "disposition", "", data))
        await self._free(call.me.agent, given.code)
        return given

    async def _free(self, agent: str, code: str) -> None:
        if not agent:
            return
        house = self._house.distributor
        row = house.engine.agent_row(agent, house.now())
        if row.disposition_due and row.state in (AgentState.WRAP_UP, AgentState.TALKING):
            house.send(DispositionGiven(house.now(), agent, code))
            await house.settled()

    async def _given(self, call: Call) -> list[Given]:
        told = await self._files.told(call["contact"], call.me)
        return await self._keeps.dispositions.given(told.id)

    # --- guidance ---------------------------------------------------------------------------------

    async def _guidance(self, call: Call) -> list[ScriptLine]:
        told = await self._files.told(call["contact"], call.me)
        fields = {"name": told.caller_name, **told.identity, **told.fields}
        reason = str(told.fields.get("reason") or told.reason or "")
        return list(self._script(told.queue, reason, fields, call.query.language))


def _announcement(call: Call) -> int:
    return whole(call["announcement"], "announcement")
