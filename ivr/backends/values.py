"""Values an administrator keeps outside the file: in the environment, a file or a credential.

    {env: ORDERS_TOKEN}              a variable of the environment
    {file: /etc/tieline/orders}      a file, relative to the one that names it
    {secret: orders}                 a file of that name in $CREDENTIALS_DIRECTORY (systemd), else
                                     in /run/secrets (containers)
    {env: ORDERS_TOKEN, prefix: "Bearer "}

What is not there is no mistake in the file, so it is collected apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ivr.errors import Problem
from ivr.flow.loading.section import Section, as_text
from ivr.flow.loading.yaml import Mapping as MappingNode
from ivr.flow.loading.yaml import Node, Problems, quote
from ivr.flow.words import Place

SOURCES = ("env", "file", "secret")
CREDENTIALS, CONTAINER = "CREDENTIALS_DIRECTORY", "/run/secrets"
LONGEST = 8000

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(slots=True)
class Values:
    """Reads values; `missing` collects what is named and not there."""

    folder: Path
    env: Mapping[str, str] = field(repr=False)
    problems: Problems
    missing: list[Problem] = field(default_factory=list)

    def read(self, node: Node, what: str, *, secret: bool = False) -> str | None:
        """The value of a node, on one line; None after a mistake, "" when it is missing.

        With `secret` it may not be written into the file itself.
        """
        if isinstance(node, MappingNode):
            return self._elsewhere(node, what)
        text = as_text(node, what, self.problems, longest=LONGEST)
        if text is None:
            return None
        if secret:
            cure = "name where it is kept: {env: NAME}, {file: path} or {secret: name}"
            self.problems.add(node.place, f"{what} is a secret and stands in the file", cure)
            return None
        return self._one_line(text, what, node.place)

    def _elsewhere(self, node: MappingNode, what: str) -> str | None:
        with Section(node, what, self.problems) as section:
            found = [(name, section.text(name)) for name in SOURCES if name in section]
            section.allow(*SOURCES)
            prefix = section.text("prefix", "")
            if len(found) != 1:
                cure = "{env: NAME}, {file: path} or {secret: name}"
                self.problems.add(node.place, f"{what} needs one source", cure)
                return None
            source, name = found[0]
            place = section.place_of(source)
        if not name:
            return None
        value = self._look(source, name, place, what)
        return prefix + value if value else value

    def _look(self, source: str, name: str, place: Place, what: str) -> str | None:
        if source == "env":
            value = self.env.get(name, "")
            if not value:
                self._miss(place, f"{what}: the variable {name} is not set", f"set {name}")
            return self._one_line(value, what, place)
        if source == "secret" and not _NAME.fullmatch(name):
            self.problems.add(place, f"{quote(name)} cannot be the name of a secret")
            return None
        credentials = Path(self.env.get(CREDENTIALS) or CONTAINER)
        file = credentials / name if source == "secret" else self.folder / Path(name).expanduser()
        try:
            value = file.read_text(encoding="utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as why:
            reason = getattr(why, "strerror", None) or "it is no text"
            self._miss(place, f"{what}: {file} cannot be read: {reason}", "put the value there")
            return ""
        if not value:
            self._miss(place, f"{what}: {file} is empty", "put the value there")
        return self._one_line(value, what, place)

    def _one_line(self, value: str, what: str, place: Place) -> str | None:
        if _CONTROL.search(value) or len(value) > LONGEST:
            cure = f"one line of at most {LONGEST} characters"
            self.problems.add(place, f"{what} holds more than one line of text", cure)
            return None
        return value

    def _miss(self, place: Place, message: str, cure: str) -> None:
        self.missing.append(Problem(place.file, place.line, place.column, message, cure))
