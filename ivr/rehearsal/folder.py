"""The folder through which a rehearsal and its own service speak of each call.

`<key>.json` tells how a call goes (`Part`), before it is dialled; the service writes every turn of
it to `<key>.log`, one line of JSON each (`Line`). The key comes with the call, in a SIP header that
only a service with such a folder reads.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from ivr.backends.pretences import Pretence, Pretences
from ivr.flow.actions import Ask
from ivr.flow.errands import Errand
from ivr.flow.running.state import State, Turn

HEADER: Final = "X-Tieline-Rehearsal"
KEY: Final = re.compile(r"[a-z0-9]{1,32}")
SETTLED: Final = ("Ask", "Queue", "Transfer", "Voicemail", "Record", "Hangup")
"""Actions after which somebody outside has to do something, or the call is over."""


@dataclass(frozen=True, slots=True)
class Part:
    """How one call goes.

    `at` is an ISO moment with its offset; `outcomes` are how its queues and transfers end, in
    order; `stub` is the address below which services are asked, each by its name.
    """

    at: str
    stub: str
    language: str | None = None
    switches: Mapping[str, bool] = field(default_factory=dict)
    pretences: Pretences = field(default_factory=dict)
    outcomes: tuple[str, ...] = ()


def write_part(folder: Path, key: str, part: Part) -> None:
    """Tell how the call of this key goes; may be told anew while it lasts."""
    fresh = folder / f"{key}.new"
    fresh.write_text(json.dumps(asdict(part)), encoding="utf-8")
    fresh.replace(folder / f"{key}.json")


def read_part(folder: Path, key: str) -> Part | None:
    """What was told, None for a call of which nothing was."""
    try:
        told = json.loads((folder / f"{key}.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    pretences = {
        name: tuple(Pretence(**each) for each in answers)
        for name, answers in told["pretences"].items()
    }
    return Part(**{**told, "pretences": pretences, "outcomes": tuple(told["outcomes"])})


# --- what the service tells ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """One event of the contact."""

    kind: str
    step: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One turn: what was decided, where the flow stands, what is asked for and said.

    `ask` are the parts of an `Ask` that a caller goes by; `listens`: keys count as its answer.
    """

    events: tuple[Told, ...]
    state: State
    action: str
    said: tuple[str, ...]
    ask: Mapping[str, Any]
    listens: bool = False


def line_of(turn: Turn) -> str:
    """A turn as a line of the log."""
    action = turn.action
    # What is said to bridge an errand is said only where the wait for it is felt.
    prompts = () if isinstance(action, Errand) else getattr(action, "prompts", ())
    ask: dict[str, Any] = {}
    if isinstance(action, Ask):
        ask = {name: getattr(action, name) for name in _ASK}
        ask["barge_in"] = action.barge_in and all(each.barge_in for each in prompts)
    told = {
        "events": [[each.kind, each.step, dict(each.data)] for each in turn.events],
        "state": turn.state.to_json(),
        "action": type(action).__name__,
        "said": [each.text for each in prompts],
        "ask": ask,
    }
    return json.dumps(told, ensure_ascii=False)


LISTENS: Final = '{"listens": true}'
"""The line of the log that says that keys count, as the answer to the question before it."""
_ASK: Final = ("length_min", "length_max", "finish_key", "instant", "timeout", "digit_timeout")


def read_lines(folder: Path, key: str) -> list[Line]:
    """Every turn so far."""
    try:
        text = (folder / f"{key}.log").read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    whole = text[: text.rfind("\n") + 1]
    return list(_lines(whole.splitlines()))


def _lines(lines: Iterable[str]) -> Iterable[Line]:
    found = [*lines, ""]
    for each, after in itertools.pairwise(found):
        if each == LISTENS:
            continue
        told = json.loads(each)
        events = tuple(Told(*event) for event in told["events"])
        state, said = State.from_json(told["state"]), tuple(told["said"])
        yield Line(events, state, told["action"], said, told["ask"], after == LISTENS)
