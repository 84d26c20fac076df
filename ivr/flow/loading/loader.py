"""From YAML files to flows: everything that is wrong in all of them is told at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from ivr.backends.names import Names
from ivr.errors import Problem
from ivr.flow.calendar import Calendar
from ivr.flow.checking.checks import Draft, Floor, check_together
from ivr.flow.checking.naming import SERVICES
from ivr.flow.loading import contract, hours
from ivr.flow.loading.files import files_in, read_source
from ivr.flow.loading.linking import link
from ivr.flow.loading.reading import Reading
from ivr.flow.loading.rows import Rows
from ivr.flow.loading.section import Section
from ivr.flow.loading.sheets import CSV_SUFFIX
from ivr.flow.loading.steps import read_step
from ivr.flow.loading.tables import SUFFIX, Tables
from ivr.flow.loading.yaml import Mapping as MappingNode
from ivr.flow.loading.yaml import Node, Problems, Scalar, parse, suggest
from ivr.flow.loading.yaml import Sequence as SequenceNode
from ivr.flow.model import AnyStep, Flow, RunStep
from ivr.flow.words import Place

SCENARIOS = ".scenarios.yaml"
DAYS = ".day.yaml"
FLOOR = "floor.yaml"
GUIDANCE = "guidance.yaml"
NOT_FLOWS = (SUFFIX, CSV_SUFFIX, SCENARIOS, DAYS)


@dataclass(frozen=True, slots=True)
class Library:
    """Flows that were read and checked together, with the tables they use.

    `notes` are no mistakes, but worth a designer's look.
    """

    flows: Mapping[str, Flow]
    numbers: Mapping[str, Flow]
    tables: Tables
    notes: tuple[Problem, ...] = ()

    @property
    def calendars(self) -> dict[str, Calendar]:
        """Every calendar of the flows, by its full name."""
        flows = self.flows.values()
        return {each.name: each for flow in flows for each in flow.calendars.values()}

    def for_number(self, number: str) -> Flow | None:
        """The flow that answers this number."""
        return self.numbers.get(number)


def load(
    paths: Iterable[Path | str], floor: Floor | None = None, names: Names | None = None
) -> Library:
    """Flow files, and all flows of folders. Raises ConfigError with every mistake found.

    A folder's flows are its `*.yaml` except `floor.yaml`, `calendars.yaml`, `services.yaml`,
    `guidance.yaml`, `*.table.yaml`, `*.scenarios.yaml` and `*.day.yaml`. Flows that a file runs are
    found beside it.
    What `floor` and `names` would tell is not checked without them.
    """
    problems, given = Problems(), [Path(path) for path in paths]
    files = list(dict.fromkeys(_files(given, problems)))
    shared = hours.SharedCalendars(problems, datetime.now(UTC).date())
    read = [_draft(file, problems, shared.beside(file)) for file in files]
    drafts = [draft for draft in read if draft is not None]
    drafts += _run_beside(drafts, files, problems, shared)
    rows = Rows(problems)
    for folder in given:
        rows.read_folder(folder)
    for at, draft in enumerate(drafts):
        file, steps = Path(draft.flow.path), draft.flow.steps
        rows.read_for(file, steps.values())
        found = {name: rows.with_account(step, file) for name, step in steps.items()}
        drafts[at] = replace(draft, flow=replace(draft.flow, steps=found))
    views = link(drafts, problems, floor, names)
    for view in views:
        rows.check(view)
    check_together(drafts, problems)
    problems.raise_if_any()
    flows = {view.flow.name: view.flow for view in views}
    return Library(
        {draft.flow.name: flows[draft.flow.name] for draft in drafts},
        {number: flow for flow in flows.values() for number in flow.numbers},
        rows.all(),
        tuple(sorted(problems.notes, key=lambda each: (each.file, each.line, each.column))),
    )


def read_flow(
    source: bytes | str,
    file: str,
    problems: Problems,
    calendars: Mapping[str, Calendar] | None = None,
) -> Draft | None:
    """One flow from text, not yet checked; None when it is not even YAML.

    `calendars` are those it shares with other flows.
    """
    root = parse(source, file, problems)
    if root is None:
        return None
    data = source.encode() if isinstance(source, str) else source
    revision = hashlib.sha256(data).hexdigest()[:12]
    reading = Reading(problems)
    with Section(root, "the flow", problems) as section:
        flow, loose = _flow(section, (file, revision), reading, calendars or {})
    return Draft(flow, tuple(reading.references), tuple(reading.key_targets), loose, root)


Loose = dict[str, frozenset[str]]


def _flow(
    root: Section, origin: tuple[str, str], reading: Reading, shared: Mapping[str, Calendar]
) -> tuple[Flow, Loose]:
    name = reading.plain_name(root.node("flow", required=True), '"flow"')
    about = root.text("about", "")
    numbers = contract.read_numbers(root, reading)
    languages = contract.read_languages(root, reading)
    reading.languages = tuple(language.code for language in languages)
    reading.fields = contract.read_fields(root, reading)
    today = datetime.now(UTC).date()
    own = hours.read_calendars(root, reading.problems, today, name)
    calendars = own | {name: each for name, each in shared.items() if name not in own}
    reading.calendars = frozenset(calendars)
    keys = contract.read_keys(root, reading)
    reading.defaults = contract.read_defaults(root, reading)
    start = reading.reference(root.node("start", required=True), '"start"')
    takes = contract.read_arguments(root, "takes", reading)
    gives = contract.read_arguments(root, "gives", reading)
    zone = contract.read_flow_zone(root, calendars, reading)
    steps, loose = _steps(root, reading)
    flow = Flow(
        name=name,
        revision=origin[1],
        path=origin[0],
        about=about,
        start=start or "",
        steps=steps,
        numbers=numbers,
        languages=languages,
        fields=reading.fields,
        calendars=calendars,
        keys=keys,
        zone=zone,
        takes=takes,
        gives=gives,
        place=root.place_of("numbers"),
    )
    return flow, loose


def _steps(root: Section, reading: Reading) -> tuple[dict[str, AnyStep], Loose]:
    entries = list(root.entries("steps", required=True))
    names = frozenset(name for name, _, _ in entries)
    steps: dict[str, AnyStep] = {}
    loose: Loose = {}
    for name, place, node in entries:
        reading.step_name(name, place)
        before = reading.problems.count
        step = read_step(name, place, node, reading)
        if step is not None:
            steps[name] = step
        if reading.problems.count > before:
            loose[name] = names & _words(node)
    return steps, loose


def _words(node: Node) -> frozenset[str]:
    """Every text inside a node."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        each = waiting.pop()
        match each:
            case Scalar():
                found.add(each.text)
            case SequenceNode():
                waiting.extend(each.items)
            case MappingNode():
                waiting.extend(entry.value for entry in each.entries.values())
    return frozenset(found)


