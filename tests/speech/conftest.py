"""A book on a humming engine, and the real espeak-ng."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ivr.asterisk.provision import Tool, ensure_tools
from ivr.settings import Settings
from ivr.speech import sound, wav
from ivr.speech.cache import PromptCache
from ivr.speech.espeak import Espeak
from ivr.speech.prompts import PromptBook
from ivr.speech.stub import Hum


@pytest.fixture
def hum() -> Hum:
    return Hum()


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    (folder / "en").mkdir(parents=True)
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> PromptCache:
    return PromptCache(tmp_path / "cache")


@pytest.fixture
async def book(hum: Hum, sounds: Path, cache: PromptCache) -> AsyncIterator[PromptBook]:
    book = PromptBook(hum, [sounds], cache)
    yield book
    await book.aclose()


@pytest.fixture(scope="session")
def espeak_tool(tmp_path_factory: pytest.TempPathFactory) -> Tool:
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    return ensure_tools(settings, ["espeak-ng"], lambda stage, done: None)["espeak-ng"]


@pytest.fixture
async def espeak(espeak_tool: Tool) -> Espeak:
    return await Espeak.found(espeak_tool.argv_prefix, espeak_tool.env)


def record(path: Path, seconds: float, hertz: float = 440.0, dbfs: float = -30.0) -> Path:
    """A recording of a tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    wav.write(path, sound.tone((hertz,), seconds, dbfs))
    return path
