"""What a service that starts puts in force: it comes up even over half-edited files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import structlog

from ivr.errors import ConfigError
from ivr.plans import Plan, checked_files, keep, load_plan, noticed, plan_of, rolled_back
from ivr.revisions import FILE, Author, Revisions, RevisionsUnusable, login_name
from ivr.settings import Settings

log = structlog.get_logger(__name__)


def revisions_of(settings: Settings) -> Revisions:
    """The revisions of this installation."""
    return Revisions(settings.data_dir / FILE)


def begin(settings: Settings) -> Plan:
    """The plan for a start: `begin_with` what the settings name, in the name of who runs it."""
    author = Author(login_name(), "at the start")
    return begin_with(settings.flows, settings.floor, revisions_of(settings), author)


def begin_with(flows: Path, floor: Path, revisions: Revisions, by: Author) -> Plan:
    """What to put in force; blocks for as long as checking takes.

    The files, kept as a revision if they are different; after a rollback, what was put back; and
    where the files have mistakes, the last revision without. `Plan.notice` tells the latter two.

    Raises:
        ConfigError: the files have mistakes, and no good revision is kept.
    """
    try:
        if (plan := _put_back(revisions, flows)) is not None:
            return plan
        checked = checked_files(flows, floor)
        return keep(revisions, checked, lambda: _last_good(revisions, flows), by)
    except RevisionsUnusable as why:
        log.error("revisions cannot be kept", why=str(why))
        return noticed(load_plan(flows, floor), str(why))
    except ConfigError as wrong:
        if (good := _last_good(revisions, flows)) is None:
            raise
        log.error("the files have mistakes", problems=[str(each) for each in wrong.problems])
        return noticed(good, _half_edited(good.revision, len(wrong.problems)))


def _put_back(revisions: Revisions, flows: Path) -> Plan | None:
    """What somebody rolled back to, if that is in force."""
    force = revisions.in_force()
    if force is None or not force.rolled_back:
        return None
    plan = _first_good(revisions, (force.number,), flows)
    if plan is None:
        return None
    log.warning("a rollback stays in force", revision=force.number, who=force.who)
    return noticed(plan, rolled_back(force))


def _last_good(revisions: Revisions, flows: Path) -> Plan | None:
    """The plan of the revision in force, else of the newest older one that is still good."""
    try:
        force = revisions.in_force()
        last = force.number if force is not None else 0
        older = [each.number for each in revisions.all() if each.number < last]
    except RevisionsUnusable as why:
        log.error("revisions cannot be read", why=str(why))
        return None
    return _first_good(revisions, (last, *older), flows)


def _first_good(revisions: Revisions, numbers: Sequence[int], flows: Path) -> Plan | None:
    for number in numbers:
        try:
            if (revision := revisions.get(number)) is not None:
                return plan_of(revisions, revision, flows)
        except (ConfigError, RevisionsUnusable) as why:
            log.error("a kept revision cannot be used", revision=number, why=str(why))
    return None


def _half_edited(number: int, mistakes: int) -> str:
    return (
        f"Revision {number} is in force, not the files: they had {mistakes} "
        f"mistake{'' if mistakes == 1 else 's'} when the service started. See them: tieline check. "
        "The corrected files are taken by: acd do reload"
    )
