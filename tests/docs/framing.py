"""Parts of files that documents show, each read as the file that it is a part of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import yaml

from ivr.backends.services import parse_services
from ivr.errors import ConfigError, Problem
from ivr.floor import load_floor
from ivr.flow.grammar import VERBS
from ivr.flow.grammar import head as grammar
from ivr.flow.loading import hours, loader
from ivr.flow.loading.tables import parse_table
from ivr.flow.loading.yaml import Problems
from ivr.flow.model import KEY_TARGETS
from ivr.rehearsal import scenario
from ivr.settings import Settings, load_settings
from tests.docs.reading import Block, blocks

FLOW = {each.name for each in grammar.FLOW.keys}
CALENDAR = {each.name for each in grammar.CALENDAR.keys}
SERVICES = {"region", "services", "databases", "sms", "outside", "lockout", "codes", "chats"}
FLOOR = {"pause_reasons", "dispositions", "queues", "phones", "agents"}
ENTRY = "entry"
_NAMED = re.compile(r"# (?:\w+/)*([\w-]+\.(?:table\.)?yaml)\n")
_DEFAULTS = "{otherwise: part, queue: {otherwise: part}}"
_FRAME = {"flow": "frame", "numbers": '["4000"]'}


def mistakes(block: Block, folder: Path) -> list[str]:
    """What is wrong with a block of YAML; `folder` holds what is beside it."""
    parts = [part for part in _parts(block.text) if part]
    return [str(problem) for part in parts for problem in _read(part, folder)]


def beside(file: Path, folder: Path) -> None:
    """Writes the files that a document names, and its flows for other flows, into a folder."""
    for block in blocks(file, "yaml"):
        named = _NAMED.match(block.text)
        top = _top(block.text)
        if named is not None and named[1] != "services.yaml":
            (folder / named[1]).write_text(block.text, encoding="utf-8")
        elif {"flow", "steps", "takes"} <= set(top):
            (folder / f"{top['flow']}.yaml").write_text(block.text, encoding="utf-8")


def _parts(text: str) -> Iterator[str]:
    """The block, or its lines where they are one key written in several ways."""
    lines = text.splitlines(keepends=True)
    keys = [line.partition(":")[0] for line in lines if not line.startswith((" ", "#", "\n"))]
    yield from lines if len(lines) > 1 and set(keys) == {"holidays"} else [text]


def _top(text: str) -> dict[str, object]:
    """Keys and values as they are written; none where it is no YAML, which its reader tells."""
    try:
        found = yaml.load(text, yaml.CBaseLoader)
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}


def _read(text: str, folder: Path) -> list[Problem]:
    top = _top(text)
    keys = set(top)
    problems = Problems()
    try:
        if keys >= {"flow", "steps"}:
            _write_and_load(text, folder)
        elif "scenarios" in keys or not keys:
            part = text if keys else "flow: frame\nscenarios:\n" + _indented(text)
            scenario.read_scenarios(part.encode(), "scenarios", problems)
        elif keys == {"answer"}:
            part = "flow: frame\nscenarios:\n  - name: part\n" + _indented(text, 4)
            part += "    steps: [wait]\n"
            scenario.read_scenarios(part.encode(), "scenarios", problems)
        elif keys == {"calendars"}:
            hours.read_file(text, "calendars", problems, datetime.now(UTC).date())
        elif keys <= CALENDAR:
            whole = {"zone": "UTC", "hours": "{daily: 08:00-18:00}"}
            more = "".join(f"{key}: {value}\n" for key, value in whole.items() if key not in keys)
            part = "calendars:\n  part:\n" + _indented(more + text, 4)
            hours.read_file(part, "calendars", problems, datetime.now(UTC).date())
        elif keys >= {"key", "rows"}:
            parse_table(text.encode(), "part.table.yaml", problems)
        elif keys <= SERVICES:
            parse_services(text, "services", problems, {})
        elif keys <= set(Settings.model_fields):
            _settings(text, folder)
        elif keys <= FLOOR or (all(key.isdigit() for key in keys) and _is_agents(top)):
            _floor(text if keys <= FLOOR else "agents:\n" + _indented(text), folder)
        elif "steps" in keys:
            _write_and_load(_flow_around(text, top), folder)
        else:
            loader.read_flow(_part_of_flow(text, keys), "flow", problems)
            elsewhere = ("unknown field", "unknown calendar")
            return [each for each in problems.all() if not each.message.startswith(elsewhere)]
    except ConfigError as error:
        return list(error.problems)
    return problems.all()


def _is_agents(top: Mapping[str, object]) -> bool:
    return all(isinstance(each, dict) and "queues" in each for each in top.values())


def _write_and_load(text: str, folder: Path) -> None:
    name = str(_top(text)["flow"])
    file = folder / f"{name}.yaml"
    file.write_text(text, encoding="utf-8")
    loader.load([file])


def _settings(text: str, folder: Path) -> None:
    file = folder / "settings"
    file.write_text(text, encoding="utf-8")
    load_settings(file, env={}, cwd=folder)


def _floor(text: str, folder: Path) -> None:
    named = set(re.findall(r"queues: \[([\w, -]+)\]", text))
    queues = {queue.strip() for names in named for queue in names.split(",")}
    more = "" if "queues:\n" in text else "queues:\n" + "".join(f"  {q}: {{}}\n" for q in queues)
    file = folder / "floor-part"
    file.write_text(text + more, encoding="utf-8")
    load_floor(file)


def _flow_around(text: str, top: Mapping[str, object]) -> str:
    """Steps with their head become a flow; steps that are only named end the call."""
    steps = top["steps"]
    assert isinstance(steps, dict)
    lines = [f"{key}: {value}" for key, value in _FRAME.items()] + [f"start: {ENTRY}"]
    draft = loader.read_flow("\n".join(lines) + "\n" + text, "flow", Problems())
    assert draft is not None
    named = {name for name, _ in draft.references} | {name for name, _ in draft.key_targets}
    ways = [name for name in steps if name not in named] or list(steps)[:1]
    cases = ", ".join(f'{{if: "caller == \'{name}\'", next: "{name}"}}' for name in ways)
    missing = named - set(steps) - {ENTRY, *KEY_TARGETS}
    stubs = [f'  {ENTRY}: {{branch: [{cases}], otherwise: "{ways[-1]}"}}']
    stubs += [f'  "{name}": {{hangup: }}' for name in sorted(missing)]
    return "\n".join([*lines, text.rstrip("\n"), *stubs]) + "\n"


def _part_of_flow(text: str, keys: set[str]) -> str:
    """The head of a flow, or steps, or one step, or the options of a menu, with the rest around."""
    if keys <= FLOW:
        around = {**_FRAME, "start": "part"}
        rest = "".join(f"{key}: {value}\n" for key, value in around.items() if key not in keys)
        return rest + text + "steps:\n  part: {hangup: }\n"
    languages = "[en, zh]" if re.search(r"\bzh\b", text) else "[en]"
    around = {**_FRAME, "start": "part", "languages": languages, "defaults": _DEFAULTS}
    rest = "".join(f"{key}: {value}\n" for key, value in around.items())
    if keys <= set("0123456789*#") | {"otherwise"}:
        return rest + "steps:\n  part:\n    menu: []\n" + _indented(text, 4)
    if keys & set(VERBS):
        return rest + "steps:\n  part:\n" + _indented(text, 4)
    return rest + "steps:\n" + _indented(text)


def _indented(text: str, spaces: int = 2) -> str:
    return "".join(" " * spaces + line for line in text.splitlines(keepends=True))
