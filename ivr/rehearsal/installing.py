"""The installation that a rehearsal plays on: its own folder, ports, floor and services.

Flows and tables are those of the folder that is tested. The floor has its queues and agents, who
stay away, and besides them a queue for each way a wait can end, and the agents who serve it.
Services are all at the stub's address.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ivr.asterisk.provision import ensure_asterisk
from ivr.backends import services as services_file
from ivr.backends.services import Services, read_services
from ivr.demo.installation import Installation, free_ports
from ivr.floor import FloorPlan, load_floor
from ivr.flow.loading import loader
from ivr.flow.loading.yaml import Problems
from ivr.rehearsal.inside import AWAY, DESK, HELD, ONE_AGENT, OUTSIDE, queue_for
from ivr.rehearsal.stub import GATEWAY
from ivr.settings import Settings, load_settings

AGENTS: Final = ("9701", "9702", "9703", "9704")
"""Who answers the calls that are to be answered."""
RTP: Final = (13000, 14998)
NO_SITE: Final = "https://none.example"
"""Links may lead to the chats of sites; nobody opens one."""
NEVER: Final = "24h"


def installation(usual: Settings, flows: Path, stub: str) -> Installation:
    """One for this rehearsal alone, not yet begun; programs are shared with the usual one."""
    toolchain = ensure_asterisk(usual, _silent)
    folder = Path(tempfile.mkdtemp(prefix="tieline-rehearsal-"))
    _copy(flows, folder / "flows", stub)
    (folder / "rehearsal").mkdir()
    environment = _environment(usual, folder)
    settings = load_settings(env=environment, cwd=folder)
    return Installation(settings, toolchain, environment)


def _copy(flows: Path, into: Path, stub: str) -> None:
    shutil.copytree(flows, into)
    floor = into / loader.FLOOR
    plan = load_floor(floor) if floor.is_file() else FloorPlan()
    floor.write_text(json.dumps(_floor(plan)), encoding="utf-8")
    problems = Problems()
    offered = read_services(flows / services_file.FILE, problems, {})
    problems.raise_if_any()
    (into / services_file.FILE).write_text(json.dumps(_services(offered, stub)), encoding="utf-8")


def _floor(plan: FloorPlan) -> dict[str, Any]:
    """The queues and agents that flows may name, and those of the rehearsal."""
    numbers = {queue: number for number, queue in plan.numbers.items()}
    queues: dict[str, Any] = {
        queue.name: {
            "title": queue.title or queue.name,
            **({"number": numbers[queue.name]} if queue.name in numbers else {}),
        }
        for queue in plan.floor.queues
    }
    served = queue_for("answered")
    queues[served] = {"ring": "15s", "wrap_up": "0s", "leave_when_empty": NEVER}
    queues[HELD] = {"leave_when_empty": NEVER}
    queues[queue_for("timeout")] = {"leave_when_empty": NEVER}
    queues[queue_for("nobody")] = {"leave_when_empty": "1s"}
    agents: dict[str, Any] = {
        agent.id: {
            "name": agent.name or agent.id,
            "queues": list(agent.queues),
            "skills": dict(agent.skills),
        }
        for agent in plan.floor.agents
    }
    for agent in AGENTS:
        agents[agent] = {"name": f"Rehearsal {agent}", "queues": [served], "skills": {}}
    queues[DESK] = {"ring": "15s", "wrap_up": "0s", "no_answer_limit": 0}
    for agent in (*ONE_AGENT.values(), AWAY):
        agents[agent] = {"name": f"Rehearsal {agent}", "queues": [DESK], "skills": {}}
    for phone in OUTSIDE.values():
        agents[phone] = {"name": f"Outside {phone}", "queues": [], "skills": {}}
    return {"queues": queues, "agents": agents}


def _services(offered: Services, stub: str) -> dict[str, Any]:
    services: dict[str, Any] = {
        name: {
            "url": f"{stub}/none/{name}",
            "kind": service.kind,
            "timeout": f"{service.timeout:g}s",
            "limit": f"{service.limit:g}s",
        }
        for name, service in offered.services.items()
    }
    services[GATEWAY] = {"url": f"{stub}/none/{GATEWAY}"}
    told: dict[str, Any] = {
        "services": services,
        "databases": {
            name: {"url": "sqlite+aiosqlite:///none.sqlite", "query": each.query}
            for name, each in offered.databases.items()
        },
        "chats": {
            name: {"origins": [NO_SITE], "flow": site.flow, "title": {"en": name}}
            for name, site in offered.chats.items()
        },
        "sms": {"service": GATEWAY},
        "lockout": {
            "failures": offered.lockout.failures,
            "within": f"{offered.lockout.within:g}s",
            "lasts": f"{offered.lockout.lasts:g}s",
        },
        "codes": {"checks": offered.codes.checks, "per_hour": offered.codes.per_hour},
    }
    if offered.outside:
        told["outside"] = list(offered.outside)
    if offered.region:
        told["region"] = offered.region
    return told


def _environment(usual: Settings, folder: Path) -> dict[str, str]:
    """This process's environment, with settings of its own in place of whatever it says."""
    sip, agi, ami, console, web = free_ports(5)
    told: Mapping[str, object] = {
        "home": folder / "home",
        "flows": folder / "flows",
        "rehearsal": folder / "rehearsal",
        "cache": usual.cache,
        "sounds": usual.sounds,
        "sip_port": sip,
        "agi_port": agi,
        "ami_port": ami,
        "console_port": console,
        "web_port": web,
        "rtp_start": RTP[0],
        "rtp_end": RTP[1],
        **({"asterisk": usual.asterisk} if usual.asterisk is not None else {}),
    }
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TIELINE_")}
    return kept | {f"TIELINE_{name.upper()}": str(value) for name, value in told.items()}


def _silent(_stage: str, _done: float | None) -> None:
    """Programs were fetched before: nothing is left to show."""
