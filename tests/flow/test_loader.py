"""Every mistake is told, at its place, with its cure, and nothing else is told."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from benchmarks import checking
from ivr.errors import ConfigError
from ivr.flow.loading.loader import load
from tests.flow.flows import FLOOR, FLOWS, SMALL, flow_of, mistakes


def test_a_good_flow_has_no_mistakes() -> None:
    assert mistakes(SMALL) == []


def test_the_first_flow_of_the_manual_works() -> None:
    manual = (FLOWS.parent / "docs" / "flow-language.md").read_text()
    first = manual.split("```yaml\n")[1].split("```")[0]
    assert len(first.splitlines()) <= 10
    assert mistakes(first, FLOOR) == []


HEAD = "flow: x\nlanguages: [en]\ncollects: {r: {type: choice, of: [a, b]}}\nstart: a\nsteps:\n"


def one(steps: str, head: str = HEAD) -> str:
    """The only mistake of a flow."""
    told = mistakes(head + steps)
    assert len(told) == 1, told
    return told[0]


def test_a_menu_needs_keys_and_a_way_out() -> None:
    told = mistakes(HEAD + '  a: {menu: "x"}\n')
    assert [each.split(" (")[0] for each in told] == [
        '6:3: step "a" is a menu without keys',
        '6:6: step "a" lacks "otherwise"',
    ]


def test_a_loop_that_never_asks_is_told_with_its_path() -> None:
    steps = "  a: {say: x, next: b}\n  b: {set: {r: a}, next: c}\n  c: {say: y, next: a}\n"
    assert one(steps).startswith("6:3: a call goes round for ever: a -> b -> c -> a")


def test_a_caller_who_presses_nothing_must_come_to_an_end() -> None:
    steps = '  a: {menu: x, "1": c, otherwise: b}\n  b: {say: y, next: a}\n  c: {hangup: z}\n'
    assert one(steps).startswith(
        "6:3: a caller who presses nothing goes round for ever: a -> b -> a"
    )


def test_a_queue_that_leads_to_itself_when_nobody_is_there_is_told() -> None:
    steps = "  a: {queue: q, otherwise: b}\n  b: {say: wait, next: a}\n"
    assert "round for ever: a -> b -> a" in one(steps)


def test_waiting_again_after_a_timeout_is_no_loop() -> None:
    steps = "  a: {queue: q, timeout: b, otherwise: c}\n  b: {say: w, next: a}\n  c: {hangup: z}\n"
    assert mistakes(HEAD + steps) == []


def test_a_name_that_can_be_empty_is_told_with_a_default_as_cure() -> None:
    steps = (
        '  a: {menu: x, "1": {set: {r: a}, next: q}, "2": q, otherwise: e}\n'
        '  q: {queue: "{{ r }}", otherwise: e}\n  e: {hangup: z}\n'
    )
    assert one(steps) == (
        "7:14: the name of the queue can be empty here (write {{ r | default('...') }})"
    )


def test_every_name_a_template_can_become_is_looked_up_on_the_floor() -> None:
    steps = (
        '  a: {menu: x, "1": {set: {r: a}, next: q}, otherwise: e}\n'
        '  q: {queue: "{{ r }}", otherwise: e}\n  e: {hangup: z}\n'
    )
    told = mistakes(HEAD + steps, FLOOR)
    assert [each.split(" (")[0] for each in told] == [
        '7:14: unknown queue "a"',
        '7:14: unknown queue "b"',
    ]


def test_facts_are_known_only_after_the_step_that_finds_them() -> None:
    told = mistakes(
        HEAD.replace("flow: x", "flow: x\nnumbers: ['40']")
        + '  a: {say: "{{ customer.name }} {{ opens }} {{ caller }}", next: b}\n'
        "  b: {hangup: z}\n"
    )
    assert [each.split(" (")[1] for each in told] == [
        "it is known after an `identify` step)",
        "it is known on the `closed` way out of an `hours` step)",
    ]


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ("  a: {say: x, hangup: y}\n", 'two verbs, "say" and "hangup" (make it two steps)'),
        ("  a: {saay: x, next: a}\n", '"saay": did you mean "say"?'),
        ("  a: {set: {r: c}, next: b}\n  b: {hangup: x}\n", 'unknown value of "r" "c"'),
        ("  a: {set: {language: fr}, next: b}\n  b: {hangup: x}\n", 'unknown language "fr"'),
        ("  a: {hangup: {text: '{{ caller }}', sound: bye}}\n", "cannot hold words that change"),
        ("  a: {hangup: {text: x, sound: ../bye}}\n", "is no sound name"),
        (
            "  a: {collect: r, next: b, otherwise: b}\n  b: {hangup: x}\n",
            "nothing tells",
        ),
        (
            "  a: {branch: [{if: '{{ r }}', next: b}], otherwise: b}\n  b: {hangup: x}\n",
            "no braces",
        ),
        (
            "  a: {branch: [{if: r = 'a', next: b}], otherwise: b}\n  b: {hangup: x}\n",
            "(compare with ==)",
        ),
        ("  a: {say: 'Hello {caller}.', next: b}\n  b: {hangup: x}\n", "write {{ caller }}"),
        (
            "  a: {say: Hello, goto: b}\n  b: {hangup: x}\n",
            'key in step "a": "goto" (did you mean "next"?)',
        ),
        ("  a: {gather: r}\n", '"gather": did you mean "collect"?'),
        ("  a: {transfer: '1001'}\n", "an agent, a queue or a number outside (write {agent:"),
        (
            "  a: {http: 'https://x', get: /, next: b, otherwise: b}\n  b: {hangup: x}\n",
            "not an address (describe",
        ),
        (
            "  a: {collect: r, say: x, confirm: yes, next: b, otherwise: b}\n  b: {hangup: x}\n",
            '"confirm" must be true or false, not "yes"',
        ),
        (
            '  a: {menu: x, "1": b, "12": b, otherwise: b}\n  b: {hangup: x}\n',
            '"12" is no key of a telephone (a menu follows one of 0-9, * and #)',
        ),
        ("  a: text\n", "must be a mapping"),
        ("  Ä: {hangup: x}\n  a: {say: x, next: Ä}\n", "cannot be the name of a step"),
    ],
)
def test_common_slips_are_told(steps: str, told: str) -> None:
    assert told in one(steps)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("flow: small", "flow: ../small", '"flow" cannot be "../small"'),
        ("flow: small", "flow: small\nlanguages: [EN]", '"EN" is no language'),
        ("flow: small", "flow: small\nlanguages: {en: {skil: x}}", 'did you mean "skill"?'),
        ("type: phone", "type: phone, length: 9-4", '"9-4" is no length'),
        ("of: [pay, ask]", "of: [pay, pay]", "1 to 9 different words"),
        ("  account: {type", "  Account: {type: text}\n  account: {type", "the name of a field"),
        ("  account: {type", "  caller: {type: text}\n  account: {type", "the name of a fact"),
        ('keys: {"0"', 'keys: {"00": bye, "0"', '"00" is no key'),
        (
            "  otherwise: person\nstart",
            "  otherwise: person\n  finish: 1\nstart",
            '"#", "*" or none',
        ),
        (
            "  otherwise: person\nstart",
            "  otherwise: person\n  queue: {wait: 1s}\nstart",
            "waiting",
        ),
        ("voicemail: box", "voicemail: ../box", '"voicemail" cannot be "../box"'),
        ("identify: small", "identify: a/b", '"identify" cannot be "a/b"'),
        ("low: 1, high: 500", "low: one", '"low" must be a whole number'),
        ('"Goodbye."', "[[x]]", "a list within a list"),
        ('"Goodbye."', "[]", None),
        ("attempts: 2", "attempts: 10", "it may be 1 to 9"),
        ("    collect: agree", "    collect: agre", 'did you mean "agree"?'),
        ("agree and amount", "agree and amont", 'unknown field "amont" (did you mean "amount"?)'),
    ],
)
def test_slips_anywhere_in_a_file_are_told(old: str, new: str, told: str | None) -> None:
    found = mistakes(SMALL.replace(old, new))
    assert bool(found) is (told is not None)
    assert told is None or told in found[0]


CALENDAR = """
flow: x
calendars:
  desk: {zone: Europe/Berlin, hours: {%s}, closed: [%s], special: {%s}}
