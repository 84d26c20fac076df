"""Customers come from files and go into them; what is wrong is told row by row."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from acd.customers import Address, Audit, Consents, Customers
from acd.customers.exporting import export_file
from acd.customers.importing import Import, Imported, import_file
from acd.records import Database, Refused


def sheet(tmp_path: Path, *rows: str, name: str = "people.csv", encoding: str = "utf-8") -> Path:
    file = tmp_path / name
    file.write_text("\n".join(rows) + "\n", encoding=encoding)
    return file


async def take(database: Database, file: Path, **told: object) -> Imported:
    wanted = Import(file, "ada", "CN", errors_to=file.with_name("bad.csv"), **told)  # type: ignore[arg-type]  # as given
    return await import_file(database, wanted)


async def test_good_rows_are_taken_and_bad_ones_told_with_the_cure(
    database: Database, customers: Customers, tmp_path: Path
) -> None:
    file = sheet(
        tmp_path,
        "Name,Phone,Phone 2,E-mail,Tags,Consent SMS",
        'Mei Lin,138 0013 8000,13900139000,MEI@example.org,"vip, tea",yes',
        "Tom,not a number,,tom at example,,maybe",
        "",
        "Nobody,,,,,",
        "Ann,,,ann@example.org,,",
    )
    came = await take(database, file)
    assert (came.rows, came.created, came.failed) == (4, 2, 2)
    assert [str(each) for each in came.errors] == [
        "row 3, Phone: 'not a number' is no telephone number in CN: write it as +8613800138000",
        "row 3, E-mail: 'tom at example' is no e-mail address: write it as name@example.org",
        "row 3, Consent SMS: 'maybe' is neither yes nor no",
        "row 5: no address: give a phone, an email or another",
    ]
    mei = await customers.by_address("email", "mei@example.org")
    assert mei is not None
    assert (mei.name, mei.tags) == ("Mei Lin", ("vip", "tea"))
    assert mei.numbers == ("+8613800138000", "+8613900139000")
    assert await Consents(database).may("sms", "+8613900139000") is True
    with (tmp_path / "bad.csv").open(encoding="utf-8-sig", newline="") as bad:
        listed = list(csv.reader(bad))
    assert [row[0] for row in listed] == ["Name", "Tom", "Nobody"]
    assert listed[1][-2] == "3"
    assert "Consent SMS: 'maybe'" in listed[1][-1]


async def test_the_file_of_bad_rows_is_imported_once_it_is_mended(
    database: Database, tmp_path: Path
) -> None:
    await take(database, sheet(tmp_path, "name,phone", "Tom,1", "Ann,13800138000"))
    bad = tmp_path / "bad.csv"
    bad.write_text(bad.read_text(encoding="utf-8").replace("Tom,1,", "Tom,13900139000,"))
    assert (await import_file(database, Import(bad, "ada", "CN"))).created == 1


async def test_the_same_file_again_changes_nothing_and_more_is_added(
    database: Database, customers: Customers, tmp_path: Path
) -> None:
    rows = ["name,phone,email,segment,tags,note", "Mei,13800138000,mei@example.org,,vip,kind"]
    await take(database, sheet(tmp_path, *rows))
    again = await take(database, sheet(tmp_path, *rows))
    assert (again.created, again.updated, again.unchanged) == (0, 0, 1)
    more = await take(
        database, sheet(tmp_path, rows[0], ",13900139000;13800138000,,gold,late,kind")
    )
    assert (more.created, more.updated) == (0, 1)
    (mei,) = await customers.find()
    assert (mei.name, mei.segment, mei.tags, mei.version) == ("Mei", "gold", ("vip", "late"), 2)
    assert mei.numbers == ("+8613800138000", "+8613900139000")
    assert [note.text for note in await customers.notes(mei.id)] == ["kind"]
    assert await customers.find("gold") == [mei]


async def test_rows_of_one_file_that_are_one_customer_become_one(
    database: Database, customers: Customers, tmp_path: Path
) -> None:
    file = sheet(
        tmp_path,
        "name,phone,email",
        "Mei,13800138000,",
        "Mei Lin,13800138000,mei@example.org",
        ",,mei@example.org",
    )
    came = await take(database, file)
    assert (came.created, came.updated, came.failed) == (1, 2, 0)
    (mei,) = await customers.find()
    assert (mei.name, len(mei.addresses)) == ("Mei Lin", 2)


async def test_a_row_that_is_two_customers_is_not_guessed(
    database: Database, customers: Customers, tmp_path: Path
) -> None:
    a = await customers.create(name="a", addresses=[Address("phone", "13800138000")], by="ada")
    b = await customers.create(name="b", addresses=[Address("email", "b@example.org")], by="ada")
    file = sheet(
        tmp_path, "id,name,phone,email", ",ab,13800138000,b@example.org", f"{b.id},,13800138000,",
        "999999,c,13700137000,", f"{a.id},A,,",
    )  # fmt: skip
    came = await take(database, file)
    assert (came.created, came.updated, came.failed) == (0, 1, 3)
    assert f"more than one customer ({a.id}, {b.id})" in came.errors[0].message
    assert "there is no customer 999999" in came.errors[2].message
    assert (await customers.get(a.id)).name == "A"


async def test_a_dry_run_keeps_nothing_and_says_what_would_be(
    database: Database, customers: Customers, audit: Audit, tmp_path: Path
) -> None:
    await customers.create(name="Mei", addresses=[Address("phone", "13800138000")], by="ada")
    before = await customers.find()
    file = sheet(tmp_path, "name,phone", "Mei Lin,13800138000", "Tom,13900139000", "Tim,x")
    came = await take(database, file, dry_run=True)
    assert (came.created, came.updated, came.failed) == (1, 1, 1)
    assert await customers.find() == before
    assert await audit.entries() == []


async def test_a_stop_stands_against_an_import(
    database: Database, customers: Customers, consents: Consents, tmp_path: Path
) -> None:
    await consents.opt("sms", given=False, how="STOP", by="sms", address="13800138000")
    file = sheet(tmp_path, "name,phone,consent sms", "Mei,13800138000,yes", "Tom,13900139000,yes")
    came = await take(database, file)
    assert (came.created, came.kept_out) == (2, 1)
    assert await consents.may("sms", "13800138000") is False
    assert await consents.may("sms", "13900139000") is True


@pytest.mark.parametrize(
    ("head", "advice"),
    [
        ("name,fone", "'fone' is not known: did you mean phone?"),
        ("name,phone,shoe size", "'shoe size' is not known: map it to a field"),
        ("name,tags", "no column is an address"),
        ("name,full name,phone", "name and full name are both name"),
    ],
)
async def test_a_heading_that_is_not_understood_stops_the_import(
    database: Database, tmp_path: Path, head: str, advice: str
) -> None:
    with pytest.raises(Refused, match=advice.replace("?", r"\?")):
        await take(database, sheet(tmp_path, head, "Mei,13800138000,x"))


async def test_headings_are_mapped_as_told_and_chinese_ones_are_known(
    database: Database, customers: Customers, tmp_path: Path
) -> None:
    file = sheet(tmp_path, "姓名;Handy;Fax", "李小梅;13800138000;1", encoding="gb18030")
    came = await take(database, file, headings={"Handy": "phone", "fax": "-"})
    assert came.created == 1
    assert [each.name for each in await customers.find("小梅")] == ["李小梅"]
    with pytest.raises(Refused, match="there is no column 'telex'"):
        await take(database, file, headings={"Telex": "phone"})


async def test_a_workbook_with_numbers_as_numbers_is_read(
    database: Database, customers: Customers, tmp_path: Path
) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(["Name", "Mobile", "Consent voice"])
    book.active.append(["Mei", 13800138000.0, True])
    file = tmp_path / "people.xlsx"
    book.save(file)
    assert (await take(database, file)).created == 1
    assert [each.numbers for each in await customers.find()] == [("+8613800138000",)]


@pytest.mark.parametrize("name", ["people.xlsx", "people.csv", "empty.csv", "none.csv"])
async def test_what_is_no_table_is_told_in_words(
    database: Database, tmp_path: Path, name: str
) -> None:
    file = tmp_path / name
    if name.startswith("people"):
        file.write_bytes(b"PK\x03\x04 \xff\xfe\xff not a table at all")
    elif name.startswith("empty"):
        file.touch()
    with pytest.raises(Refused, match=name):
        await take(database, file)


@pytest.mark.parametrize("name", ["out.csv", "out.xlsx"])
async def test_what_is_exported_is_no_formula_and_comes_back_as_it_was(
    database: Database, customers: Customers, audit: Audit, tmp_path: Path, name: str
) -> None:
    evil = '=HYPERLINK("http://example.org")'
    addresses = [Address("phone", "13800138000"), Address("email", "mei@example.org")]
    mei = await customers.create(name=evil, addresses=addresses, tags=["vip", "@x"], by="ada")
    await customers.create(name="-1+1", addresses=[Address("other", "@SUM(A1)")], by="ada")
    file = tmp_path / name
    assert await export_file(database, file, by="bob", why="letter") == 2
    assert file.stat().st_mode & 0o777 == 0o600
    if name.endswith("csv"):
        text = file.read_text(encoding="utf-8-sig")
        assert not [
            c for row in csv.reader(text.splitlines()) for c in row if c[:1] in "=+-@" and c
        ]
    else:
        cells = [cell for row in load_workbook(file).worksheets[0] for cell in row]
        assert not [cell for cell in cells if cell.data_type == "f"]
        assert all(
            cell.quotePrefix for cell in cells if str(cell.value or "")[:1] in ("=", "+", "@")
        )
    (entry,) = await audit.entries(customer=mei.id)
    assert (entry.who, entry.what, entry.why) == ("bob", "exported", "letter")
    again = await take(database, file)
    assert (again.created, again.unchanged, again.failed) == (0, 2, 0)
    assert await export_file(database, tmp_path / "vip.csv", by="bob", tag="VIP") == 1
