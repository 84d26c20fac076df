"""The composition root: builds every object of the service, and nothing else does.

Order matters at start: what the journal remembers first, then Asterisk's own word about what is
alive, then the door is opened for calls. From then on Asterisk is asked again after every break in
the connection, because what was not heard may have been said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any

import structlog

from acd.customers import Consents
from acd.customers.links import projection
from acd.distributor import steady_clock
from acd.journal import Journal
from acd.model import DayStarted, FloorLoaded
from acd.records.contact import ContactEvent, Json
from acd.records.database import Database
from acd.records.stream import JournalContacts
from acd.records.writer import RecordsWriter
from ivr.agi.server import AgiServer
from ivr.asterisk.ami import AmiClient, Ready
from ivr.asterisk.provision import Toolchain
from ivr.asterisk.render import AMI_EVENTS
from ivr.away import take_in
from ivr.backends.building import build_errands
from ivr.callbacks.building import Around, build_callbacks
from ivr.callers import Callers
from ivr.channels.callback import AgentLine
from ivr.channels.colleague import Colleagues
from ivr.channels.desk_phone import DeskPhone
from ivr.channels.services import VoiceServices
from ivr.chats.building import Carriers, Letters, build_letters
from ivr.domain import distributor_for, has_floor, lost_nodes, nodes_text
from ivr.drain import Door
from ivr.flow.actions import Prompt
from ivr.in_force import InForce
from ivr.instructing import Instructing
from ivr.lag import LagWatch
from ivr.lamps import Lamps
from ivr.legs import Legs
from ivr.live import LiveContacts
from ivr.lost_nodes import LostNodes
from ivr.matters import Matters
from ivr.news import News
from ivr.open_offers import open_offers
from ivr.operator.agent_actions import BY as OPERATOR
from ivr.operator.answers import Operator
from ivr.operator.house import OperatorServices
from ivr.operator.server import OperatorServer
from ivr.phones import Phones
from ivr.pins import Pins
from ivr.places import Places, phones
from ivr.plans import Plan, Plans
from ivr.reach import Ways, over_nodes
from ivr.rehearsal.inside import Rehearsals
from ivr.retention import Forgetting, every_night
from ivr.revisions import CONSOLE, Author
from ivr.rounds import every, every_midnight, flow_clock, until_gone
from ivr.secrets import Secrets
from ivr.settings import Settings
from ivr.site import drained_file
from ivr.speech.phrases import BEEP, LANGUAGES, phrase
from ivr.speech.prompts import PromptBook
from ivr.speech.script import fixed_batches
from ivr.squaring import Squaring
from ivr.start import revisions_of
from ivr.steering import Steered
from ivr.switches import Switchboard
from ivr.threads.threads import Threads, ThreadServices
from ivr.web.building import build_web
from ivr.web.hub import Hub

log = structlog.get_logger(__name__)

PATIENCE_WITH_ASTERISK = 5.0
"""Seconds the door stays shut at start while Asterisk does not answer; callers hear music."""
LOOK_FOR_MESSAGES = 30.0
"""Seconds between looks for what callers recorded while the service was away."""
LOOK_FOR_OFFERS = 1.0
"""Seconds between looks for offers that nobody takes up."""


class Service:
    """One running service: `start`, then `stop`."""

    def __init__(
        self,
        settings: Settings,
        toolchain: Toolchain,
        plan: Plan,
        book: PromptBook,
    ) -> None:
        secrets = Secrets(settings.home)
        self.settings, self.toolchain, self.book = settings, toolchain, book
        self.clock = steady_clock()
        self.journal = Journal(settings.data_dir / "journal.sqlite")
        self.switchboard = Switchboard(self.journal, flow_clock(settings.rehearse_at))
        self.database = Database(settings.records_url)
        self.records = RecordsWriter(
            settings.records_url,
            JournalContacts(self.journal, settings.node),
            also=(projection(lambda: self.plans.plan.services.region),),
        )
        self.distributor = distributor_for(settings, secrets, self.journal, self.clock)
        self.contacts = LiveContacts(self.journal, self.tell, self.clock)
        self.in_force = InForce(lambda: self.plans.plan, lambda: settings.trunk_to_dial)
        self.errands = build_errands(settings, self.in_force.sources, self.tell, self.clock)
        kept, live = revisions_of(settings), self._in_flows
        self.plans = Plans(settings.flows, settings.floor, plan, kept, live)
        self.plans.on_change(self._put_in_force)
        self.ami = AmiClient(
            "127.0.0.1", settings.ami_port, "tieline", secrets.ami_secret, events=AMI_EVENTS
        )
        self.asterisk = Instructing(settings, toolchain, lambda: self.plans.plan, self.ami.command)
        self.legs = Legs(self.distributor, self.contacts, self, self.clock)
        self.ways = Ways(
            self.in_force.floor, lambda: self.distributor.engine, self.in_force.outside
        )
        self.rehearsals = (
            Rehearsals(settings.rehearsal, self.in_force.sources) if settings.rehearsal else None
        )
        self.threads = Threads(self._letters())
        region = lambda: self.in_force.sources().services.region  # noqa: E731 - one attribute
        self.matters = Matters(self.threads.book, self.contacts, region)
        voice = self._voice()
        soon, written = self._in_background, self.threads.book.get
        around = Around(self.errands, self.ami, self.plans, written, self.hang_up_soon, soon)
        self.callbacks = build_callbacks(voice, around, settings.trunk_to_dial)
        self.callers = Callers(
            voice,
            self.plans,
            self.plans,
            _not_in_service,
            callbacks=self.callbacks,
            rehearsals=self.rehearsals,
            others=self.threads.people.standing,
            joins=self.matters.written_by,
        )
        self.hub = Hub(self.clock)
        self.letters = self._carried(secrets.visitor_key, region)
        self.lamps = Lamps(self.ami, self._in_background)
        desk_phone = DeskPhone(
            self.distributor,
            book,
            self.in_force.floor,
            self.ways,
            Pins(secrets, self.clock),
            self.tell,
            self.clock,
        )
        colleagues = Colleagues(self.callers.services, self.in_force.floor, desk_phone.person_at)
        self.phones = Phones(self.distributor, desk_phone.person_at, self.clock, settings.node)
        self.squaring = Squaring(self.ami, self.callers, self.phones, self.clock)
        self.places = Places(self.distributor, settings.node, self.in_force.phones)
        look_again = self.callbacks.on_doubt = self.squaring.soon
        hear = (self.legs, self.callers, self.callbacks, self.places, self.phones)
        self.news = News(*hear, look_again=look_again)
        self.web = build_web(self)
        routes = {
            "call": self.callers.enter,
            "callback": AgentLine(voice, self.callbacks).enter,
            **colleagues.routes(),
            "dial-out": self.web.dialling_out.enter,
            "message": self.letters.by_sip.enter,
            **desk_phone.routes(),
        }
        operator = Operator(
            OperatorServices(
                distributor=self.distributor,
                contacts=lambda: self.contacts,
                plan=lambda: self.plans.plan,
                reload=self.reload,
                hang_up=self._hang_up_caller,
                switchboard=self.switchboard,
                door=self._door(),
                nodes=lambda: nodes_text(self.distributor),
                tell=self._tell_of,
                is_there=self.phones.is_there,
                way_to_mobile=self.ways.mobile,
            )
        )
        self.operator = OperatorServer(
            operator.answer, secrets.console_token, settings.console_port
        )
        self.agi = AgiServer(routes, port=settings.agi_port)
        self._tasks: set[asyncio.Task[None]] = set()

    def _voice(self) -> VoiceServices:
        return VoiceServices(
            distributor=self.distributor,
            contacts=self.contacts,
            legs=self.legs,
            prompts=self.book,
            desk=self.errands,
            outside=self.in_force.outside,
            reach=over_nodes(
                self.ways, self.distributor.place_of, self.settings.node, self.settings.nodes
            ),
            switches=self.switchboard.in_force,
            waking=self.ami,
            card=self.in_force.card,
            messages=self.settings.data_dir / "messages",
            beep=self.settings.run_dir / "phrases" / LANGUAGES[0] / f"{BEEP}.wav",
            clock=self.clock,
            now=flow_clock(self.settings.rehearse_at),
            node=self.settings.node,
        )

    def _door(self) -> Door:
        inside, tell = lambda: tuple(self.contacts), self.asterisk.write
        file, node = drained_file(self.settings), self.settings.node
        return Door(file, node, self.distributor, inside, tell)

    def _letters(self) -> ThreadServices:
        return ThreadServices(
            self.distributor,
            self.journal,
            self.plans,
            self.errands,
            self.tell,
            self.clock,
            flow_clock(self.settings.rehearse_at),
            self.switchboard.in_force,
            self.settings.node,
        )

    def _carried(self, key: str, region: Callable[[], str | None]) -> Letters:
        """Chats and text messages: who carries them."""
        carriers = Carriers(self.threads, self.errands, self.hub, self.ami, self.matters)
        consents = Consents(self.database, region, self.clock)
        now = flow_clock(self.settings.rehearse_at)
        sources = self.in_force.sources
        return build_letters(
            carriers, self.settings, sources, consents, key=key, clock=self.clock, now=now
        )

    def _in_flows(self) -> set[tuple[str, str]]:
        """The flow each conversation is in, and the revision of it."""
        return self.contacts.in_flows() | self.threads.book.in_flows()

    # --- life ------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Recover, ask Asterisk, open the door."""
        self._in_background(LagWatch().run())
        await self.distributor.join()
        self._recover()
        await self.callbacks.book.start()
        self._in_background(self.callbacks.book.watch())
        await self.threads.start()
        await self.records.start()
        self._in_background(every_midnight(self._begin_day))
        also = self.threads.book.forget, self.errands.passing.passes.forget
        self._in_background(every_night(Forgetting(self.settings, self.database, *also)))
        self.ami.on_ready(self._on_ready)
        self.ami.on_event(self.news.take)
        await self.ami.start()
        try:
            async with asyncio.timeout(PATIENCE_WITH_ASTERISK):
                await self.squaring.done.wait()
        except TimeoutError:
            log.warning("asterisk does not answer yet", ami_port=self.settings.ami_port)
        self._in_background(every(LOOK_FOR_MESSAGES, self._take_in_messages))
        self._in_background(self.places.run())
        if self.settings.node is not None:
            lost = lambda: lost_nodes(self.distributor)  # noqa: E731 - one call
            self._in_background(LostNodes(self.ami, lost, self.hang_up_soon).watch())
        self._in_background(every(LOOK_FOR_OFFERS, self.legs.give_back_unclaimed))
        self.distributor.start()
        await has_floor(self.distributor, self.plans.plan.floor.floor)
        await self.errands.start()
        await self.agi.start()
        await self.operator.start()
        await self.web.start()
        self._in_background(self._prepare_prompts(self.plans.plan))
        log.info("service is up", agi_port=self.agi.port, contacts=len(self.contacts))

    def _recover(self) -> None:
        """Everything as the last service left it, under the floor of today."""
        self.contacts.recover()
        self.threads.recover()
        self.switchboard.recover()
        self.distributor.recover()
        rows = self.distributor.engine.calls_view(self.clock())
        self.legs.recover(open_offers(rows, self.distributor.owns))
        steered = Steered(self.distributor.owns, self._tell_of)
        hear = (steered, self.legs, self.callers, self.callbacks, self.lamps, self.web.feed)
        for each in hear:
            self.distributor.subscribe(each.on_command)
        self._put_in_force(self.plans.plan)
        began = datetime.fromtimestamp(self.distributor.engine.day_started).astimezone()
        if began.date() != datetime.now().astimezone().date():
            self._begin_day()

    async def stop(self) -> None:
        """Shut the door; callers stay in Asterisk and meet the next service."""
        await self.operator.stop()
        await self.web.stop()
        await self.agi.close()
        await self.threads.stop()
        await self.distributor.stop()
        await self.ami.close()
        await self.squaring.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.letters.close()
        await self.errands.close()
        if self.rehearsals is not None:
            await self.rehearsals.close()
        await self.records.stop()
        await self.database.close()
        await self.book.aclose()
        self.journal.close()

    # --- what Asterisk says ----------------------------------------------------------------------

    async def _on_ready(self, ready: Ready) -> None:
        """AMI is connected (again): square what we believe with what is there."""
        await self.squaring.after(ready)
        if self.settings.node is not None:
            self.places.square(await phones(self.ami))
        self.lamps.show_all(self.distributor.engine.agents_view(self.clock()))
        await self.asterisk.tell()

    def _take_in_messages(self) -> None:
        messages = self.settings.data_dir / "messages"
        if count := take_in(
            messages, self.tell, self.journal.together, self.clock(), self.settings.node
        ):
            log.info("took in messages left while the service was away", count=count)

    def _begin_day(self) -> None:
        """The counters of queues and agents begin anew."""
        if self.distributor.leads:
            self.distributor.send(DayStarted(self.clock()))

    def tell(self, event: ContactEvent) -> None:
        """Write one event of a contact's story; the records take it over from the journal."""
        body = {name: getattr(event, name) for name in ("contact", "kind", "step", "data")}
        self.journal.append("contact", event.at, body)
        self.records.wake()
        self.web.feed.on_contact(event)

    def _tell_of(self, contact: str, kind: str, data: Mapping[str, Json]) -> None:
        self.tell(ContactEvent(contact, self.clock(), kind, "", data))

    def hang_up_soon(self, channel: str) -> None:
        """Hang up that channel, in the background."""
        self._in_background(until_gone(self.ami.hangup, channel))

    def _hang_up_caller(self, channel: str) -> None:
        """An operator ends this caller's call."""
        for contact in self.contacts:
            if contact.channel == channel:
                contact.ended_by = OPERATOR
        self.hang_up_soon(channel)

    # --- what the floor knows --------------------------------------------------------------------

    async def reload(self, by: Author = CONSOLE, revision: int | None = None) -> Plan:
        """Put flows and floor into force: as the files have them now, or as a kept revision has.

        Raises:
            ConfigError, NoSuchRevision, RevisionsUnusable: then nothing has changed.
        """
        plan = await (
            self.plans.reload(by) if revision is None else self.plans.rollback(revision, by)
        )
        self._in_background(self._prepare_prompts(plan))
        await self.asterisk.write()
        return plan

    def _put_in_force(self, plan: Plan) -> None:
        """The floor of a plan that is about to take the old one's place."""
        self.distributor.send(FloorLoaded(self.clock(), plan.floor.floor))
        self.threads.people.no_screens(self.distributor.engine.agents_view(self.clock()))

    async def _prepare_prompts(self, plan: Plan) -> None:
        """Speak ahead what the flows always say, so that callers meet finished files."""
        await self.book.prepare_fallback()
        batches = await asyncio.to_thread(fixed_batches, plan.library.flows.values())
        for failure in await self.book.prepare(batches):
            log.warning("a prompt cannot be spoken", why=str(failure))
        log.info("prompts are ready", count=len(batches))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _not_in_service(_: str) -> tuple[Prompt, ...]:
    return tuple(phrase("not-in-service", language) for language in LANGUAGES)
