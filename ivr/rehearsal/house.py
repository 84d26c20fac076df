"""The house behind a rehearsed flow: what its services answer is told, nothing is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from ivr.backends.pretences import Pretences
from ivr.backends.pretended import Pretended
from ivr.backends.services import FILE, read_services
from ivr.backends.sources import Sources
from ivr.errors import IvrError
from ivr.flow.asking import BookStep, IdentifyStep
from ivr.flow.calendar import Switch, Switches
from ivr.flow.loading.loader import Library
from ivr.flow.loading.yaml import Problems, quote, suggest
from ivr.flow.model import Flow, HttpStep, LookupStep

CODE_DIGITS = "1234567890"
"""A pretended code has the first of these digits, as many as it must."""


NOTHING: Mapping[str, str] = MappingProxyType({})


def sources_of(library: Library, flow: Flow, env: Mapping[str, str] = NOTHING) -> Sources:
    """The tables beside a flow, and what the file of services beside it says.

    Values that `env` should have and has not are empty. Raises ConfigError.
    """
    problems = Problems()
    services = read_services(Path(flow.path).parent / FILE, problems, env)
    problems.raise_if_any()
    return Sources(library.tables, services)


def pretended_house(library: Library, flow: Flow, pretences: Pretences) -> Pretended:
    """A `Desk` that answers as it was told. Raises ConfigError, and IvrError for unknown names."""
    sources = sources_of(library, flow)
    check_names(flow, sources, pretences)
    return Pretended(sources, pretences)


def check_names(flow: Flow, sources: Sources, pretences: Pretences) -> None:
    """Raises IvrError for answers that nothing could ask for."""
    known = {
        "sms",
        "callback",
        "room",
        "join",
        *sources.services.services,
        *sources.services.databases,
    }
    known.update(_asked(flow))
    for name in pretences:
        if name.partition(".")[0] not in known:
            raise IvrError(
                f"nothing is called {quote(name)} that could answer ({suggest(name, known)})"
            )


def _asked(flow: Flow) -> Iterator[str]:
    """The services, tables and databases of a flow and those it runs."""
    for each in (flow, *flow.subflows.values()):
        for step in each.steps.values():
            match step:
                case HttpStep(service=name) | BookStep(service=name):
                    yield name
                case IdentifyStep(source=name) | LookupStep(table=name):
                    yield name


def switches_of(flow: Flow, told: Mapping[str, bool]) -> Switches:
    """Switches by the name a flow has for a calendar, or by the calendar's full name.

    Raises IvrError for a calendar that no flow here has.
    """
    flows = (flow, *flow.subflows.values())
    full = {name: each.name for inner in flows for name, each in inner.calendars.items()}
    known = {**{name: name for name in full.values()}, **full}
    for name in told:
        if name not in known:
            raise IvrError(f"no calendar is called {quote(name)} ({suggest(name, known)})")
    return {known[name]: Switch(stands) for name, stands in told.items()}
