"""A conversation on the screen: what is said and decided is shown, the other side's part asked."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.text import Text

from ivr.channels.text import Conversation, Heard, Message
from ivr.flow.actions import (
    MASK,
    NOBODY,
    OUTCOMES,
    TRANSFER_OUTCOMES,
    Ask,
    Event,
    Prompt,
    Queue,
    Record,
    Transfer,
    Voicemail,
)
from ivr.rehearsal.telling import describe

QUIET = frozenset(
    {"started", "hangup", "key", "language", "confirmed", "voicemail", "record", "transfer"}
)
"""Events that the lines around them already tell."""
_MOVES = "/fields what is known   /silence   /hangup   /help"
_HELP = (
    "keys 0-9 * # answer as on a telephone; Enter is silence; h hangs up, as Ctrl-D does",
    "in a chat or SMS: write what the customer writes; a line of its own is one message",
    f"always: {_MOVES}",
)

_Outcome = TypeVar("_Outcome", bound=str)
Takers = Callable[[Queue], Iterator[str]]
"""Who could take such a call, in words."""


class Stage:
    """One conversation, by a script or by whoever sits at the keyboard."""

    def __init__(
        self, call: Conversation, console: Console, script: list[str] | None, outcome: str | None
    ) -> None:
        self.call, self.console, self.script, self.outcome = call, console, script, outcome
        self.typed = script is None and sys.stdin.isatty()
        self.takers: Takers = lambda _: iter(())
        self.sent: list[tuple[str, str]] = []
        """Text messages that the house sent: number and words."""
        self._shown = 0

    def play(self) -> None:
        """To the end of the conversation, or until the other side leaves."""
        call = self.call
        when = call.now.strftime("%a %d %b %Y %H:%M %Z")
        by = {"voice": "a call", "chat": "a chat", "sms": "SMS"}[call.facts.channel]
        self._line(
            f"{call.flow.name}, {by}, {when}, from {call.facts.caller or 'withheld'}", "bold"
        )
        if self.typed:
            self._line("/help tells what can be typed", "dim")
        self._show()
        while not call.over:
            if not self._move():
                self._line("the caller hangs up", "yellow")
                return
            self._show()
        self._line("the call ends", "bold")

    # --- showing ---------------------------------------------------------------------------------

    def _show(self) -> None:
        for each in self.call.news():
            self._one(each)
        for number, text in self.sent[self._shown :]:
            self._line(f"    SMS to {number}: {text}", "magenta")
        self._shown = len(self.sent)

    def _one(self, heard: Heard) -> None:
        match heard:
            case Prompt():
                sound = f"  [{heard.sound}]" if heard.sound else ""
                self._line(f"  {heard.language}  {heard.text}{sound}", "green")
            case Message():
                for number, line in enumerate(heard.text.splitlines()):
                    self._line(f"  {'┌' if number == 0 else '│'} {line}", "green")
            case Event(kind="step"):
                self._line(f"- {describe(heard)}", "cyan")
            case Event(kind=kind) if kind not in QUIET:
                self._line(f"    {describe(heard)}", "dim")

    def _line(self, text: str, style: str) -> None:
        self.console.print(Text(text, style=style))

    # --- the other side --------------------------------------------------------------------------

    def _move(self) -> bool:
        """The caller's part; False when they hang up."""
        match self.call.waiting:
            case Ask() as ask:
                return self._answer(ask)
            case Queue() as queue:
                return self._wait(queue)
            case Transfer() as transfer:
                return self._put_through(transfer)
            case Voicemail() | Record():
                return self._leave_message()
            case _:
                return False

    def _answer(self, ask: Ask) -> bool:
        letters = self.call.in_letters
        if self.script is not None:
            typed: str | None = self.script.pop(0) if self.script else "-"
        else:
            question = "message" if letters else "keys (Enter for silence, h to hang up)"
            typed = self._read(question, hidden=ask.secret)
        if typed is None or (typed.lower() == "h" and not letters):
            return False
        if typed.startswith("/"):
            return self._command(typed)
        said = typed if letters else "".join(key for key in typed if key in "0123456789*#")
        said = "" if typed == "-" else said
        if self.script is not None or not self.typed:
            self._line(f"  > {(MASK if ask.secret else said) if said else 'silence'}", "yellow")
        if not said:
            self.call.silence()
        elif letters:
            self.call.write(said)
        elif self.call.press(said):
            self._line("    the last keys came when nothing was asked", "dim")
        return True

    def _command(self, typed: str) -> bool:
        """What is asked of the stage, not of the flow; nothing has happened in the conversation."""
        match typed.split(maxsplit=1)[0]:
            case "/hangup" | "/quit" | "/q":
                return False
            case "/silence":
                self.call.silence()
                return True
            case "/fields":
                for line in self._known():
                    self._line(f"    {line}", "magenta")
            case _:
                for line in _HELP:
                    self._line(f"    {line}", "magenta")
        return self._move()

    def _known(self) -> Iterator[str]:
        state = self.call.state
        yield f"language {state.language}, level {state.level}, {self.call.now:%a %d %b %H:%M:%S}"
        for name, value in state.fields.items():
            yield f"{name} = {value}"
        for name in state.secrets:
            yield f"{name} = {MASK}"
        for name, value in state.customer.items():
            yield f"customer.{name} = {value}"

    def _wait(self, queue: Queue) -> bool:
        if queue.tell_agent:
            self._line(f"    the agent sees: {queue.tell_agent}", "magenta")
        if queue.whisper is not None and not self.call.in_letters:
            self._line(f"    the agent hears: {queue.whisper.text}", "magenta")
        for line in self.takers(queue):
            self._line(f"    {line}", "magenta")
        keys = tuple(choice.key for choice in queue.waiting.keys) if queue.waiting else ()
        if self.script and self.script[0] in keys:
            typed: str | None = self.script.pop(0)
        else:
            typed = self._one_of((*OUTCOMES, *NOBODY, *keys), self.outcome)
        if typed in keys:
            self._line(f"  > {typed}", "yellow")
            self.call.press(typed or "")
        elif typed is not None:
            self.call.leave_queue(typed)
        return typed is not None

    def _put_through(self, transfer: Transfer) -> bool:
        where = "outside, " if transfer.outside else ""
        self._line(f"    it rings: {where}{transfer.to}", "magenta")
        outcome = self._one_of(TRANSFER_OUTCOMES, None)
        if outcome is not None:
            self.call.leave_transfer(outcome)
        return outcome is not None

    def _leave_message(self) -> bool:
        if self.call.in_letters:
            written = self._read("message (Enter for none)", "(a message)")
            if written is not None:
                self.call.write("" if written == "-" else written)
            return written is not None
        spoken = self._read("seconds of message (Enter for 10, 0 for none)", "10")
        if spoken is not None:
            self.call.record(float(spoken) if spoken.isdecimal() else 10.0)
        return spoken is not None

    def _one_of(self, outcomes: tuple[_Outcome, ...], given: str | None) -> _Outcome | None:
        """How something ends; None when the caller hangs up meanwhile."""
        typed = given or self._read(f"how it ends ({', '.join(outcomes)})", outcomes[0])
        if typed is None or typed in {"h", "/hangup", "/quit", "/q"}:
            return None
        near = [each for each in outcomes if each.startswith(typed.lower())]
        return near[0] if near else outcomes[0]

    def _read(
        self, question: str, default: str | None = None, *, hidden: bool = False
    ) -> str | None:
        """A typed answer; None at the end of input. Without a keyboard, the default."""
        if not self.typed and default is not None:
            return default
        try:
            prompt = Text(f"  {question}> ", style="yellow")
            answer = self.console.input(prompt, password=hidden and self.typed)
        except EOFError:
            return None
        return answer.strip() or (default if default is not None else "-")
