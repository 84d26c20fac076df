"""`chats` of services.yaml: the web sites that embed our chat.

chats:
  shop:
    origins: ["https://shop.example"]
    flow: shop
    title: {en: Book shop, zh: 书店}
    colour: "#0b7a75"
    phone: "+861065551234"
    languages: [en, zh]
    secret: {env: SHOP_CHAT}
    ask: [name, phone]
    files: {most: 5, types: [image/png, application/pdf]}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from yarl import URL

from ivr.backends.values import Values
from ivr.flow.loading.section import Section, as_text
from ivr.flow.loading.yaml import Node, Problems, quote

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_PHONE = re.compile(r"(\+?[0-9][0-9 -]{1,20})?")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*")
ASKED = ("name", "email", "phone")
"""What a visitor may be asked for before the first word."""
TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain")
"""What may be attached at all: kinds that can be told by their first bytes."""
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Site:
    """One web site. `origins` are the pages that may embed the chat, `files` the bytes of one
    attachment at most (0: none), `types` their kinds. `secret` signs whom the site vouches for.
    `phone` is the number that its visitors ring, with a code of ours."""

    name: str
    flow: str
    origins: tuple[str, ...] = ()
    title: Mapping[str, str] = field(default_factory=dict)
    colour: str = "#0b5c8a"
    languages: tuple[str, ...] = ("en",)
    secret: str = field(default="", repr=False)
    ask: tuple[str, ...] = ()
    files: int = 5 * MEGABYTE
    types: tuple[str, ...] = ("image/png", "image/jpeg", "application/pdf")
    phone: str = ""

    def allows(self, origin: str) -> bool:
        """Whether pages from there may embed the chat."""
        return origin.lower().rstrip("/") in self.origins


def read_sites(root: Section, values: Values, problems: Problems) -> dict[str, Site]:
    """The section `chats`, by name."""
    found: dict[str, Site] = {}
    for name, place, node in root.entries("chats"):
        if not _NAME.fullmatch(name):
            cure = "lower-case letters, digits and hyphens, beginning with a letter"
            problems.add(place, f"{quote(name)} cannot be a name here", cure)
        found[name] = _site(name, node, values, problems)
    return found


def _site(name: str, node: Node, values: Values, problems: Problems) -> Site:
    usual = Site(name, "")
    with Section(node, f"the chat {quote(name)}", problems) as section:
        secret = section.node("secret")
        titles = section.entries("title")
        title = {language: as_text(text, "a title", problems) or "" for language, _, text in titles}
        files, types = _files(section, usual)
        return Site(
            name,
            section.text("flow"),
            _origins(section),
            title,
            _matching(section, "colour", _COLOUR, usual.colour, 'such as "#0b5c8a"'),
            _languages(section) or usual.languages,
            "" if secret is None else values.read(secret, '"secret"', secret=True) or "",
            _some_of(section, "ask", ASKED),
            files,
            types,
            _matching(section, "phone", _PHONE, "", 'such as "+861065551234"'),
        )


def _origins(section: Section) -> tuple[str, ...]:
    found = []
    for text in section.texts("origins"):
        url = URL(text) if text.isascii() else URL()
        bare = (
            url.scheme in {"http", "https"} and url.host and str(url.origin()) == text.rstrip("/")
        )
        if not bare:
            cure = "https://shop.example, without a path"
            section.problems.add(
                section.place_of("origins"), f"{quote(text)} is no origin of pages", cure
            )
        found.append(text.rstrip("/").lower())
    return tuple(found)


def _languages(section: Section) -> tuple[str, ...]:
    languages = section.texts("languages")
    for text in languages:
        if not _LANGUAGE.fullmatch(text):
            wrong = f"{quote(text)} is no language"
            section.problems.add(section.place_of("languages"), wrong, "such as en or zh")
    return languages


def _some_of(section: Section, key: str, known: tuple[str, ...]) -> tuple[str, ...]:
    found = section.texts(key)
    for text in found:
        if text not in known:
            section.problems.unknown(section.place_of(key), key, text, known)
    return found


def _matching(section: Section, key: str, pattern: re.Pattern[str], usual: str, cure: str) -> str:
    text = section.text(key, usual)
    if not pattern.fullmatch(text):
        section.problems.add(section.place_of(key), f"{quote(text)} cannot be the {key}", cure)
        return usual
    return text


def _files(section: Section, usual: Site) -> tuple[int, tuple[str, ...]]:
    inner = section.section("files")
    if inner is None:
        return usual.files, usual.types
    with inner:
        most = inner.integer("most", usual.files // MEGABYTE, low=0, high=25)
        return most * MEGABYTE, _some_of(inner, "types", TYPES) or usual.types
