"""A node beside others that it cannot be sure of: nobody is rung twice, nobody left in silence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from acd.distributor import Distributor
from ivr.asterisk.living import LiveChannel
from ivr.lost_nodes import LostNodes
from tests.e2e.house import until
from tests.shell.house import House


@pytest.mark.parametrize("state", ["RINGING", "INUSE"])
async def test_on_its_own_a_node_rings_no_phone_that_another_nodes_caller_has(
    house: House, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    monkeypatch.setattr(Distributor, "alone", True)
    caller = await house.waiting()
    caller.variables["DEVICE_STATE(PJSIP/1001)"] = state
    house.log_in("1001")
    await until(lambda: house.told(caller.contact, "offer_failed"), why="the offer is given back")
    assert house.told(caller.contact, "offer_failed")[0]["cause"] == "lost"
    assert (house.state("1001"), house.agent("1001").busy) == ("ready", 0), "nobody is to blame"
    caller.variables["DEVICE_STATE(PJSIP/1001)"] = "NOT_INUSE"
    await caller.comes_to("WAIT FOR DIGIT")
    house.later(5)
    await caller.comes_to("EXEC Dial")


async def test_a_phone_is_not_rung_while_its_node_may_be_on_its_own(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    sure = False

    async def may_ring(_: Distributor, agent: str) -> bool:
        return sure

    monkeypatch.setattr(Distributor, "may_ring", may_ring)
    caller = await house.waiting()
    house.log_in("1001")
    await until(lambda: house.told(caller.contact, "offer_failed"), why="the offer is given back")
    assert house.told(caller.contact, "offer_failed")[0]["cause"] == "lost"
    assert not house.told(caller.contact, "offered")
    await caller.comes_to("WAIT FOR DIGIT")
    sure = True
    house.later(5)
    await caller.comes_to("EXEC Dial")


# --- a node that is gone -------------------------------------------------------------------------


def line(channel: str) -> LiveChannel:
    return LiveChannel(channel, channel, "", "Up", "k", "", "", "", 0)


@pytest.fixture
def hung_up() -> list[str]:
    return []


@pytest.fixture
def look(house: House, hung_up: list[str]) -> Callable[[str], LostNodes]:
    for each in ("PJSIP/node-n2-00000001", "PJSIP/node-n22-00000002", "PJSIP/1001-00000003"):
        house.asterisk.legs[each] = line(each)
    return lambda lost: LostNodes(house.ami, lost.split, hung_up.append)  # type: ignore[arg-type] # a pretended AMI


async def test_lines_to_a_node_that_is_gone_are_ended_and_no_others(
    look: Callable[[str], LostNodes], hung_up: list[str]
) -> None:
    await look("n2").look()
    assert hung_up == ["PJSIP/node-n2-00000001"]


async def test_a_node_whose_asterisk_answers_goes_on_without_its_service(
    look: Callable[[str], LostNodes], hung_up: list[str], house: House
) -> None:
    house.ami.registered = {"node-n2"}
    await look("n2").look()
    await look("").look()
    assert hung_up == []
