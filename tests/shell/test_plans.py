"""A reload is all or nothing: flows, floor and distributor change together or not at all."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from ivr.errors import ConfigError
from ivr.operator.client import ask
from ivr.plans import Plan, Plans, load_plan
from ivr.revisions import Revisions
from ivr.start import revisions_of
from tests.shell.house import FLOOR, FLOW, House


def write(folder: Path, floor: str = FLOOR, **flows: str) -> tuple[Path, Path]:
    for name, text in flows.items():
        (folder / f"{name}.yaml").write_text(text)
    (folder / "floor.yaml").write_text(floor)
    return folder, folder / "floor.yaml"


def plans_of(folder: Path, plan: Plan) -> Plans:
    return Plans(folder, folder / "floor.yaml", plan, Revisions(folder / "revisions.sqlite"))


def test_a_plan_is_flows_and_floor_that_fit(tmp_path: Path) -> None:
    plan = load_plan(*write(tmp_path, line=FLOW))
    assert plan.numbers == ("4900",)
    plans = plans_of(tmp_path, plan)
    assert plans.by_number("4900") is plans.by_name("line")
    assert (plans.by_number("4901"), plans.by_name("x")) == (None, None)
    assert (plans.queue_of("4101"), plans.is_agent("1001")) == ("sales", True)


def test_a_flow_that_names_a_queue_nobody_has_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="sails"):
        load_plan(*write(tmp_path, line=FLOW.replace("queue: sales", "queue: sails")))


def test_mistakes_in_the_floor_do_not_hide_those_in_the_flows(tmp_path: Path) -> None:
    flow = FLOW.replace("next: after", "next: afterwards")
    with pytest.raises(ConfigError) as told:
        load_plan(*write(tmp_path, FLOOR.replace("ring: 10s", "ring: 1s"), line=flow))
    files = {Path(problem.file).name for problem in told.value.problems}
    assert files == {"floor.yaml", "line.yaml"}


@pytest.mark.parametrize("number", ["1001", "4101"])
def test_a_number_has_one_meaning(tmp_path: Path, number: str) -> None:
    with pytest.raises(ConfigError, match=number):
        load_plan(*write(tmp_path, line=FLOW.replace("4900", number)))


async def test_a_mistake_leaves_the_old_plan_in_force(tmp_path: Path) -> None:
    plan = load_plan(*write(tmp_path, line=FLOW))
    plans = plans_of(tmp_path, plan)
    heard: list[Plan] = []
    plans.on_change(heard.append)
    write(tmp_path, line=FLOW.replace("4900", "4901"), broken="flow: broken\n")
    with pytest.raises(ConfigError):
        await plans.reload()
    assert (plans.plan, heard) == (plan, [])
    (tmp_path / "broken.yaml").unlink()
    assert await plans.reload() is plans.plan
    assert heard == [plans.plan]
    assert plans.by_number("4901") is not None


async def test_a_plan_the_distributor_cannot_write_down_is_not_in_force(house: House) -> None:
    before = house.service.plans.plan
    (house.flows / "line.yaml").write_text(FLOW.replace("4900", "4901"))
    with house.full_disk(), pytest.raises(sqlite3.OperationalError):
        await house.service.reload()
    assert house.service.plans.plan is before
    await house.service.reload()
    assert house.service.plans.by_number("4901") is not None


async def test_a_live_call_keeps_the_flow_it_began_with(house: House) -> None:
    caller = await house.call()
    await caller.comes_to("GET DATA")
    other = FLOW.replace("line", "other").replace("greet", "hello")
    (house.flows / "line.yaml").write_text(other)
    await house.service.reload()
    await caller.press("1")
    await caller.comes_to("WAIT FOR DIGIT")
    assert house.live(caller).flow == "line"


async def test_a_rollback_reaches_calls_distributor_and_the_next_service(house: House) -> None:
    floor = FLOOR.replace("name: Bo", "name: Bob")
    (house.flows / "floor.yaml").write_text(floor)
    (house.flows / "line.yaml").write_text(FLOW.replace("4900", "4901"))
    told = await house.console("reload/new number")
    assert "In force: revision 2" in told
    assert "   flow line: changed" in told
    assert "      answers 4901 as well" in told
    assert "   agent 1002 Bob: called Bo before" in told
    told = await house.console("rollback/1")
    assert "In force: revision 1" in told
    assert house.service.plans.by_number("4900") is not None
    assert house.agent("1002").name == "Bo"
    await house.restart()
    assert house.service.plans.by_number("4901") is None
    assert house.agent("1002").name == "Bo"
    shown = await asyncio.to_thread(ask, house.settings, "show", "flows")
    assert shown.startswith("! Revision 1 is in force, not the files: console rolled back to it")
    assert (house.flows / "floor.yaml").read_text() == floor
    await house.console("reload")
    assert house.service.plans.by_number("4901") is not None


async def test_a_reload_the_distributor_refuses_is_not_taken_up_after_a_restart(
    house: House,
) -> None:
    kept = revisions_of(house.settings)
    (house.flows / "line.yaml").write_text(FLOW.replace("4900", "4901"))
    with house.full_disk(), pytest.raises(sqlite3.OperationalError):
        await house.service.reload()
    assert [each.number for each in kept.all()] == [1]


async def test_files_half_edited_do_not_keep_the_service_down(house: House) -> None:
    (house.flows / "line.yaml").write_text("flow: line\nsteps: {")
    await house.restart()
    caller = await house.call()
    await caller.comes_to("GET DATA")
    shown = await asyncio.to_thread(ask, house.settings, "show", "queues")
    assert shown.startswith("! Revision 1 is in force, not the files: they had 1 mistake")
    assert "tieline do reload" in shown.splitlines()[0]


async def test_an_agent_taken_off_the_floor_finishes_the_call_and_is_gone(house: House) -> None:
    caller = await house.talking()
    floor = FLOOR.replace('  "1001": {name: Ana, queues: [sales, help]}\n', "")
    (house.flows / "floor.yaml").write_text(floor)
    await house.service.reload()
    assert house.state("1001") == "talking"
    await house.leg_goes(caller.offer)
    await caller.dial_ends("ANSWER")
    await caller.comes_to("GET DATA")
    house.later(11)
    rows = house.service.distributor.engine.agents_view(house.clock())
    assert [row.agent for row in rows] == ["1002"]
