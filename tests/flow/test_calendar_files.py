"""Calendars as they are written: public holidays, moved days, the organisation's file."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ivr.errors import ConfigError
from ivr.flow.calendar import Calendar
from ivr.flow.loading.hours import FILE, notes, read_file
from ivr.flow.loading.loader import load
from ivr.flow.loading.public_holidays import FIRST_YEAR, YEARS_AHEAD, public_holidays
from ivr.flow.loading.yaml import Problems

TODAY = date(2026, 11, 1)
SHANGHAI = ZoneInfo("Asia/Shanghai")
WEEK = "zone: Asia/Shanghai, hours: {mon-fri: 08:00-18:00, sat: 09:00-13:00}"
FRIDAY_EARLY = "zone: Asia/Shanghai, hours: {mon-thu: 08:00-18:00, fri: 08:00-12:00}"


def read(body: str, today: date = TODAY) -> tuple[Calendar, list[str]]:
    """The calendar `desk` with this body, and what is wrong with it."""
    problems = Problems()
    found = read_file(f"calendars:\n  desk: {{{body}}}\n", "calendars.yaml", problems, today)
    return found["desk"], [str(each).partition(": ")[2] for each in problems.all()]


def right(body: str, today: date = TODAY) -> Calendar:
    calendar, wrong = read(body, today)
    assert wrong == []
    return calendar


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


# --- public holidays -----------------------------------------------------------------------------


def test_public_holidays_are_closed_days_with_a_name() -> None:
    for written in ("holidays: CN", "holidays: {country: CN}"):
        desk = right(f"{WEEK}, {written}")
        assert not desk.is_open(at("2026-10-01 10:00"))
        assert desk.reason(date(2026, 10, 1)) == "National Day"
        assert desk.next_opening(at("2026-10-01 10:00")) == at("2026-10-08 08:00")
        assert desk.moved == {}
    assert right(f"{WEEK}").is_open(at("2026-10-01 10:00"))


def test_a_region_has_holidays_of_its_own() -> None:
    assert date(2026, 3, 31) in right(f"{WEEK}, holidays: {{country: US, region: CA}}").holidays
    assert date(2026, 3, 31) not in right(f"{WEEK}, holidays: {{country: US}}").holidays
    munich = right(f"{WEEK}, holidays: {{country: DE, region: BY}}")
    assert munich.reason(date(2026, 1, 6)) == "Epiphany"


def test_a_weekday_off_for_a_holiday_on_a_sunday_carries_its_name() -> None:
    assert right(f"{WEEK}, holidays: US").reason(date(2026, 7, 3)) == "Independence Day"


def test_norway_is_a_country_and_not_a_denial() -> None:
    assert right(f"{WEEK}, holidays: NO").reason(date(2026, 5, 17)) == "Constitution Day"


@pytest.mark.parametrize("today", [date(2026, 12, 31), date(2030, 1, 1)])
def test_a_calendar_read_on_new_years_eve_knows_the_years_to_come(today: date) -> None:
    known = {day.year for day in right(f"{WEEK}, holidays: US", today).holidays}
    assert known == set(range(FIRST_YEAR, today.year + YEARS_AHEAD + 1))


def test_a_holiday_nobody_keeps_here_can_be_left_out() -> None:
    desk = right(f"{WEEK}, holidays: {{country: US, except: [Columbus Day, Veterans Day]}}")
    assert desk.is_open(at("2026-10-13 02:00").replace(tzinfo=ZoneInfo("UTC")))
    assert date(2026, 10, 12) not in desk.holidays
    assert date(2026, 11, 11) not in desk.holidays
    assert date(2026, 11, 26) in desk.holidays


# --- moved working days --------------------------------------------------------------------------

CHINA_2026 = {  # the official arrangement: what is worked, and the weekday it stands for
    "2026-01-04": "fri",
    "2026-02-14": "fri",
    "2026-02-28": "mon",
    "2026-05-09": "tue",
    "2026-09-20": "tue",
    "2026-10-10": "wed",
}
CHINA_2026_OFF = (
    *("2026-01-01..2026-01-03", "2026-02-15..2026-02-23", "2026-04-04..2026-04-06"),
    *("2026-05-01..2026-05-05", "2026-06-19..2026-06-21", "2026-09-25..2026-09-27"),
    "2026-10-01..2026-10-07",
)


def test_a_moved_day_has_the_hours_of_the_weekday_it_stands_for() -> None:
    desk = right(f"{FRIDAY_EARLY}, moved: {{2026-02-14: fri, 2026-02-28: mon}}")
    assert desk.is_open(at("2026-02-14 11:59"))
    assert not desk.is_open(at("2026-02-14 12:00"))
    assert desk.is_open(at("2026-02-28 17:59"))
    assert desk.reason(date(2026, 2, 14)) == "moved: the hours of fri"


def test_chinas_official_swaps_are_known_by_year() -> None:
    desk = right(f"{FRIDAY_EARLY}, holidays: {{country: CN, moved: true}}")
    moved = {str(day): number for day, number in desk.moved.items() if day.year == 2026}
    days = ("mon", "tue", "wed", "thu", "fri")
    assert moved == {day: days.index(each) for day, each in CHINA_2026.items()}
    assert desk.is_open(at("2026-01-04 09:00"))  # a Sunday
    assert not desk.is_open(at("2026-01-02 09:00"))  # the Friday for which it is worked
    assert not desk.is_open(at("2026-01-04 13:00"))  # Fridays end at noon


def test_with_its_weekends_a_holiday_is_as_long_as_the_government_says() -> None:
    body = "zone: Asia/Shanghai, hours: {daily: 08:00-18:00}"
    desk = right(f"{body}, holidays: {{country: CN, moved: true, weekends: true}}")
    listed = right(f"{body}, closed: [{', '.join(CHINA_2026_OFF)}]")
    year = [date.fromordinal(date(2026, 1, 1).toordinal() + each) for each in range(365)]
    assert [desk.spans(day) for day in year] == [listed.spans(day) for day in year]
    assert desk.reason(date(2026, 2, 21)) == "long weekend"


def test_a_flows_own_dates_go_before_the_public_ones() -> None:
    desk = right(
        f"{WEEK}, holidays: {{country: CN, moved: true}}, closed: [2026-02-14, 2026-10-05], "
        "moved: {2026-10-05: mon, 2026-10-06: mon}, special: {2026-10-06: 10:00-11:00}"
    )
    assert not desk.is_open(at("2026-02-14 09:00"))  # closed before the country's moved days
    assert desk.is_open(at("2026-10-05 09:00"))  # moved here before closed and holiday
    assert not desk.is_open(at("2026-10-06 09:00"))  # special before moved
    assert desk.is_open(at("2026-10-06 10:00"))
    assert not desk.is_open(at("2026-10-07 09:00"))  # holiday before week


# --- how far it is known -------------------------------------------------------------------------


def test_what_is_guesswork_is_noted_a_month_ahead() -> None:
    china = right(f"{WEEK}, holidays: CN")
    assert china.settled is not None
    assert china.settled >= date(2026, 12, 31)
    assert china.settled.month == 12
    last = china.settled
    assert list(notes([china], date(last.year, 11, 30))) == []
    (told,) = notes([china, china], date(last.year, 12, 1))
    assert told.startswith(f"calendar desk: its public holidays are certain up to {last} only")
    assert list(notes([right(WEEK), right(f"{WEEK}, holidays: US")], date(2026, 12, 1))) == []


def test_estimated_holidays_are_not_certain() -> None:
    skopje = public_holidays("MK", None, 2026)
    assert skopje.settled < date(2031, 1, 1)
    assert not any("estimated" in name for name in skopje.names)


# --- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("holidays: China", 'unknown country "China" (did you mean "CN"?)'),
        ("holidays: cn", 'unknown country "cn" (did you mean "CN"?)'),
        ("holidays: {country: UK}", 'unknown country "UK" (did you mean "GB"?)'),
        (
            "holidays: XX",
            'unknown country "XX" (write the two letters of a country, such as CN, DE or US)',
        ),
        (
            "holidays: {country: GB, region: EN}",
            'unknown region of GB "EN" (did you mean "ENG"?)',
        ),
        ("holidays: {country: CN, region: BJ}", 'unknown region of CN "BJ" (none is defined)'),
        (
            "holidays: {country: US, except: [Colombus Day]}",
            'unknown public holiday in US: "Colombus Day" (did you mean "Columbus Day"?)',
        ),
        (
            "holidays: {country: US, moved: true}",
            "no moved working days are known in US (leave `moved: true` away, and write such dates "
            "under the calendar's `moved`)",
        ),
        ("holidays: {region: CA}", '"holidays" lacks "country"'),
        ("holidays: {country: CN, move: true}", 'unknown key in "holidays": "move" (did you mean'),
        ("holidays: [CN]", '"holidays" must be a mapping (key: value), not a list'),
        ("holidays: ~", '"holidays" must be text, not nothing'),
        ("moved: {2026-02-14: friday}", '"friday" is no day (write whose hours that date has: mon'),
        ("moved: {2026-02-30: fri}", '"2026-02-30" is no date'),
        ("moved: [2026-02-14]", '"moved" must be a mapping, not a list'),
        ("holiday: CN", 'unknown key in calendar "desk": "holiday" (did you mean "holidays"?)'),
    ],
)
def test_what_is_wrong_is_told_with_what_is_right(body: str, told: str) -> None:
    (wrong,) = read(f"{WEEK}, {body}")[1]
    assert wrong.startswith(told)


# --- the organisation's file ---------------------------------------------------------------------

SHARED = """
calendars:
  desk: {zone: Asia/Shanghai, hours: {mon-fri: 08:00-18:00}, holidays: CN}
  nurse: {zone: Asia/Shanghai, hours: {daily: 20:00-08:00}}
