"""The floor file: every mistake is told at its place, with what is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from acd.floor import ALL_SKILLS, Callbacks, Queue, Relaxation
from acd.words import First, Formula, HeldChats, Order, Reset, Strategy
from ivr.errors import ConfigError
from ivr.floor import load_floor, read_floor
from ivr.resources import flows_dir

FLOOR = """\
pause_reasons: [lunch, break]
queues:
  billing: {title: Billing, number: "4102", wrap_up: 30s, ring: 15s, max_wait: 10m, weight: 5}
  cards: {}
agents:
  "1001": {name: Ana Ruiz, queues: [billing, cards], skills: {english: 9}}
  "1002": {}
"""


def test_a_floor_is_what_was_written() -> None:
    plan = read_floor(FLOOR, "floor.yaml")
    billing, cards = plan.floor.queues
    assert billing == Queue(
        "billing", "Billing", ring_seconds=15, wrap_up_seconds=30, max_wait=600, weight=5
    )
    assert cards == Queue("cards", "cards")
    ana, second = plan.floor.agents
    assert (ana.id, ana.name, ana.queues, ana.skills) == (
        "1001",
        "Ana Ruiz",
        ("billing", "cards"),
        {"english": 9},
    )
    assert (second.name, second.queues, second.skills) == ("1002", (), {})
    assert plan.floor.pause_reasons == ("lunch", "break")


def test_numbers_names_and_skills_can_be_asked_for() -> None:
    plan = read_floor(FLOOR, "floor.yaml")
    assert (plan.queue_of("4102"), plan.queue_of("4103")) == ("billing", None)
    assert (plan.is_agent("1001"), plan.is_agent("4102")) == (True, False)
    assert (plan.title("billing"), plan.title("gone")) == ("Billing", "gone")
    assert plan.skills == {"english"}


def test_a_floor_with_nothing_in_it_has_one_pause_reason() -> None:
    plan = read_floor("queues: {}\n", "floor.yaml")
    assert (plan.floor.queues, plan.floor.agents) == ((), ())
    assert plan.floor.pause_reasons == ("break",)


def test_the_shipped_floor_is_right() -> None:
    assert load_floor(flows_dir() / "floor.yaml").floor.agents


RULES = """\
reset_idle_on: [unpause]
chats_on_call: park
seed: 5
queues:
  billing:
    strategy: fewest_calls
    order: target
    relax:
      - {after: 30s, levels: {english: 3}}
      - {after: 1m, drop: [mandarin], also: [cards]}
      - {after: 2m, drop: all}
    prefer: 10s
    max_expected_wait: 10m
    leave_when_empty: never
    leave_when_busy: 15m
    turn_away_when_empty: 0s
    disposition: required
    service_level: answered
    handle_time: 3m
    announce_every: 1m
    regain: 5m
    callback: {first: agent, ring: 25s, attempts: 2, retry: 10m, expire: 8h}
  cards: {leave_when_empty: 9s}
agents:
  "1001": {queues: [billing], skills: {english: 9, mandarin: 4}, chats: 5}
