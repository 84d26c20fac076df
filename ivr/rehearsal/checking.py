"""What a scenario names must be there: it would pass or fail for the wrong reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ivr.errors import IvrError
from ivr.flow.loading.loader import Library
from ivr.flow.model import Flow
from ivr.flow.problems import Problems
from ivr.flow.words import Place
from ivr.rehearsal.house import check_names, sources_of, switches_of
from ivr.rehearsal.scenario import Expectation, Scenario, World


def check_scenario(scenario: Scenario, library: Library, problems: Problems) -> None:
    """Reports flows, steps, fields, languages, services and calendars that are not there."""
    flow = library.flows.get(scenario.flow)
    if flow is None:
        problems.unknown(scenario.place, "flow", scenario.flow, library.flows)
        return
    languages = [each.code for each in flow.languages]
    if scenario.language is not None and scenario.language not in languages:
        problems.unknown(scenario.place, "language", scenario.language, languages)
    _world(scenario.world, scenario.place, library, flow, problems)
    for move in scenario.moves:
        _world(move.world, move.place, library, flow, problems)
        for expectation in move.expected:
            for what, name, known in _names(expectation, flow):
                if name not in known:
                    problems.unknown(move.place, what, name, known)


def _names(expectation: Expectation, flow: Flow) -> Iterator[tuple[str, str, set[str]]]:
    """What an expectation names, and what there is of its kind."""
    flows = (flow, *flow.subflows.values())
    match expectation:
        case Expectation("step", str(name)):
            yield "step", name, {step for each in flows for step in each.steps}
        case Expectation("language", str(name)):
            yield "language", name, {each.code for each in flow.languages}
        case Expectation("fields", dict(pairs)):
            for name in pairs:
                yield "field", name, {field for each in flows for field in each.fields}


def _world(world: World, place: Place, library: Library, flow: Flow, problems: Problems) -> None:
    told: Mapping[str, bool] = world.switches
    try:
        switches_of(flow, told)
        check_names(flow, sources_of(library, flow), world.pretences)
    except IvrError as wrong:
        problems.add(place, str(wrong))
