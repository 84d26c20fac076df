"""A package that stands in for `piper` in the process of our worker: it hums, and misbehaves."""

from __future__ import annotations

from pathlib import Path

PACKAGE = """
import math, os, struct, time

class _Config:
    sample_rate = 22050

class PiperVoice:
    config = _Config()

    @staticmethod
    def load(path):
        print("a library that talks", flush=True)
        with open(path) as file:
            if file.read() != "voice":
                raise ValueError("not a voice")
        return PiperVoice()

    def synthesize_wav(self, text, file, set_wav_format=True):
        if text == "hang":
            time.sleep(60)
        if text == "crash":
            os._exit(3)
        if text == "fail":
            raise RuntimeError("no such sound")
        count = 1300 * len(text)
        values = (int(8000 * math.sin(n / 16)) for n in range(count))
        file.writeframes(struct.pack(f"<{count}h", *values))
"""


def install(folder: Path) -> dict[str, str]:
    """Puts the package into `folder`; the environment in which the worker finds it."""
    package = folder / "site" / "piper"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(PACKAGE)
    return {"PYTHONPATH": str(package.parent)}


def voice(folder: Path, holds: str = "voice") -> Path:
    """A file that the package takes for a voice."""
    path = folder / "en_US-nobody-low.onnx"
    path.write_text(holds)
    return path
