"""`tieline check` looks at scenarios, too: a name that is not there is found before it misleads."""

from __future__ import annotations

import pytest

from ivr.flow.loading.yaml import Problems
from ivr.rehearsal.checking import check_scenario
from ivr.rehearsal.scenario import read_scenarios
from tests.rehearsal.shop import LIBRARY, scenarios


def mistakes(source: str, flow: str = "shop") -> list[str]:
    problems = Problems()
    (scenario,) = read_scenarios(f"flow: {flow}\nscenarios: [{source}]", "x", problems)
    problems.raise_if_any()
    check_scenario(scenario, LIBRARY, problems)
    return [str(problem) for problem in problems.found]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (
            "{name: a, steps: [{expect: {step: mneu}}]}",
            '"mneu" (did you mean "menu"?)',
        ),
        ("{name: a, steps: [{expect: {fields: {ordr: '1'}}}]}", 'unknown field "ordr"'),
        ("{name: a, steps: [{expect: {language: fr}}]}", 'unknown language "fr"'),
        ("{name: a, language: fr, steps: [wait]}", 'unknown language "fr"'),
        ("{name: a, answer: {ordres: 404}, steps: [wait]}", 'nothing is called "ordres"'),
        ("{name: a, steps: [{down: [ordres]}]}", 'nothing is called "ordres"'),
        ("{name: a, switch: {dsk: open}, steps: [wait]}", 'no calendar is called "dsk"'),
    ],
)
def test_a_name_that_is_not_there_is_told(source: str, told: str) -> None:
    (found,) = mistakes(source)
    assert told in found


def test_a_scenario_of_an_unknown_flow_is_told_once() -> None:
    (found,) = mistakes("{name: a, language: fr, steps: [{expect: {step: x}}]}", "shp")
    assert 'unknown flow "shp"' in found


def test_the_scenarios_of_the_shop_name_nothing_that_is_not_there() -> None:
    problems = Problems()
    for scenario in scenarios():
        check_scenario(scenario, LIBRARY, problems)
    assert problems.found == []
