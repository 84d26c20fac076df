"""The languages that providers of text messages speak; `ivr.backends.providers` speaks them."""

from __future__ import annotations

from typing import Final, Literal

Speech = Literal["json", "twilio", "sip"]
SPEECHES: Final[tuple[Speech, ...]] = ("json", "twilio", "sip")
