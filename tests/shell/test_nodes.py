"""Several machines with one brain: phones and their places, keys in common, the drained door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from acd import model as m
from acd.engine import Engine
from acd.errors import AcdError
from acd.live.access import MemoryAccess
from acd.live.memory import House
from ivr import places as places_module
from ivr.cluster import free_block
from ivr.domain import with_password
from ivr.drain import EMPTY, Door
from ivr.errors import ConfigError
from ivr.live import LiveContact, new_contact_id
from ivr.phones import Phones
from ivr.places import Places
from ivr.reach import Way, over_nodes, own_phone
from ivr.secrets import CLUSTER_KEY, REDIS_PASSWORD, Secrets
from ivr.settings import load_settings
from tests.acd.live.floor import FLOOR
from tests.acd.live.nodes import NodeAtWork

PHONES = ("1001", "1002")


@dataclass
class Map:
    """Where phones are, shared by all nodes; `broken` refuses."""

    places: dict[str, str] = field(default_factory=dict)
    broken: bool = False

    async def set_place(self, agent: str, node: str | None) -> None:
        if self.broken:
            raise AcdError("no")
        if node is None:
            self.places.pop(agent, None)
        else:
            self.places[agent] = node

    def place_of(self, agent: str) -> str | None:
        return self.places.get(agent)


@asynccontextmanager
async def node(atlas: Map, name: str | None) -> AsyncIterator[Places]:
    places = Places(atlas, name, lambda: PHONES)
    running = asyncio.create_task(places.run())
    try:
        yield places
    finally:
        running.cancel()


async def so(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not what():
            await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def _looks_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places_module, "LOOK_AGAIN", 0.01)


async def test_a_phone_is_where_it_registered_last() -> None:
    atlas = Map()
    async with node(atlas, "n1") as one, node(atlas, "n2") as two:
        one.registered("1001")
        await so(lambda: atlas.places == {"1001": "n1"})
        two.registered("1001")
        await so(lambda: atlas.places == {"1001": "n2"})
        one.gone("1001")
        one.registered("1002")
        await so(lambda: atlas.places == {"1001": "n2", "1002": "n1"})


async def test_what_is_left_of_a_phone_that_moved_does_not_bring_it_back() -> None:
    atlas = Map({"1001": "n2"})
    async with node(atlas, "n1") as one, node(atlas, "n2") as two:
        one.square({"1001", "1002"})
        await so(lambda: atlas.places == {"1001": "n2", "1002": "n1"})
        two.square({"1001"})
        two.gone("1001")
        await so(lambda: atlas.places == {"1001": "n1", "1002": "n1"})


async def test_a_phone_that_left_while_nobody_listened_is_nowhere() -> None:
    atlas = Map({"1001": "n1"})
    async with node(atlas, "n1") as one:
        one.square(())
        await so(lambda: atlas.places == {})


async def test_strangers_and_single_machines_have_no_places() -> None:
    atlas = Map()
    async with node(atlas, "n1") as one, node(atlas, None) as alone:
        alone.registered("1001")
        alone.square({"1001"})
        one.registered("9999")
        one.registered("1002")
        await so(lambda: atlas.places == {"1002": "n1"})


async def test_a_place_that_cannot_be_told_is_told_later() -> None:
    atlas = Map(broken=True)
    async with node(atlas, "n1") as one:
        one.registered("1001")
        await asyncio.sleep(0)
        atlas.broken = False
        await so(lambda: atlas.places == {"1001": "n1"})


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[NodeAtWork]:
    """A node of a domain, where a word takes effect only once it has come by."""
    node = await NodeAtWork("n1", MemoryAccess(House(), "n1", lease=0.5), tmp_path).up()
    await node.send(m.FloorLoaded(0.0, FLOOR), m.LoggedIn(0.0, "1001"))
    yield node
    await node.kill()


OWN = ("PJSIP/1001-00000001", "PJSIP/1001-00000002")


async def test_a_call_of_ones_own_that_is_over_before_the_nodes_know_keeps_nobody_from_work(
    shared: NodeAtWork,
) -> None:
    at_phones = Phones(shared.domain, lambda phone: phone, shared.domain.now, "n1")
    at_phones.began(OWN[0])
    at_phones.ended(OWN[0])
    await shared.domain.settled()
    assert not shared.outside("1001")
    at_phones.began(OWN[0])
    await shared.domain.settled()
    at_phones.look((), PHONES)
    at_phones.began(OWN[1])
    await shared.domain.settled()
    assert shared.outside("1001")
    at_phones.look((), PHONES)
    await shared.domain.settled()
    assert not shared.outside("1001")


def test_a_phone_at_another_node_is_rung_through_that_node() -> None:
    where = {"1001": "n1", "1002": "n2", "1003": "n9"}
    reach = over_nodes(own_phone, where.get, "n1", {"n1", "n2"})
    assert reach("1001") == Way("PJSIP/1001", "PJSIP/1001")
    assert reach("1002") == Way("PJSIP/1002@node-n2")
    assert reach("1003") is None, "that node is in nobody's settings"
    assert reach("1004") == Way("PJSIP/1004", "PJSIP/1004"), "nobody has said where"


def test_two_clusters_on_one_machine_have_addresses_of_their_own() -> None:
    one, first = free_block(2)
    two, second = free_block(2)
    with one, two:
        assert first != second


def test_contacts_carry_the_name_of_their_node() -> None:
    assert new_contact_id(1.0, "n2").endswith("-n2")
    assert new_contact_id(1.0).count("-") == 1


@pytest.mark.parametrize(
    ("url", "with_it"),
    [
        ("redis://10.0.0.9:6379/0", "redis://:p%2Fw@10.0.0.9:6379/0"),
        ("rediss://tieline@10.0.0.9", "rediss://tieline:p%2Fw@10.0.0.9"),
        ("sentinel://a:1,b:2/main", "sentinel://:p%2Fw@a:1,b:2/main"),
    ],
)
def test_the_password_of_redis_joins_the_url_in_memory_only(url: str, with_it: str) -> None:
    assert with_password(url, "p/w") == with_it
    assert with_password(url, None) == url


def test_nodes_that_hold_one_key_agree_on_passwords_without_asking(tmp_path: Path) -> None:
    homes = [tmp_path / name for name in ("one", "two")]
    for home in homes:
        home.mkdir()
        (home / CLUSTER_KEY).write_text("a key that is long enough\n")
    one, two = map(Secrets, homes)
    assert one.agent_password("1001") == two.agent_password("1001") != one.agent_password("1002")
    assert one.node_password == two.node_password
    assert one.digest_key == two.digest_key
    assert one.ami_secret != two.ami_secret, "that one is each machine's own"


def test_a_password_from_before_stays(tmp_path: Path) -> None:
    before = Secrets(tmp_path).agent_password("1001")
    (tmp_path / CLUSTER_KEY).write_text("a key that is long enough")
    assert Secrets(tmp_path).agent_password("1001") == before


def test_nodes_need_a_key_and_not_a_short_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nodes need a key in common"):
        _ = Secrets(tmp_path).node_password
    (tmp_path / CLUSTER_KEY).write_text("short")
    with pytest.raises(ConfigError, match="too short") as refused:
        _ = Secrets(tmp_path).node_password
    assert "short" not in str(refused.value).replace("too short", "")


def test_credentials_of_systemd_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tmp_path / "credentials"
    given.mkdir()
    (given / REDIS_PASSWORD).write_text("from systemd\n")
    (tmp_path / REDIS_PASSWORD).write_text("from the folder")
    assert Secrets(tmp_path).redis_password == "from the folder"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    assert Secrets(tmp_path).redis_password == "from systemd"


@pytest.mark.parametrize(
    ("env", "why"),
    [
        ({"NODE": "n1"}, "node and redis_url go together"),
        ({"NODE": "N 1", "REDIS_URL": "redis://h"}, "node: "),
        ({"NODE": "n1", "REDIS_URL": "redis://:secret@h"}, "a password is in it: leave it out"),
        ({"NODE": "n1", "REDIS_URL": "http://h"}, "begins with none of redis://"),
    ],
)
def test_what_cannot_be_a_node_is_refused_without_repeating_secrets(
    tmp_path: Path, env: dict[str, str], why: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        load_settings(env={f"TIELINE_{name}": text for name, text in env.items()}, cwd=tmp_path)
    assert why in str(refused.value)
    assert "secret" not in str(refused.value)


def test_nodes_are_known_by_address(tmp_path: Path) -> None:
    text = "node: n1\nredis_url: redis://h/0\nnodes: {n1: 10.0.0.5, n2: '[fd00::2]:5070'}\n"
    (tmp_path / "tieline.yaml").write_text(text)
    settings = load_settings(env={}, cwd=tmp_path)
    assert settings.nodes == {"n1": "10.0.0.5:5060", "n2": "[fd00::2]:5070"}
    (tmp_path / "tieline.yaml").write_text(text.replace("10.0.0.5", "phone.example"))
    with pytest.raises(ConfigError, match="is not an IP address and port"):
        load_settings(env={}, cwd=tmp_path)


class Alone:
    """The distributor of a single machine, as the door asks it."""

    engine = Engine()

    def now(self) -> float:
        return 0.0

    def owns(self, contact: str) -> bool:
        return True

    def place_of(self, agent: str) -> str | None:
        return None


async def test_a_drained_door_says_who_is_inside_and_when_nobody_is(tmp_path: Path) -> None:
    told: list[bool] = []
    file = tmp_path / "drained"
    inside = [LiveContact("a-1", "c", "u", "138", "", "4001", "clinic", 0.0)]

    async def tell() -> None:
        told.append(file.exists())

    door = Door(file, None, Alone(), lambda: tuple(inside), tell)
    assert door.state() == "New calls are taken; 1 caller inside (1 in a flow)."
    await door.shut()
    await door.shut()
    assert door.state() == (
        "No new calls are taken; 1 caller inside (1 in a flow). To end it: acd do undrain"
    )
    inside.clear()
    assert door.state() == EMPTY
    await door.open()
    assert door.state() == "New calls are taken; 0 callers inside."
    assert told == [True, True, False]
