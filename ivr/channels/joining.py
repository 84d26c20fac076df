"""A call that goes on as another contact: the one whose code its caller has keyed."""

from __future__ import annotations

from contextlib import suppress

from ivr.agi.session import AgiSession
from ivr.errors import AsteriskRefused
from ivr.flow.errands import Joined
from ivr.live import LiveContact, LiveContacts


async def joined(
    found: Joined, contacts: LiveContacts, contact: LiveContact, agi: AgiSession
) -> Joined:
    """From here on the call is of the contact that was found, unless that has a line already.

    One that lives at another node is named in the story, and the call stays what it is.
    The channel is told last: until it is, `ivr.callers` knows the contact by the channel's own id.
    """
    if found.ok and found.elsewhere:
        contacts.tell(contact, "continues", {"contact": found.elsewhere})
    if not found.ok or not found.contact:
        return found
    before = contact.id
    if not contacts.join(contact, found.contact):
        return Joined(ok=False)
    await contacts.on_join(before, contact.id)
    with suppress(AsteriskRefused):
        await agi.set_variable("_TIELINE_CONTACT", contact.id)
    return found
