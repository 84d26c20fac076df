"""Drained: this machine takes no new calls; whoever is inside is served to the end.

A file says so, because the dialplan must know it before any service runs, and go on knowing it.
"""

from __future__ import annotations

from ivr.settings import Settings

_FILE = "drained"


def is_drained(settings: Settings) -> bool:
    """Whether new calls are sent elsewhere."""
    return (settings.data_dir / _FILE).exists()


def drain(settings: Settings) -> bool:
    """Take no new calls from the next rendering on; False when it was so already."""
    if is_drained(settings):
        return False
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    (settings.data_dir / _FILE).touch(mode=0o600)
    return True


def undrain(settings: Settings) -> bool:
    """Take calls again from the next rendering on; False when it was so already."""
    if not is_drained(settings):
        return False
    (settings.data_dir / _FILE).unlink()
    return True
