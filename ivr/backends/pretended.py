"""A `Desk` that answers as it was told, at once and without a network: to try and test flows.

Tables beside the flows answer truly; accounts lock and codes expire as they really do. A one-time
code is `123456` (as many of these digits as it has), a calendar offers the working hours of the
flow's zone, a text message is taken, a promise kept. A service or database that nothing was told
about fails, and says so in the story.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus

from ivr.backends import booking
from ivr.backends.answers import Lying, scalars
from ivr.backends.attempts import Record, admitted
from ivr.backends.codes import Code, checked, identified
from ivr.backends.identity import read_identity
from ivr.backends.numbers import NOT_LISTED, may_ring, same_form
from ivr.backends.pretences import Pretence, Pretences
from ivr.backends.sources import Sources
from ivr.errors import ServiceFault
from ivr.flow.actions import Failed
from ivr.flow.errands import (
    CODE_MARK,
    LINK_MARK,
    Answer,
    Callback,
    CallbackKept,
    CallbackRefused,
    CheckCode,
    CodeMade,
    CodeSent,
    Errand,
    Findings,
    Http,
    Identified,
    Identify,
    Invite,
    Joined,
    Known,
    Lookup,
    Recognise,
    Reserve,
    Reserved,
    Room,
    RoomFound,
    Row,
    SendCode,
    SendLink,
    Sent,
    Slots,
    Sms,
    TakeCode,
)
from ivr.flow.loading.tables import verify

DIGITS = "1234567890"
INVITED = DIGITS[:6]
"""The code that leads from a chat to a call."""
LINK = "https://tieline.example/link"


class Pretended:
    """Answers by `pretences`; `messages` and `promises` are what was sent and promised.

    `clock` times of lock-outs and codes are those of the flow (`now`).
    """

    def __init__(self, sources: Sources, pretences: Pretences | None = None) -> None:
        self.sources, self.pretences = sources, dict(pretences or {})
        self.messages: list[tuple[str, str]] = []
        self.promises: list[Callback] = []
        self._told: dict[str, int] = {}
        self._attempts: dict[str, Record] = {}
        self._codes: dict[str, Code] = {}

    def tell(self, pretences: Pretences) -> None:
        """From here on these answers count, from the first of each; the others stay."""
        for name, answers in pretences.items():
            self.pretences[name] = answers
            self._told.pop(name, None)

    async def run(
        self, errand: Errand, *, contact: str, now: datetime, caller: str = "", once: str = ""
    ) -> Findings:
        """See `ivr.backends.desk.Desk`."""
        return self.answer(errand, now=now, caller=caller)

    def answer(self, errand: Errand, *, now: datetime, caller: str = "") -> Findings:
        """The same at once."""
        try:
            return self._answer(errand, now, caller)
        except Lying as why:
            return Failed(f"lying: {why}")
        except ServiceFault as why:
            return Failed(str(why))

    def _answer(self, errand: Errand, now: datetime, caller: str) -> Findings:
        match errand:
            case Identify():
                return self._identify(errand, now)
            case Recognise():
                return self._recognise(errand)
            case SendCode():
                return self._send_code(errand, now)
            case CheckCode():
                return self._check_code(errand, now)
            case Http():
                return self._service(errand.service, errand.method)
            case Lookup():
                return self._lookup(errand)
            case Sms():
                return self._sms(errand)
            case Callback():
                return self._callback(errand, caller)
            case Slots():
                return self._slots(errand)
            case Reserve():
                return self._reserve(errand)
            case Room() | Invite() | TakeCode() | SendLink():
                return self._elsewhere(errand)

    def _elsewhere(self, errand: Room | Invite | TakeCode | SendLink) -> Findings:
        match errand:
            case Room():
                return self._room()
            case Invite():
                return CodeMade(INVITED)
            case TakeCode():
                return self._take_code(errand)
            case SendLink():
                return self._sms(Sms(errand.to, errand.text.replace(LINK_MARK, LINK)))

    # --- what was told ---

    def _pretence(self, name: str, verb: str = "") -> Pretence | None:
        """The next answer of that name; the last one serves for all that follow."""
        for key in (f"{name}.{verb}", name):
            told = self.pretences.get(key)
            if told:
                at = self._told.get(key, 0)
                self._told[key] = at + 1
                return told[min(at, len(told) - 1)]
        return None

    def _service(self, name: str, verb: str) -> Answer | Failed:
        pretence = self._pretence(name, verb.lower())
        if pretence is None:
            return Failed(f"{name}: nothing was told about what it answers")
        return _failed(name, pretence) or Answer(pretence.status, pretence.body)

    # --- who is calling ---

    def _identify(self, errand: Identify, now: datetime) -> Findings:
        told = self._pretence(errand.source, "post")
        failed = _failed(errand.source, told) if told is not None else None
        if failed is not None:
            return failed
        table = self.sources.tables.table(errand.source)
        if told is None and table is None:
            return Failed(f"{errand.source}: nothing was told about what it answers")
        account = errand.account or (table.key if table is not None else "")
        subject = f"{errand.source} {errand.given.get(account, '').strip().casefold()}"
        rules, at = self.sources.services.lockout, now.timestamp()
        record = admitted(self._attempts.get(subject, Record()), rules, at)
        if record is None:
            return Identified(ok=False, locked=True)
        found: Identified | Failed = Identified(ok=False)
        if told is not None:
            found = read_identity(Answer(told.status, told.body))
        elif table is not None:
            found = verify(table, errand)
        if isinstance(found, Failed):
            return found
        self._attempts[subject] = Record() if found.ok else record
        return found if found.ok else Identified(ok=False, locked=at < record.until)

    def _recognise(self, errand: Recognise) -> Findings:
        table = self.sources.tables.table(errand.source)
        if table is None or errand.column in table.secret:
            return Failed(f"no table {errand.source!r} with a column {errand.column!r} to read")
        region = self.sources.services.region
        form = same_form(errand.number, region)
        rows = [
            row
            for row in table.sheet.rows
            if form is not None and same_form(row.get(errand.column, ""), region) == form
        ]
        if len(rows) != 1:
            return Identified(ok=False)
        return Identified(ok=True, level="number", facts=dict(rows[0]), key=table.key)

    def _send_code(self, errand: SendCode, now: datetime) -> Findings:
        code = (DIGITS * 2)[: errand.length]
        sent = self._sms(Sms(errand.to, errand.text.replace(CODE_MARK, code)))
        if isinstance(sent, Failed):
            return sent
        handle, at = f"code-{len(self._codes) + 1}", now.timestamp()
        self._codes[handle] = Code(code, errand.to, at, at + errand.expires)
        return CodeSent(handle)

    def _check_code(self, errand: CheckCode, now: datetime) -> Findings:
        rules, given = self.sources.services.codes, "".join(errand.given.split())
        known = self._codes.get(errand.handle)
        digits = given if given.isascii() else ""
        verdict, after = checked(known, digits, rules, now.timestamp())
        if known is not None:
            self._codes[errand.handle] = after
        return identified(verdict)

    # --- everything else ---

    def _lookup(self, errand: Lookup) -> Findings:
        if self.sources.tables.sheet(errand.table) is not None:
            pretence = self._pretence(errand.table)
            if pretence is None:
                row = self.sources.tables.find(errand.table, errand.by)
                return Row(found=False) if row is None else Row(found=True, values=dict(row))
        else:
            pretence = self._pretence(errand.table)
        if pretence is None:
            return Failed(f"{errand.table}: nothing was told about what it holds")
        failed = _failed(errand.table, pretence)
        if failed is not None:
            return failed
        if pretence.body is None:
            return Row(found=False)
        return Row(found=True, values=scalars(pretence.body, "the row"))

    def _sms(self, errand: Sms) -> Sent | Failed:
        if same_form(errand.to, self.sources.services.region) is None:
            return Failed("text messages do not go to this number")
        failed = _refused("sms", self._pretence("sms"))
        if failed is not None:
            return failed
        self.messages.append((errand.to, errand.text))
        return Sent(f"message-{len(self.messages)}")

    def _callback(self, errand: Callback, caller: str) -> Findings:
        services = self.sources.services
        if may_ring(errand.number, caller, services.outside, services.region) is None:
            return CallbackRefused(NOT_LISTED)
        pretence = self._pretence("callback")
        match pretence.status if pretence is not None else None:
            case HTTPStatus.FORBIDDEN:
                return CallbackRefused("as it was pretended")
            case HTTPStatus.CONFLICT:
                return CallbackKept("callback-1", already=True)
        failed = _refused("callback", pretence)
        if failed is not None:
            return failed
        customer = same_form(errand.number, services.region)
        for count, kept in enumerate(self.promises, 1):
            if same_form(kept.number, services.region) == customer:
                return CallbackKept(f"callback-{count}", already=kept != errand)
        self.promises.append(errand)
        return CallbackKept(f"callback-{len(self.promises)}")

    def _room(self) -> RoomFound | Failed:
        """There is room unless something else was told; `body` is the wait in minutes."""
        pretence = self._pretence("room")
        if pretence is None:
            return RoomFound(room=True)
        failed = _failed("room", pretence)
        minutes = pretence.body
        if failed is not None:
            return failed
        if not isinstance(minutes, int) or isinstance(minutes, bool):
            return RoomFound(room=pretence.status < 300)
        return RoomFound(False, minutes * 60.0, (0, minutes))

    def _take_code(self, errand: TakeCode) -> Joined | Failed:
        """What was told under `join` is known there; in letters, without it, there is no other."""
        pretence = self._pretence("join")
        failed = _refused("join", pretence)
        if failed is not None:
            return failed
        if errand.given != INVITED and (errand.given or pretence is None):
            return Joined(ok=False)
        body = pretence.body if pretence is not None else None
        told = body if isinstance(body, dict) else {}
        fields, level = told.get("fields"), told.get("level")
        customer = told.get("customer")
        known = Known(
            scalars({} if fields is None else fields, "the fields of the other conversation"),
            level if isinstance(level, str) else "unknown",
            scalars({} if customer is None else customer, "the customer"),
            ("join",),
        )
        return Joined(True, known)

    def _slots(self, errand: Slots) -> Findings:
        until = errand.after + timedelta(seconds=errand.within)
        pretence = self._pretence(errand.service, "get")
        if pretence is None:
            pretence = Pretence(200, booking.working_hours(errand.after, until, errand.limit))
        failed = _refused(errand.service, pretence)
        if failed is not None:
            return failed
        return booking.read_slots(Answer(200, pretence.body), errand.after, until, errand.limit)

    def _reserve(self, errand: Reserve) -> Findings:
        pretence = self._pretence(errand.service, "post")
        if pretence is None:
            return Reserved("R-1")
        failed = _failed(errand.service, pretence)
        answer = Answer(pretence.status, pretence.body)
        return failed or booking.read_reservation(errand.service, answer)


def _failed(name: str, pretence: Pretence) -> Failed | None:
    match pretence.trouble:
        case "down":
            return Failed(f"{name}: it cannot be reached")
        case "slow":
            return Failed(f"{name}: no answer in time")
        case "lying":
            return Failed(f"lying: {name}: the answer is no JSON")
        case None:
            return None


def _refused(name: str, pretence: Pretence | None) -> Failed | None:
    """The trouble, or a status that means no."""
    if pretence is None:
        return None
    if pretence.trouble is None and pretence.status >= 300:
        return Failed(f"{name}: it answered {pretence.status}")
    return _failed(name, pretence)
