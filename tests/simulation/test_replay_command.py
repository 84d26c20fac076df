"""`tieline replay`: the journal of a real distributor, told again beside another floor."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from acd import model as m
from acd.distributor import Distributor
from acd.journal import Journal
from acd.simulation.arrivals import Poisson
from acd.simulation.draws import Exponential, Lognormal
from acd.simulation.run import Run
from acd.simulation.scenario import Phones, Scenario, Shift, Stream
from ivr.cli import main
from ivr.errors import IvrError
from ivr.floor import load_floor
from ivr.simulation.history import read_history

FLOOR = """\
queues: {billing: {wrap_up: 10s}}
agents:
  "1001": {queues: [billing]}
  "1002": {queues: [billing]}
"""
BEGINS = datetime(2026, 3, 2, 8).astimezone().timestamp()


class Journalled(Run):
    """A day whose every event goes the way it goes in the service: through the journal."""

    distributor: Distributor

    def tell(self, event: m.Event) -> None:
        self.distributor.now = lambda: event.at
        self.distributor.send(event)
        super().tell(event)


def a_day(floor: m.Floor, into: Distributor) -> Run:
    stream = Stream("billing", Poisson(BEGINS, 7200, (110,)), Lognormal(120, 80), Exponential(70))
    shifts = tuple(Shift(agent.id, BEGINS, BEGINS + 7200) for agent in floor.agents)
    day = Scenario(floor, (stream,), shifts, BEGINS, BEGINS + 7200)
    into.now = lambda: BEGINS
    Journalled.distributor = into
    played = Journalled(
        floor, day.callers(4), day.moves(), begins=BEGINS, stops=BEGINS + 9000, phones=Phones()
    )
    played.play()
    return played


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "floor.yaml").write_text(FLOOR)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def played(here: Path) -> Run:
    with Journal(here / ".tieline/data/journal.sqlite") as journal:
        return a_day(load_floor(here / "flows/floor.yaml").floor, Distributor(journal))


def tieline(*arguments: str) -> Result:
    return CliRunner().invoke(main._app(), ["replay", *arguments])


def test_what_was_is_told_beside_what_would_have_been(here: Path, played: Run) -> None:
    (here / "more.yaml").write_text(FLOOR + '  "1003": {queues: [billing]}\n')
    result = tieline("--floor", "more.yaml", "--runs", "5")
    assert result.exit_code == 0, result.output
    told = result.stdout
    assert "2026-03-02 08:00:" in told.splitlines()[0]
    was, again, more = re.findall(r"(?m)^(?:billing)? +(as it was|again, same floor|on more.yaml) +"
                                  r"(\d+\.\d)\S* +(\d+\.\d)", told)  # fmt: skip
    answered = sum(fate.outcome == "answered" for fate in played.ledger.fates)
    assert was == ("as it was", f"{len(played.ledger.fates)}.0", f"{answered}.0")
    assert again[1] == more[1] == was[1]
    assert float(more[2]) > float(again[2])
    assert "unknown. It is drawn: their wait and an exponential time on top" in told
    assert "New on this floor, and taken to be on duty all the time: 1003." in told


def test_the_same_floor_is_replayed_once(here: Path, played: Run) -> None:
    told = json.loads(tieline("--runs", "2", "--json").stdout)
    assert list(told) == ["as it was", "again, same floor"]


def test_a_part_of_the_day_can_be_asked_for(here: Path, played: Run) -> None:
    told = json.loads(
        tieline(
            "--runs", "1", "--json", "--from", "2026-03-02T08:30", "--to", "2026-03-02T09:00"
        ).stdout
    )
    came = [fate for fate in played.ledger.fates if 1800 <= fate.at - BEGINS <= 3600]
    waiting = [
        fate for fate in played.ledger.fates if fate.at - BEGINS < 1800 < fate.ended - BEGINS
    ]
    assert told["as it was"]["queues"]["billing"]["offered"]["value"] == len(came) + len(waiting)


async def test_without_days_only_what_followed_a_snapshot_is_there(
    here: Path,
) -> None:
    path = here / ".tieline/data/journal.sqlite"
    floor = load_floor(here / "flows/floor.yaml").floor
    with Journal(path) as journal:
        distributor = Distributor(journal)
        a_day(floor, distributor)
        await distributor.stop()
        assert "nothing to replay" in str(tieline().exception)
        assert "when it was trimmed last" in str(tieline().exception)
        at = BEGINS + 10_000
        distributor.send(m.LoggedIn(at, "1001"))
        for n in range(3):
            distributor.send(m.CallQueued(at + n, f"z{n}", f"z{n}", "billing", {}, 0, at + n))
    result = tieline("--runs", "2")
    assert result.exit_code == 0, result.output
    assert "; what was before was trimmed." in result.stdout
    history = read_history(path)
    assert history.snapshot is not None
    assert len(history.events) == 4
    assert history.engine().floor == floor


async def test_yesterday_can_be_replayed_after_restarts_and_old_days_are_gone(here: Path) -> None:
    path = here / ".tieline/data/journal.sqlite"
    floor = load_floor(here / "flows/floor.yaml").floor
    day = 86_400.0
    for n in range(5):
        begins = BEGINS + n * day
        with Journal(path) as journal:
            distributor = Distributor(journal, lambda at=begins: at, keep_days=2)
            distributor.recover()
            distributor.start()
            distributor.send(m.DayStarted(begins))
            await asyncio.sleep(0)
            distributor.send(m.FloorLoaded(begins, floor))
            for call in range(5 + n):
                at = begins + call
                distributor.send(m.CallQueued(at, f"{n}/{call}", f"{n}", "billing", {}, 0, at))
            distributor.now = lambda at=begins + 60: at
            await distributor.stop()
    history = read_history(path)
    assert (history.begins, history.ends) == (BEGINS + 2 * day, BEGINS + 4 * day + 8)
    yesterday = ("--from", "2026-03-05T08:00", "--to", "2026-03-05T20:00")
    told = json.loads(tieline("--runs", "1", "--json", *yesterday).stdout)
    offered = told["as it was"]["queues"]["billing"]["offered"]["value"]
    assert offered == 5 + 6 + 7 + 8, "those of that day, and those who waited since earlier days"
    gone = tieline("--from", "2026-03-02", "--to", "2026-03-03").exception
    assert "; what was before was trimmed" in str(gone)


def test_a_span_of_which_nothing_is_known_is_refused_with_what_there_is(
    here: Path, played: Run
) -> None:
    result = tieline("--from", "2026-02-01", "--to", "2026-02-02")
    assert isinstance(result.exception, IvrError)
    assert "the journal has nothing then: it has 2026-03-02 08:00:00 to" in str(result.exception)
    assert "is not before" in str(tieline("--from", "2026-03-03", "--to", "2026-03-02").exception)
    assert "is no time" in str(tieline("--from", "soon").exception)


def test_before_the_first_run_there_is_no_journal(here: Path) -> None:
    assert "has the service run yet?" in str(tieline().exception)


def test_looking_leaves_the_journal_as_it_is(here: Path, played: Run) -> None:
    path = here / ".tieline/data/journal.sqlite"
    before = read_history(path).events
    tieline("--runs", "1")
    assert read_history(path).events == before


@pytest.mark.parametrize("when", ["99999999999999999999d", "9999-12-31T23:59:59-23:59", "soon"])
def test_what_is_no_time_is_told(here: Path, played: Run, when: str) -> None:
    assert "is no time: write 30m, 2h" in str(tieline("--from", when).exception)


def test_a_journal_that_is_no_file_is_told(here: Path) -> None:
    journal = here / ".tieline" / "data" / "journal.sqlite"
    journal.mkdir(parents=True)
    told = tieline().exception
    assert isinstance(told, IvrError)
    assert f"{journal} cannot be read" in str(told)
