"""`tieline test --live`: what passes as text passes as calls on a real Asterisk."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.flow.flows import FLOWS
from tests.rehearsal.shop import FOLDER

pytestmark = pytest.mark.e2e


async def tieline(folder: Path, *words: str) -> tuple[int | None, str]:
    """A command of an installation that is the usual one in this folder."""
    environment = {key: each for key, each in os.environ.items() if not key.startswith("TIELINE_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ivr", *words),
        cwd=folder,
        env=environment | {"PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    return process.returncode, told.decode()


async def test_every_kind_of_step_is_rehearsed_as_a_real_call(tmp_path: Path) -> None:
    code, told = await tieline(tmp_path, "test", "--live", str(FOLDER))
    assert code == 0, told
    assert told.count("ok    shop, a call: ") >= 19


async def test_a_call_that_goes_wrong_is_told_with_its_story(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(
        'flow: x\nnumbers: ["4700"]\nstart: a\n'
        "steps: {a: {say: Hello., next: b}, b: {hangup: Goodbye.}}\n"
    )
    (tmp_path / "x.scenarios.yaml").write_text(
        "flow: x\nscenarios: [{name: wrong, steps: [{expect: {prompt: Good morning}}]}]"
    )
    code, told = await tieline(tmp_path, "test", "--live", str(tmp_path))
    assert code == 1
    assert "- expected  prompt Good morning\n" in told
    assert "+ got       prompt Hello. Goodbye.\n" in told
    assert "1 scenario in 1 conversation: 1 failed\n" in told


async def test_every_scenario_of_the_examples_passes_as_a_real_call(tmp_path: Path) -> None:
    code, told = await tieline(tmp_path, "test", "--live", str(FLOWS))
    assert code == 0, told
