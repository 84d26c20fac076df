"""What an installation may choose: `tieline.yaml`, overridden by `TIELINE_*` in the environment.

Everything has a default, so an empty folder is a working installation. Paths are relative to the
file that names them; in the environment, to the working directory.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

import yaml
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from ivr.errors import ConfigError, Problem
from ivr.kinds import (
    Address,
    Dialable,
    Domain,
    Folder,
    Language,
    LogLevel,
    NodeAddress,
    NodeName,
    Peer,
    Peers,
    Port,
    RedisUrl,
    TrunkName,
    Voice,
    absolute,
)
from ivr.oidc import Oidc
from ivr.resources import flows_dir, sounds_dir

CONFIG_NAME: Final = "tieline.yaml"
ENV_PREFIX: Final = "TIELINE_"
ENV_CONFIG: Final = "TIELINE_CONFIG"
_ENV_OTHERS: Final = frozenset({ENV_CONFIG, "TIELINE_DEBUG"})  # read elsewhere, not settings
LOOPBACK: Final = "127.0.0.1"
_SMALLEST_RTP_RANGE: Final = 20


def _user_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "tieline"


def _default_flows(data: dict[str, Any]) -> Path:
    own: Path = data["folder"] / "flows"
    return own if own.is_dir() else flows_dir()


def _voice(voice: object, base: Path) -> object:
    is_file = isinstance(voice, str) and voice.endswith(".onnx")
    return str(absolute(base / Path(str(voice)).expanduser())) if is_file else voice


class Settings(BaseModel):
    """One installation's choices; every path is absolute. Descriptions double as error advice.

    AMI, FastAGI and the console have no address here on purpose: they are always on loopback.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    folder: Folder = Field(Path(), description="where the defaults below are looked for")
    bind: Address = Field(LOOPBACK, description="an IP address phones reach this machine at")
    sip_port: Port = Field(5060, description="a port from 1 to 65535, where phones register")
    rtp_start: Port = Field(10000, description="the first port of the range for sound")
    rtp_end: Port = Field(10999, description="the last port of the range for sound")
    agi_port: Port = Field(4573, description="a loopback port from 1 to 65535, for FastAGI")
    ami_port: Port = Field(5038, description="a loopback port from 1 to 65535, for AMI")
    console_port: Port = Field(4575, description="a loopback port from 1 to 65535, for the console")
    web_port: Port = Field(4580, description="a port from 1 to 65535, for the desk and the API")
    web_bind: Address = Field(LOOPBACK, description="an IP address browsers or a proxy reach")
    web_url: str | None = Field(
        None,
        pattern=r"^https?://[A-Za-z0-9.\-\[\]:]+$",
        description="how browsers call the web side, such as https://desk.example.org",
    )
    web_proxies: Peers = Field(
        (), description="the proxies in front of the web side, as a list: [127.0.0.1, 10.0.0.0/8]"
    )
    oidc: Oidc | None = Field(
        None,
        description="an identity provider that people sign in with, such as `{issuer: "
        "https://id.example.org, client_id: tieline}`",
    )
    flows: Folder = Field(default_factory=_default_flows, description="a folder of call flows")
    floor: Folder = Field(
        default_factory=lambda data: data["flows"] / "floor.yaml",
        description="the file that lists queues, agents and pause reasons",
    )
    home: Folder = Field(
        default_factory=lambda data: data["folder"] / ".tieline",
        description="a folder for state, logs and secrets",
    )
    cache: Folder = Field(
        default_factory=_user_cache, description="a folder for unpacked programs, safe to delete"
    )
    records_url: str = Field(
        default_factory=lambda data: f"sqlite+aiosqlite:///{data['home'] / 'data/records.sqlite'}",
        pattern=r"^[a-z0-9]+(\+[a-z0-9]+)?://",
        description="an SQLAlchemy URL with an asynchronous driver",
    )
    sounds: Folder = Field(default_factory=sounds_dir, description="a folder of recorded prompts")
    voices: dict[Language, Voice] = Field(
        default_factory=dict,
        description="what speaks each language: espeak, piper, or a piper voice's file, such as "
        "`{en: piper, nl: voices/nl_NL-mls-medium.onnx}`",
    )
    trunks: dict[TrunkName, tuple[Peer, ...]] = Field(
        default_factory=dict,
        description="the SIP peers calls come from: a name, then their addresses, such as "
        "`carrier: [192.0.2.10, 192.0.2.0/28]`",
    )
    fallback_number: Dialable | None = Field(
        None, description="a quoted number, dialled when the service cannot take a call"
    )
    patience_before_fallback: int = Field(
        20, ge=1, le=600, description="whole seconds a caller waits for a silent service, up to 600"
    )
    journal_days: int = Field(
        14,
        ge=0,
        le=3650,
        description="how many days `tieline replay` can go back to, 0 to 3650",
    )
    rehearse_at: AwareDatetime | None = Field(
        None,
        description="a moment with its zone, such as 2026-03-02T10:00+08:00: at start, flows "
        "believe it is then (for rehearsals; time goes on from there)",
    )
    rehearsal: Folder | None = Field(
        None,
        description="a folder in which `tieline test --live` tells an installation of its own how "
        "calls go; leave it out everywhere else",
    )
    node: NodeName | None = Field(
        None,
        description="a short name for this machine among several that share queues and agents: a "
        "letter, then letters and digits",
    )
    domain: Domain = Field(
        "main", description="a name for the queues and agents that several machines share"
    )
    redis_url: RedisUrl | None = Field(
        None,
        description="the Redis that several machines share, such as `redis://10.0.0.9:6379/0`; its "
        "password is the credential `redis-password`",
    )
    nodes: dict[NodeName, NodeAddress] = Field(
        default_factory=dict,
        description="the machines that share queues and agents and where they listen, "
        "such as `{n1: 10.0.0.5:5060, n2: 10.0.0.6:5060}`",
    )
    keep_contacts_days: int | None = Field(
        None, ge=1, le=36_500, description="whole days after which a contact is forgotten"
    )
    keep_audit_days: int | None = Field(
        None, ge=1, le=36_500, description="whole days after which an audit's entry is forgotten"
    )
    log_level: LogLevel = Field("info", description="debug, info, warning or error")
    asterisk: Folder | None = Field(
        None, description="the path of an asterisk program to use instead of looking for one"
    )
    _sources: tuple[str, ...] = PrivateAttr(())

    @property
    def web_address(self) -> str:
        """How browsers call the web side."""
        host = f"[{self.web_bind}]" if ":" in self.web_bind else self.web_bind
        return self.web_url or f"http://{host}:{self.web_port}"

    @property
    def trunk_to_dial(self) -> str | None:
        """The first trunk that can be called: one with an address, not only networks."""
        peers = self.trunks.items()
        return next((name for name, each in peers if any("/" not in peer for peer in each)), None)

    def sip_way(self, number: str) -> str | None:
        """Where a SIP MESSAGE for that number goes; None where no trunk can be called."""
        name = self.trunk_to_dial
        if name is None:
            return None
        peer = next(peer for peer in self.trunks[name] if "/" not in peer)
        return f"pjsip:trunk-{name}/sip:{number}@{peer}"

    @property
    def run_dir(self) -> Path:
        """Rendered configuration, process ids and sockets of the running installation."""
        return self.home / "run"

    @property
    def data_dir(self) -> Path:
        """What must survive a restart: journal, records, recordings."""
        return self.home / "data"

    @property
    def log_dir(self) -> Path:
        """Logs of the service and of Asterisk."""
        return self.home / "log"

    @property
    def sources(self) -> tuple[str, ...]:
        """The file and the environment variables these settings came from; empty: all defaults."""
        return self._sources

    @model_validator(mode="after")
    def _ports_apart(self) -> Self:
        if self.rtp_end - self.rtp_start + 1 < _SMALLEST_RTP_RANGE:
            raise ValueError(
                f"rtp_start {self.rtp_start} to rtp_end {self.rtp_end} is too short a range: "
                f"make it {_SMALLEST_RTP_RANGE} ports or more, two for each leg"
            )
        names = ("sip_port", "agi_port", "ami_port", "console_port", "web_port")
        seen: dict[int, str] = {}
        for name in names:
            port: int = getattr(self, name)
            if port in seen:
                raise ValueError(f"{seen[port]} and {name} are both {port}: give each its own port")
            seen[port] = name
        if self.web_url is None and self.web_bind in ("0.0.0.0", "::"):  # noqa: S104 - compared
            raise ValueError(
                "web_bind is every address: web_url must say which name browsers use, such as "
                "https://desk.example.org"
            )
        if self.fallback_number is not None and self.trunk_to_dial is None:
            raise ValueError(
                "fallback_number needs one of trunks, with an address, to be dialled over"
            )
        if self.rtp_start <= self.sip_port <= self.rtp_end:
            raise ValueError(f"sip_port {self.sip_port} lies inside rtp_start to rtp_end")
        return self

    @model_validator(mode="after")
    def _whole_cluster(self) -> Self:
        if (self.node is None) != (self.redis_url is None):
            raise ValueError("node and redis_url go together: set both, or neither")
        if self.nodes and self.node is None:
            raise ValueError("nodes needs node, the name of this machine")
        return self


