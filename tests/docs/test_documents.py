"""What documents show can be typed, and where they point there is something."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.core import TyperGroup, TyperOption

from ivr.cli import main
from ivr.operator.commands import ACTIONS
from ivr.settings import Settings
from tests.docs.framing import beside, mistakes
from tests.docs.reading import CHECKOUT, DOCUMENTS, Block, anchors, blocks, commands, links
from tests.flow.flows import FLOWS

GENERATED = CHECKOUT / "docs" / "reference.md"
"""Its examples share the fields of a flow in tests/flow/test_grammar.py, which reads them."""
PATTERNS = CHECKOUT / "docs" / "patterns.md"
"""Its pieces are cut out of the example flows."""
OTHERS = [file for file in DOCUMENTS if file not in {GENERATED, PATTERNS}]
YAML = [block for file in OTHERS for block in blocks(file, "yaml")]
HELP = ("-h", "--help")
SHOWN = ("queues", "agents", "calls", "contacts", "flows", "calendars", "drain", "nodes")


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Path]:
    """For each document a folder with the files it names, and the tables of the examples."""
    found = {}
    for file in {block.file for block in YAML}:
        folder = tmp_path_factory.mktemp(file.stem)
        for each in (*FLOWS.glob("*.table.yaml"), FLOWS / "calendars.yaml"):
            shutil.copy(each, folder)
        beside(file, folder)
        found[file] = folder
    return found


@pytest.mark.parametrize("block", YAML, ids=str)
def test_every_piece_of_yaml_is_right(block: Block, houses: dict[Path, Path]) -> None:
    assert mistakes(block, houses[block.file]) == []


@pytest.mark.parametrize("block", list(blocks(PATTERNS, "yaml")), ids=str)
def test_the_pieces_of_patterns_are_those_of_the_examples(block: Block) -> None:
    lines = [line.strip() for line in block.text.strip().splitlines()]
    flows = [file.read_text(encoding="utf-8") for file in FLOWS.glob("*.yaml")]
    stripped = ["\n".join(map(str.strip, flow.splitlines())) for flow in flows]
    assert any("\n".join(lines) in flow for flow in stripped)


COMMAND: Any = typer.main.get_command(main._app())
COMMANDS = sorted({(line, place) for file in DOCUMENTS for place, line in commands(file)})


@pytest.mark.parametrize(("line", "place"), COMMANDS)
def test_every_command_that_is_shown_can_be_typed(line: str, place: str) -> None:
    words = _words(line)
    command: Any = COMMAND
    while words:
        word = words.pop(0)
        if word.startswith("-") and len(word) > 1:
            name = word.partition("=")[0]
            option = _options(command).get(name)
            assert option is not None or name in HELP, f"{place}: {command.name} has no {name}"
            if option is not None and not option.is_flag and "=" not in word:
                words = words[1:]
        elif isinstance(command, TyperGroup):
            assert word in command.commands, f"{place}: {command.name} has no {word}"
            command = command.commands[word]
        elif command in (COMMAND.commands["do"], COMMAND.commands["show"]):
            known = {*ACTIONS, "help"} if command.name == "do" else SHOWN
            assert word.partition("/")[0] in known, f"{place}: no {command.name} {word}"
            break


def _options(command: Any) -> dict[str, TyperOption]:
    params = [each for each in command.params if isinstance(each, TyperOption)]
    return {name: each for each in params for name in each.opts}


def _words(line: str) -> list[str]:
    """The words of one command; brackets, comments and what comes after a pipe are left out."""
    line = re.sub(r"^([A-Z_]+=\S+ )*", "", line)
    line = re.split(r"\s#\s|\s[|>]\s|\s&&\s", line)[0].replace("[", "").replace("]", "")
    lexer = shlex.shlex(line.replace(" …", "").replace("...", ""), posix=True, punctuation_chars="")
    lexer.whitespace_split, lexer.commenters = True, ""
    return list(lexer)[1:]


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(CHECKOUT)))
def test_every_link_leads_somewhere(file: Path) -> None:
    lost = []
    for link in links(file):
        path, _, anchor = link.partition("#")
        target = (file.parent / path).resolve() if path else file
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


def test_every_document_is_in_the_list_of_documents() -> None:
    listed = {link.partition("#")[0] for link in links(CHECKOUT / "docs" / "README.md")}
    there = {file.name for file in (CHECKOUT / "docs").glob("*.md")} - {"README.md"}
    assert there <= listed


def test_every_setting_and_every_command_is_in_the_readme() -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    tables = "\n".join(line for line in readme.splitlines() if line.startswith("|"))
    named = set(re.findall(r"[a-z][a-z_-]*", " ".join(re.findall(r"`([^`]+)`", tables))))
    settings = set(Settings.model_fields) - {"folder"}
    assert settings | set(COMMAND.commands) <= named
