from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from itertools import count

import pytest

from ivr.asterisk.provision import ensure_tools
from ivr.backends.shared import Common
from ivr.settings import load_settings
from tests.acd.live.server import Server

MakeCommon = Callable[[Server, float], Common]
DOMAINS = count(1)
PATIENT = 20.0


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Redis for the tests of a file, each in a domain of its own."""
    tools = ensure_tools(load_settings(), ["redis-server"], lambda _stage, _done: None)
    made = Server(tools["redis-server"], tmp_path_factory.mktemp("redis"))
    made.start()
    yield made
    made.thaw()
    made.kill()


@pytest.fixture
async def common() -> AsyncIterator[MakeCommon]:
    """What the nodes of one domain have in common; each call is another node: n1, n2, ...

    A server that is there is waited for, however busy the machine is.
    """
    domain = f"d{next(DOMAINS)}"
    nodes = (f"n{n}" for n in count(1))
    async with AsyncExitStack() as stack:

        def make(server: Server, timeout: float) -> Common:
            made = Common(server.url, domain, next(nodes), timeout=timeout)
            stack.push_async_callback(made.close)
            return made

        yield make