"""


def test_every_rule_of_the_distributor_can_be_written() -> None:
    floor = read_floor(RULES, "floor.yaml").floor
    billing, cards = floor.queues
    assert billing == Queue(
        "billing",
        "billing",
        strategy=Strategy.FEWEST_CALLS,
        order=Order.TARGET,
        relax=(
            Relaxation(30, {"english": 3}),
            Relaxation(60, drop=("mandarin",), also=("cards",)),
            Relaxation(120, drop=(ALL_SKILLS,)),
        ),
        prefer_seconds=10,
        max_expected_wait=600,
        leave_when_empty=None,
        leave_when_unskilled=None,
        leave_when_busy=900,
        turn_away_when_empty=0,
        disposition_required=True,
        formula=Formula.ANSWERED,
        handle_seconds=180,
        announce_every=60,
        regain_seconds=300,
        callbacks=Callbacks(First.AGENT, 25, 2, 600, 28_800),
    )
    assert (cards.leave_when_empty, cards.leave_when_unskilled) == (9, 9)
    assert (floor.reset_idle_on, floor.held_chats, floor.seed) == (
        (Reset.UNPAUSE,),
        HeldChats.PARK,
        5,
    )
    assert floor.agents[0].chats == 5


RULE_MISTAKES = [
    ("fewest_calls", "fewest_cals", 6, 'did you mean "fewest_calls"'),
    ("order: target", "order: tier", 7, '"order" cannot be "tier"'),
    ("[unpause]", "[unpaus]", 1, 'did you mean "unpause"'),
    ("chats_on_call: park", "chats_on_call: drop", 2, '"chats_on_call" cannot be "drop"'),
    ("english: 3", "englsh: 3", 9, 'unknown skill "englsh"'),
    ("[mandarin]", "[mandarn]", 10, 'unknown skill "mandarn"'),
    ("also: [cards]", "also: [card]", 10, 'unknown queue "card"'),
    ("after: 1m", "after: 20s", 10, "cannot follow one after 30s"),
    ("drop: all", "drop: []", 11, "changes nothing"),
    ("drop: all", "dropp: all", 11, 'did you mean "drop"'),
    ("{after: 2m, drop: all}", "{drop: all}", 11, 'lacks "after"'),
    ("leave_when_empty: never", "leave_when_empty: nevr", 14, "or never"),
    ("leave_when_busy: 15m", "leave_when_busy: 15", 15, "such as 20s"),
    ("disposition: required", "disposition: yes", 17, '"disposition" cannot be "yes"'),
    ("first: agent", "first: boss", 22, '"first" cannot be "boss"'),
    ("attempts: 2", "attempts: 0", 22, "it may be 1 to 20"),
    ("chats: 5", "chats: 50", 25, "it may be 0 to 20"),
]


@pytest.mark.parametrize(("right", "wrong", "line", "words"), RULE_MISTAKES)
def test_a_mistake_in_a_rule_is_told_at_its_place(
    right: str, wrong: str, line: int, words: str
) -> None:
    assert right in RULES
    with pytest.raises(ConfigError) as told:
        read_floor(RULES.replace(right, wrong), "floor.yaml")
    found = [problem for problem in told.value.problems if words in str(problem)]
    assert [(problem.file, problem.line) for problem in found] == [("floor.yaml", line)]


MISTAKES = [
    ('  "1002": {}', '  "1002": {queue: [cards]}', 7, 'unknown key in the agent "1002": "queue"'),
    ("[billing, cards]", "[biling, cards]", 6, 'unknown queue "biling"'),
    ('"1002": {}', '"4102": {}', 7, "4102 is the number of billing already"),
    ('"1002": {}', '"1": {}', 7, "cannot be an agent's extension"),
    ('"1002": {}', '"10o2": {}', 7, "cannot be an agent's extension"),
    ('"1002": {}', '"1001": {}', 7, "1001"),
    ("  cards: {}", "  Cards: {}", 4, '"Cards" cannot be the name of a queue'),
    ("  cards: {}", '  cards: {number: "4102"}', 4, "4102 is the number of billing already"),
    ("  cards: {}", '  cards: {number: "*41"}', 4, "is not a number to dial"),
    ("  cards: {}", "  cards: {ring: 2s}", 4, "it may be 5s to 2m"),
    ("  cards: {}", "  cards: {ring: 15}", 4, "such as 20s"),
    ("  cards: {}", "  cards: {max_waiting: 0}", 4, "it may be 1 to 10000"),
    ("  cards: {}", "  cards: {weight: high}", 4, "must be a whole number"),
    ("  cards: {}", '  cards: {title: "a; b"}', 4, "title cannot be shown on a phone"),
    ("  cards: {}", "  cards: [1]", 4, "must be a mapping"),
    ("Ana Ruiz", '"Ana \\"A\\" Ruiz"', 6, "name cannot be shown on a phone"),
    ("Ana Ruiz", "A" * 61, 6, "at most 60 characters"),
    ("english: 9", "english: 11", 6, "it may be 1 to 10"),
    ("english: 9", "english: good", 6, "must be a whole number"),
    ("[lunch, break]", "[Lunch]", 1, '"Lunch" cannot be a pause reason'),
    ("[lunch, break]", "[a, b, c, d, e, f, g, h, i, j]", 1, "at most 9"),
    ("[lunch, break]", "", 1, "must be a list"),
    ("pause_reasons", "pause_reason", 1, 'unknown key in the floor: "pause_reason"'),
]


@pytest.mark.parametrize(("right", "wrong", "line", "words"), MISTAKES)
def test_a_mistake_is_told_at_its_place(right: str, wrong: str, line: int, words: str) -> None:
    assert right in FLOOR
    with pytest.raises(ConfigError) as told:
        read_floor(FLOOR.replace(right, wrong), "floor.yaml")
    found = [problem for problem in told.value.problems if words in str(problem)]
    assert [(problem.file, problem.line) for problem in found] == [("floor.yaml", line)]


def test_all_mistakes_are_told_at_once() -> None:
    text = FLOOR.replace("english: 9", "english: 99").replace("cards: {}", "Cards: {}")
    with pytest.raises(ConfigError) as told:
        read_floor(text, "floor.yaml")
    assert len(told.value.problems) >= 2


def test_a_file_that_is_not_there_is_a_mistake_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_floor(tmp_path / "floor.yaml")


def test_a_file_that_is_no_text_is_a_mistake_too(tmp_path: Path) -> None:
    (tmp_path / "floor.yaml").write_bytes(b"queues: \xff\xfe")
    with pytest.raises(ConfigError):
        load_floor(tmp_path / "floor.yaml")
