"""`sms` of services.yaml: where text messages go, and what comes back from there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from ivr.backends import numbers
from ivr.backends.quiet import Quiet
from ivr.backends.speeches import SPEECHES, Speech
from ivr.backends.values import Values
from ivr.flow.loading.section import Section, as_text
from ivr.flow.loading.yaml import quote


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where text messages go, and what comes back from there.

    `to` are the patterns of numbers they may go to; empty: all. `speaks` is the language of the
    provider, `secret` signs what the provider sends us. `numbers` are ours, each with the flow that
    answers there. Nothing that nobody asked for is sent within `quiet`.
    """

    service: str
    sender: str = ""
    to: tuple[str, ...] = ()
    speaks: Speech = "json"
    secret: str = field(default="", repr=False)
    numbers: Mapping[str, str] = field(default_factory=dict)
    quiet: Quiet | None = None


def read_gateway(
    root: Section,
    services: Collection[str],
    values: Values,
    patterns: Callable[[Section, str], tuple[str, ...]],
) -> Gateway | None:
    """The section `sms`; None without one."""
    section = root.section("sms")
    if section is None:
        return None
    with section:
        speaks = section.choice("speaks", SPEECHES, "json")
        # Over SIP there is no service that is asked, but the trunk.
        service = section.text("service", "") if speaks == "sip" else section.text("service")
        if service and service not in services:
            section.problems.unknown(section.place_of("service"), "service", service, services)
        return Gateway(
            service,
            section.text("from", ""),
            patterns(section, "to"),
            next((each for each in SPEECHES if each == speaks), "json"),
            _secret(section, values),
            dict(_numbers(section)),
            _quiet(section),
        )


def _secret(section: Section, values: Values) -> str:
    node = section.node("secret")
    return "" if node is None else values.read(node, '"secret"', secret=True) or ""


def _numbers(section: Section) -> Iterator[tuple[str, str]]:
    for number, place, node in section.entries("numbers"):
        flow = as_text(node, "a flow", section.problems)
        if numbers.cleaned(number) is None:
            cure = 'our own number, in quotes: "+8610..."'
            section.problems.add(place, f"{quote(number)} is no number", cure)
        elif flow is not None:
            yield number, flow


def _quiet(section: Section) -> Quiet | None:
    inner = section.section("quiet")
    if inner is None:
        return None
    with inner:
        begins, ends = inner.text("from"), inner.text("until")
        zone = inner.text("zone", "UTC")
        if not begins or not ends:
            return None
        try:
            return Quiet.told(begins, ends, zone)
        except ValueError as wrong:
            cure = "such as {from: 21:00, until: 08:00, zone: Asia/Shanghai}"
            inner.problems.add(inner.place_of("from"), str(wrong), cure)
            return None
