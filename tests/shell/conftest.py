"""A service whose Asterisk is scripted, for each test its own; prompts are made once for all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.shell.house import House, house_in


@pytest.fixture(scope="session")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prompts")


@pytest_asyncio.fixture
async def house(
    tmp_path: Path, prompts: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    async with house_in(tmp_path, prompts, monkeypatch) as house:
        yield house
