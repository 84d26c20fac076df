"""Moments as people write them on the command line."""

from __future__ import annotations

import re
import time
from datetime import datetime

from ivr.errors import IvrError

_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def moment(option: str, text: str) -> float:
    """Epoch seconds from `30m`, `2h`, `7d` (so long ago) or `2026-03-01T09:30` (local time)."""
    if match := re.fullmatch(r"([0-9]{1,4})\s*([mhdw])", text.strip()):
        return time.time() - int(match[1]) * _UNITS[match[2]]
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError):
        cure = "write 30m, 2h, 7d or 2026-03-01T09:30"
        raise IvrError(f"{option} {text!r} is no time: {cure}") from None
