"""Flows that run each other: found, checked in order, never round in circles."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.errors import ConfigError
from ivr.flow.loading.loader import Library, load

MAIN = """\
flow: main
numbers: ["4000"]
languages: %s
collects: {order: {type: digits}, name: {type: text}, who: {type: choice, of: [a, b]}}
start: s
steps:
  s: {set: {order: "1"}, next: r}
  r: {run: inner, with: {order: "{{ order }}"}, keep: {name: name}, next: z, otherwise: z}
  z: {hangup: }
"""
INNER = """\
flow: inner
languages: %s
collects: {order: {type: digits}, name: {type: text}, more: {type: text}}
takes: [order]
gives: [name]
start: a
steps:
  a: {branch: [{if: order == '1', next: b}], otherwise: no}
  b: {set: {name: "{{ order }}"}, next: yes}
  yes: {return: }
  no: {return: failed}
"""


def write(
    folder: Path, main: str = MAIN % "[en]", inner: str = INNER % "[en]", **more: str
) -> Path:
    for name, text in {"main": main, "inner": inner, **more}.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def told(folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load([folder])
    lines = [str(each).removeprefix(f"{folder}/") for each in refused.value.problems]
    return [line.split(" (", maxsplit=1)[0] for line in lines]


def test_a_flow_holds_the_flows_it_runs(tmp_path: Path) -> None:
    library = load([write(tmp_path)])
    main = library.flows["main"]
    assert main.subflows == {"inner": library.flows["inner"]}
    assert list(library.numbers) == ["4000"]


def revision(folder: Path, **texts: str) -> tuple[str, str]:
    library: Library = load([write(folder, **texts)])
    return library.flows["main"].revision, library.flows["inner"].revision


def test_a_revision_is_also_that_of_the_flows_it_runs(tmp_path: Path) -> None:
    before = revision(tmp_path)
    assert revision(tmp_path) == before
    changed = revision(tmp_path, inner=INNER % "[en]" + "# more\n")
    assert changed[0] != before[0]
    assert changed[1] != before[1]
    main = revision(tmp_path, main=MAIN % "[en]" + "# more\n")
    assert main[0] != before[0]
    assert main[1] == before[1]


def test_one_file_brings_the_flows_it_runs_and_no_others(tmp_path: Path) -> None:
    write(tmp_path, broken="flow: broken\nstart: nowhere\n", odd="- no flow")
    assert set(load([tmp_path / "main.yaml"]).flows) == {"main", "inner"}
    (tmp_path / "inner.yaml").write_text((INNER % "[en]").replace("start: a", "start: aa"))
    with pytest.raises(ConfigError, match=r"inner.yaml:6:8: unknown step"):
        load([tmp_path / "main.yaml"])


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("run: inner", "run: inne", 'main.yaml:8:12: unknown flow "inne"'),
        ("run: inner", "run: main", 'main.yaml:8:12: "main" has numbers of its own'),
        ('{order: "{{ order }}"}', "{}", 'main.yaml:8:12: "inner" takes order as well'),
        ('order: "{{', 'ordr: "{{', "main.yaml:8:32: unknown field that"),
        ("keep: {name: name}", "keep: {name: more}", "main.yaml:8:62: unknown field that"),
        ("keep: {name: name}", "keep: {nam: name}", 'main.yaml:8:56: unknown field "nam"'),
        ("z: {hangup: }", "z: {return: }", "main.yaml:9:3: a flow with numbers"),
    ],
)
def test_what_a_run_gets_wrong_is_told(tmp_path: Path, old: str, new: str, wrong: str) -> None:
    found = told(write(tmp_path, (MAIN % "[en]").replace(old, new)))
    assert any(each.startswith(wrong) for each in found), found


def test_flows_that_run_each_other_for_ever_are_told_with_their_path(tmp_path: Path) -> None:
    step = "  b: {run: third, next: yes, otherwise: no}\n"
    inner = (INNER % "[en]").replace('  b: {set: {name: "{{ order }}"}, next: yes}\n', step)
    third = (
        "flow: third\nstart: a\nsteps:\n  a: {run: inner, next: b, otherwise: b}\n  b: {return: }\n"
    )
    rounds = [each for each in told(write(tmp_path, inner=inner, third=third)) if "ever" in each]
    assert rounds == [
        "inner.yaml:9:12: these flows run each other for ever: inner -> third -> inner"
    ]
    alone = inner.replace("run: third", "run: inner")
    rounds = [each for each in told(write(tmp_path, inner=alone, third=third)) if "ever" in each]
    assert rounds == ["inner.yaml:9:12: these flows run each other for ever: inner -> inner"]


def test_a_flow_that_never_comes_back_is_told(tmp_path: Path) -> None:
    inner = (INNER % "[en]").replace("yes: {return: }", "yes: {hangup: }")
    assert told(write(tmp_path, inner=inner)) == ['main.yaml:8:12: "inner" never comes back']


def test_a_flow_must_speak_the_languages_of_who_runs_it(tmp_path: Path) -> None:
    main = MAIN % "[en, zh]"
    assert load([write(tmp_path, main)])
    inner = (INNER % "[en]").replace("next: yes}", "next: say}\n  say: {say: Hello, next: yes}")
    assert told(write(tmp_path, main, inner)) == [
        'main.yaml:8:12: "inner" has no zh words, which this flow speaks'
    ]


def test_a_flow_with_a_number_runs_none_that_asks_for_text(tmp_path: Path) -> None:
    asks = "next: c}\n  c: {collect: more, say: What?, next: yes, otherwise: no}"
    inner = (INNER % "[en]").replace("next: yes}", asks)
    assert told(write(tmp_path, inner=inner)) == [
        'main.yaml:8:12: "inner" asks for "more", which no telephone can key'
    ]


QUEUE = 'z: {queue: "{{ who }}", otherwise: y}\n  y: {hangup: }'


@pytest.mark.parametrize(
    ("steps", "sure"),
    [("a: {set: {who: a}, next: b}", True), ("a: {branch: [], otherwise: b}", False)],
)
def test_what_is_kept_is_sure_when_every_return_has_it(
    tmp_path: Path, steps: str, sure: bool
) -> None:
    inner = (
        "flow: inner\ncollects: {who: {type: choice, of: [a, b]}}\ngives: [who]\nstart: a\n"
        f"steps:\n  {steps}\n  b: {{return: }}\n"
    )
    run = "r: {run: inner, keep: {who: who}, next: z, otherwise: y}"
    main = (MAIN % "[en]").replace("z: {hangup: }", QUEUE)
    lines = [f"  {run}" if each.startswith("  r:") else each for each in main.splitlines()]
    write(tmp_path, "\n".join(lines), inner)
    if sure:
        assert load([tmp_path])
    else:
        assert told(tmp_path) == [
            'main.yaml:9:14: "who" has no value yet at step "z"',
            "main.yaml:9:14: the name of the queue can be empty here",
        ]


def test_a_round_through_a_flow_that_asks_nothing_is_told(tmp_path: Path) -> None:
    main = (MAIN % "[en]").replace("next: z, otherwise: z", "next: r, otherwise: z")
    assert told(write(tmp_path, main)) == ["main.yaml:8:3: a call goes round for ever: r -> r"]
    inner = (
        (INNER % "[en]")
        .replace(
            '  b: {set: {name: "{{ order }}"}, next: yes}\n',
            '  b: {menu: "1", "1": yes, otherwise: no}\n  c: {set: {name: x}, next: b}\n',
        )
        .replace("next: b}", "next: c}", 1)
    )
    assert load([write(tmp_path, main, inner)])


def test_who_is_calling_is_known_after_a_flow_that_found_out(tmp_path: Path) -> None:
    main = (MAIN % "[en]").replace("z: {hangup: }", 'z: {hangup: "{{ customer.name }}"}')
    assert told(write(tmp_path, main)) == [
        'main.yaml:9:15: "customer" has no value yet at step "z"'
    ]
    (tmp_path / "t.table.yaml").write_text("key: order\nrows: []")
    asks = "next: c}\n  c: {identify: t, ask: order, next: yes, otherwise: no}"
    inner = (INNER % "[en]").replace("next: yes}", asks)
    inner = inner.replace("{order: {type: digits}", "{order: {type: digits, say: Order?}")
    assert load([write(tmp_path, main, inner)])
