"""Which matter a call or a text belongs to, and what is known of it on another channel.

A contact spans calls, chats and texts. Numbers count only where somebody vouches for them: a trunk,
a provider of text messages, or the site that a visitor is signed in to. Whoever has a code or a
link that the contact was given belongs to it without a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from acd.records.contact import Json
from ivr.backends.numbers import same_form
from ivr.backends.passing import Passing, known_of_state, proven_in
from ivr.flow.actions import Value
from ivr.flow.errands import Known
from ivr.live import LiveContacts
from ivr.threads.book import Book


class Matters:
    """Looks among open threads and live calls; `region` reads numbers without a country."""

    def __init__(
        self, book: Book, contacts: LiveContacts, region: Callable[[], str | None]
    ) -> None:
        self._book, self._contacts, self._region = book, contacts, region

    def lead(self, passing: Passing) -> None:
        """Codes lead to what is known here; links that a call has sent go with it.

        A contact ends once, with the last of its channels.
        """
        passing.known, passing.fits, passing.fill = self.known, self._contacts.fits, self.fill
        self._contacts.on_join = passing.passes.moved
        self._contacts.also_written = self._is_written
        self._book.also_spoken = lambda contact: self._contacts.get(contact) is not None

    def _is_written(self, contact: str) -> bool:
        thread = self._book.get(contact)
        return thread is not None and not thread.over

    def written_by(self, number: str) -> str:
        """The contact in which that number writes with us, the latest; "" for none."""
        form = self._form(number)
        mine = [each for each in self._book if self._form(each.sure_number) == form]
        return max(mine, key=lambda each: each.began_at).id if mine and form else ""

    def spoken_by(self, number: str) -> str:
        """The contact of the caller who rang from that number and is on the line; "" for none."""
        form = self._form(number)
        callers = (each for each in self._contacts if each.customer)
        return next((each.id for each in callers if self._form(each.customer) == form), "")

    def known(self, contact: str) -> Known:
        """What the conversation in letters of that contact knows, also when it is over."""
        thread = self._book.get(contact)
        state = thread.stands.get("state") if thread is not None else None
        return known_of_state(state) if state else Known()

    def fill(self, contact: str, flow: str, values: Mapping[str, Value]) -> None:
        """The contact has these fields from here on; its flow takes them up at its next turn."""
        live, thread = self._contacts.get(contact), self._book.get(contact)
        with self._book.together():
            if live is not None:
                live.answers = _with(live.answers, flow, values)
                self._contacts.keep(live)
            if thread is not None and not thread.over:
                thread.answers = _with(thread.answers, flow, values)
                self._book.keep(thread)
            position = live.position if live is not None else {}
            stands = thread.stands.get("state") if thread is not None else None
            # The flow keeps what was proven, and so does the record.
            proven = proven_in(position) | proven_in(stands or {})
            for name, value in values.items():
                if name in proven:
                    continue
                told: dict[str, Json] = {"name": name, "value": value, "by": "form"}
                self._contacts.tell_of(contact, "field", told)
            self._contacts.tell_of(contact, "form_filled", {"fields": [*values]})

    def _form(self, number: str) -> str | None:
        return same_form(number, self._region())


def _with(
    before: Mapping[str, Mapping[str, Any]], flow: str, values: Mapping[str, Value]
) -> dict[str, dict[str, Any]]:
    answers = {name: {**each} for name, each in before.items()}
    answers[flow] = {**answers.get(flow, {}), **values}
    return answers
