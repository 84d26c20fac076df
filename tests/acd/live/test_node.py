"""Commands reach the node that owns the call: in order, acknowledged, and again if need be."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from acd import model as m
from acd.live.memory import House, MemoryStore
from acd.live.node import Instruction, Node
from acd.live.redis import RedisReader, RedisStore
from acd.live.store import Post, SharedReader, SharedStore
from tests.acd.live.server import Server


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[SharedStore]:
    made: SharedStore
    if request.param == "memory":
        made = MemoryStore(House())
    else:
        made = await RedisStore.open(request.getfixturevalue("server").url, "floor", 1)
    yield made
    await made.close()


def letter(n: int, to: str = "a") -> Post:
    command = m.CancelOffer(f"o{n}", f"a/{n}", "1001", m.Cancel.CALLER_LEFT)
    return Post(to, {"seq": n, "command": m.to_json(command)})


Handle = Callable[[Instruction], Awaitable[None]]


@contextlib.asynccontextmanager
async def node(store: SharedReader, handle: Handle) -> AsyncIterator[None]:
    working = asyncio.create_task(Node(store, "a", handle).run())
    yield
    working.cancel()
    await asyncio.wait([working])


async def until(so: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not so():
            await asyncio.sleep(0.001)


async def test_instructions_are_carried_out_in_order_and_then_gone(store: SharedStore) -> None:
    done: list[int] = []

    async def handle(instruction: Instruction) -> None:
        done.append(instruction.seq)

    await store.write(letter(1), letter(1, to="b"), letter(2))
    async with node(store, handle):
        await until(lambda: len(done) == 2)
        await store.write(letter(3))
        await until(lambda: len(done) == 3)
        async with asyncio.timeout(5):
            while await store.letters("a"):
                await asyncio.sleep(0.001)
    assert done == [1, 2, 3]
    assert len(await store.letters("b")) == 1


async def test_a_node_that_died_over_an_instruction_gets_it_again(store: SharedStore) -> None:
    begun: list[int] = []

    async def dies(instruction: Instruction) -> None:
        begun.append(instruction.seq)
        await asyncio.Event().wait()

    async def handle(instruction: Instruction) -> None:
        begun.append(instruction.seq)

    await store.write(letter(1), letter(2))
    async with node(store, dies):
        await until(lambda: begun == [1])
    async with node(store, handle):
        await until(lambda: begun == [1, 1, 2])


async def test_one_that_cannot_be_carried_out_keeps_up_no_other(store: SharedStore) -> None:
    done: list[int] = []

    async def handle(instruction: Instruction) -> None:
        if instruction.seq == 1:
            raise RuntimeError("no such phone")
        done.append(instruction.seq)

    await store.write(letter(1), Post("a", {"command": {"type": "Nonsense"}}), letter(2))
    async with node(store, handle):
        await until(lambda: done == [2])


async def test_what_is_done_is_not_done_again_when_the_acknowledgement_was_cut_off(
    server: Server,
) -> None:
    done: list[int] = []

    async def handle(instruction: Instruction) -> None:
        done.append(instruction.seq)
        if instruction.seq == 2:
            server.kill()

    store = await RedisStore.open(server.url, "floor", 1)
    reader = RedisReader(server.url, "floor", timeout=0.2)
    await store.write(letter(1), letter(2))
    async with node(reader, handle):
        await until(lambda: done == [1, 2])
        server.start()
        await store.write(letter(3))
        await until(lambda: len(done) == 3)
        async with asyncio.timeout(5):
            while await store.letters("a"):
                await asyncio.sleep(0.005)
    assert done == [1, 2, 3]
    await reader.close()
    await store.close()
