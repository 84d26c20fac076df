"""The agents' lamps on other phones, as Asterisk shows them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol

from acd.model import AgentChanged, AgentState, Command
from acd.views import AgentRow
from ivr.rounds import quietly

LAMPS: Mapping[AgentState, str] = {
    AgentState.LOGGED_OUT: "UNAVAILABLE",
    AgentState.READY: "NOT_INUSE",
    AgentState.PAUSED: "BUSY",
    AgentState.OFFERED: "RINGING",
    AgentState.TALKING: "INUSE",
    AgentState.WRAP_UP: "ONHOLD",
}
"""What an agent's lamp shows on other phones (device state `Custom:acd-1001`)."""


class DeviceStates(Protocol):
    """The one thing this module asks of AMI."""

    async def set_device_state(self, name: str, state: str) -> None:
        """Set `Custom:<name>`."""
        ...


class Lamps:
    """Shows every change of an agent's state; `later` runs a coroutine in the background."""

    def __init__(
        self, ami: DeviceStates, later: Callable[[Coroutine[Any, Any, None]], None]
    ) -> None:
        self._ami, self._later = ami, later

    def on_command(self, command: Command) -> None:
        """Follow what the distributor decides."""
        if isinstance(command, AgentChanged):
            self._show(command.agent, command.state)

    def show_all(self, rows: list[AgentRow]) -> None:
        """Asterisk has forgotten them, or may have."""
        for row in rows:
            self._show(row.agent, row.state)

    def _show(self, agent: str, state: AgentState) -> None:
        self._later(quietly(self._ami.set_device_state(f"acd-{agent}", LAMPS[state])))
