"""What a medium needs from the house behind the flow: one question at a time, always an answer."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ivr.flow.errands import Errand, Findings


class Desk(Protocol):
    """Runs errands. `ivr.backends.errands.Errands` does it truly, `Pretended` as it was told."""

    async def run(
        self, errand: Errand, *, contact: str, now: datetime, caller: str = "", once: str = ""
    ) -> Findings:
        """What came of it; never raises for anything the house does, that is `Failed`.

        `contact` is the contact's id and `caller` its own number, "" when withheld. `once` names
        this asking: the same name again (a restart in the middle of it) does not send a message,
        keep a promise or take a slot a second time. Without it, what is asked is its own name.
        Cancelling is safe when the caller hangs up.
        """
        ...
