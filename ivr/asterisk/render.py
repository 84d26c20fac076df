"""Asterisk's configuration, rendered from the templates into a run folder.

`Site` holds every value a template may use. Nothing is ever written to `/etc/asterisk`, and a file
is only replaced when its text changed, so that a reload touches what it must and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import jinja2

from ivr.errors import ServiceFault

# What the service acts on: a plain call makes 62 AMI events, few of them carry a decision.
AMI_EVENTS = (
    "FullyBooted",
    "Shutdown",
    "Newchannel",
    "Hangup",
    "HangupRequest",
    "DialBegin",
    "DialEnd",
    "AttendedTransfer",
    "OriginateResponse",
    "PeerStatus",
)

FEATURE_CODES: Mapping[str, str] = {
    "*40": "logout",
    "*41": "login",
    "*42": "ready",
    "*43": "pause",
    "*44": "finish",
    "*45": "status",
    "*46": "queue",
    "*47": "disposition",
    "*48": "mobile",
    "*49": "extend",
}
"""What an agent dials, and the action it means."""
LONGER_CODES: Mapping[str, str] = {
    "*43": "X",
    "*46": "X",
    "*46X": ".",
    "*47": "X",
}
"""Codes that more may follow, as patterns: the digit of a reason, of a queue or of a disposition,
or a queue's whole number."""


@dataclass(frozen=True, slots=True)
class PhoneAccount:
    """A phone: the extension it registers as, the name it shows, its SIP password."""

    id: str
    caller_name: str
    password: str


@dataclass(frozen=True, slots=True)
class Trunk:
    """A SIP peer that calls come from: its name and the addresses it calls from."""

    name: str
    peers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OtherNode:
    """Another machine that shares queues and agents; where its Asterisk listens."""

    name: str
    address: str

    @property
    def host(self) -> str:
        """The address without its port."""
        return self.address.rpartition(":")[0].strip("[]")


@dataclass(frozen=True, slots=True)
class Folders:
    """Where this Asterisk's files are; all absolute."""

    etc: Path
    var: Path
    spool: Path
    log: Path
    socket: Path
    music: Path
    phrases: Path
    messages: Path
    modules: Path
    data: Path


@dataclass(frozen=True, slots=True)
class Site:
    """Every value the templates read.

    `agents` are the phones that are somebody's own, `desks` those that anybody may sit at,
    `roaming` the agents who have none, `queue_numbers` what leads to queues.
    """

    folders: Folders
    bind: str
    sip_port: int
    rtp_start: int
    rtp_end: int
    agi_port: int
    ami_port: int
    ami_secret: str
    console_url: str
    console_token: str
    languages: Sequence[str]
    numbers: Sequence[str]
    agents: Sequence[PhoneAccount]
    transfer_targets: Sequence[str]
    desks: Sequence[PhoneAccount] = ()
    roaming: Sequence[str] = ()
    queue_numbers: Sequence[str] = ()
    trunks: Sequence[Trunk] = ()
    node: str = "node1"
    other_nodes: Sequence[OtherNode] = ()
    node_password: str = ""
    drained: bool = False
    patience_before_fallback: int = 20
    fallback_number: str | None = None
    trunk_to_dial: str | None = None
    filters_by_name: bool = True
    max_files: int = 8192
    feature_codes: Mapping[str, str] = field(default_factory=lambda: dict(FEATURE_CODES))

    @property
    def open_line(self) -> bool:
        """Whether strangers may ring the line: only while it is bound to this machine alone."""
        return self.bind.startswith("127.") or self.bind in ("::1", "localhost")


def _plain(value: object) -> object:
    """Refuse what could begin a second line or a comment in a configuration file."""
    text = str(value)
    if any(ord(character) < 32 or character in ";\x7f" for character in text):
        raise ServiceFault(f"a value for Asterisk's configuration is not plain text: {text!r}")
    return value


def _environment(templates: Path) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        undefined=jinja2.StrictUndefined,
        finalize=_plain,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - configuration files, not HTML; _plain guards every value
    )


def _values(site: Site) -> dict[str, object]:
    values: dict[str, object] = {f"{name}_dir": path for name, path in asdict(site.folders).items()}
    for name in Site.__dataclass_fields__:
        if name != "folders":
            values[name] = getattr(site, name)
    values["open_line"] = site.open_line
    values["ami_events"] = AMI_EVENTS
    values["longer_codes"] = [
        (f"_{code}{more}", code[:3], site.feature_codes[code[:3]])
        for code, more in LONGER_CODES.items()
    ]
    values["phones"] = [*site.agents, *site.desks]
    values["own_phones"] = [agent.id for agent in site.agents]
    values["people"] = sorted([*(agent.id for agent in site.agents), *site.roaming])
    return values


def render(site: Site, templates: Path) -> list[Path]:
    """Write every template of `templates` into the site's folders; return the files that changed.

    Raises:
        ServiceFault: a value holds control characters or a comment sign; then nothing was written.
    """
    environment, values = _environment(templates), _values(site)
    texts = {
        site.folders.etc / template.name.removesuffix(".j2"): environment.get_template(
            template.name
        ).render(values)
        for template in sorted(templates.glob("*.conf.j2"))
    }
    for name, folder in asdict(site.folders).items():
        if name not in ("modules", "data"):
            Path(folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    (site.folders.messages / "away").mkdir(exist_ok=True, mode=0o700)
    return [target for target, text in texts.items() if _replace(target, text)]


def _replace(target: Path, text: str) -> bool:
    """Write `text` if it differs. Secrets are inside, so only the owner may read it."""
    content = text.encode()
    if target.exists() and target.read_bytes() == content:
        target.chmod(0o600)
        return False
    fresh = target.with_suffix(".new")
    fresh.unlink(missing_ok=True)  # of a service that was killed here: its mode could be any
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    fresh.replace(target)
    return True
