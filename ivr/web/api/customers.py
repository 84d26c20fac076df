"""Customers: search, edit, tag, notes, merge, and whose a contact is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, StringConstraints

from acd.customers import Address, Consent, Consents, Customer, Customers, Fact, Links, Note
from acd.customers.addresses import AddressKind
from acd.records.contact import ContactRecord
from acd.records.database import Database
from ivr.web.numbers import whole
from ivr.web.problems import not_found
from ivr.web.roles import LEADS, STAFF, Who
from ivr.web.routes import Call, Model, Query, Route

Short = Annotated[str, StringConstraints(max_length=200)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=60)]


class GivenAddress(Model):
    """A way to reach somebody."""

    kind: AddressKind
    value: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    label: Short = ""


class NewCustomer(Model):
    """A customer to be made."""

    name: Short = ""
    segment: Short = ""
    language: Short = ""
    tags: Annotated[tuple[Tag, ...], Field(max_length=50)] = ()
    addresses: Annotated[tuple[GivenAddress, ...], Field(max_length=20)] = ()


class CustomerEdit(Model):
    """What changes; what is left out stays. `version` is the one that was looked at."""

    version: int | None = None
    name: Short | None = None
    segment: Short | None = None
    language: Short | None = None
    tags: Annotated[list[Tag], Field(max_length=50)] | None = None


class Tagging(Model):
    """Tags to be added."""

    tags: Annotated[list[Tag], Field(min_length=1, max_length=50)]


class NewNote(Model):
    """A note, written during `contact` or outside of any."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
    contact: Annotated[str, StringConstraints(max_length=60)] | None = None


class NewFact(Model):
    """What another system knows; the same `key` again takes the place of the old one."""

    kind: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
    data: dict[str, Any]
    key: Short = ""
    at: float | None = None


class Merging(Model):
    """The customer that becomes part of this one."""

    other: int


class Linking(Model):
    """Whose contact it is; None: nobody's."""

    customer: int | None


class Opting(Model):
    """A yes or a no to being written to or called."""

    channel: Literal["voice", "sms", "email", "chat"]
    given: bool
    address: Short | None = None


class Search(Query):
    """What is looked for: `text` anywhere, the others in their own place."""

    text: str = ""
    name: str = ""
    number: str = ""
    email: str = ""
    tag: str = ""
    segment: str = ""
    limit: int = 50


@dataclass(frozen=True, slots=True)
class FactTold:
    """What another system knows; see `NewFact`."""

    id: int
    kind: str
    at: float
    key: str
    data: Mapping[str, Any]
    by: str


@dataclass(frozen=True, slots=True)
class CustomerTold:
    """A customer with what else belongs to them."""

    id: int
    name: str
    segment: str
    language: str
    tags: tuple[str, ...]
    addresses: tuple[Address, ...]
    created_at: float
    updated_at: float
    version: int
    notes: list[Note]
    facts: list[FactTold]
    consents: list[Consent]