start: a
steps:
  a: {hours: desk, open: b, closed: b}
  b: {hangup: x}
"""


def test_hours_are_read_as_they_are_written() -> None:
    days = 'fri-mon: [08:00-12:00, "13:00-17:00"], tue: 22:00-6:00, wed: closed, thu: 00:00-24:00'
    closed, special = (
        "2026-12-25..2026-12-26",
        "2026-12-24: 09:00-12:00, 2027-01-01..2027-01-02: closed",
    )
    desk = flow_of(CALENDAR % (days, closed, special)).calendars["desk"]
    spans = [[(span.start // 60, span.end // 60) for span in day] for day in desk.week]
    split = [(8, 12), (13, 17)]
    assert spans == [split, [(22, 30)], [], [(0, 24)], split, split, split]
    assert len(desk.closed) == 2
    assert [len(day) for day in desk.special.values()] == [1, 0, 0]


@pytest.mark.parametrize(
    ("days", "closed", "special"),
    [
        ("monday: 08:00-18:00", "", ""),
        ("mon: 08:00-25:00", "", ""),
        ("mon: 08:00-08:00", "", ""),
        ("mon: 24:00-08:00", "", ""),
        ("mon: [22:00-06:00, 23:00-24:00]", "", ""),
        ("daily: 8:00-9:00", "2026-13-01", ""),
        ("daily: 8:00-9:00", "2026-02-02..2026-02-01", ""),
        ("daily: 8:00-9:00", "", "tomorrow: closed"),
    ],
)
def test_hours_that_make_no_sense_are_told(days: str, closed: str, special: str) -> None:
    assert len(mistakes(CALENDAR % (days, closed, special))) == 1


def test_a_secret_cannot_be_set_read_back_or_sent() -> None:
    source = (
        SMALL.replace(
            "  agree:\n    collect: agree",
            '  agree:\n    collect: pin\n    confirm: "{{ pin }}?"',
        )
        .replace("{reason: pay}", '{reason: pay, pin: "1"}')
        .replace("unknown') }}", "{{ pin }}")
    )
    told = " ".join(mistakes(source))
    assert 'the secret "pin" cannot be set' in told
    assert 'the secret "pin" would be read back' in told
    assert '"pin" is a secret' in told


# --- files -----------------------------------------------------------------------------------


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def told_by_load(*paths: Path) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load(paths)
    return [str(problem) for problem in refused.value.problems]


TABLE = "key: account\nsecret: [pin]\nrows: []\n"
BYE = "flow: {name}\nnumbers: ['{number}']\nstart: a\nsteps: {{a: {{hangup: x}}}}\n"


def test_a_folder_is_read_without_its_floor_tables_and_scenarios(tmp_path: Path) -> None:
    write(
        tmp_path,
        a__yaml=BYE.format(name="a", number=41),
        b__yaml=BYE.format(name="b", number=42),
        floor__yaml="queues: {}",
        b__scenarios__yaml="flow: b",
    )
    library = load([tmp_path])
    assert set(library.flows) == {"a", "b"}
    answering = library.for_number("42")
    assert answering is not None
    assert answering.name == "b"
    assert library.for_number("43") is None


def test_two_flows_cannot_have_one_number_or_one_name(tmp_path: Path) -> None:
    same = BYE.format(name="a", number=41)
    told = told_by_load(write(tmp_path, a__yaml=same, b__yaml=same))
    assert told == [
        f'{tmp_path}/b.yaml:1:7: the flow "a" is already taken by {tmp_path}/a.yaml',
        f'{tmp_path}/b.yaml:2:11: the number "41" is already taken by {tmp_path}/a.yaml',
    ]


def test_mistakes_of_all_files_are_told_together(tmp_path: Path) -> None:
    broken = BYE.format(name="a", number=41).replace("start: a", "start: b")
    write(tmp_path, a__yaml=broken, b__yaml="flow: [", x__table__yaml="key: 1\nrows: x")
    told = told_by_load(tmp_path, tmp_path / "nope.yaml")
    names = {Path(each.split(":")[0]).name for each in told}
    assert names == {"a.yaml", "b.yaml", "nope.yaml", "x.table.yaml"}


def test_a_table_must_exist_and_have_the_columns_that_are_asked_for(tmp_path: Path) -> None:
    write(tmp_path, small__yaml=SMALL)
    assert 'unknown table "small" (none is defined)' in told_by_load(tmp_path)[0]
    write(tmp_path, small__table__yaml="key: number\nrows: [{number: '1', pin: '2'}]")
    told = " ".join(told_by_load(tmp_path))
    assert 'the table "small" is searched by "number" (add number to `ask`)' in told
    assert 'unknown column of "small": "account"' in told


def test_an_account_number_alone_proves_nothing_where_a_pin_is_kept(tmp_path: Path) -> None:
    write(tmp_path, small__yaml=SMALL.replace("ask: [account, pin]", "ask: [account]"))
    write(tmp_path, small__table__yaml=TABLE)
    [told] = [each for each in told_by_load(tmp_path) if "whoever knows" in each]
    assert '"account" would be verified' in told
    assert "(add pin to `ask`, or write `level: number`)" in told


@pytest.mark.parametrize("name", ["a.yaml", "a.table.yaml", "a.table.csv", "calendars.yaml"])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "x.yaml").write_text(BYE.format(name="x", number=41))
    (tmp_path / name).mkdir()
    if name == "calendars.yaml":
        assert set(load([tmp_path]).flows) == {"x"}
    else:
        assert told_by_load(tmp_path) == [f"{tmp_path}/{name}:1:1: cannot be read: Is a directory"]


def test_a_table_may_be_empty(tmp_path: Path) -> None:
    write(tmp_path, small__yaml=SMALL, small__table__yaml=TABLE)
    assert set(load([tmp_path]).flows) == {"small"}


def test_a_revision_changes_with_its_file_and_only_then() -> None:
    assert flow_of(SMALL).revision == flow_of(SMALL).revision
    assert flow_of(SMALL).revision != flow_of(SMALL + "# more\n").revision


@pytest.mark.usefixtures("untraced")
def test_a_flow_of_two_thousand_steps_is_checked_in_a_second(tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_text(checking.large(2000))
    began = time.process_time()
    library = load([tmp_path], checking.FLOOR, checking.NAMES)
    # Twice what is promised: the processor may be shared.
    assert time.process_time() - began < 2
    assert len(library.flows["large"].steps) == 2000
    assert library.notes == ()
