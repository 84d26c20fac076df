"""What was in force is kept: whole, private, over restarts, and never half of it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ivr import plans
from ivr.errors import ConfigError
from ivr.plans import NoSuchRevision, Plan, Plans, checked_files, plan_of
from ivr.revisions import KEPT, Author, Draft, Revisions, RevisionsUnusable
from ivr.start import begin_with
from tests.shell.house import FLOOR, FLOW

LISA = Author("lisa", "holiday hours")
TABLE = "key: account\nrows:\n  - {account: '1', name: Mei}\n"


class Site:
    """A designer's folder and the revisions of its installation; `plans` is one service's."""

    def __init__(self, folder: Path) -> None:
        self.flows = folder / "flows"
        self.flows.mkdir()
        self.floor = self.flows / "floor.yaml"
        self.flow = self.flows / "line.yaml"
        self.floor.write_text(FLOOR)
        self.flow.write_text(FLOW)
        self.kept = Revisions(folder / "data" / "revisions.sqlite")
        self.live: set[tuple[str, str]] = set()
        self.plans = self.service()

    def begin(self) -> Plan:
        """What a service that starts would put in force."""
        return begin_with(self.flows, self.floor, self.kept, LISA)

    def service(self) -> Plans:
        """A service that starts over the same folder."""
        return Plans(self.flows, self.floor, self.begin(), self.kept, lambda: self.live)

    def edit(self, old: str, new: str) -> None:
        text = self.flow.read_text()
        assert old in text
        self.flow.write_text(text.replace(old, new))

    def numbers(self) -> list[int]:
        return [each.number for each in self.kept.all()]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


# --- publishing -------------------------------------------------------------------------------


async def test_a_revision_knows_who_when_why_and_what(site: Site) -> None:
    site.edit('"Hi."', '"Hello."')
    assert (await site.plans.reload(LISA)).revision == 2
    newest, first = site.kept.all()
    assert (newest.number, newest.who, newest.note) == (2, "lisa", "holiday hours")
    assert newest.at >= first.at > 0
    assert newest.changes == ('flow line: menu `greet`: words in en: "Hi." -> "Hello."',)
    assert first.changes == ("the first revision: flows line; 2 queues, 2 agents",)
    assert newest.flows == site.plans.plan.flow_revisions


async def test_a_reload_of_the_same_files_makes_no_revision(site: Site) -> None:
    assert (await site.plans.reload(LISA)).revision == 1
    (site.flows / "line.scenarios.yaml").write_text("- x\n")
    (site.flows / "notes.txt").write_text("x")
    await site.plans.reload(LISA)
    assert site.numbers() == [1]


async def test_a_comment_is_a_revision_that_says_it_is_only_that(site: Site) -> None:
    site.edit("start: greet", "# hello\nstart: greet")
    await site.plans.reload()
    assert site.kept.all()[0].changes == ("flow line: only its layout or comments",)


async def test_files_that_come_back_are_the_revision_they_were(site: Site) -> None:
    site.edit('"Hi."', '"Hello."')
    await site.plans.reload()
    site.edit('"Hello."', '"Hi."')
    assert (await site.plans.reload()).revision == 1
    assert site.numbers() == [2, 1]
    assert site.service().plan.revision == 1


async def test_everything_the_loader_reads_belongs_to_a_revision(site: Site) -> None:
    (site.flows / "people.table.yaml").write_text(TABLE)
    (site.flows / "people.scenarios.yaml").write_text("- x\n")
    (site.flows / "towns.table.csv").write_text("town\nBonn\n")
    await site.plans.reload()
    newest = site.kept.all()[0]
    assert set(newest.files) == {
        "floor.yaml",
        "line.yaml",
        "people.table.yaml",
        "towns.table.csv",
    }
    assert site.kept.files_of(newest)["people.table.yaml"] == TABLE.encode()


async def test_a_floor_elsewhere_is_kept_as_the_floor(tmp_path: Path) -> None:
    site = Site(tmp_path)
    elsewhere = tmp_path / "people.yaml"
    elsewhere.write_text(FLOOR.replace("Ana", "Eva"))
    plan = begin_with(site.flows, elsewhere, site.kept, LISA)
    again = plan_of(site.kept, site.kept.all()[0], site.flows)
    assert plan.floor == again.floor
    assert again.floor.floor.agents[0].name == "Eva"


def test_two_services_share_one_numbering(site: Site) -> None:
    other = Revisions(site.kept.path)
    files, plan = checked_files(site.flows, site.floor)
    draft = Draft({**files, "more.yaml": b"x"}, plan.flow_revisions)
    assert other.publish(draft, LISA, 1.0).number == 2
    assert site.numbers() == [2, 1]


@pytest.mark.usefixtures("umask")
def test_nobody_else_can_read_what_is_kept(tmp_path: Path) -> None:
    site = Site(tmp_path)
    assert stat.S_IMODE(site.kept.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(site.kept.path.parent.stat().st_mode) == 0o700


def test_looking_leaves_no_file_behind(tmp_path: Path) -> None:
    kept = Revisions(tmp_path / "data" / "revisions.sqlite")
    assert (kept.all(), kept.in_force(), kept.get(1), kept.holding("a", "b")) == (
        [],
        None,
        None,
        None,
    )
    assert list(tmp_path.iterdir()) == []


# --- all or nothing ---------------------------------------------------------------------------


async def test_two_reloads_at_once_are_two_reloads(site: Site) -> None:
    site.edit('"Hi."', '"Hello."')
    heard: list[int] = []
    site.plans.on_change(lambda plan: heard.append(plan.revision))
    first, second = await asyncio.gather(site.plans.reload(LISA), site.plans.reload(LISA))
    assert (first.revision, second.revision, heard) == (2, 2, [2, 2])
    assert site.plans.plan is second
    assert site.numbers() == [2, 1]


async def test_a_mistake_leaves_plan_and_revisions_as_they_were(site: Site) -> None:
    before = site.plans.plan
    site.edit("queue: sales", "queue: sails")
    with pytest.raises(ConfigError):
        await site.plans.reload(LISA)
    assert site.plans.plan is before
    assert site.numbers() == [1]


async def test_a_plan_that_is_refused_is_not_written_down_as_in_force(site: Site) -> None:
    def refuse(plan: Plan) -> None:
        raise sqlite3.OperationalError("disk is full")

    before = site.kept.in_force()
    site.edit('"Hi."', '"Hello."')
    site.plans.on_change(refuse)
    with pytest.raises(sqlite3.OperationalError):
        await site.plans.reload(LISA)
    with pytest.raises(sqlite3.OperationalError):
        await site.plans.rollback(1, LISA)
    assert (site.kept.in_force(), site.numbers()) == (before, [1])
    assert site.plans.plan.revision == 1


KILLED = """
import os, sys
from pathlib import Path
from ivr import revisions

