"""The tables that flows name: found beside them, read once, and checked against what is asked."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from ivr.flow.asking import IdentifyStep, JoinStep
from ivr.flow.checking.naming import SERVICES, check_identity_source
from ivr.flow.checking.reads import reads
from ivr.flow.loading.draft import Inspection
from ivr.flow.loading.files import files_in
from ivr.flow.loading.sheets import CSV_SUFFIX, Sheet, read_sheet
from ivr.flow.loading.tables import SUFFIX, Table, Tables, read_table
from ivr.flow.loading.yaml import Problems, quote
from ivr.flow.model import AnyStep, Flow, LookupStep


@dataclass(slots=True)
class Rows:
    """The tables of the folders that flows were read from; None is one that could not be read."""

    problems: Problems
    tables: dict[Path, Table | None] = field(default_factory=dict)
    sheets: dict[Path, Sheet | None] = field(default_factory=dict)

    def read_folder(self, folder: Path) -> None:
        """Every table there."""
        for path in files_in(folder, SUFFIX):
            self.tables[path] = read_table(path, self.problems)
        for path in files_in(folder, CSV_SUFFIX):
            self.sheets[path] = read_sheet(path, self.problems)

    def read_for(self, file: Path, steps: Iterable[AnyStep]) -> None:
        """Those that the steps of a file name."""
        for step in steps:
            name = _source(step)
            if name is None:
                continue
            table, sheet = _beside(file, name, SUFFIX), _beside(file, name, CSV_SUFFIX)
            if table not in self.tables and table.is_file():
                self.tables[table] = read_table(table, self.problems)
            if isinstance(step, LookupStep) and sheet not in self.sheets and sheet.is_file():
                self.sheets[sheet] = read_sheet(sheet, self.problems)

    def all(self) -> Tables:
        """What calls use."""
        return Tables(
            {table.name: table for table in self.tables.values() if table is not None},
            {sheet.name: sheet for sheet in self.sheets.values() if sheet is not None},
        )

    # --- what steps ask of them ---

    def with_account(self, step: AnyStep, file: Path) -> AnyStep:
        """The step, counting failures by the table's key when that is asked for."""
        if not isinstance(step, IdentifyStep):
            return step
        table = self.tables.get(_beside(file, step.source, SUFFIX))
        key = table.key if table is not None else ""
        return replace(step, account=key) if key in step.ask and key != step.account else step

    def check(self, view: Inspection) -> None:
        """Reports tables and columns that do not exist, and secrets that are not kept as such."""
        file = Path(view.flow.path)
        for step in view.flow.steps.values():
            if isinstance(step, IdentifyStep) and step.source:
                self._identify(view, step, file)
            elif isinstance(step, LookupStep) and step.table:
                self._lookup(view, step, file)
        self._customer(view)

    def _customer(self, view: Inspection) -> None:
        """Reports facts about the customer that no table of the flow has."""
        tables = list(self._identified_by(view.flow))
        if not tables or not view.flow.numbers or not all(tables):
            return
        facts = {name for table in tables if table for name in table.columns - table.secret}
        for step in view.flow.steps.values():
            for read in reads(step):
                if "customer" not in read.template.names:
                    continue
                for name in _CUSTOMER.findall(read.template.source):
                    if name not in facts:
                        what = "fact about the customer:"
                        view.problems.unknown(read.template.place, what, name, facts)

    def _identified_by(self, flow: Flow) -> Iterator[Table | None]:
        """The tables that it and the flows it runs go by; None for what is not known here."""
        seen: set[str] = set()
        waiting = [flow]
        while waiting:
            each = waiting.pop()
            seen.add(each.name)
            waiting += [inner for name, inner in each.subflows.items() if name not in seen]
            for step in each.steps.values():
                if isinstance(step, JoinStep):
                    yield None
                elif isinstance(step, IdentifyStep):
                    table = self.tables.get(_beside(Path(each.path), step.source, SUFFIX))
                    yield table if table is not None and table.rows else None

    def _identify(self, view: Inspection, step: IdentifyStep, file: Path) -> None:
        if check_identity_source(view, step):
            return
        path = _beside(file, step.source, SUFFIX)
        if path not in self.tables:
            if view.names is None and (file.parent / SERVICES).is_file():
                return
            known = {each.name.removesuffix(SUFFIX) for each in file.parent.glob("*" + SUFFIX)}
            services = view.names.of_kind("identity") if view.names is not None else ()
            place = view.at(step.name, "identify")
            view.problems.unknown(place, "table", step.source, {*known, *services})
            return
        table = self.tables[path]
        if table is not None:
            _columns(view, step, table)

    def _lookup(self, view: Inspection, step: LookupStep, file: Path) -> None:
        place, names = view.at(step.name, "lookup"), view.names
        if names is not None and step.table in names.databases:
            wanted = names.databases[step.table]
            if set(step.by) != wanted:
                message = f"the database {quote(step.table)} is searched by"
                place = view.at(step.name, "by")
                view.problems.add(place, f"{message} {', '.join(sorted(wanted)) or 'nothing'}")
            return
        table = self.tables.get(_beside(file, step.table, SUFFIX), _NONE)
        sheet = self.sheets.get(_beside(file, step.table, CSV_SUFFIX), _NONE)
        if isinstance(table, Table):
            secret = table.secret.intersection((*step.by, *step.take.values()))
            for name in sorted(secret):
                message = f"the column {quote(name)} of {quote(step.table)} is secret"
                view.problems.add(place, message, "compare it with `identify`")
            _looked_up(view, step, table.columns)
        elif isinstance(sheet, Sheet):
            _looked_up(view, step, sheet.columns)
        elif table is _NONE and sheet is _NONE:
            if names is None and (file.parent / SERVICES).is_file():
                return
            known = {
                each.name.removesuffix(suffix)
                for suffix in (SUFFIX, CSV_SUFFIX)
                for each in file.parent.glob("*" + suffix)
            }
            databases = names.databases if names is not None else ()
            view.problems.unknown(place, "table", step.table, {*known, *databases})


