"""Whatever a file holds, it is read or refused in words: no traceback, no long wait, no memory."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivr.backends.names import Names
from ivr.errors import ConfigError
from ivr.flow.checking.checks import check, check_together
from ivr.flow.grammar import BLOCKS, FIELDS, STEPS
from ivr.flow.loading.linking import link
from ivr.flow.loading.loader import is_flow, load, read_flow
from ivr.flow.loading.yaml import Problems
from tests.flow.flows import FLOOR, FLOWS, SMALL
from tests.flow.hostile import HOSTILE
from tests.flow.schemas import plain
from tests.flow.test_grammar import HEAD

NAMES = Names({"orders": "http", "people": "identity"}, {"stores": frozenset({"city"})})
EVERY_STEP = "".join(f"  {line}\n" for each in STEPS for line in each.example.splitlines())
FILES = [each for each in sorted(FLOWS.glob("*.yaml")) if is_flow(each)]
EXAMPLES = [HEAD + EVERY_STEP, *(each.read_text() for each in FILES)]


def told(source: str | bytes) -> list[str]:
    """Every mistake; each has its place."""
    problems = Problems()
    draft = read_flow(source, "x.yaml", problems)
    if draft is not None:
        check(draft, problems, FLOOR, names=NAMES)
        link([draft], problems, FLOOR, NAMES)
        check_together([draft], problems)
    found = [str(each) for each in problems.all()]
    for each in found:
        assert each.removeprefix("x.yaml:").split(":")[0].isdigit()
    return found


KEYS = sorted({key.name for each in (*BLOCKS, *STEPS, *FIELDS.values()) for key in each.keys})
SIGNS = [
    "[",
    "]",
    "{",
    "}",
    ":",
    "-",
    ",",
    '"',
    "'",
    "|",
    ">",
    "#",
    "&a",
    "*a",
    "!t",
    "?",
    "\n",
    "\n  ",
]
BITS = st.sampled_from(
    [*SMALL.split(), *KEYS, *SIGNS, "{{ x }}", "{%", "{{", "no", "7d", "\t", "\x00"]
)


@given(st.lists(BITS, max_size=60).map(" ".join))
@settings(max_examples=200, deadline=None)
def test_rubbish_is_refused_in_words(source: str) -> None:
    assert told(source)


@given(st.text(max_size=300) | st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_or_bytes_are_refused_in_words(source: str | bytes) -> None:
    assert told(source)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | BITS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=6)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=10), JSON)
@settings(max_examples=200, deadline=None)
def test_any_values_under_the_right_keys_are_refused_in_words(
    step: dict[str, object], head: object
) -> None:
    whole = {"flow": "x", "start": "a", "collects": head, "defaults": head, "steps": {"a": step}}
    told(json.dumps(whole))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_value_of_any_step_may_be_wrong(data: st.DataObject) -> None:
    block = data.draw(st.sampled_from(STEPS))
    key = data.draw(st.sampled_from([each.name for each in block.keys]))
    [(name, step)] = plain(block.example).items()
    step[key] = data.draw(JSON)
    told(HEAD + f"  {name}: {json.dumps(step)}\n")


@given(st.data())
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_flow_is_read_or_refused_quickly(data: st.DataObject) -> None:
    lines = data.draw(st.sampled_from(EXAMPLES)).splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.integers(0, 5)):
            case 0:
                del lines[at]
            case 1:
                lines[at] = lines[at].replace(":", "", 1)
            case 2:
                lines.insert(at, lines[data.draw(st.integers(0, len(lines) - 1))])
            case 3:
                lines[at] = lines[at].replace(" ", data.draw(BITS), 1)
            case 4:
                old, _, new = lines[at].partition(": ")
                lines[at] = f"{old}: {data.draw(BITS)}" if new else f"{lines[at]} {data.draw(BITS)}"
            case _:
                lines[at] = lines[at][: data.draw(st.integers(0, 60))]
        lines = lines or [""]
    began = time.process_time()
    told("\n".join(lines))
    assert time.process_time() - began < 1


def test_the_examples_that_are_damaged_are_good() -> None:
    problems = Problems()
    for source in EXAMPLES:
        read_flow(source, "x.yaml", problems)
    # Alone, a flow does not find the calendars it shares with others.
    assert {
        each.message for each in problems.all() if "unknown calendar" not in each.message
    } == set()


HARMLESS = {"a chain both ways", "every step to every other", "many dates", "many calendars"}


def test_hostile_files_cost_less_than_a_second_and_200_mb() -> None:
    """In a process of its own, by its own clock and its own size."""
    command = [sys.executable, "-m", "tests.flow.hostile"]
    run = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=FLOWS.parent, timeout=300
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert [each["name"] for each in found] == list(HOSTILE)
    # Twice what is promised: the processor may be shared.
    assert [each for each in found if each["seconds"] > 2 or each["megabytes"] > 200] == []
    assert {each["name"] for each in found if not each["told"]} == HARMLESS


@pytest.mark.parametrize("name", ["t.table.yaml", "t.table.csv", "calendars.yaml"])
def test_rubbish_beside_a_flow_is_refused_in_words(tmp_path: Path, name: str) -> None:
    (tmp_path / "x.yaml").write_text("flow: x\nstart: a\nsteps: {a: {hangup: x}}\n")
    for rubbish in (b"", b"\xff\xfe", b'"' * 9999, b"a: *b\n\x00", b"{" * 9999):
        (tmp_path / name).write_bytes(rubbish)
        with pytest.raises(ConfigError) as refused:
            load([tmp_path])
        assert all(Path(each.file).name == name for each in refused.value.problems)
