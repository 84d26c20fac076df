"""Steps that ask the systems behind the flow: services, tables and databases."""

from __future__ import annotations

import re

from ivr.flow.loading.clause import EMPTY, Clause
from ivr.flow.loading.yaml import Node, Scalar, quote
from ivr.flow.model import HttpStep, LookupStep
from ivr.flow.words import Template

METHODS = ("get", "post", "put", "patch", "delete")
BODIES = ("post", "put", "patch")
REPEATABLE = ("get", "put", "delete")
"""Methods that may be tried again: twice is the same as once (RFC 9110, 9.2.2)."""
TIMEOUT = (0.1, 30.0)
RETRIES = 5
STATUS = re.compile(r"[2-5](\d\d|xx)")

_PATH = re.compile(r"[A-Za-z0-9_@$-]+(\.[A-Za-z0-9_@$-]+)*")


def http(clause: Clause) -> HttpStep:
    """Ask a service, and take fields out of its answer."""
    section, problems = clause.section, clause.problems
    method, path = _request(clause)
    service = _service(clause)
    secrets = tuple(name for name, _ in clause.fields(section.node("secrets"), '"secrets"'))
    body = clause.templates("body") if section.node("body") is not None else None
    if body is not None and method and method not in BODIES:
        cure = "put the values under `query`, or use post"
        problems.add(section.place_of("body"), f"a {method} has no body", cure)
    if secrets and method and method not in BODIES:
        message = f"the secrets of a {method} would stand in an address, and so in logs"
        problems.add(section.place_of("secrets"), message, "use post")
    retries = section.integer("retries", 0, low=0, high=RETRIES)
    if retries and method and method not in REPEATABLE:
        message = f"a {method} is not repeated: the first may have arrived"
        problems.add(section.place_of("retries"), message, "leave `retries` away")
    return HttpStep(
        name=clause.name,
        place=clause.place,
        service=service,
        method=method,
        path=path,
        query=clause.templates("query"),
        body={} if body is None and secrets else body,
        secrets=secrets,
        timeout=section.duration("timeout", None, low=TIMEOUT[0], high=TIMEOUT[1]),
        retries=retries,
        take=_take(clause),
        statuses=_statuses(clause),
        patience=clause.patience(),
        next=clause.next(),
        otherwise=clause.otherwise(),
    )


def _service(clause: Clause) -> str:
    if isinstance(clause.value, Scalar) and "://" in clause.value.text:
        cure = "describe it in services.yaml, and write its name from there"
        clause.problems.add(clause.value.place, '"http" names a service, not an address', cure)
        return ""
    return clause.reading.plain_name(clause.value, '"http"')


def _request(clause: Clause) -> tuple[str, Template]:
    nodes = {method: clause.section.node(method) for method in METHODS}
    given = {method: node for method, node in nodes.items() if node is not None}
    if not given:
        message = f"{clause.section.what} does not say what to ask for"
        cure = 'add get: "/path", or post, put, patch, delete'
        clause.problems.add(clause.place, message, cure)
        return "", EMPTY
    method, node = next(iter(given.items()))
    if len(given) > 1:
        both = " and ".join(quote(each) for each in given)
        cure = "make it two steps"
        clause.problems.add(clause.place, f"{clause.section.what} has {both}", cure)
    return method, _path(clause, node, quote(method))


def _path(clause: Clause, node: Node, what: str) -> Template:
    template = clause.reading.template(node, what)
    source = template.source
    wrong = cure = ""
    if "://" in source or source.startswith("//"):
        wrong, cure = "is a whole address", "write its path; services.yaml has the rest"
    elif source and not source.startswith("/"):
        wrong, cure = 'does not begin with "/"', f"write {quote('/' + source)}"
    elif "?" in source or "#" in source:
        wrong, cure = 'has a "?" or "#"', "put what follows under `query`"
    elif any(part in {".", ".."} for part in source.split("/")):
        wrong, cure = 'has "." or ".." as a part', "write the path itself"
    if wrong:
        clause.problems.add(node.place, f"the path {quote(source)} {wrong}", cure)
    return template


def _take(clause: Clause) -> dict[str, str]:
    taken: dict[str, str] = {}
    for name, (path, place) in clause.taken("take").items():
        taken[name] = path
        if not _PATH.fullmatch(path):
            cure = "write names with dots between them, such as delivery.date or items.0.name"
            clause.problems.add(place, f"{quote(path)} is no path in an answer", cure)
    return taken


def _statuses(clause: Clause) -> dict[str, str]:
    found: dict[str, str] = {}
    for key in clause.section:
        if key[:1].isdigit():
            way = clause.step(key)
            if not STATUS.fullmatch(key):
                message = f"{quote(key)} is no status of an answer"
                cure = "a status is 200 to 599, or 2xx, 3xx, 4xx or 5xx"
                clause.problems.add(clause.section.place_of(key), message, cure)
            found[key] = way or ""
    return found


def lookup(clause: Clause) -> LookupStep:
    """Find a row, and take fields out of it."""
    by = clause.templates("by")
    if not by:
        message = f"{clause.section.what} does not say what to look for"
        clause.problems.add(clause.place, message, 'add by: {column: "{{ field }}"}')
    taken = clause.taken("take")
    return LookupStep(
        name=clause.name,
        place=clause.place,
        table=clause.reading.plain_name(clause.value, '"lookup"'),
        by=by,
        take={name: column for name, (column, _) in taken.items()},
        patience=clause.patience(),
        next=clause.next(),
        otherwise=clause.otherwise(),
    )
