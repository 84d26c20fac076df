"""From YAML files to flows: everything that is wrong in all of them is told at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ivr.flow import contract
from ivr.flow.checks import Draft, Floor, check, check_together
from ivr.flow.model import AnyStep, Flow, IdentifyStep, Place
from ivr.flow.reading import Reading
from ivr.flow.section import Section
from ivr.flow.steps import read_step
from ivr.flow.tables import SUFFIX, Table, Tables, read_table
from ivr.flow.yaml import Mapping as MappingNode
from ivr.flow.yaml import Node, Problems, Scalar, parse, quote, suggest
from ivr.flow.yaml import Sequence as SequenceNode

SCENARIOS = ".scenarios.yaml"
DAYS = ".day.yaml"
NOT_FLOWS = (SUFFIX, SCENARIOS, DAYS)
FLOOR = "floor.yaml"


@dataclass(frozen=True, slots=True)
class Library:
    """Flows that were read and checked together, with the tables they use."""

    flows: Mapping[str, Flow]
    numbers: Mapping[str, Flow]
    tables: Tables

    def for_number(self, number: str) -> Flow | None:
        """The flow that answers this number."""
        return self.numbers.get(number)


def load(paths: Iterable[Path | str], floor: Floor | None = None) -> Library:
    """Flow files, and all flows of folders. Raises ConfigError with every mistake found.

    A folder's flows are its `*.yaml` except `floor.yaml` and those that end in `NOT_FLOWS`.
    """
    problems = Problems()
    files = list(dict.fromkeys(_files(paths, problems)))
    drafts = [draft for file in files if (draft := _draft(file, problems)) is not None]
    tables = _tables(paths, drafts, problems)
    for draft in drafts:
        check(draft, problems, floor)
        _identify(draft.flow, tables, problems)
    flows = [draft.flow for draft in drafts]
    check_together(drafts, problems)
    problems.raise_if_any()
    return Library(
        {flow.name: flow for flow in flows},
        {number: flow for flow in flows for number in flow.numbers},
        Tables({table.name: table for table in tables.values() if table is not None}),
    )


def read_flow(source: bytes | str, file: str, problems: Problems) -> Draft | None:
    """One flow from text, not yet checked; None when it is not even YAML."""
    root = parse(source, file, problems)
    if root is None:
        return None
    data = source.encode() if isinstance(source, str) else source
    revision = hashlib.sha256(data).hexdigest()[:12]
    with Section(root, "the flow", problems) as section:
        return _flow(section, file, revision, Reading(problems))


def _flow(root: Section, file: str, revision: str, reading: Reading) -> Draft:
    name = reading.plain_name(root.node("flow", required=True), '"flow"')
    about = root.text("about", "")
    numbers = contract.read_numbers(root, reading)
    languages = contract.read_languages(root, reading)
    reading.languages = tuple(language.code for language in languages)
    reading.fields = contract.read_fields(root, reading)
    calendars = contract.read_calendars(root, reading)
    reading.calendars = frozenset(calendars)
    keys = contract.read_keys(root, reading)
    reading.defaults = contract.read_defaults(root, reading)
    start = reading.reference(root.node("start", required=True), '"start"')
    steps, loose = _steps(root, reading)
    flow = Flow(
        name=name,
        revision=revision,
        path=file,
        about=about,
        start=start or "",
        steps=steps,
        numbers=numbers,
        languages=languages,
        fields=reading.fields,
        calendars=calendars,
        keys=keys,
        place=root.place_of("numbers"),
    )
    return Draft(
        flow,
        tuple(reading.references),
        loose,
        name_place=root.place_of("flow"),
        number_places=contract.number_places(root),
    )


def _steps(root: Section, reading: Reading) -> tuple[dict[str, AnyStep], dict[str, frozenset[str]]]:
    entries = list(root.entries("steps", required=True))
    names = frozenset(name for name, _, _ in entries)
    steps: dict[str, AnyStep] = {}
    loose: dict[str, frozenset[str]] = {}
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


def _files(paths: Iterable[Path | str], problems: Problems) -> Iterable[Path]:
    for given in map(Path, paths):
        if given.is_dir():
            found = [each for each in sorted(given.glob("*.yaml")) if is_flow(each)]
            if not found:
                problems.add(Place(str(given), 1, 1), "no flow in this folder")
            yield from found
        elif given.is_file():
            yield given
        else:
            problems.add(Place(str(given), 1, 1), "no such file or folder", _near(given))


def is_flow(path: Path) -> bool:
    """Whether a file of a folder of flows is a flow itself."""
    return path.name != FLOOR and not path.name.endswith(NOT_FLOWS)


def _near(path: Path) -> str:
    beside = [str(each) for each in path.parent.glob("*")] if path.parent.is_dir() else []
    near = suggest(str(path), beside)
    return near if near.startswith("did") else ""


def _draft(file: Path, problems: Problems) -> Draft | None:
    try:
        return read_flow(file.read_bytes(), str(file), problems)
    except OSError as error:
        problems.add(Place(str(file), 1, 1), f"cannot be read: {error.strerror}")
        return None


def _tables(
    paths: Iterable[Path | str], drafts: Sequence[Draft], problems: Problems
) -> dict[Path, Table | None]:
    """Every table of the given folders, and those the flows name."""
    wanted = [each for path in map(Path, paths) for each in sorted(path.glob("*" + SUFFIX))]
    for draft in drafts:
        for step in draft.flow.steps.values():
            if isinstance(step, IdentifyStep):
                wanted.append(_table_path(draft.flow, step))
    return {path: read_table(path, problems) for path in dict.fromkeys(wanted) if path.is_file()}


def _table_path(flow: Flow, step: IdentifyStep) -> Path:
    return Path(flow.path).parent / (Path(step.table).name + SUFFIX)


def _identify(flow: Flow, tables: Mapping[Path, Table | None], problems: Problems) -> None:
    for step in flow.steps.values():
        if not isinstance(step, IdentifyStep) or not step.table:
            continue
        path = _table_path(flow, step)
        table = tables.get(path)
        if path not in tables:
            known = [each.name.removesuffix(SUFFIX) for each in path.parent.glob("*" + SUFFIX)]
            problems.unknown(step.place, "table", step.table, known)
        elif table is not None:
            _columns(flow, step, table, problems)


def _columns(flow: Flow, step: IdentifyStep, table: Table, problems: Problems) -> None:
    if step.ask and table.key not in step.ask:
        message = f"the table {quote(table.name)} is searched by {quote(table.key)}"
        problems.add(step.place, message, f"add {table.key} to `ask`")
    for name in step.ask:
        if name not in table.columns:
            problems.unknown(step.place, f"column of {quote(table.name)}:", name, table.columns)
        elif name in table.secret and not flow.fields[name].secret:
            cure = "add `secret: true` to the field"
            problems.add(flow.fields[name].place, f"{quote(name)} is secret in the table", cure)
