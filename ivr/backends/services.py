"""`services.yaml`, the administrator's file beside the flows: what may be reached, and how.

    region: CN
    services:
      orders: {url: "https://shop.example/api", timeout: 3s, headers: {Authorization: {env: TOKEN}}}
      people: {url: "https://crm.example/identify", kind: identity}
    databases:
      branches: {url: {env: BRANCHES_DB}, query: "select address from branches where city = :city"}
    sms: {service: gateway, from: "+8610...", speaks: twilio, secret: {env: TWILIO_TOKEN},
          numbers: {"+8610...": shop}, quiet: {from: 21:00, until: 08:00, zone: Asia/Shanghai}}
    outside: ["+8610*"]
    lockout: {failures: 5, within: 15m, lasts: 15m}
    codes: {checks: 3, per_hour: 5}

A value that is kept elsewhere and not there (`Services.missing`) is no mistake in the file: what
needs it fails, everything else works.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from sqlalchemy import make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from yarl import URL

from ivr.backends import numbers
from ivr.backends.gateway import Gateway, read_gateway
from ivr.backends.names import KINDS, Kind, Names
from ivr.backends.sites import Site, read_sites
from ivr.backends.values import Values
from ivr.errors import Problem
from ivr.flow.loading.files import read_source
from ivr.flow.loading.section import Section, as_list, as_text
from ivr.flow.loading.yaml import Node, Problems, Scalar, parse, quote
from ivr.flow.words import Place

FILE = "services.yaml"

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_SECRET_HEADER = re.compile(
    r"auth|token|secret|key|passw|cookie|credential|signature", re.IGNORECASE
)
_OURS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection"})
_WRITABLE = re.compile(r"[!-~]+")
_READS = re.compile(r"\s*(select|with)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Service:
    """One HTTP service; flows cannot leave its `url`, which is "" while it lacks a value.

    Seconds: `timeout` is for one attempt, `limit` for all of them together. `at_once` bounds the
    requests under way. `private` allows a name that leads into a private network.
    """

    name: str
    url: str
    kind: Kind = "http"
    timeout: float = 5.0
    limit: float = 10.0
    at_once: int = 16
    private: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Database:
    """One query; `parameters` are bound by name, `timeout` is in seconds. `url` as in `Service`."""

    name: str
    url: str = field(repr=False)
    query: str
    parameters: frozenset[str]
    timeout: float = 3.0


@dataclass(frozen=True, slots=True)
class Lockout:
    """After `failures` within so many seconds, an account is locked for `lasts` seconds."""

    failures: int = 5
    within: float = 900.0
    lasts: float = 900.0


@dataclass(frozen=True, slots=True)
class CodeRules:
    """How often one code may be compared, and how many one number gets in an hour."""

    checks: int = 3
    per_hour: int = 5


@dataclass(frozen=True, slots=True)
class Services:
    """What the file says; the default is what holds without one: nothing may be reached."""

    services: Mapping[str, Service] = field(default_factory=dict)
    databases: Mapping[str, Database] = field(default_factory=dict)
    gateway: Gateway | None = None
    outside: tuple[str, ...] = ()
    region: str | None = None
    lockout: Lockout = Lockout()
    codes: CodeRules = CodeRules()
    missing: tuple[Problem, ...] = ()
    chats: Mapping[str, Site] = field(default_factory=dict)

    def names(self) -> Names:
        """What flows may name."""
        return Names(
            services={name: service.kind for name, service in self.services.items()},
            databases={name: each.parameters for name, each in self.databases.items()},
            outside=self.outside,
            region=self.region,
            sms=self.gateway is not None,
            chats=frozenset(self.chats),
        )


def read_services(
    path: Path, problems: Problems, env: Mapping[str, str], folder: Path | None = None
) -> Services:
    """The file at `path`; a file that is not there offers nothing. `folder` as below."""
    source = read_source(path, problems, optional=True)
    if source is None:
        return Services()
    return parse_services(source, str(path), problems, env, folder)


def parse_services(
    source: bytes | str,
    file: str,
    problems: Problems,
    env: Mapping[str, str],
    folder: Path | None = None,
) -> Services:
    """The same from text; paths in it are relative to `folder`, or to that of `file`."""
    root = parse(source, file, problems)
    if root is None:
        return Services()
    with Section(root, "the file", problems) as section:
        return _Reader(Values(folder or Path(file).parent, env, problems), problems).all(section)


@dataclass(frozen=True, slots=True)
class _Reader:
    values: Values
    problems: Problems

    def all(self, root: Section) -> Services:
        """The whole file."""
        region = root.text("region", None)
        if region is not None and not numbers.is_region(region):
            cure = "write the country in two capitals, such as CN or GB"
            self.problems.add(root.place_of("region"), f"unknown region {quote(region)}", cure)
        services = {name: self._service(name, node) for name, node in self._named(root, "services")}
        databases = {
            name: self._database(name, node) for name, node in self._named(root, "databases")
        }
        gateway = read_gateway(root, services, self.values, self._patterns)
        sites = read_sites(root, self.values, self.problems)
        return Services(
            services,
            databases,
            gateway,
            self._patterns(root, "outside"),
            region,
            _lockout(root),
            _codes(root),
            tuple(self.values.missing),
            sites,
        )

    def _named(self, root: Section, key: str) -> list[tuple[str, Node]]:
        found: list[tuple[str, Node]] = []
        for name, place, node in root.entries(key):
            if not _NAME.fullmatch(name):
                cure = "lower-case letters, digits and hyphens, beginning with a letter"
                self.problems.add(place, f"{quote(name)} cannot be a name here", cure)
            found.append((name, node))
        return found

    def _service(self, name: str, node: Node) -> Service:
        before = len(self.values.missing)
        with Section(node, f"the service {quote(name)}", self.problems) as section:
            private = section.boolean("private", default=False)
            timeout = section.duration("timeout", 5.0, low=0.1, high=60.0)
            kind = section.choice("kind", KINDS, "http")
            url, headers = self._url(section, private), self._headers(section)
            return Service(
                name,
                url if len(self.values.missing) == before else "",
                next((each for each in KINDS if each == kind), "http"),
                timeout,
                section.duration("limit", max(10.0, timeout), low=0.1, high=120.0),
                section.integer("at_once", 16, low=1, high=1000),
                private,
                headers,
            )

    def _url(self, section: Section, private: bool) -> str:
        node = section.node("url", required=True)
        value = self.values.read(node, '"url"') if node is not None else None
        wrong = _wrong_url(value, private) if value else None
        if node is not None and wrong is not None:
            self.problems.add(node.place, *wrong)
        return value or ""

    def _headers(self, section: Section) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, place, node in section.entries("headers"):
            if not _HEADER.fullmatch(name):
                self.problems.add(place, f"{quote(name)} cannot be the name of a header")
            elif name.lower() in _OURS:
                self.problems.add(place, f"the header {name} is set by Tieline", "leave it out")
            else:
                secret = _SECRET_HEADER.search(name) is not None
                value = self.values.read(node, f"the header {name}", secret=secret)
                if value and not value.isascii():
                    self.problems.add(node.place, f"the header {name} has letters beyond ASCII")
                found[name] = value or ""
        return found

    def _database(self, name: str, node: Node) -> Database:
        with Section(node, f"the database {quote(name)}", self.problems) as section:
            url = self._database_url(section)
            query = section.text("query")
            parameters: frozenset[str] = frozenset()
            if query:
                parameters = self._parameters(query, section.place_of("query"))
            timeout = section.duration("timeout", 3.0, low=0.1, high=60.0)
            return Database(name, url, query, parameters, timeout)

    def _database_url(self, section: Section) -> str:
        node = section.node("url", required=True)
        value = self.values.read(node, '"url"') if node is not None else None
        if node is None or not value:
            return ""
        wrong = _wrong_database(value)
        if wrong is not None:
            cure = "an SQLAlchemy URL with an asynchronous driver, such as sqlite+aiosqlite:///file"
            self.problems.add(node.place, wrong, cure)
            return ""
        if isinstance(node, Scalar) and make_url(value).password:
            cure = "keep the whole url elsewhere: {env: NAME}"
            self.problems.add(node.place, "a password stands in the file", cure)
        return value

    def _parameters(self, query: str, place: Place) -> frozenset[str]:
        if not _READS.match(query) or ";" in query.rstrip().removesuffix(";"):
            cure = "one statement that begins with select or with"
            self.problems.add(place, '"query" may only read', cure)
        try:
            names = frozenset(text(query).compile().params)
        except ArgumentError:
            names = frozenset()
        if not names:
            cure = "name what is searched for, such as `where city = :city`"
            self.problems.add(place, '"query" has no parameter', cure)
        return names

    def _patterns(self, section: Section, key: str) -> tuple[str, ...]:
        node = section.node(key)
        if node is None:
            return ()
        return as_list(node, quote(key), self.problems, self._pattern)

    def _pattern(self, node: Node) -> str | None:
        pattern = as_text(node, "a number", self.problems)
        if pattern is None:
            return None
        digits = pattern.removesuffix("*").removeprefix("+")
        if not numbers.PATTERN.fullmatch(pattern) or len(digits) < numbers.SHORTEST:
            cure = f"a number, or {numbers.SHORTEST} digits or more of its beginning and *"
            self.problems.add(node.place, f"{quote(pattern)} is no pattern of numbers", cure)
            return None
        return pattern


def _lockout(root: Section) -> Lockout:
    section = root.section("lockout")
    if section is None:
        return Lockout()
    with section:
        return Lockout(
            section.integer("failures", 5, low=1, high=100),
            section.duration("within", 900.0, low=60.0),
            section.duration("lasts", 900.0, low=60.0),
        )


def _codes(root: Section) -> CodeRules:
    section = root.section("codes")
    if section is None:
        return CodeRules()
    with section:
        return CodeRules(
            section.integer("checks", 3, low=1, high=10),
            section.integer("per_hour", 5, low=1, high=100),
        )


def _wrong_url(value: str, private: bool) -> tuple[str, str] | None:
    """What is wrong with the address of a service, and the cure."""
    try:
        url = URL(value)
        host = url.host or ""
    except ValueError:
        host, url = "", URL()
    if url.scheme not in {"http", "https"} or not host or _half_an_address(host):
        return "this is no address of a service", "https://host/path"
    if not _WRITABLE.fullmatch(value):
        return "the address has a space, or letters beyond ASCII", "write them encoded: %20, xn--"
    if url.user is not None or url.password is not None:
        return "a password stands in the address", "send it in a header: {env: NAME}"
    if url.query_string or url.fragment or "?" in value or "#" in value:
        return "the address has more than a path", "a flow adds the query"
    if url.scheme == "http" and not private and not is_own_network(host):
        cure = "https, or `private: true` for a service in your own network"
        return f"{host} would be asked in the clear", cure
    return None


def _half_an_address(host: str) -> bool:
    """Whether a host is a number and no IP address in full: programs disagree about `127.1`."""
    try:
        ip_address(host)
    except ValueError:
        return host.replace(".", "").isdigit() or ":" in host
    return False


def is_own_network(host: str) -> bool:
    """Whether a host as it is written is this machine or an address of a private network."""
    if host == "localhost":
        return True
    try:
        return not ip_address(host).is_global
    except ValueError:
        return False


def _wrong_database(value: str) -> str | None:
    try:
        dialect = make_url(value).get_dialect()
        dialect.import_dbapi()
    except (ArgumentError, NoSuchModuleError):
        return "this is no address of a database"
    except ImportError as why:
        return f"its driver is not installed: {why.name}"
    return None if dialect.is_async else "its driver is not asynchronous"
