"""Finished prompts: private, bounded, and never taken from under a call."""

from __future__ import annotations

from pathlib import Path

from ivr.speech import sound
from ivr.speech.cache import IN_USE_SECONDS, PromptCache

ONE_SECOND = sound.tone((440.0,), 1.0)
SIZE = 2 * len(ONE_SECOND) + 44


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def test_prompts_are_for_their_owner_only(tmp_path: Path) -> None:
    cache = PromptCache(tmp_path / "deep" / "cache")
    path = cache.put("a", ONE_SECOND)
    assert path.suffix == ".wav"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_was_open_to_all_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    PromptCache(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_the_prompts_used_longest_ago_go_first(tmp_path: Path) -> None:
    clock = Clock()
    cache = PromptCache(tmp_path, max_bytes=2 * SIZE, clock=clock)
    for key in ("old", "older", "new"):
        cache.put(key, ONE_SECOND)
        clock.now += 60
    clock.now += IN_USE_SECONDS
    assert cache.get("old")
    clock.now += IN_USE_SECONDS + 1
    assert cache.get("new")
    cache.tidy()
    assert [key for key in ("old", "older", "new") if cache.get(key)] == ["old", "new"]


def test_a_prompt_used_within_the_hour_stays_however_full_the_folder(tmp_path: Path) -> None:
    clock = Clock()
    cache = PromptCache(tmp_path, max_bytes=1, clock=clock)
    path = cache.put("a", ONE_SECOND)
    clock.now += IN_USE_SECONDS - 1
    assert cache.get("a") == path
    clock.now += IN_USE_SECONDS - 1
    assert cache.tidy() == 0
    clock.now += 2
    assert cache.tidy() == 1
    assert cache.get("a") is None


def test_a_prompt_nobody_wants_for_a_month_goes(tmp_path: Path) -> None:
    clock = Clock()
    cache = PromptCache(tmp_path, clock=clock)
    cache.put("a", ONE_SECOND)
    clock.now += 31 * 86400
    assert cache.tidy() == 1


def test_a_pinned_prompt_outlives_everything(tmp_path: Path) -> None:
    clock = Clock()
    cache = PromptCache(tmp_path, max_bytes=1, clock=clock)
    cache.pin("a")
    cache.put("a", ONE_SECOND)
    clock.now += 400 * 86400
    assert cache.tidy() == 0


def test_what_a_crash_left_half_written_is_swept_up(tmp_path: Path) -> None:
    clock = Clock()
    cache = PromptCache(tmp_path, clock=clock)
    with cache.scratch() as scratch:
        copy = scratch.with_name("crashed.part")
        copy.write_bytes(b"RIFF")
    assert not scratch.exists()
    clock.now = copy.stat().st_mtime + 31 * 86400
    cache.tidy()
    assert not copy.exists()


def test_a_full_folder_is_tidied_without_being_asked(tmp_path: Path) -> None:
    clock = Clock()
    cache = PromptCache(tmp_path, max_bytes=3 * SIZE, clock=clock)
    for number in range(12):
        cache.put(str(number), ONE_SECOND)
        clock.now += IN_USE_SECONDS + 1
    assert len(list(tmp_path.iterdir())) <= 4
