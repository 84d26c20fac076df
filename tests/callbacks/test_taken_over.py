"""Callbacks of a node that is gone: made once, by whichever node has them then."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

import pytest
import pytest_asyncio

from acd.model import CallbackQueued, Exit
from ivr.backends.callbacks import Promise
from tests.callbacks.house import START, House

NUMBER = "+49309999999"
PROMISE = Promise(
    "p-k", "k-n2", "sales", NUMBER, {"english": 3}, 0, "wants a call", START, since=START
)


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    yield house
    await house.close()


def left_behind(house: House, monkeypatch: pytest.MonkeyPatch, shared: object) -> None:
    """A callback of another node is this one's to make."""
    monkeypatch.setattr(house.distributor, "shared", {"k-n2": shared}.get, raising=False)
    house.distributor.send(
        CallbackQueued(START, "k-n2.3", "k-n2", "sales", {}, 0, START, customer=NUMBER)
    )


async def test_what_a_lost_node_owed_is_kept_here_and_survives_a_restart(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = {"promise": asdict(PROMISE), "dialled": "4900"}
    left_behind(house, monkeypatch, shared)
    await house.log_in("1001")
    (dialled,) = house.ami.dialled
    assert NUMBER in str(dialled["Channel"])
    contact = house.contacts.get("k-n2")
    assert contact is not None
    assert (contact.dialled, contact.callback, contact.entries) == ("4900", "k-n2.3", 3)
    assert house.kinds("k-n2") == ["callback_asked", "callback_dialled"]
    (kept,) = await house.promises.waiting()
    assert (kept.id, kept.needs, kept.tell_agent) == ("p-k", {"english": 3}, "wants a call")
    await house.again()
    assert house.contacts.get("k-n2") is not None
    assert len(house.calls()) == 1


@pytest.mark.parametrize("odd", [None, {}, {"promise": {"number": "1"}, "dialled": ""}])
async def test_what_cannot_be_read_is_left_alone(
    house: House, monkeypatch: pytest.MonkeyPatch, odd: object
) -> None:
    left_behind(house, monkeypatch, odd)
    await house.log_in("1001")
    assert (house.ami.dialled, house.contacts.get("k-n2")) == ([], None)


async def test_a_node_that_is_back_lets_go_of_what_another_has_taken_over(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = await house.asks("c-1")
    monkeypatch.setattr(house.distributor, "owns", lambda _: False)
    await house.book.look()
    await house.settled()
    assert house.contacts.get(contact.id) is None
    assert await house.promises.waiting() == []
    told = house.told[-1]
    assert (told.kind, told.data["outcome"]) == ("ended", Exit.WITHDRAWN.value)
    assert len(house.calls()) == 1, "it is the other node's"
