"""What services need and no revision holds is found again beside the flows."""

from __future__ import annotations

from pathlib import Path

from ivr.plans import Plan, changes, plan_of
from tests.shell.test_revisions import LISA, Site

SERVICES = """\
services:
  orders: {url: "https://shop.example", headers: {Authorization: {file: token, prefix: "Bearer "}}}
"""


def token(plan: Plan) -> str:
    return plan.services.services["orders"].headers["Authorization"]


async def with_services(folder: Path) -> Site:
    site = Site(folder)
    (site.flows / "services.yaml").write_text(SERVICES)
    (site.flows / "token").write_text("1234\n")
    await site.plans.reload(LISA)
    return site


async def test_a_rollback_leaves_services_their_secrets(tmp_path: Path) -> None:
    site = await with_services(tmp_path)
    site.edit('"Hi."', '"Hello."')
    await site.plans.reload(LISA)
    plan = await site.plans.rollback(2, LISA)
    assert (token(plan), token(site.service().plan)) == ("Bearer 1234", "Bearer 1234")
    assert "token" not in plan.notice


async def test_half_an_edit_leaves_services_their_secrets(tmp_path: Path) -> None:
    site = await with_services(tmp_path)
    site.edit("start: greet", "start:")
    assert token(site.service().plan) == "Bearer 1234"


async def test_secrets_make_no_difference_and_are_in_no_revision(tmp_path: Path) -> None:
    site = await with_services(tmp_path)
    kept = site.kept.all()[0]
    assert changes(plan_of(site.kept, kept, site.flows), site.plans.plan) == []
    assert not any(b"1234" in text for text in site.kept.files_of(kept).values())


async def test_hidden_files_are_no_part_of_a_revision(tmp_path: Path) -> None:
    site = await with_services(tmp_path)
    (site.flows / ".#line.yaml").symlink_to("lisa@desk.1")
    (site.flows / "._line.yaml").write_text("x")
    assert (await site.plans.reload(LISA)).revision == 2