class CustomersAsked:
    """`/api/customers`, and whose a contact is."""

    def __init__(
        self, database: Database, customers: Customers, links: Links, consents: Consents
    ) -> None:
        self._database, self._customers = database, customers
        self._links, self._consents = links, consents
        self.sees: Callable[[str, Who], Awaitable[object]]  # or Problem 404

    def routes(self) -> Sequence[Route]:
        """What may be asked."""
        one = "/api/customers/{customer}"
        return (
            Route("GET", "/api/customers", self._find, roles=STAFF, query=Search,
                  gives=list[Customer], summary="Search, best first", audit="customer.search"),
            Route("POST", "/api/customers", self._create, roles=STAFF, takes=NewCustomer,
                  gives=CustomerTold, status=201, summary="Make one", audit="customer.create"),
            Route("GET", one, self._show, roles=STAFF, gives=CustomerTold,
                  summary="A customer with notes, facts and consents", audit="customer.read"),
            Route("PATCH", one, self._edit, roles=STAFF, takes=CustomerEdit, gives=CustomerTold,
                  summary="Change a customer", audit="customer.edit"),
            Route("POST", f"{one}/tags", self._tag, roles=STAFF, takes=Tagging,
                  gives=CustomerTold, summary="Add tags", audit="customer.tag"),
            Route("DELETE", f"{one}/tags/{{tag}}", self._untag, roles=STAFF, gives=CustomerTold,
                  summary="Take a tag away", audit="customer.untag"),
            Route("POST", f"{one}/addresses", self._add_address, roles=STAFF, takes=GivenAddress,
                  gives=CustomerTold, summary="Add an address", audit="customer.address_add"),
            Route("DELETE", f"{one}/addresses/{{kind}}/{{value}}", self._remove_address,
                  roles=STAFF, gives=CustomerTold, summary="Take an address away",
                  audit="customer.address_remove"),
            Route("POST", f"{one}/notes", self._note, roles=STAFF, takes=NewNote, gives=Note,
                  status=201, summary="Write a note", audit="customer.note"),
            Route("POST", f"{one}/facts", self._fact, roles=LEADS, takes=NewFact, gives=FactTold,
                  status=201, summary="Tell a fact, such as a purchase", audit="customer.fact"),
            Route("POST", f"{one}/consents", self._opt, roles=STAFF, takes=Opting,
                  gives=list[Consent], summary="Note a yes or a no", audit="customer.consent"),
            Route("POST", f"{one}/merge", self._merge, roles=STAFF, takes=Merging,
                  gives=CustomerTold, summary="Make another one part of this one",
                  audit="customer.merge"),
            Route("POST", f"{one}/unmerge", self._unmerge, roles=LEADS, gives=CustomerTold,
                  summary="Part it again from the one it was merged into",
                  audit="customer.unmerge"),
            Route("POST", "/api/contacts/{contact}/customer", self._link, roles=STAFF,
                  takes=Linking, summary="Say whose contact it is", audit="contact.link"),
        )  # fmt: skip

    # --- whose (for contacts) ---------------------------------------------------------------------

    async def customer_of(self, contact: str) -> int | None:
        """See `Whose`."""
        link = await self._links.of(contact)
        return None if link is None else link.customer

    async def customer_at(self, number: str) -> int | None:
        """See `Whose`."""
        found = await self._customers.by_address("phone", number)
        return None if found is None else found.id

    async def contacts_of(self, customer: int) -> Sequence[ContactRecord]:
        """See `Whose`."""
        return await self._links.contacts(customer)

    async def name_of(self, customer: int) -> str:
        """What the customer is called."""
        return (await self._customers.get(customer)).name

    # --- routes -----------------------------------------------------------------------------------

    async def _find(self, call: Call) -> list[Customer]:
        wanted: Search = call.query
        found = await self._customers.find(
            wanted.text[:200],
            name=wanted.name[:200],
            number=wanted.number[:60],
            email=wanted.email[:200],
            tag=wanted.tag[:60],
            segment=wanted.segment[:200],
            limit=max(1, min(wanted.limit, 200)),
        )
        call.answer.customers += [each.id for each in found]
        return found

    async def _create(self, call: Call) -> CustomerTold:
        given: NewCustomer = call.body
        made = await self._customers.create(
            name=given.name,
            segment=given.segment,
            language=given.language,
            tags=given.tags,
            addresses=[_address(each) for each in given.addresses],
            by=call.me.user,
        )
        call.answer.customers.append(made.id)
        return await self._told(made.id)

    async def _show(self, call: Call) -> CustomerTold:
        return await self._told(_id(call))

    async def _edit(self, call: Call) -> CustomerTold:
        given: CustomerEdit = call.body
        changes: dict[str, Any] = given.model_dump(exclude_none=True, exclude={"version"})
        await self._customers.edit(_id(call), by=call.me.user, version=given.version, **changes)
        return await self._told(_id(call))

    async def _tag(self, call: Call) -> CustomerTold:
        await self._customers.tag(_id(call), call.body.tags, call.me.user)
        return await self._told(_id(call))

    async def _untag(self, call: Call) -> CustomerTold:
        await self._customers.untag(_id(call), [call["tag"]], call.me.user)
        return await self._told(_id(call))

    async def _add_address(self, call: Call) -> CustomerTold:
        await self._customers.add_address(_id(call), _address(call.body), call.me.user)
        return await self._told(_id(call))

    async def _remove_address(self, call: Call) -> CustomerTold:
        kind = next((each for each in get_args(AddressKind) if each == call["kind"]), None)
        if kind is None:
            raise not_found("address")
        gone = Address(kind, call["value"])
        await self._customers.remove_address(_id(call), gone, call.me.user)
        return await self._told(_id(call))

    async def _note(self, call: Call) -> Note:
        given: NewNote = call.body
        return await self._customers.note(_id(call), given.text, call.me.user, given.contact)

    async def _fact(self, call: Call) -> FactTold:
        given: NewFact = call.body
        fact = await self._customers.add_fact(
            _id(call), given.kind, given.data, at=given.at, key=given.key, by=call.me.user
        )
        return _fact(fact)

    async def _opt(self, call: Call) -> list[Consent]:
        given: Opting = call.body
        await self._consents.opt(
            given.channel,
            given=given.given,
            how="desk",
            by=call.me.user,
            customer=_id(call),
            address=given.address,
        )
        return await self._consents.consents(_id(call))

    async def _merge(self, call: Call) -> CustomerTold:
        call.answer.customers.append(call.body.other)
        merged = await self._customers.merge(_id(call), call.body.other, call.me.user)
        return await self._told(merged.id)

    async def _unmerge(self, call: Call) -> CustomerTold:
        parted = await self._customers.unmerge(_id(call), call.me.user)
        return await self._told(parted.id)

    async def _link(self, call: Call) -> None:
        await self.sees(call["contact"], call.me)
        if call.body.customer is not None:
            call.answer.customers.append(call.body.customer)
        if call.body.customer is None:
            await self._links.unlink(call["contact"], call.me.user)
        else:
            await self._links.link(call["contact"], call.body.customer, "set", call.me.user)

    async def _told(self, customer_id: int) -> CustomerTold:
        one = await self._customers.get(customer_id)
        return CustomerTold(
            one.id,
            one.name,
            one.segment,
            one.language,
            one.tags,
            one.addresses,
            one.created_at,
            one.updated_at,
            one.version,
            await self._customers.notes(one.id, 20),
            [_fact(each) for each in await self._customers.facts(one.id, limit=20)],
            await self._consents.consents(one.id),
        )


def _fact(fact: Fact) -> FactTold:
    return FactTold(fact.id, fact.kind, fact.at, fact.key, fact.data, fact.by)


def _id(call: Call) -> int:
    return whole(call["customer"], "customer")


def _address(given: GivenAddress) -> Address:
    return Address(given.kind, given.value, given.label)