setattr(revisions, sys.argv[2], lambda *_: os.kill(os.getpid(), 9))
draft = revisions.Draft({"line.yaml": b"other"}, {"line": "other"})
revisions.Revisions(Path(sys.argv[1])).publish(draft, revisions.CONSOLE, 1.0, ())
"""


@pytest.mark.parametrize("moment", ["_row", "_put_in_force", "_forget"])
def test_who_is_killed_while_publishing_leaves_the_old_one(site: Site, moment: str) -> None:
    before = site.kept.in_force()
    command = [sys.executable, "-c", KILLED, str(site.kept.path), moment]
    done = subprocess.run(command, check=False, timeout=60)
    assert done.returncode == -9
    assert (site.kept.in_force(), site.numbers()) == (before, [1])
    assert site.service().plan.revision == 1


async def test_files_saved_while_they_are_read_are_read_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = plans.load_plan

    def load_slowly(flows: Path, floor: Path, beside: Path | None = None) -> Plan:
        plan = real(flows, floor, beside)
        if '"Hi."' in site.flow.read_text():
            site.edit('"Hi."', '"Hello."')
        return plan

    monkeypatch.setattr(plans, "load_plan", load_slowly)
    plan = await site.plans.reload()
    kept = site.kept.files_of(site.kept.all()[0])
    assert b"Hello." in kept["line.yaml"]
    assert plan_of(site.kept, site.kept.all()[0], site.flows).flow_revisions == plan.flow_revisions


# --- back to an older one ---------------------------------------------------------------------


async def test_a_rollback_leaves_the_files_and_outlives_a_restart(site: Site) -> None:
    first = site.plans.plan.flow_revisions
    site.edit('"Hi."', '"Hello."')
    text = site.flow.read_text()
    await site.plans.reload(LISA)
    plan = await site.plans.rollback(1, Author("bob", "callers complain"))
    assert (plan.revision, plan.flow_revisions) == (1, first)
    assert site.flow.read_text() == text
    restarted = site.service().plan
    assert (restarted.revision, restarted.flow_revisions) == (1, first)
    assert "bob rolled back to it" in restarted.notice
    assert "callers complain" in restarted.notice
    assert "acd do reload" in restarted.notice


async def test_the_next_reload_takes_the_files_again(site: Site) -> None:
    site.edit('"Hi."', '"Hello."')
    await site.plans.reload()
    await site.plans.rollback(1)
    plan = await site.plans.reload()
    assert (plan.revision, plan.notice) == (2, "")
    restarted = site.service().plan
    assert (restarted.revision, restarted.notice) == (2, "")
    assert site.numbers() == [2, 1]


async def test_a_revision_that_is_not_kept_is_refused_with_those_that_are(site: Site) -> None:
    with pytest.raises(NoSuchRevision, match="There are 1 to 1"):
        await site.plans.rollback(7)
    assert site.plans.plan.revision == 1


async def test_after_a_rollback_broken_files_do_not_matter(site: Site) -> None:
    site.edit('"Hi."', '"Hello."')
    await site.plans.reload()
    await site.plans.rollback(1)
    site.flow.write_text("flow: [")
    assert site.service().plan.revision == 1


# --- the start ---------------------------------------------------------------------------------


def test_with_no_revision_yet_mistakes_are_told(tmp_path: Path) -> None:
    (tmp_path / "line.yaml").write_text("flow: line\n")
    kept = Revisions(tmp_path / "data" / "revisions.sqlite")
    with pytest.raises(ConfigError):
        begin_with(tmp_path, tmp_path / "floor.yaml", kept, LISA)
    assert kept.all() == []


def test_a_start_takes_files_that_check(site: Site) -> None:
    site.edit('"Hi."', '"Hello."')
    plan = site.begin()
    assert (plan.revision, plan.notice) == (2, "")
    assert site.kept.in_force() is not None


@pytest.mark.parametrize("broken", ["flow: [", FLOW.replace("queue: sales", "queue: sails")])
def test_a_half_finished_edit_does_not_keep_the_service_down(site: Site, broken: str) -> None:
    good = site.plans.plan
    site.flow.write_text(broken)
    plan = site.begin()
    assert (plan.revision, plan.flow_revisions) == (1, good.flow_revisions)
    assert "Revision 1 is in force, not the files: they had 1 mistake" in plan.notice
    assert "tieline check" in plan.notice
    assert site.numbers() == [1]


async def test_corrected_files_are_taken_by_the_next_reload(site: Site) -> None:
    site.edit("queue: sales", "queue: sails")
    service = site.service()
    assert service.plan.notice
    site.edit("queue: sails", "queue: help")
    plan = await service.reload()
    assert (plan.revision, plan.notice) == (2, "")


async def test_an_unusable_last_revision_gives_way_to_the_one_before(site: Site) -> None:
    site.edit('"Hi."', '"Hello."')
    await site.plans.reload()
    with sqlite3.connect(site.kept.path) as db:
        hash_ = site.kept.all()[0].files["line.yaml"]
        db.execute("UPDATE blob SET data = x'00' WHERE hash = ?", (hash_,))
    db.close()
    site.flow.write_text("flow: [")
    assert site.begin().revision == 1


def test_damaged_revisions_do_not_keep_good_files_out(site: Site) -> None:
    site.kept.path.write_bytes(b"this is no database" * 100)
    plan = site.begin()
    assert plan.revision == 0
    assert str(site.kept.path) in plan.notice
    with pytest.raises(RevisionsUnusable, match="move it away"):
        site.kept.all()


# --- what live calls need -----------------------------------------------------------------------


async def test_a_live_call_finds_its_flow_after_a_restart(site: Site) -> None:
    began = site.plans.plan.library.flows["line"]
    site.edit("greet", "hello")
    await site.plans.reload()
    service = site.service()
    found = await service.flow_of("line", began.revision)
    assert found is not None
    assert (found.revision, list(found.steps)) == (began.revision, list(began.steps))
    assert await service.flow_of("line", began.revision) is found, "it is read once"
    present = service.plan.library.flows["line"]
    assert await service.flow_of("line", present.revision) is present


@pytest.mark.parametrize(("name", "revision"), [("line", "000000000000"), ("x", ""), ("line", "")])
async def test_a_flow_that_is_not_kept_is_not_found(site: Site, name: str, revision: str) -> None:
    assert await site.plans.flow_of(name, revision) is None


async def test_a_flow_that_was_removed_is_there_for_its_calls(site: Site) -> None:
    began = site.plans.plan.library.flows["line"]
    other = FLOW.replace("line", "other")
    (site.flows / "other.yaml").write_text(other.replace("4900", "4901"))
    site.flow.unlink()
    await site.plans.reload()
    found = await site.plans.flow_of("line", began.revision)
    assert found is not None
    assert found.name == "line"


def publish(site: Site, number: int, in_use: set[tuple[str, str]]) -> None:
    text = f"revision {number}".encode()
    site.kept.publish(Draft({"line.yaml": text}, {"line": f"r{number}"}), LISA, 1.0, in_use)


def test_old_revisions_are_forgotten_but_for_those_in_use(site: Site) -> None:
    for number in range(2, KEPT + 10):
        publish(site, number, {("line", "r3"), ("gone", "r5")})
    newest = KEPT + 9
    assert site.numbers() == [*range(newest, newest - KEPT, -1), 3]
    held = site.kept.holding("line", "r3")
    assert held is not None
    assert site.kept.files_of(held) == {"line.yaml": b"revision 3"}
    with sqlite3.connect(site.kept.path) as db:
        assert db.execute("SELECT count(*) FROM blob").fetchone() == (KEPT + 1,)
    db.close()


def test_an_older_revision_in_force_is_not_forgotten(site: Site) -> None:
    for number in range(2, KEPT + 10):
        publish(site, number, set())
    files, plan = checked_files(site.flows, site.floor)
    publish(site, 2, set())
    assert site.numbers()[0] == KEPT + 10, "what was forgotten is a revision of its own again"
    site.kept.publish(Draft(files, plan.flow_revisions), LISA, 1.0, set())
    assert site.begin().revision == KEPT + 11
