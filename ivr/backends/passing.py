"""Errands that lead from one channel to another: codes, links to chats and forms, and room."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal

from ivr.backends.numbers import same_form
from ivr.backends.passes import Passes
from ivr.backends.services import Services
from ivr.backends.texting import Draft, Texts
from ivr.flow.actions import MASK, Failed, Value
from ivr.flow.errands import (
    LINK_MARK,
    CodeMade,
    FormField,
    Invite,
    Joined,
    Known,
    Room,
    RoomFound,
    SendLink,
    Sent,
    TakeCode,
)
from ivr.flow.fields import Field

if TYPE_CHECKING:
    from ivr.backends.courier import Courier

Fill = Callable[[str, str, Mapping[str, Value]], None]
"""Gives a contact fields, by the name of their flow."""
CHAT: Final = "/widget/frame"
FORM: Final = "/forms"
"""Pages below the address of the house; what stands behind # never leaves the browser."""


def nothing_known(_contact: str) -> Known:
    """There are no other conversations."""
    return Known()


def always(_contact: str, _into: str) -> bool:
    """Any contact may go on as any other one."""
    return True


def everywhere(_contact: str) -> bool:
    """There is one node."""
    return True


def nobody_fills(_contact: str, _flow: str, _values: Mapping[str, Value]) -> None:
    """There are no conversations."""


def no_room(_room: Room) -> RoomFound:
    """Nobody is there."""
    return RoomFound(room=False)


class Passing:
    """Does these errands. `known` tells of a contact what its conversation knows, `here` whether it
    lives at this node, `rooms` where there is room, `fits` whether a call may go on as another
    contact, `fill` gives a contact of this node fields; `address` is how browsers reach this house.
    With a `courier` passes are good at other nodes, too, where nothing is known of a contact but
    what they bring along."""

    def __init__(
        self, passes: Passes, texts: Texts, address: str, courier: Courier | None = None
    ) -> None:
        self.passes, self._courier = passes, courier
        self.fill: Fill = nobody_fills
        self.here: Callable[[str], bool] = everywhere
        self.known: Callable[[str], Known] = nothing_known
        self.rooms: Callable[[Room], RoomFound] = no_room
        self.fits: Callable[[str, str], bool] = always
        self._texts, self._address = texts, address

    def start(self) -> None:
        """Begin to take in what was filled in at other nodes."""
        if self._courier is not None:
            self._courier.start(self.fill)

    def filled(self, contact: str, flow: str, values: Mapping[str, Value]) -> None:
        """A form was filled in: its contact has these fields, as soon as its node has heard."""
        if self._courier is None or self.here(contact):
            self.fill(contact, flow, values)
        else:
            self._courier.send(contact, flow, values)

    async def run(
        self,
        errand: Room | Invite | TakeCode | SendLink,
        contact: str,
        caller: str,
        services: Services,
    ) -> RoomFound | CodeMade | Joined | Sent | Failed:
        """What came of it."""
        match errand:
            case Room():
                return self.rooms(errand)
            case Invite():
                return CodeMade(await self.code(contact, errand.expires))
            case TakeCode():
                return await self._take_code(errand, contact, caller, services)
            case SendLink():
                return await self._send_link(errand, contact)

    async def code(self, contact: str, seconds: float) -> str:
        """A code by which a call goes on with what is known of the contact."""
        about = {"known": known_to_json(self.known(contact))} if self._courier is not None else None
        return await self.passes.code(contact, seconds, about)

    async def _take_code(
        self, errand: TakeCode, contact: str, caller: str, services: Services
    ) -> Joined:
        """What a caller's code stands for; one that leads nowhere is not used up."""
        given = "".join(errand.given.split())
        who = same_form(caller, services.region) or caller

        def fits(into: str) -> bool:
            return not self.here(into) or self.fits(contact, into)

        found = await self.passes.take_code(given, who, services.lockout, fits)
        if isinstance(found, str):
            return Joined(ok=False, locked=found == "locked")
        if self.here(found.contact):
            return Joined(True, self.known(found.contact), found.contact)
        brought = found.about.get("known")
        known = known_from_json(brought) if brought else Known()
        return Joined(True, known, elsewhere=found.contact)

    async def _send_link(self, errand: SendLink, contact: str) -> Sent | Failed:
        """A text message with a link; only its masked copy is kept."""
        if LINK_MARK not in errand.text:
            return Failed("the message has no place for its link")
        about = _chat(errand) if errand.chat else _form(errand)
        kind: Literal["chat", "form"] = "chat" if errand.chat else "form"
        token = await self.passes.link(kind, contact, errand.expires, about)
        path = f"{CHAT}?site={errand.chat}" if errand.chat else FORM
        words, kept = (
            errand.text.replace(LINK_MARK, each)
            for each in (f"{self._address}{path}#{token}", MASK)
        )
        return await self._texts.send_now(
            Draft(secrets.token_urlsafe(12), contact, errand.to, words, kept)
        )


def _chat(errand: SendLink) -> dict[str, Any]:
    return {"site": errand.chat, "known": known_to_json(errand.known)}


def _form(errand: SendLink) -> dict[str, Any]:
    fields = [_field_to_json(each) for each in errand.form]
    return {"flow": errand.flow, "language": errand.language, "fields": fields}


def known_to_json(known: Known) -> dict[str, Any]:
    """As plain JSON; `known_from_json` reads it back."""
    return {
        "fields": dict(known.fields),
        "level": known.level,
        "customer": dict(known.customer),
        "proofs": list(known.proofs),
        "proven": list(known.proven),
    }


def known_from_json(plain: Mapping[str, Any]) -> Known:
    """Back from `known_to_json`."""
    return Known(
        plain["fields"],
        plain["level"],
        plain["customer"],
        tuple(plain["proofs"]),
        tuple(plain["proven"]),
    )


def known_of_state(state: Mapping[str, Any]) -> Known:
    """What a flow knows, by its state as JSON; of flows that run each other, the outermost."""
    frames = state.get("frames") or [state]
    return Known(
        frames[0].get("fields") or {},
        str(state.get("level") or "unknown"),
        state.get("customer") or {},
        tuple(state.get("proofs") or ()),
        tuple(frames[0].get("proven") or ()),
    )


def proven_in(state: Mapping[str, Any]) -> frozenset[str]:
    """The fields that a proof holds for, in a flow and all that wait for it, by its state."""
    frames = (state, *(state.get("frames") or ()))
    return frozenset(name for each in frames for name in each.get("proven") or ())


_PLAIN: Final = ("name", "type", "length_min", "length_max", "order")


def _field_to_json(line: FormField) -> dict[str, Any]:
    field = line.field
    return {
        **{name: getattr(field, name) for name in _PLAIN},
        "of": list(field.of),
        "low": None if field.low is None else str(field.low),
        "high": None if field.high is None else str(field.high),
        "label": line.label,
    }


def form_field(plain: Mapping[str, Any]) -> FormField:
    """Back from what a pass keeps of a form's line."""
    low, high = (None if plain[name] is None else Decimal(plain[name]) for name in ("low", "high"))
    told = {name: plain[name] for name in _PLAIN}
    return FormField(Field(**told, of=tuple(plain["of"]), low=low, high=high), plain["label"])