_KEYS: Final = tuple(name for name in Settings.model_fields if name != "folder")
_PATHS: Final = frozenset({"flows", "floor", "home", "cache", "sounds", "asterisk", "rehearsal"})


class _Loose(Problem):
    """A problem without a line: it sits in the environment, or spans several keys."""

    def __str__(self) -> str:
        return f"{self.file}: {self.message}" + (f" ({self.cure})" if self.cure else "")


class _Sourced:
    """Values gathered from file and environment, each with the place it came from."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self.places: dict[str, tuple[str, int, int]] = {}
        self.problems: list[Problem] = []

    def take(self, key: str, value: object, base: Path, place: tuple[str, int, int]) -> None:
        if key in _PATHS and isinstance(value, str):
            value = base / Path(value).expanduser()
        if key == "voices" and isinstance(value, dict):
            value = {language: _voice(voice, base) for language, voice in value.items()}
        self.values[key] = value
        self.places[key] = place

    def refuse(self, place: tuple[str, int, int], message: str, cure: str = "") -> None:
        kind = Problem if place[1] else _Loose
        self.problems.append(kind(*place, message, cure))


def load_settings(
    config: Path | None = None,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Settings:
    """Reads the settings: `config`, else `$TIELINE_CONFIG`, else `./tieline.yaml` if it exists.

    Raises `ConfigError` with every mistake found, each naming file (or variable) and key.
    """
    env = os.environ if env is None else env
    cwd = Path.cwd() if cwd is None else cwd
    file = _config_file(config, env, cwd)
    found = _Sourced()
    if file is not None:
        _read_file(file, found)
    _read_environment(env, cwd, found)
    found.values["folder"] = file.parent if file else cwd
    try:
        settings = Settings.model_validate(found.values)
    except ValidationError as refused:
        _explain(refused, found, str(file or "settings"))
        raise ConfigError(found.problems) from None
    if found.problems:
        raise ConfigError(found.problems)
    settings._sources = tuple(dict.fromkeys(place[0] for place in found.places.values()))
    return settings


def _config_file(config: Path | None, env: Mapping[str, str], cwd: Path) -> Path | None:
    named = config or (Path(env[ENV_CONFIG]) if env.get(ENV_CONFIG) else None)
    if named is None:
        usual = cwd / CONFIG_NAME
        return usual if usual.is_file() else None
    file = cwd / named.expanduser()
    if not file.is_file():
        cure = "name an existing file with --config or TIELINE_CONFIG"
        raise ConfigError([_Loose(str(file), 0, 0, "there is no such settings file", cure)])
    return file


def _read_file(file: Path, found: _Sourced) -> None:
    name = str(file)
    try:
        entries = list(_entries(file))
    except (OSError, UnicodeDecodeError) as why:
        raise ConfigError([_Loose(name, 0, 0, f"cannot be read: {why}")]) from None
    except yaml.MarkedYAMLError as why:
        line, column = _position(why.problem_mark)
        raise ConfigError([Problem(name, line, column, f"not valid YAML: {why.problem}")]) from None
    for key, value, mark in entries:
        place = (name, *_position(mark))
        if key not in _KEYS:
            found.refuse(place, f"unknown setting {key!r}", _did_you_mean(key, _KEYS))
        elif key in found.places:
            found.refuse(place, f"{key} is set twice", "keep one")
        elif value is not None:
            found.take(key, value, file.parent, place)


def _entries(file: Path) -> Iterator[tuple[str, object, yaml.Mark]]:
    loader = yaml.SafeLoader(file.read_text(encoding="utf-8"))
    root = loader.get_single_node()
    if root is None:
        return
    if not isinstance(root, yaml.MappingNode):
        raise yaml.MarkedYAMLError(problem="write `key: value` lines", problem_mark=root.start_mark)
    for key, value in root.value:
        yield str(key.value), loader.construct_object(value, deep=True), key.start_mark


def _position(mark: yaml.Mark | None) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _read_environment(env: Mapping[str, str], cwd: Path, found: _Sourced) -> None:
    known = [ENV_PREFIX + key.upper() for key in _KEYS]
    for name in sorted(env):
        if not name.startswith(ENV_PREFIX) or name in _ENV_OTHERS or not env[name]:
            continue
        if name in known:
            found.take(name.removeprefix(ENV_PREFIX).lower(), env[name], cwd, (name, 0, 0))
        else:
            advice = _did_you_mean(name, known)
            found.refuse((name, 0, 0), "unknown environment variable", advice)


def _did_you_mean(key: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(key, list(known), n=1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"


def _explain(refused: ValidationError, found: _Sourced, file: str) -> None:
    for error in refused.errors(include_url=False):
        if error["type"] == "default_factory_not_called":
            continue
        key = str(error["loc"][0]) if error["loc"] else ""
        message = error["msg"].removeprefix("Value error, ")
        if key == "oidc":
            message = ": ".join([*map(str, error["loc"][1:]), message])
        if not key:
            found.refuse((file, 0, 0), message)
            continue
        advice = f"it is {Settings.model_fields[key].description}"
        found.refuse(found.places.get(key, (key, 0, 0)), f"{key}: {message}", advice)