"""
FLOW = """
flow: %s
numbers: ["%s"]
%s
start: open?
steps:
  open?: {hours: desk, open: nurse?, closed: nurse?}
  nurse?: {hours: nurse, open: bye, closed: bye}
  bye: {hangup: Goodbye.}
"""
OWN = "calendars: {desk: {zone: Europe/Berlin, hours: {daily: 09:00-10:00}}}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / FILE).write_text(SHARED)
    (tmp_path / "clinic.yaml").write_text(FLOW % ("clinic", "4001", ""))
    (tmp_path / "berlin.yaml").write_text(FLOW % ("berlin", "4002", OWN))
    return tmp_path


def test_the_organisations_calendars_are_in_every_flow_and_a_flows_own_goes_first(
    folder: Path,
) -> None:
    flows = load([folder]).flows
    clinic, berlin = flows["clinic"].calendars, flows["berlin"].calendars
    assert clinic.keys() == berlin.keys() == {"desk", "nurse"}
    assert clinic["desk"].zone == SHANGHAI
    assert berlin["desk"].zone == ZoneInfo("Europe/Berlin")
    assert clinic["nurse"] == berlin["nurse"]
    assert list(berlin) == ["desk", "nurse"]


def test_a_calendars_full_name_tells_whose_it_is(folder: Path) -> None:
    flows = load([folder]).flows
    assert flows["clinic"].calendars["desk"].name == "desk"
    assert flows["berlin"].calendars["desk"].name == "berlin.desk"
    assert flows["berlin"].calendars["nurse"].name == "nurse"


def test_one_flow_alone_is_read_with_the_calendars_beside_it(folder: Path) -> None:
    (flow,) = load([folder / "clinic.yaml"]).flows.values()
    assert flow.calendars.keys() == {"desk", "nurse"}


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("calendars:\n  desk: {hours: {daily: 8:00-9:00}}", 'calendar "desk" lacks "zone"'),
        ("desk: {}", 'the calendars lacks "calendars"'),
        (
            "calendars:\n  my.desk: {zone: UTC, hours: {daily: 8:00-9:00}}",
            'a calendar cannot be called "my.desk" (use letters, digits, - and _)',
        ),
        ("calendars: []", '"calendars" must be a mapping, not a list'),
        ("", "the file is empty"),
    ],
)
def test_mistakes_in_the_file_are_told_once_however_many_flows_use_it(
    folder: Path, source: str, told: str
) -> None:
    (folder / FILE).write_text(source)
    with pytest.raises(ConfigError) as wrong:
        load([folder])
    said = [str(each) for each in wrong.value.problems if each.file.endswith(FILE)]
    assert sum(told in each for each in said) == 1


def test_a_calendar_that_is_in_neither_place_is_unknown(folder: Path) -> None:
    (folder / FILE).unlink()
    with pytest.raises(ConfigError) as wrong:
        load([folder])
    assert 'unknown calendar "nurse" (did you mean' not in str(wrong.value)
    assert str(wrong.value).count('unknown calendar "nurse"') == 2
