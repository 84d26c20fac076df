"""Customers come from files and go into them; what is wrong is told row by row."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from acd.customers import Address, Audit, Consents, Customers, sheets
from acd.customers.exporting import export_file
from acd.customers.importing import Import, Imported, import_file
from acd.records import Database, Refused


def sheet(tmp_path: Path, *rows: str, name: str = "people.csv", encoding: str = "utf-8") -> Path:
    file = tmp_path / name
    file.write_text("\n".join(rows) + "\n", encoding=encoding)
    return file


async def take(database: Database, file: Path, **told: Any) -> Imported:
    wanted = Import(file, "ada", "CN", errors_to=file.with_name("bad.csv"), **told)
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


def workbook(file: Path, sheet_xml: str) -> Path:
    """A workbook with that sheet, as somebody made it who means no good."""
    book = Workbook()
    book.save(file)
    with zipfile.ZipFile(file) as was:
        parts = {name: was.read(name) for name in was.namelist()}
    ns = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    parts["xl/worksheets/sheet1.xml"] = f"<worksheet {ns}>{sheet_xml}</worksheet>".encode()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, body in parts.items():
            made.writestr(name, body)
    return file


def cell(at: str, text: str) -> str:
    return f'<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>'


HEAD = f'<row r="1">{cell("A1", "phone")}</row>'


@pytest.mark.parametrize(
    ("sheet_xml", "words"),
    [
        (f'<sheetData>{HEAD}<row r="999999999999">{cell("A999999999999", "1")}</row></sheetData>',
         "goes on to row"),
        (f'<sheetData>{HEAD}<row r="2">{cell("ZZA2", "1")}</row></sheetData>', "and column"),
        ('<dimension ref="A1:XFD1048576"/><sheetData>' + HEAD
         + "".join(f'<row r="{n}">{cell(f"A{n}", "")}</row>' for n in range(2, 200))
         + "</sheetData>", "mostly empty"),
    ],
    ids=["a row far below", "a cell far to the right", "as wide as can be"],
)  # fmt: skip
async def test_a_workbook_that_only_claims_to_be_large_is_refused(
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sheet_xml: str,
    words: str,
) -> None:
    monkeypatch.setattr(sheets, "MOST_ROWS", 5000)
    monkeypatch.setattr(sheets, "MOST_CELLS", 3_000_000)
    file = workbook(tmp_path / "people.xlsx", sheet_xml)
    assert file.stat().st_size < 100_000
    with pytest.raises(Refused, match=words):
        await take(database, file)


async def test_a_workbook_that_says_it_is_wider_than_it_is_is_read(
    database: Database, customers: Customers, tmp_path: Path
) -> None:
    row = f'<row r="2">{cell("A2", "13800138000")}</row>'
    wide = f'<dimension ref="A1:XFD2"/><sheetData>{HEAD}{row}</sheetData>'
    assert (await take(database, workbook(tmp_path / "people.xlsx", wide))).created == 1


async def test_a_bomb_is_refused_before_it_is_unpacked(database: Database, tmp_path: Path) -> None:
    file = workbook(tmp_path / "people.xlsx", f"<sheetData>{HEAD}</sheetData>")
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as made:
        piece = b"<si><t>bomb</t></si>" * 50_000
        with made.open("xl/sharedStrings.xml", "w", force_zip64=True) as part:
            for _ in range(1 + sheets.LARGEST_PART // len(piece)):
                part.write(piece)
    assert file.stat().st_size < 2_000_000
    with pytest.raises(Refused, match="unpacks to"):
        await take(database, file)


async def test_a_line_without_an_end_and_a_row_without_an_end_are_refused(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "LONGEST_LINE", 100_000)
    with pytest.raises(Refused, match="a line has more than"):
        await take(database, sheet(tmp_path, "phone," + " " * 100_000))
    with pytest.raises(Refused, match="and column"):
        await take(database, sheet(tmp_path, "phone" + "," * 2000))
    many = ";".join(f"+86138{n:08}" for n in range(60))
    came = await take(database, sheet(tmp_path, "phone", many))
    assert (came.failed, "one customer" in came.errors[0].message) == (1, True)


@pytest.mark.parametrize("formula", ["＝1+1", "＠SUM(A1)", " =1+1", "\n=1+1", "－1"])
def test_whatever_a_spreadsheet_takes_for_a_formula_is_written_as_text(
    tmp_path: Path, formula: str
) -> None:
    """Also with spaces before it, and in the wide forms that East Asian spreadsheets know."""
    for name in ("out.csv", "out.xlsx"):
        with sheets.writing(tmp_path / name) as writer:
            writer.row([formula])
        if name.endswith("csv"):
            with (tmp_path / name).open(encoding="utf-8-sig", newline="") as text:
                (row,) = csv.reader(text)
            assert row == [f"'{formula}"]
        else:
            written = load_workbook(tmp_path / name).worksheets[0]["A1"]
            assert (written.data_type, bool(written.quotePrefix)) == ("s", True)
        ((_, cells),) = sheets.rows(tmp_path / name)
        assert cells == [formula.strip()]


def test_nobody_prepares_the_file_that_an_export_is_written_to(tmp_path: Path) -> None:
    """In a folder that others write to, a name that can be guessed may be theirs already."""
    theirs = tmp_path / "theirs.txt"
    theirs.write_text("mine")
    (tmp_path / ".out.csv.part").symlink_to(theirs)
    with sheets.writing(tmp_path / "out.csv") as writer:
        writer.row(["Mei"])
    assert theirs.read_text() == "mine"
    assert (tmp_path / "out.csv").stat().st_mode & 0o777 == 0o600
    assert not [each for each in tmp_path.iterdir() if each.name.startswith(".out-")]