# --- files -----------------------------------------------------------------------------------


def _files(paths: Iterable[Path], problems: Problems) -> Iterable[Path]:
    for given in paths:
        if given.is_dir():
            found = _flows_in(given)
            if not found:
                problems.add(Place(str(given), 1, 1), "no flow in this folder")
            yield from found
        elif given.is_file():
            yield given
        else:
            problems.add(Place(str(given), 1, 1), "no such file or folder", _near(given))


def _flows_in(folder: Path) -> list[Path]:
    return [each for each in files_in(folder, ".yaml") if is_flow(each)]


def is_flow(path: Path) -> bool:
    """Whether a file of a folder of flows is a flow itself."""
    return path.name not in {FLOOR, SERVICES, GUIDANCE, hours.FILE} and not path.name.endswith(
        NOT_FLOWS
    )


def _near(path: Path) -> str:
    folder = path.parent
    beside = [str(each) for each in folder.glob("*") if each != path] if folder.is_dir() else []
    near = suggest(str(path), beside)
    return near if near.startswith("did") else ""


def _draft(file: Path, problems: Problems, calendars: Mapping[str, Calendar]) -> Draft | None:
    source = read_source(file, problems)
    return read_flow(source, str(file), problems, calendars) if source is not None else None


def _run_beside(
    drafts: list[Draft], files: list[Path], problems: Problems, shared: hours.SharedCalendars
) -> list[Draft]:
    """The flows that these run, and those that they run, where only some files were given.

    Files beside them are looked through for the names; mistakes count only in those that are run.
    """
    found: list[Draft] = []
    looked: dict[Path, dict[str, Path]] = {}
    known = {draft.flow.name for draft in drafts}
    waiting = list(drafts)
    while waiting:
        draft = waiting.pop()
        for step in draft.flow.steps.values():
            if not isinstance(step, RunStep) or step.flow in known:
                continue
            folder = Path(draft.flow.path).parent
            if folder not in looked:
                looked[folder] = _names_in(folder, files)
            file = looked[folder].get(step.flow)
            known.add(step.flow)
            more = _draft(file, problems, shared.beside(file)) if file is not None else None
            if more is not None:
                found.append(more)
                waiting.append(more)
    return found


def _names_in(folder: Path, files: list[Path]) -> dict[str, Path]:
    """The names of the flows in a folder, without those files that were read already."""
    names: dict[str, Path] = {}
    for file in _flows_in(folder):
        source = read_source(file, Problems()) if file not in files else None
        if source is not None:
            root = parse(source, str(file), Problems())
            entry = root.entries.get("flow") if isinstance(root, MappingNode) else None
            if entry is not None and isinstance(entry.value, Scalar):
                names[entry.value.text] = file
    return names
