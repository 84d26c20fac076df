"""Finished prompts on disk, each under the hash of everything that went into it.

What is spoken may hold personal data (a name, a balance), so the folder is for its owner only
(0700, files 0600) and old prompts go: the least recently used first when the folder is full, and
any that nobody has asked for in a month. A prompt that was handed out within the last hour stays,
because a call may be playing it.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ivr.speech import wav

MAX_BYTES = 256 * 1024 * 1024
MAX_AGE_SECONDS = 30 * 86400.0
IN_USE_SECONDS = 3600.0
_TIDY_EVERY_BYTES = MAX_BYTES // 16


class PromptCache:
    """Prompts by key (a hexadecimal hash). `clock` gives epoch seconds.

    `get` and `put` may run in different threads.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int = MAX_BYTES,
        max_age: float = MAX_AGE_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._max_bytes, self._max_age = max_bytes, max_age
        self._clock = clock
        self._used: dict[Path, float] = {}
        self._pinned: set[Path] = set()
        self._guard = threading.Lock()
        self._unchecked_bytes = _TIDY_EVERY_BYTES  # the first `put` looks at what is there
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)

    def get(self, key: str) -> Path | None:
        """The prompt, kept for an hour at least; None when it has to be made first."""
        path = self._path(key)
        with self._guard:
            return path if self._mark_used(path) else None

    def pin(self, key: str) -> None:
        """Never remove this prompt while this process lives."""
        self._pinned.add(self._path(key))

    def put(self, key: str, samples: wav.Samples) -> Path:
        """Store a prompt: readers see the whole file or none. Raises `OSError`."""
        path = self._path(key)
        with self.scratch() as scratch:
            wav.write(scratch, samples)
            with self._guard:
                scratch.replace(path)
                self._mark_used(path)
        self._unchecked_bytes += 2 * len(samples)
        if self._unchecked_bytes >= min(_TIDY_EVERY_BYTES, self._max_bytes // 2):
            self.tidy()
        return path

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A fresh empty file beside the prompts, gone when the `with` block ends."""
        handle, name = tempfile.mkstemp(dir=self._folder, suffix=".part")
        os.close(handle)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def tidy(self) -> int:
        """Remove what is too old or too much; return how many prompts went."""
        self._unchecked_bytes = 0
        now = self._clock()
        found = sorted(self._prompts())
        size = sum(length for _, length, _ in found)
        removed = 0
        for touched, length, path in found:
            if size <= self._max_bytes and now - touched <= self._max_age:
                break
            if self._remove_unused(path, touched, now):
                size -= length
                removed += 1
        return removed

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.wav"

    def _mark_used(self, path: Path) -> bool:
        now = self._clock()
        try:
            touched = path.stat().st_mtime
            if abs(now - touched) > IN_USE_SECONDS / 2:
                # The file's own time tells the next process what is still wanted.
                os.utime(path, (now, now))
        except FileNotFoundError:
            return False
        self._used[path] = now
        return True

    def _prompts(self) -> list[tuple[float, int, Path]]:
        found = []
        for path in self._folder.iterdir():
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            found.append((status.st_mtime, status.st_size, path))
        return found

    def _remove_unused(self, path: Path, touched: float, now: float) -> bool:
        with self._guard:
            # `touched` speaks for other processes, `_used` for this one.
            last = max(touched, self._used.get(path, 0.0))
            if path in self._pinned or now - last < IN_USE_SECONDS:
                return False
            path.unlink(missing_ok=True)
            self._used.pop(path, None)
            return True
