from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from acd.live.access import MemoryAccess
from acd.live.memory import House
from ivr.asterisk.provision import ensure_tools
from ivr.asterisk.toolbox import Tool
from ivr.settings import load_settings
from tests.acd.live.nodes import Make, NodeAtWork
from tests.acd.live.server import Server, Wire


@pytest.fixture(scope="session")
def redis_tool() -> Tool:
    return ensure_tools(load_settings(), ["redis-server"], lambda _stage, _done: None)[
        "redis-server"
    ]


@pytest.fixture
def server(redis_tool: Tool, tmp_path: Path) -> Iterator[Server]:
    made = Server(redis_tool, tmp_path / "redis")
    made.start()
    yield made
    made.thaw()
    made.kill()


@pytest.fixture
async def wire(server: Server) -> AsyncIterator[Wire]:
    made = Wire(server.port)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture(params=["always", "everysec"])
def either(request: pytest.FixtureRequest, redis_tool: Tool, tmp_path: Path) -> Iterator[Server]:
    """A server that writes its file to the disk with every answer, or every second."""
    made = Server(redis_tool, tmp_path / "redis", request.param)
    made.start()
    yield made
    made.kill()


@pytest.fixture
async def house() -> House:
    return House()


@pytest.fixture
async def start(house: House, tmp_path: Path) -> AsyncIterator[Make]:
    made: list[NodeAtWork] = []

    def node(name: str) -> NodeAtWork:
        made.append(NodeAtWork(name, MemoryAccess(house, name, lease=0.5), tmp_path))
        return made[-1]

    yield node
    for each in made:
        await each.kill()
