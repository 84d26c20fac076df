"""piper: a neural voice, close to a person's; English is shipped in a package, others are files.

A voice takes a second to load and then about 25 ms for each second of sound, so each keeps one
process (`ivr.speech.piper_worker`, some 200 MB) that is told what to say line by line. It runs
below the priority of calls. A process that hangs or dies is replaced by the next prompt.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ivr.speech.engine import SpeechFailed, SpeechTimedOut, speakable

WORKER = (sys.executable, "-P", "-m", "ivr.speech.piper_worker")
START_SECONDS = 30.0
SPEAK_SECONDS = 10.0
CURE = "pip install '.[piper]' in a checkout"


class Piper:
    """The voice in `model`, an .onnx file with its .onnx.json beside it.

    Build one with `Piper.found`, which starts the process and asks it for its version.
    """

    name = "piper"

    def __init__(
        self,
        model: Path,
        *,
        worker: Sequence[str] = WORKER,
        env: Mapping[str, str] | None = None,
        start_timeout: float = START_SECONDS,
        timeout: float = SPEAK_SECONDS,
    ) -> None:
        self._model = model
        self._argv = (*worker, str(model))
        self._env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"} | dict(
            env or {}
        )
        self._start_timeout, self._timeout = start_timeout, timeout
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self.version = ""

    @classmethod
    async def found(cls, model: Path, **options: Any) -> Piper:
        """A voice ready to speak; takes about a second.

        `options` are those of `Piper`. Raises `SpeechFailed`, with the cure when piper is missing.
        """
        engine = cls(model, **options)
        async with engine._turn:
            await engine._running()
        return engine

    async def speak(self, text: str, language: str, into: Path) -> None:
        """See `SpeechEngine.speak`; the language is that of the voice."""
        words = speakable(text)
        async with self._turn:
            process = await self._running()
            await self._asked(process, {"text": words, "into": str(into)}, self._timeout)

    async def aclose(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv,
                env=self._env,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError as error:
            raise SpeechFailed(f"piper does not start: {error}") from error
        told = await self._asked(self._process, None, self._start_timeout)
        self.version = f"{told.get('version', '')};{self._model.stem}"
        return self._process

    async def _asked(
        self, process: asyncio.subprocess.Process, question: Mapping[str, str] | None, limit: float
    ) -> Mapping[str, Any]:
        """What the process answers; afterwards it waits for the next question, or it is dead."""
        try:
            async with asyncio.timeout(limit):
                answer = await _exchange(process, question)
        except TimeoutError:
            await self.aclose()
            raise SpeechTimedOut(f"piper took over {limit:g} s") from None
        except (OSError, RuntimeError, ValueError) as error:  # uvloop: RuntimeError on a lost pipe
            await self.aclose()
            raise SpeechFailed(f"piper left early: {error or 'it says nothing'}") from error
        except BaseException:  # whoever asked is gone, and the answer would be the next one's
            await self.aclose()
            raise
        if "error" in answer:
            if question is None:
                await self.aclose()
            cure = f": {CURE}" if answer.get("missing") else ""
            raise SpeechFailed(f"{answer['error']}{cure}")
        return answer


async def _exchange(
    process: asyncio.subprocess.Process, question: Mapping[str, str] | None
) -> dict[str, Any]:
    if process.stdin is None or process.stdout is None:
        raise OSError("there are no pipes")
    if question is not None:
        process.stdin.write(json.dumps(question).encode() + b"\n")
        await process.stdin.drain()
    answer = json.loads(await process.stdout.readline())
    if not isinstance(answer, dict):
        raise ValueError(f"it answers {answer!r}")
    return answer
