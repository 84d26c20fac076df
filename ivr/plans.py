"""What is in force: the flows and the floor, always a set that was checked together.

A reload reads everything again. Only if all of it is right does it take the place of the old set,
in one assignment; otherwise every mistake is told and nothing changes. Each set that differs from
the one before is kept as a revision (`ivr.revisions`): an older one can be put back, a service
whose files are half edited starts on the last good one, and live calls finish on the flow they
began with, also after a restart.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import structlog

from ivr.backends.services import Services, read_services
from ivr.errors import ConfigError, IvrError, Problem
from ivr.floor import FloorPlan, load_floor
from ivr.floor.calling import check_hours
from ivr.floor_difference import floor_differences
from ivr.flow.checking import checks
from ivr.flow.checking.naming import SERVICES
from ivr.flow.difference import differences, guarded
from ivr.flow.loading import loader
from ivr.flow.loading.yaml import Problems
from ivr.flow.model import Flow
from ivr.guidance import Guidance, read_guidance
from ivr.revisions import (
    CONSOLE,
    Author,
    Draft,
    Files,
    Force,
    InUse,
    Revision,
    Revisions,
    RevisionsUnusable,
    hashes_of,
)

log = structlog.get_logger(__name__)

SUFFIXES = (".yaml", ".table.csv")
READINGS = 5
"""How often files that change while they are read are read again."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One set of flows and the floor they were checked against.

    `revision` is its number, 0 while it is not kept. `notice` says why something else is in force
    than the files have; "" where nothing is odd.
    """

    library: loader.Library
    floor: FloorPlan
    services: Services = field(default_factory=Services)
    guidance: Guidance = field(default_factory=Guidance)
    revision: int = 0
    notice: str = ""

    @property
    def numbers(self) -> tuple[str, ...]:
        """Every number that some flow answers."""
        return tuple(sorted(self.library.numbers))

    @property
    def flow_revisions(self) -> dict[str, str]:
        """The revision of each flow, by its name."""
        return {name: flow.revision for name, flow in self.library.flows.items()}


class NoSuchRevision(IvrError):
    """No revision of that number is kept; the text says which are."""


# --- from files and revisions to plans ----------------------------------------------------------


def load_plan(flows: Path, floor: Path, beside: Path | None = None) -> Plan:
    """Read and check the flows in a folder against a floor file.

    Files that services.yaml names are relative to `beside`, or else to the folder.

    Raises:
        ConfigError: with every mistake in any of the files.
    """
    problems = Problems()
    services = read_services(flows / SERVICES, problems, os.environ, beside)
    try:
        plan = load_floor(floor)
    except ConfigError as wrong:
        found = [*wrong.problems, *problems.all(), *_mistakes(flows, services)]
        raise ConfigError(found) from None
    if problems.found:
        raise ConfigError([*problems.all(), *_mistakes(flows, services, plan)])
    library = loader.load([flows], known_names(plan), services.names())
    check_hours(plan.calling.values(), library.calendars, problems)
    guidance = read_guidance(flows, problems, {queue.name for queue in plan.floor.queues})
    problems.raise_if_any()
    return Plan(library, plan, services, guidance, notice=_out_of_reach(services))


def _out_of_reach(services: Services) -> str:
    """What a file of services wants of this machine and does not find; the rest works without."""
    return "; ".join(f"{each.file}:{each.line}: {each.message}" for each in services.missing)


def known_names(plan: FloorPlan) -> checks.Floor:
    """What flows are checked against: the floor's queues and skills, and the numbers it takes."""
    queues = frozenset(queue.name for queue in plan.floor.queues)
    taken = {number: f"the number of the queue {name}" for number, name in plan.numbers.items()}
    agents = {agent.id: "an agent's extension" for agent in plan.floor.agents}
    desks = dict.fromkeys(plan.phones.desks, "the extension of a phone")
    return checks.Floor(queues, plan.skills, taken | agents | desks, frozenset(agents))


def _mistakes(flows: Path, services: Services, floor: FloorPlan | None = None) -> Sequence[Problem]:
    """What is wrong with the flows, beside mistakes that were found in what they stand on."""
    try:
        known = known_names(floor) if floor is not None else None
        loader.load([flows], known, services.names())
    except ConfigError as wrong:
        return wrong.problems
    return ()


def read_files(flows: Path, floor: Path) -> Files:
    """The text of every file a plan is made of; one that cannot be read is left out."""
    found = {each.name: each for each in sorted(flows.glob("*")) if _belongs(each)}
    found[loader.FLOOR] = floor
    texts: dict[str, bytes] = {}
    for name, path in found.items():
        with suppress(OSError):  # whoever checks the files says so
            texts[name] = path.read_bytes()
    return texts