_CUSTOMER = re.compile(r"(?<![\w.])customer\.([A-Za-z]\w*)")

_NONE = object()
"""Not a table that could not be read: there is none."""


def _beside(file: Path, name: str, suffix: str) -> Path:
    return file.parent / (Path(name).name + suffix)


def _source(step: AnyStep) -> str | None:
    match step:
        case IdentifyStep():
            return step.source or None
        case LookupStep():
            return step.table or None
        case _:
            return None


def _columns(view: Inspection, step: IdentifyStep, table: Table) -> None:
    place, problems, fields = view.at(step.name, "ask"), view.problems, view.flow.fields
    if step.ask and table.key not in step.ask:
        message = f"the table {quote(table.name)} is searched by {quote(table.key)}"
        problems.add(place, message, f"add {table.key} to `ask`")
    if table.secret and step.ask == (table.key,) and step.level != "number":
        message = f"whoever knows {quote(table.key)} would be verified: nothing proves it is theirs"
        proofs = ", ".join(sorted(table.secret))
        problems.add(place, message, f"add {proofs} to `ask`, or write `level: number`")
    for name in step.ask:
        if name not in table.columns:
            problems.unknown(place, f"column of {quote(table.name)}:", name, table.columns)
        elif name in table.secret and not fields[name].secret:
            cure = "add `secret: true` to the field"
            problems.add(fields[name].place, f"{quote(name)} is secret in the table", cure)
    _known(view, (step.by_number,), table.columns - table.secret, step.name, "by_number")


def _looked_up(view: Inspection, step: LookupStep, columns: frozenset[str]) -> None:
    for name in step.by:
        _known(view, (name,), columns, step.name, "by", name)
    for name, column in step.take.items():
        _known(view, (column,), columns, step.name, "take", name)


def _known(
    view: Inspection, names: Collection[str | None], columns: Collection[str], *path: str
) -> None:
    for name in names:
        if name is not None and name not in columns:
            view.problems.unknown(view.at(*path), "column", name, columns)
