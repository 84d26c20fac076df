"""Conversations on the line, some at once, each to its end; a scene's name is what it promises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from ivr.demo.backends import Backends
from tests.e2e import scenes_people, scenes_services
from tests.e2e.conftest import Phones
from tests.e2e.house import House
from tests.e2e.stage import Scene, Stage, far_end

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

Playing = dict[Scene, asyncio.Task[None]]
SCENES = (*scenes_services.SCENES, *scenes_people.SCENES)
LISTENING = (
    scenes_services.whatever_a_service_does_the_designed_way_is_taken_and_nobody_is_left_in_silence
)
"""It measures what its own eight callers hear, and has the line for itself."""
AT_ONCE = 6


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def playing(
    house: House, all_phones: Phones, backends: Backends, measured: Callable[[str, str], None]
) -> AsyncIterator[Playing]:
    """Every scene is under way, or waits for its turn."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def play(scene: Scene) -> None:
        if scene is not LISTENING:
            await asyncio.wait([tasks[LISTENING]])
        async with turns:
            await scene(stage)

    async with far_end(house) as far:
        stage = Stage(house, all_phones, backends, far, measured)
        tasks: Playing = {}
        for scene in (LISTENING, *(each for each in SCENES if each is not LISTENING)):
            tasks[scene] = asyncio.create_task(play(scene))
        yield tasks
        await asyncio.gather(*tasks.values(), return_exceptions=True)
    await all_phones.between_tests()


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
async def test_on_the_line(playing: Playing, scene: Scene) -> None:
    await playing[scene]
