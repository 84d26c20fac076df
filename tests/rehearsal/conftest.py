"""The same service over a scripted Asterisk as in tests/shell."""

from __future__ import annotations

from tests.shell.conftest import house, prompts

__all__ = ["house", "prompts"]
