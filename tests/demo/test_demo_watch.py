"""What can be seen of the service from outside, by its journal alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from acd.journal import Journal
from acd.model import AgentState, CallQueued, Channel, FloorLoaded, LoggedIn, to_json
from ivr.demo.town import MORNING
from ivr.demo.watch import Place, Watch, place
from ivr.flow.actions import Ask, Keys, Said, Say
from ivr.flow.errands import Identify
from ivr.flow.model import Flow
from ivr.flow.running.interpreter import Facts, State, Turn, resume, start
from ivr.plans import Plan, load_plan
from ivr.resources import flows_dir

NOW = datetime.fromisoformat(MORNING)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return load_plan(flows_dir(), flows_dir() / "floor.yaml")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.sqlite") as journal:
        yield journal


@pytest.fixture
def watch(journal: Journal, plan: Plan) -> Iterator[Watch]:
    with Journal(journal.path, read_only=True) as seen:
        yield Watch(seen, plan.library)


def live(turn: Turn, phase: str = "flow") -> dict[str, Any]:
    return {"flow": turn.state.flow, "phase": phase, "position": turn.state.to_json()}


def keyed(flow: Flow, turn: Turn, *entries: str) -> Turn:
    for entry in entries:
        turn = resume(flow, turn.state, Keys(entry), NOW)
    return turn


def tell(journal: Journal, contact: str, kind: str, at: float = 1.0, **data: Any) -> None:
    journal.append("contact", at, {"contact": contact, "kind": kind, "step": "", "data": data})


def test_the_words_are_the_ones_that_are_spoken(plan: Plan) -> None:
    clinic = plan.library.flows["clinic"]
    turn = start(clinic, Facts("+12025550143", "4001"), NOW)
    for entry in ("1", "7"):
        assert isinstance(turn.action, Ask)
        spoken = " ".join(prompt.text for prompt in turn.action.prompts)
        assert place(plan.library, live(turn), NOW).words in spoken
        turn = keyed(clinic, turn, entry)


def test_words_are_in_the_language_the_caller_chose(plan: Plan) -> None:
    bank = plan.library.flows["bank"]
    turn = keyed(bank, start(bank, Facts("13800138000", "4002"), NOW), "2", "2")
    found = place(plan.library, live(turn), NOW)
    assert found == Place("bank", "who", "zh", "请输入八位账号。")


def test_nothing_is_said_while_a_secret_is_checked_or_someone_waits(plan: Plan) -> None:
    bank, clinic = plan.library.flows["bank"], plan.library.flows["clinic"]
    turn = start(bank, Facts("", "4002"), NOW)
    turn = keyed(bank, turn, "1", "2", "12345678", "4321")
    assert isinstance(turn.action, Identify)
    assert place(plan.library, live(turn), NOW).words == ""
    turn = keyed(clinic, start(clinic, Facts("", "4001"), NOW), "1", "1")
    assert place(plan.library, live(turn), NOW).words == ""


def test_a_flow_that_has_changed_since_tells_no_words(plan: Plan) -> None:
    turn = start(plan.library.flows["clinic"], Facts("", "4001"), NOW)
    older = replace(turn, state=replace(turn.state, revision="older"))
    assert place(plan.library, live(older), NOW).words == ""
    assert place(plan.library, {"flow": "clinic", "position": {}}, NOW) == Place("clinic")


def test_a_spoken_step_has_words_until_it_is_said(plan: Plan) -> None:
    bank = plan.library.flows["bank"]
    turn = keyed(bank, start(bank, Facts("", "4002"), NOW), "1", "1")
    assert isinstance(turn.action, Say)
    assert place(plan.library, live(turn), NOW).words == "We will block it. One moment."
    turn = resume(bank, turn.state, Said(), NOW)
    assert State.from_json(turn.state.to_json()).phase == "queue"


def test_a_contact_is_followed_from_its_number_to_its_end(
    journal: Journal, watch: Watch, plan: Plan
) -> None:
    assert watch.contact_of("+1202") == ""
    tell(journal, "k3f9", "began", 5.0, caller="+1202", dialled="4001")
    turn = start(plan.library.flows["clinic"], Facts("+1202", "4001"), NOW)
    journal.set_live("k3f9", 5.0, live(turn))
    assert [getattr(each, "kind", "") for each in watch.look(NOW)] == ["began"]
    assert watch.contact_of("+1202") == "k3f9"
    assert watch.latest("k3f9") == 5.0
    assert watch.in_flow() == ["k3f9"]
    assert watch.place("k3f9").step == "language"
    tell(journal, "k3f9", "ended", 9.0, outcome="completed")
    journal.drop_live("k3f9")
    watch.look(NOW)
    assert watch.has_ended("k3f9")
    assert watch.in_flow() == []


def test_places_and_states_are_those_of_the_distributor(
    journal: Journal, watch: Watch, plan: Plan
) -> None:
    floor = plan.floor.floor
    waits = [
        CallQueued(at, f"{name}.1", name, "appointments", {"english": 3}, 0, at, None, None)
        for at, name in ((2.0, "eve"), (3.0, "raj"))
    ]
    for event in (FloorLoaded(1.0, floor), *waits):
        journal.append("engine", event.at, to_json(event))
    watch.look(NOW)
    assert [row.position for row in watch.calls(4.0)] == [1, 2]
    journal.append("engine", 4.0, to_json(LoggedIn(4.0, "1001")))
    changed = watch.look(NOW)
    assert [getattr(each, "state", None) for each in changed][-1] is AgentState.OFFERED
    eve = watch.call("eve", 5.0)
    assert eve is not None
    assert (eve.agent, eve.position) == ("1001", None)


def test_a_conversation_in_writing_is_not_taken_for_the_call(
    journal: Journal, watch: Watch, plan: Plan
) -> None:
    ways = (("t1", Channel.CHAT), ("1", Channel.VOICE))
    waits = [
        CallQueued(2.0, f"nora.{name}", "nora", "orders", {}, 0, 2.0, channel=channel)
        for name, channel in ways
    ]
    for event in (FloorLoaded(1.0, plan.floor.floor), *waits[:1]):
        journal.append("engine", event.at, to_json(event))
    watch.look(NOW)
    assert watch.call("nora", 3.0) is None
    journal.append("engine", 2.0, to_json(waits[1]))
    watch.look(NOW)
    call = watch.call("nora", 3.0)
    assert call is not None
    assert call.call == "nora.1"


def test_only_what_is_new_is_told(journal: Journal, plan: Plan) -> None:
    tell(journal, "old", "began", caller="+1")
    with Journal(journal.path, read_only=True) as seen:
        watch = Watch(seen, plan.library)
        assert watch.look(NOW) == []
        tell(journal, "new", "began", caller="+2")
        assert len(watch.look(NOW)) == 1
        assert watch.look(NOW) == []
