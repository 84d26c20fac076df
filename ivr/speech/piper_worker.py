"""The process that holds one piper voice: `python -m ivr.speech.piper_worker VOICE.onnx`.

It answers in lines of JSON: first `{"version": ...}` or `{"error": ...}`, then one line for each
line `{"text": ..., "into": ...}` it reads. It ends with its standard input.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import wave
from collections.abc import Iterable
from importlib import metadata
from typing import Any, TextIO

NICENESS = 10


def main() -> int:
    """Load the voice named on the command line and speak until there is nothing more to say."""
    out = _own_stdout()
    os.nice(NICENESS)
    try:
        voice = importlib.import_module("piper").PiperVoice.load(sys.argv[1])
    except ImportError as error:
        _tell(out, error=f"piper is not installed ({error})", missing=True)
        return 1
    except Exception as error:  # whatever is wrong with the file, it is told
        _tell(out, error=f"piper cannot load {sys.argv[1]}: {error}")
        return 1
    _tell(out, version=_version())
    return serve(voice, sys.stdin, out)


def serve(voice: Any, questions: Iterable[str], out: TextIO) -> int:
    """Answer every question; a text that cannot be spoken is told and costs nothing else."""
    for line in questions:
        question = json.loads(line)
        try:
            with wave.open(question["into"], "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(voice.config.sample_rate)
                voice.synthesize_wav(question["text"], file, set_wav_format=False)
        except Exception as error:  # an engine's faults have many names
            _tell(out, error=f"piper failed: {type(error).__name__}: {error}")
        else:
            _tell(out)
    return 0


def _own_stdout() -> TextIO:
    """Standard output for our lines alone: what libraries print goes to standard error."""
    ours = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return ours


def _tell(out: TextIO, **answer: object) -> None:
    out.write(json.dumps(answer) + "\n")
    out.flush()


def _version() -> str:
    try:
        return metadata.version("piper-tts")
    except metadata.PackageNotFoundError:
        return "unknown"


if __name__ == "__main__":
    sys.exit(main())
