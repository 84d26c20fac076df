"""Customers: who they are, whose contact is whose, what they allow, and who looked at it all."""

from acd.customers.addresses import CHANNELS, KINDS, Address
from acd.customers.audit import Audit, AuditEntry
from acd.customers.consent import Consents
from acd.customers.customers import Customers
from acd.customers.links import Links
from acd.customers.model import Change, Consent, Customer, Fact, Item, Link, Merge, Note
from acd.customers.timeline import timeline

__all__ = [
    "CHANNELS",
    "KINDS",
    "Address",
    "Audit",
    "AuditEntry",
    "Change",
    "Consent",
    "Consents",
    "Customer",
    "Customers",
    "Fact",
    "Item",
    "Link",
    "Links",
    "Merge",
    "Note",
    "timeline",
]
