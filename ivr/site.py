"""From settings to a folder that Asterisk can start in: configuration, phrases, music."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ivr.asterisk.process import socket_folder
from ivr.asterisk.provision import Toolchain
from ivr.asterisk.render import Folders, OtherNode, PhoneAccount, Site, Trunk, render
from ivr.floor import FloorPlan
from ivr.resources import asterisk_templates
from ivr.secrets import Secrets
from ivr.settings import Settings
from ivr.speech.music import generate_music
from ivr.speech.phrases import LANGUAGES, render_phrases
from ivr.speech.prompts import PromptBook

FILTERS_BY_NAME = ((20, 10), (21, 5), (22, 0))
"""The releases whose AMI filters can name an event; older ones match text."""

Progress = Callable[[str, float], None]


def folders(settings: Settings, toolchain: Toolchain) -> Folders:
    """Where this installation's Asterisk keeps what."""
    run = settings.run_dir
    return Folders(
        etc=run / "etc",
        var=run / "var",
        spool=run / "spool",
        log=settings.log_dir,
        socket=socket_folder(run),
        music=run / "music",
        phrases=run / "phrases",
        messages=settings.data_dir / "messages",
        modules=toolchain.modules_dir,
        data=toolchain.data_dir,
    )


def drained_file(settings: Settings) -> Path:
    """The file that is there while new calls are sent elsewhere; see ivr.drain."""
    return settings.data_dir / "drained"


def other_nodes(settings: Settings) -> tuple[OtherNode, ...]:
    """The machines that share queues and agents with this one."""
    named = settings.nodes.items()
    return tuple(OtherNode(name, address) for name, address in named if name != settings.node)


def build_site(
    settings: Settings, toolchain: Toolchain, plan: FloorPlan, numbers: Iterable[str]
) -> Site:
    """Everything the templates need; passwords are made on first use."""
    secrets = Secrets(settings.home)
    people = {agent.id: agent.name for agent in plan.floor.agents}
    own = {agent: name for agent, name in people.items() if agent not in plan.phones.roaming}
    return Site(
        folders=folders(settings, toolchain),
        bind=settings.bind,
        sip_port=settings.sip_port,
        rtp_start=settings.rtp_start,
        rtp_end=settings.rtp_end,
        agi_port=settings.agi_port,
        ami_port=settings.ami_port,
        ami_secret=secrets.ami_secret,
        console_url=f"http://127.0.0.1:{settings.console_port}/console",
        console_token=secrets.console_token,
        languages=LANGUAGES,
        numbers=sorted(set(numbers)),
        agents=_accounts(own, secrets),
        desks=_accounts(plan.phones.desks, secrets),
        roaming=sorted(plan.phones.roaming),
        queue_numbers=sorted(plan.numbers),
        transfer_targets=sorted(set(people) | set(plan.numbers)),
        node=settings.node or "node1",
        other_nodes=other_nodes(settings),
        node_password=secrets.node_password if settings.node is not None else "",
        drained=drained_file(settings).exists(),
        trunks=tuple(Trunk(name, peers) for name, peers in settings.trunks.items()),
        patience_before_fallback=settings.patience_before_fallback,
        fallback_number=settings.fallback_number,
        trunk_to_dial=settings.trunk_to_dial,
        filters_by_name=_filters_by_name(toolchain.version),
    )


def _accounts(phones: Mapping[str, str], secrets: Secrets) -> tuple[PhoneAccount, ...]:
    """An account for each phone, by extension and name."""
    return tuple(
        PhoneAccount(each, name or each, secrets.agent_password(each))
        for each, name in phones.items()
    )


def _filters_by_name(version: Sequence[int]) -> bool:
    major, minor = version[0], version[1] if len(version) > 1 else 0
    since = dict(FILTERS_BY_NAME).get(major)
    return major > FILTERS_BY_NAME[-1][0] if since is None else minor >= since


def write_configuration(site: Site) -> list[Path]:
    """Render Asterisk's files; the ones that changed."""
    return render(site, asterisk_templates())


async def write_sounds(site: Site, book: PromptBook, progress: Progress) -> None:
    """Music and the fixed phrases: what Asterisk plays when the service is away."""
    if not any(site.folders.music.glob("*.wav")):
        progress("composing the music on hold", 0.0)
        generate_music(site.folders.music)
    await book.prepare_fallback()
    await render_phrases(
        book,
        site.folders.phrases,
        tuple(site.languages),
        lambda done, of: progress("speaking the fixed phrases", done / of),
    )
