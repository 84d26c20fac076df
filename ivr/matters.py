"""Which matter a call or a text belongs to: the one that its number is in with us just now.

A contact spans calls, chats and texts. Numbers count only where somebody vouches for them: a trunk,
a provider of text messages, or the site that a visitor is signed in to.
"""

from __future__ import annotations

from collections.abc import Callable

from ivr.backends.numbers import same_form
from ivr.live import LiveContacts
from ivr.threads.book import Book


class Matters:
    """Looks among open threads and live calls; `region` reads numbers without a country."""

    def __init__(
        self, book: Book, contacts: LiveContacts, region: Callable[[], str | None]
    ) -> None:
        self._book, self._contacts, self._region = book, contacts, region

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

    def _form(self, number: str) -> str | None:
        return same_form(number, self._region())
