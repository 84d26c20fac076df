"""espeak-ng: small, quick, robotic, and speaks more than a hundred languages.

It runs as a process of its own for every prompt (about 10 ms). The words go in over standard
input, never as an argument, and are stripped of what espeak-ng would obey rather than say:
control characters (embedded commands begin with ^A) and `[[phonemes]]`.

Voices were chosen on what a line carries: of sixteen variants, Annie puts the largest share of
her voice into 1-3.4 kHz, where the consonants are.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ivr.speech.engine import SpeechFailed, SpeechTimedOut, speakable


class Voice(NamedTuple):
    """A voice of espeak-ng and its pace; `pace` is what espeak-ng calls words a minute."""

    name: str
    pace: int = 155


VOICES: Mapping[str, Voice] = {
    "en": Voice("en-us+Annie"),
    "en-gb": Voice("en-gb"),
    # A Mandarin word has more syllables: this is about four syllables a second.
    "zh": Voice("cmn+Annie", 200),
}
TIMEOUT_SECONDS = 5.0
AT_ONCE = 2

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*")


class Espeak:
    """espeak-ng run from `argv_prefix` with `env` on top of the bare environment.

    `argv_prefix` is a program, or a dynamic loader with its arguments and a program.
    Build one with `Espeak.found`, which asks the program for its version.
    """

    name = "espeak"

    def __init__(
        self,
        argv_prefix: Sequence[str],
        env: Mapping[str, str],
        program_version: str,
        *,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._argv = tuple(argv_prefix)
        self._env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", **env}
        self._timeout = timeout
        self._slots = asyncio.Semaphore(AT_ONCE)
        voices = ",".join(f"{language}={name}@{pace}" for language, (name, pace) in VOICES.items())
        self.version = f"{program_version};{voices}"

    @classmethod
    async def found(
        cls,
        argv_prefix: Sequence[str] = ("espeak-ng",),
        env: Mapping[str, str] | None = None,
        *,
        timeout: float = TIMEOUT_SECONDS,
    ) -> Espeak:
        """An engine ready to speak; raises `SpeechFailed` when the program does not run."""
        engine = cls(argv_prefix, env or {}, "", timeout=timeout)
        said = await engine._run(("--version",), "")
        match = re.search(r"\d+(\.\d+)+", said)
        if not match:
            raise SpeechFailed(f"{argv_prefix[-1]} is not espeak-ng: it answers {said[:80]!r}")
        return cls(argv_prefix, env or {}, match[0], timeout=timeout)

    async def speak(self, text: str, language: str, into: Path) -> None:
        """See `SpeechEngine.speak`."""
        words, voice = speakable(text), voice_of(language)
        arguments = ("-v", voice.name, "-s", str(voice.pace), "-b", "1", "-z")
        async with self._slots:
            await self._run((*arguments, "--stdin", "-w", str(into)), words)

    async def aclose(self) -> None:
        """Nothing is kept running between prompts."""

    async def _run(self, arguments: Sequence[str], words: str) -> str:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._argv,
                *arguments,
                env=self._env,
                stdin=asyncio.subprocess.PIPE if words else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise SpeechFailed(f"the speech engine does not start: {error}") from error
        try:
            async with asyncio.timeout(self._timeout):
                out, complaint = await process.communicate(words.encode() or None)
        except TimeoutError:
            raise SpeechTimedOut(f"the speech engine took over {self._timeout:g} s") from None
        except RuntimeError as error:  # uvloop's word for a pipe that nobody reads any more
            raise SpeechFailed(f"the speech engine left early: {error}") from error
        finally:
            await _ended(process)
        if process.returncode:
            reason = complaint.decode(errors="replace").strip()[:200]
            raise SpeechFailed(f"the speech engine failed ({process.returncode}): {reason}")
        return out.decode(errors="replace")


async def _ended(process: asyncio.subprocess.Process) -> None:
    """No engine outlives its prompt, whether it hung or its caller was cancelled."""
    if process.returncode is None:
        process.kill()
        await process.wait()


def voice_of(language: str) -> Voice:
    """The voice that speaks `language`: its own, that of its base (`zh-CN` is `zh`), or espeak's.

    Raises `SpeechFailed` when `language` is not a language tag at all.
    """
    tag = language.lower().replace("_", "-")
    if not _LANGUAGE.fullmatch(tag):
        raise SpeechFailed(f"{language!r} is not a language; write it as 'en', 'zh' or 'en-gb'")
    return VOICES.get(tag) or VOICES.get(tag.partition("-")[0]) or Voice(tag)
