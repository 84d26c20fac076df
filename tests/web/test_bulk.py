"""Customers by the file: nothing is lost, nothing is kept that should not be, and all is told."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from openpyxl import load_workbook

from acd.customers import Address, Audit
from acd.customers.exporting import Page
from acd.customers.importing import Imported
from acd.records import RecordsUnavailable
from ivr.web.api.bulk import CSV, XLSX
from ivr.web.roles import Role, Who
from tests.web.desk_house import PASSWORD, DeskHouse
from tests.web.house import Browser

AT, EXPORT = "/api/customers/imports", "/api/customers/export"
GOOD = "name,phone,tags\nMei Lin,138 0013 8000,vip\nTom,13900139000,\n"
MIXED = GOOD + "Nobody,not a number,\n=cmd|' /C calc'!A0,13700137000,new\n"


@pytest_asyncio.fixture
async def boss(house: DeskHouse) -> AsyncIterator[Browser]:
    await house.user("boss", ("supervisor",))
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        stranger = Browser(session, house.url)
        body = {"name": "boss", "password": PASSWORD}
        answer = await stranger.ask("POST", "/api/session", json=body)
        yield stranger.as_(answer.cookies["tieline"].value)


async def sent(
    boss: Browser, data: Any, kind: str = CSV, name: str = "people.csv", **query: str
) -> aiohttp.ClientResponse:
    params = {"name": name, **query}
    return await boss.ask("POST", AT, params=params, data=data, headers={"Content-Type": kind})


async def over(boss: Browser, answer: aiohttp.ClientResponse) -> dict[str, Any]:
    """The job when it has ended."""
    assert answer.status == 202, await answer.text()
    job: dict[str, Any] = await answer.json()
    async with asyncio.timeout(10):
        while job["state"] in ("waiting", "running"):
            await asyncio.sleep(0.02)
            job = await (await boss.ask("GET", f"{AT}/{job['id']}")).json()
    return job


async def test_good_rows_are_taken_and_bad_ones_come_back_with_what_is_wrong(
    house: DeskHouse, boss: Browser
) -> None:
    reader, _ = house.hub.join(Who("boss", "Bo", frozenset({Role.SUPERVISOR})))
    agent, _ = house.hub.join(Who("ana", "Ana", frozenset({Role.AGENT}), "1001"))
    job = await over(boss, await sent(boss, MIXED))
    figures = {name: job[name] for name in ("state", "rows", "created", "failed", "bad_rows")}
    assert figures == {"state": "done", "rows": 4, "created": 3, "failed": 1, "bad_rows": True}
    (wrong,) = job["errors"]
    assert (wrong["row"], wrong["column"]) == (4, "phone")
    answer = await boss.ask("GET", f"{AT}/{job['id']}/errors")
    assert 'filename="people.errors.csv"' in answer.headers["Content-Disposition"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    text = (await answer.read()).decode("utf-8-sig")
    assert text.splitlines()[0] == "name,phone,tags,row,error"
    assert text.splitlines()[1].startswith("Nobody,not a number,,4,")
    found = await house.customers.find("mei lin")
    assert [(each.name, each.numbers) for each in found] == [("Mei Lin", ("+8613800138000",))]
    entries = await Audit(house.database).entries(who="boss", what="imported")
    assert sorted(key for each in entries for key in each.customers) == [1, 2, 3]
    (asked,) = await Audit(house.database).entries(who="boss", what="customer.import")
    assert asked.detail["subject"] == job["id"]
    told = [json.loads((await reader.get()).text) for _ in range(reader._queue.qsize())]
    states = [each["data"]["state"] for each in told if each["type"] == "import"]
    assert (states[0], states[-1]) == ("waiting", "done")
    heard = [json.loads((await agent.get()).text) for _ in range(agent._queue.qsize())]
    assert not [each for each in heard if each["type"] == "import"]


async def test_a_mended_file_of_bad_rows_is_taken_and_the_same_file_changes_nothing(
    house: DeskHouse, boss: Browser
) -> None:
    job = await over(boss, await sent(boss, MIXED))
    bad = await (await boss.ask("GET", f"{AT}/{job['id']}/errors")).read()
    mended = bad.replace(b"not a number", b"13600136000")
    assert (await over(boss, await sent(boss, mended)))["created"] == 1
    again = await over(boss, await sent(boss, MIXED))
    assert (again["created"], again["unchanged"], again["failed"]) == (0, 3, 1)


async def test_a_check_keeps_nothing(house: DeskHouse, boss: Browser) -> None:
    job = await over(boss, await sent(boss, GOOD, dry_run="true"))
    assert (job["created"], job["dry_run"], job["bad_rows"]) == (2, True, False)
    assert await house.customers.find() == []
    assert (await boss.ask("GET", f"{AT}/{job['id']}/errors")).status == 404


async def test_columns_with_other_names_are_told_apart_and_unknown_ones_refused_with_a_cure(
    house: DeskHouse, boss: Browser
) -> None:
    german = "Kunde X,Handy,Fax\nMei,13800138000,1\n"
    job = await over(boss, await sent(boss, german))
    assert (job["state"], job["rows"]) == ("failed", 0)
    assert "'Handy' is not known" in job["error"]
    named = json.dumps({"Kunde X": "name", "Handy": "phone", "Fax": "-"})
    job = await over(boss, await sent(boss, german, columns=named))
    assert (job["state"], job["created"]) == ("done", 1)
    for wrong in ("[]", "{", '{"a": 1}'):
        assert (await sent(boss, GOOD, columns=wrong)).status == 422


async def test_what_is_no_file_of_customers_is_refused_in_words(
    house: DeskHouse, boss: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await sent(boss, "<html>", "text/html")).status == 415
    assert (await sent(boss, b"")).status == 422
    job = await over(boss, await sent(boss, b"PK\x03\x04 no workbook", XLSX, "people.xlsx"))
    assert job["state"] == "failed"
    assert "people.xlsx" in job["error"]
    monkeypatch.setattr("ivr.web.api.bulk.LARGEST", 100)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"name,phone\n" * 10

    large = await sent(boss, endless())
    assert large.status == 413
    huge = {"Content-Type": CSV, "Content-Length": "50000001"}
    refused = await boss.ask("POST", AT, data=endless(), headers=huge)
    assert refused.status == 413
    assert len(await (await boss.ask("GET", AT)).json()) == 1


async def test_files_stay_in_their_folder_and_are_gone_when_they_were_read(
    house: DeskHouse, boss: Browser
) -> None:
    folder = house.settings.data_dir / "imports"
    job = await over(boss, await sent(boss, GOOD, name="../../../etc/pass\nwd\u202e.exe"))
    assert job["name"] == "pass_wd_.csv"
    assert [each for each in folder.rglob("*") if each.is_file()] == []
    assert not (house.settings.data_dir / "etc").exists()
    bad = await over(boss, await sent(boss, MIXED))
    (left,) = [each for each in folder.rglob("*") if each.is_file()]
    assert (left.name, left.stat().st_mode & 0o777) == ("people.errors.csv", 0o600)
    assert (await boss.ask("DELETE", f"{AT}/{bad['id']}")).status == 204
    assert (await boss.ask("GET", f"{AT}/{bad['id']}")).status == 404
    assert not left.exists()


async def test_one_after_the_other_a_few_at_once_and_each_can_be_stopped(
    house: DeskHouse, boss: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = asyncio.Event()

    async def slow(*_: Any, told: Imported, **__: Any) -> Imported:
        told.rows = 7
        await goes_on.wait()
        return told

    monkeypatch.setattr("ivr.web.import_jobs.import_file", slow)
    jobs = [await (await sent(boss, GOOD)).json() for _ in range(5)]
    assert (await sent(boss, GOOD)).status == 409
    assert (await boss.ask("DELETE", f"{AT}/{jobs[0]['id']}")).status == 204
    assert (await boss.ask("DELETE", f"{AT}/{jobs[4]['id']}")).status == 204
    await asyncio.sleep(0)
    shown = await (await boss.ask("GET", AT)).json()
    states = {each["id"]: each["state"] for each in shown}
    assert [states[each["id"]] for each in jobs] == [
        "stopped",
        "running",
        "waiting",
        "waiting",
        "stopped",
    ]
    goes_on.set()
    ended = await over(boss, await sent(boss, GOOD))
    assert (ended["state"], ended["rows"]) == ("done", 7)


async def test_a_file_that_still_comes_in_is_stopped_and_nothing_of_it_is_kept(
    house: DeskHouse, boss: Browser
) -> None:
    folder, goes_on = house.settings.data_dir / "imports", asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield GOOD.encode()
        await goes_on.wait()
        yield b"Li Na,13700137000,\n"

    coming = asyncio.create_task(sent(boss, slowly()))
    jobs: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        while not jobs:
            jobs = await (await boss.ask("GET", AT)).json()
    at = f"{AT}/{jobs[0]['id']}"
    assert jobs[0]["state"] == "waiting"
    assert (await boss.ask("DELETE", at)).status == 204
    assert (await (await boss.ask("GET", at)).json())["state"] == "stopped"
    async with asyncio.timeout(10):
        answer = await coming
    goes_on.set()
    told = (await answer.json())["detail"]
    assert (answer.status, "send the file again" in told) == (409, True)
    assert [each for each in folder.rglob("*") if each.is_file()] == []
    assert (await boss.ask("DELETE", at)).status == 204
    assert await (await boss.ask("GET", AT)).json() == []
    # The place is free, and the file is taken when it comes again.
    ended = await over(boss, await sent(boss, GOOD))
    assert (ended["state"], ended["created"]) == ("done", 2)


async def test_an_export_comes_as_it_is_made_without_formulas_and_is_audited_for_each(
    house: DeskHouse, boss: Browser
) -> None:
    for number in range(3):
        await house.customers.create(
            name=f"=SUM({number})" if number else "李娜",
            tags=["vip"] if number < 2 else [],
            addresses=[Address("phone", f"+8613800138{number:03}")],
            by="test",
        )
    answer = await boss.ask("GET", f"{EXPORT}?tag=vip&why=spring")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Content-Length" not in answer.headers
    text = (await answer.read()).decode("utf-8-sig")
    assert text.splitlines()[0].startswith("id,name,segment")
    assert [line.split(",")[1] for line in text.splitlines()[1:]] == ["李娜", "'=SUM(1)"]
    (entry,) = await Audit(house.database).entries(who="boss", what="exported")
    assert (entry.customers, entry.why) == ((1, 2), "spring")
    assert len(await Audit(house.database).entries(who="boss", what="customer.export")) == 1
    book = await (await boss.ask("GET", f"{EXPORT}?format=xlsx")).read()
    sheet = load_workbook(io.BytesIO(book)).worksheets[0]
    assert [row[1] for row in sheet.iter_rows(values_only=True)] == [
        "name",
        "李娜",
        "=SUM(1)",
        "=SUM(2)",
    ]
    assert sheet["B3"].data_type == "s"
    assert list((house.settings.data_dir / "exports").iterdir()) == []
    again = await over(boss, await sent(boss, book, XLSX, "back.xlsx"))
    assert (again["unchanged"], again["failed"]) == (3, 0)
    assert (await boss.ask("GET", f"{EXPORT}?format=pdf")).status == 422


async def test_an_export_that_breaks_off_does_not_look_whole(
    house: DeskHouse, boss: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_: Any, **__: Any) -> AsyncIterator[Page]:
        yield Page([["1", "Mei Lin"]], 1, 2)
        raise RecordsUnavailable("the database is away")

    monkeypatch.setattr("ivr.web.api.bulk.pages", breaks)
    answer = await boss.ask("GET", EXPORT)
    assert answer.status == 200
    with pytest.raises(aiohttp.ClientPayloadError):
        await answer.read()

    async def never(*_: Any, **__: Any) -> AsyncIterator[Page]:
        raise RecordsUnavailable("the database is away")
        yield

    monkeypatch.setattr("ivr.web.api.bulk.pages", never)
    answer = await boss.ask("GET", EXPORT)
    assert (answer.status, (await answer.json())["detail"]) == (503, "the database is away")


async def test_an_export_of_nobody_is_a_heading(boss: Browser) -> None:
    text = (await (await boss.ask("GET", EXPORT)).read()).decode("utf-8-sig")
    assert len(text.splitlines()) == 1


def test_what_an_earlier_process_left_is_gone(tmp_path: Path) -> None:
    old = tmp_path / "data/imports/one/people.errors.csv"
    old.parent.mkdir(parents=True)
    old.write_text("name,phone")
    DeskHouse(tmp_path).journal.close()
    assert not old.exists()