def _belongs(path: Path) -> bool:
    """Scenarios and simulated days are the designer's alone: they change nothing for a caller."""
    return (
        path.name.endswith(SUFFIXES)
        and not path.name.endswith((loader.SCENARIOS, loader.DAYS))
        and not path.name.startswith(".")
        and path.is_file()
    )


def checked_files(flows: Path, floor: Path) -> tuple[Files, Plan]:
    """The texts and the plan made of just these, also while somebody is saving files.

    Raises:
        ConfigError: with every mistake in any of the files.
    """
    before = read_files(flows, floor)
    for _ in range(READINGS):
        plan = load_plan(flows, floor)
        after = read_files(flows, floor)
        if after == before:
            return after, plan
        before = after
    busy = Problem(str(flows), 1, 1, "the files keep changing while they are read", "save, retry")
    raise ConfigError([busy])


def plan_of(revisions: Revisions, revision: Revision, beside: Path) -> Plan:
    """The plan of a kept revision. Blocks for as long as checking takes.

    `beside` is the folder of the flows: secrets are kept there or elsewhere, in no revision.

    Raises:
        ConfigError: this release of Tieline finds mistakes in it.
        RevisionsUnusable: it cannot be read.
    """
    label = f"revision {revision.number}: "
    with tempfile.TemporaryDirectory(prefix="tieline-") as name:
        folder = Path(name)
        for file, text in revisions.files_of(revision).items():
            (folder / Path(file).name).write_bytes(text)
        try:
            plan = load_plan(folder, folder / loader.FLOOR, beside)
        except ConfigError as wrong:
            said = (replace(each, file=label + Path(each.file).name) for each in wrong.problems)
            raise ConfigError(list(said)) from None
    named = {
        name: replace(flow, path=label + Path(flow.path).name)
        for name, flow in plan.library.flows.items()
    }
    numbers = {number: flow for flow in named.values() for number in flow.numbers}
    library = replace(plan.library, flows=named, numbers=numbers)
    notice = plan.notice.replace(f"{folder}/", label)
    return replace(plan, library=library, revision=revision.number, notice=notice)


def changes(before: Plan | None, after: Plan) -> list[str]:
    """What is different, a line of words for each change; secrets are never in them."""
    if before is None:
        flows, floor = ", ".join(sorted(after.library.flows)), after.floor.floor
        counted = f"{len(floor.queues)} queues, {len(floor.agents)} agents"
        return [f"the first revision: flows {flows}; {counted}"]
    return [
        *differences(before.library, after.library),
        *guarded("services:", *(replace(each.services, missing=()) for each in (before, after))),
        *floor_differences(before.floor, after.floor),
    ]


def noticed(plan: Plan, notice: str) -> Plan:
    """The plan with something more to be told of it."""
    return replace(plan, notice=" ".join(filter(None, (notice, plan.notice))))


# --- what is in force ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Ready:
    """A plan that is written down as in force already, and what was before, to take it back."""

    plan: Plan
    before: Force | None


def keep(
    revisions: Revisions,
    checked: tuple[Files, Plan],
    before: Callable[[], Plan | None],
    by: Author,
    in_use: InUse | None = None,
) -> Plan:
    """The plan of the files, put in force on disk; a new revision only if something is different.

    `before` gives the plan that was in force, and is asked only if there is a difference.
    """
    files, plan = checked
    force = revisions.in_force()
    last = revisions.get(force.number) if force is not None and not force.rolled_back else None
    if last is not None and last.files == hashes_of(files):
        return replace(plan, revision=last.number)
    told = tuple(changes(before() if force is not None else None, plan))
    draft = Draft(files, plan.flow_revisions, told)
    kept = revisions.publish(draft, by, time.time(), in_use)
    return replace(plan, revision=kept.number)


class Plans:
    """The plan in force. Listeners hear of each new one before any call meets it.

    `in_use` tells which flows live calls are in: those are not forgotten.
    """

    def __init__(
        self,
        flows: Path,
        floor: Path,
        plan: Plan,
        revisions: Revisions,
        in_use: Callable[[], InUse] = tuple,
    ) -> None:
        self._flows, self._floor, self.plan = flows, floor, plan
        self._revisions, self._in_use = revisions, in_use
        self._listeners: list[Callable[[Plan], None]] = []
        self._turn = asyncio.Lock()
        self._old: dict[tuple[str, str], Flow] = {}
        self._looking: dict[tuple[str, str], asyncio.Future[Flow | None]] = {}

    def on_change(self, listener: Callable[[Plan], None]) -> None:
        """Call `listener` with every plan that comes into force."""
        self._listeners.append(listener)

    async def reload(self, by: Author = CONSOLE) -> Plan:
        """Put what the files say now into force. They are read in a thread: calls go on.

        A second reload waits for the first.

        Raises:
            ConfigError: with every mistake; then the old plan stays.
            RevisionsUnusable: it cannot be kept; the old plan stays.
        """
        async with self._turn:
            return await self._swap(await asyncio.to_thread(self._publish, by, self._in_use()))

    async def rollback(self, number: int, by: Author = CONSOLE) -> Plan:
        """Put a kept revision into force, over restarts too, until the next `reload`.

        Raises:
            NoSuchRevision: it is not kept.
            ConfigError: this release finds mistakes in it; then the old plan stays.
            RevisionsUnusable: it cannot be read or written down; the old plan stays.
        """
        async with self._turn:
            return await self._swap(await asyncio.to_thread(self._put_back, number, by))

    def _publish(self, by: Author, in_use: InUse) -> _Ready:
        checked = checked_files(self._flows, self._floor)
        before = self._revisions.in_force()
        return _Ready(keep(self._revisions, checked, lambda: self.plan, by, in_use), before)

    def _put_back(self, number: int, by: Author) -> _Ready:
        revision = kept_revision(self._revisions, number)
        plan = plan_of(self._revisions, revision, self._flows)
        force = Force(number, time.time(), by.who, by.note, rolled_back=True)
        plan = noticed(plan, rolled_back(force))
        before = self._revisions.in_force()
        self._revisions.put_in_force(force)
        return _Ready(plan, before)

    async def _swap(self, ready: _Ready) -> Plan:
        try:
            for listener in self._listeners:
                listener(ready.plan)
        except BaseException:
            await asyncio.to_thread(self._take_back, ready.before)
            raise
        self.plan = ready.plan
        wanted = set(self._in_use())
        self._old = {key: flow for key, flow in self._old.items() if key in wanted}
        return ready.plan

    def _take_back(self, before: Force | None) -> None:
        try:
            self._revisions.take_back(before)
        except RevisionsUnusable as why:
            log.error("a reload that failed stays written down", why=str(why))

    # --- what calls ask -----------------------------------------------------------------------

    async def flow_of(self, name: str, revision: str) -> Flow | None:
        """The flow of that name with just that text, from the kept revisions if need be."""
        flow = self.plan.library.flows.get(name)
        if flow is not None and flow.revision == revision:
            return flow
        key = (name, revision)
        if key not in self._old:
            # After a restart all its calls ask at once: one of them looks, for all.
            looking = self._looking.get(key)
            if looking is None:
                looking = asyncio.ensure_future(asyncio.to_thread(self._look_up, name, revision))
                looking.add_done_callback(lambda _: self._looking.pop(key, None))
                self._looking[key] = looking
            found = await asyncio.shield(looking)
            if found is None:
                return None
            self._old[key] = found
        return self._old[key]

    def _look_up(self, name: str, revision: str) -> Flow | None:
        try:
            held = self._revisions.holding(name, revision)
            plan = plan_of(self._revisions, held, self._flows) if held is not None else None
        except (ConfigError, RevisionsUnusable) as why:
            log.error("an old flow cannot be used", flow=name, revision=revision, why=str(why))
            return None
        # Another release may name revisions otherwise: to the call it stays what it was.
        flow = plan.library.flows.get(name) if plan is not None else None
        return replace(flow, revision=revision) if flow is not None else None

    def by_number(self, dialled: str) -> Flow | None:
        """The flow that answers this number."""
        return self.plan.library.for_number(dialled)

    def by_name(self, name: str) -> Flow | None:
        """The flow of that name."""
        return self.plan.library.flows.get(name)

    def queue_of(self, number: str) -> str | None:
        """The queue behind this transfer number."""
        return self.plan.floor.queue_of(number)

    def is_agent(self, number: str) -> bool:
        """Whether this is an agent's extension."""
        return self.plan.floor.is_agent(number)


def kept_revision(revisions: Revisions, number: int) -> Revision:
    """The revision of that number; raises NoSuchRevision, saying which there are."""
    if (revision := revisions.get(number)) is not None:
        return revision
    kept = [each.number for each in revisions.all()]
    there = f"There are {kept[-1]} to {kept[0]}" if kept else "None is kept yet"
    raise NoSuchRevision(f"No revision {number} is kept. {there}: tieline revisions")


def rolled_back(force: Force) -> str:
    """The notice of a plan that is in force instead of the files."""
    when = datetime.fromtimestamp(force.at).astimezone().strftime("%Y-%m-%d %H:%M")
    why = f" ({force.note})" if force.note else ""
    return (
        f"Revision {force.number} is in force, not the files: {force.who} rolled back to it at "
        f"{when}{why}. The files are taken again by: acd do reload"
    )
