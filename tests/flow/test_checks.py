"""What only shows when the whole flow is seen: rounds, hours, values, and names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow.checking import END, FIRST, HEAD, files, loaded, told

# --- loops -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "steps",
    [
        "  a: {http: shop, get: /a, next: z, otherwise: a}\n",
        "  a: {http: shop, get: /a, next: z, 5xx: b, otherwise: z}\n  b: {say: x, next: a}\n",
        "  a: {lookup: stores, by: {city: x}, next: a, otherwise: z}\n",
        "  a: {sms: '1234', text: x, next: z, otherwise: a}\n",
        "  a: {callback: cards, number: '1234', next: z, otherwise: a}\n",
        "  a: {record: x, say: y, next: z, otherwise: a}\n",
        "  a: {survey: x, questions: {field: order}, next: a}\n  b: {say: x, next: z}\n",
        "  a: {book: shop, field: visit, none: a, next: z, otherwise: z}\n",
        "  a: {identify: code, to: '1', next: z, otherwise: a}\n",
        "  a: {identify: people, ask: [order], next: z, locked: a, otherwise: z}\n",
        "  a: {identify: people, ask: [order], next: a, otherwise: z}\n",
        "  a: {transfer: {outside: '+8610'}, busy: a, otherwise: z}\n",
    ],
)
def test_a_round_in_which_nobody_does_anything_is_told(tmp_path: Path, steps: str) -> None:
    found = [each for each in told(tmp_path, steps + END) if "for ever" in each]
    assert len(found) == 1
    assert found[0].startswith(f"{FIRST}:3: a ca")


@pytest.mark.parametrize(
    "steps",
    [
        "  a: {transfer: {outside: '+8610'}, no_answer: a, otherwise: z}\n",
        "  a: {book: shop, field: visit, next: a, none: z, otherwise: z}\n",
        "  a: {identify: code, to: '1', next: a, otherwise: z}\n",
        "  a: {collect: order, next: a, otherwise: z}\n",
    ],
)
def test_a_round_with_a_person_in_it_is_none(tmp_path: Path, steps: str) -> None:
    assert told(tmp_path, steps + END) == []


# --- hours -----------------------------------------------------------------------------------

STAFFED = "  q: {queue: cards, hours: desk, otherwise: z}\n"


def test_a_menu_must_not_offer_what_the_calendar_has_closed(tmp_path: Path) -> None:
    menu = '  a: {menu: "Cards 1, note 2", "1": %s, "2": z, otherwise: z}\n'
    closed = told(tmp_path, menu % "q" + STAFFED + END)
    message = 'key 1 offers "q", which the calendar "desk" has closed at times'
    assert closed == [f"{FIRST}:37: {message}"]
    assert told(tmp_path, menu % "{hours: desk, next: q}" + STAFFED + END) == []


@pytest.mark.parametrize(
    ("steps", "wrong"),
    [
        ("  a: {hours: desk, open: q, closed: z}\n", ""),
        ("  a: {hours: desk, open: b, closed: z}\n  b: {say: x, next: q}\n", ""),
        ("  a: {say: x, next: q}\n", f'{FIRST}:21: "a" leads to "q"'),
        (
            "  a: {hours: desk, open: z, closed: q}\n",
            f'{FIRST}:37: "a" leads to "q" just when "desk" is closed',
        ),
        (
            "  a: {hours: desk, open: b, closed: b}\n  b: {say: x, next: q}\n",
            f'{FIRST + 1}:21: "b" leads to "q"',
        ),
        (
            "  a: {hours: desk, open: b, closed: c}\n  b: {say: x, next: q}\n"
            "  c: {hours: desk, open: z, closed: b}\n",
            f'{FIRST + 1}:21: "b" leads to "q"',
        ),
    ],
)
def test_every_way_to_a_staffed_step_passes_its_calendar(
    tmp_path: Path, steps: str, wrong: str
) -> None:
    found = told(tmp_path, steps + STAFFED + END)
    assert [each[: len(wrong)] for each in found] == ([wrong] if wrong else [])


@pytest.mark.parametrize(
    "step",
    [
        "{transfer: {agent: '1001', queue: cards}, hours: desk, otherwise: z}",
        "{callback: cards, number: '1234', hours: desk, next: z, otherwise: z}",
        "{book: shop, field: visit, hours: desk, next: z, otherwise: z}",
        "{transfer: {queue: cards}, hours: desk, otherwise: z}",
    ],
)
def test_everything_that_people_staff_has_hours(tmp_path: Path, step: str) -> None:
    assert len(told(tmp_path, f"  a: {step}\n" + END)) == 1
    opened = f"  a: {{hours: desk, open: b, closed: z}}\n  b: {step}\n"
    assert told(tmp_path, opened + END) == []


# --- fields ----------------------------------------------------------------------------------

BARE = HEAD.replace("order: {", "late: {type: text}\n  order: {")


@pytest.mark.parametrize(
    ("steps", "known"),
    [
        ("  a: {http: shop, get: /a, take: {late: x}, next: b, otherwise: z}\n", True),
        ("  a: {http: shop, get: /a, take: {late: x}, next: z, otherwise: b}\n", False),
        ("  a: {http: shop, get: /a, take: {late: x}, next: z, 404: b, otherwise: z}\n", False),
        ("  a: {lookup: stores, by: {city: x}, take: {late: x}, next: b, otherwise: z}\n", True),
        ("  a: {book: shop, field: visit, reference: late, next: b, otherwise: z}\n", True),
        (
            "  a: {book: shop, field: visit, reference: late, none: b, next: z, otherwise: z}\n",
            False,
        ),
        ('  a: {menu: "1, 2", "1": {set: {late: x}, next: b}, "2": z, otherwise: z}\n', True),
        ('  a: {menu: "1, 2", "1": {set: {late: x}, next: z}, "2": b, otherwise: z}\n', False),
    ],
)
def test_a_field_has_a_value_after_what_fills_it(tmp_path: Path, steps: str, known: bool) -> None:
    use = '  b: {say: "{{ late }}", next: z}\n'
    wrong = [each for each in told(tmp_path, steps + use + END, BARE) if "no value yet" in each]
    assert bool(wrong) is not known


@pytest.mark.parametrize(
    "step",
    [
        "{sms: '1234', text: 'Your PIN is {{ pin }}', next: z, otherwise: z}",
        "{http: shop, get: '/a/{{ pin }}', next: z, otherwise: z}",
        "{http: shop, post: /a, body: {pin: '{{ pin }}'}, next: z, otherwise: z}",
        "{callback: cards, number: '1', tell_agent: '{{ pin }}', next: z, otherwise: z}",
        "{collect: pin, valid: pin != '0000', next: z, otherwise: z}",
        "{book: shop, field: visit, give: {pin: '{{ pin }}'}, next: z, otherwise: z}",
        "{lookup: stores, by: {city: '{{ pin }}'}, next: z, otherwise: z}",
        "{transfer: {outside: '{{ pin }}'}, otherwise: z}",
        '{menu: x, "1": {label: "{{ pin }}", next: z}, otherwise: z}',
        "{say: {text: x, written: '{{ pin }}'}, next: z}",
    ],
)
def test_a_secret_goes_nowhere(tmp_path: Path, step: str) -> None:
    pin = "  a: {collect: pin, next: b, otherwise: z}\n"
    found = told(tmp_path, f"{pin}  b: {step}\n" + END)
    assert [each.split(": ", maxsplit=1)[1] for each in found] == ['"pin" is a secret']


@pytest.mark.parametrize("how", ["get", "delete"])
def test_a_secret_is_in_no_address(tmp_path: Path, how: str) -> None:
    pin = "  a: {collect: pin, next: b, otherwise: z}\n"
    step = f"  b: {{http: shop, {how}: /a, secrets: [pin], next: z, otherwise: z}}\n"
    assert (
        f"the secrets of a {how} would stand in an address" in told(tmp_path, pin + step + END)[0]
    )
    step = "  b: {http: shop, post: /a, secrets: [pin], next: z, otherwise: z}\n"
    assert told(tmp_path, pin + step + END) == []
    step = "  a: {http: shop, post: /a, secrets: [pin], next: z, otherwise: z}\n"
    assert 'a: "pin" has no value yet' not in told(tmp_path, step + END)
    assert '"pin" has no value yet at step "a"' in told(tmp_path, step + END)[0]


@pytest.mark.parametrize(
    "step",
    [
        "{collect: note, next: z, otherwise: z}",
        "{collect: visit, say: x, next: z, otherwise: z}",
        "{identify: people, ask: [note], next: z, otherwise: z}",
        "{survey: s, questions: {field: note}, next: z}",
    ],
)
def test_what_no_telephone_can_key_is_not_asked_for(tmp_path: Path, step: str) -> None:
    found = told(tmp_path, f"  a: {step}\n" + END)
    assert len(found) == 1
    assert "a telephone cannot key" in found[0]


def test_text_may_be_asked_for_where_nobody_telephones(tmp_path: Path) -> None:
    written = HEAD.replace('numbers: ["4000"]\n', "")
    assert told(tmp_path, "  a: {collect: note, next: z, otherwise: z}\n" + END, written) == []


# --- comparisons -----------------------------------------------------------------------------

ODD = HEAD + "  sure: {type: yesno, say: x}\n  score: {type: number, say: x}\n"


@pytest.mark.parametrize(
    ("condition", "wrong"),
    [
        ("reason == 'a'", ""),
        ("reason == 'c'", '"reason" is never "c"'),
        ('verified and reason != "A"', '"reason" is never "A"'),
        ("reason in ('a', 'd')", '"reason" is never "d"'),
        ("reason not in ['e']", '"reason" is never "e"'),
        ("language == 'fr'", '"language" is never "fr"'),
        ("level == 'strong'", ""),
        ("level == 'sure'", '"level" is never "sure"'),
        ("sure == 'yes'", '"sure" is true or false, never "yes"'),
        ("sure == true", ""),
        ("score > '3'", '"score" is a number, never the text "3"'),
        ("score > 3", ""),
        ("order == 'x1'", '"order" has the type digits, and is never "x1"'),
        ("order == '0123' or order == ''", ""),
        ("note == 'anything'", ""),
        ("customer.reason == 'c'", ""),
    ],
)
def test_a_field_is_compared_with_what_it_can_be(
    tmp_path: Path, condition: str, wrong: str
) -> None:
    ask = (
        "  a: {collect: sure, next: b, otherwise: z}\n"
        "  b: {collect: score, next: c, otherwise: z}\n"
        "  c: {identify: people, ask: [order], next: d, otherwise: z}\n"
    )
    for step in (
        f"  d:\n    branch:\n      - if: {condition}\n        next: z\n    otherwise: z\n",
        f"  d:\n    say: >-\n      {{{{ 'x' if {condition} else 'y' }}}}\n    next: z\n",
    ):
        found = [each.split(": ", maxsplit=1)[1] for each in told(tmp_path, ask + step + END, ODD)]
        assert found == ([wrong] if wrong else [])


def test_a_fact_about_the_customer_is_a_column_of_the_table(tmp_path: Path) -> None:
    pin = f"scrypt:13:AAAA:{'A' * 43}"  # the shape of a hash
    rows = f"rows: [{{order: '1', name: Mei, pin: '{pin}'}}]"
    files(tmp_path, t__table__yaml=f"key: order\nsecret: [pin]\n{rows}")
    steps = "  a: {identify: t, ask: [order, pin], next: b, otherwise: z}\n"
    say = "  b: {say: 'Hello {{ customer.%s }}', next: z}\n"
    assert told(tmp_path, steps + say % "name" + END) == []
    for wrong in ("nmae", "pin"):
        found = told(tmp_path, steps + say % wrong + END)
        assert found == [f'{FIRST + 1}:12: unknown fact about the customer: "{wrong}"']
    files(tmp_path, t__table__yaml="key: order\nsecret: [pin]\nrows: []")
    assert told(tmp_path, steps + say % "anything" + END) == []
    people = "  a: {identify: people, ask: [order, pin], next: b, otherwise: z}\n"
    assert told(tmp_path, people + say % "anything" + END) == []


# --- names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        ("{http: people, get: /a, next: z, otherwise: z}", 'the service "people" only identifies'),
        ("{book: shops, field: visit, next: z, otherwise: z}", 'unknown service "shops"'),
        ("{identify: shop, ask: [order], next: z, otherwise: z}", '"shop" does not identify'),
        ("{identify: peopel, ask: [order], next: z, otherwise: z}", 'unknown table "peopel"'),
        (
            "{identify: people, ask: [order], by_number: phone, next: z, otherwise: z}",
            "no columns to look a number up in",
        ),
        ("{lookup: stores, by: {town: x}, next: z, otherwise: z}", "is searched by city"),
        ("{lookup: store, by: {city: x}, next: z, otherwise: z}", 'unknown table "store"'),
        ("{transfer: {outside: '110'}, otherwise: z}", 'does not let "110" be dialled'),
        ("{queue: cards, agent: '1002', otherwise: z}", 'unknown agent "1002"'),
        ("{callback: card, number: '1', next: z, otherwise: z}", 'unknown queue "card"'),
        ("{transfer: {agent: '1001', queue: card}, otherwise: z}", 'unknown queue "card"'),
        ("{queue: cards, needs: {card: 1}, otherwise: z}", 'unknown skill "card"'),
        ("{queue: cards, hours: dsk, otherwise: z}", 'unknown calendar "dsk"'),
    ],
)
def test_names_are_looked_up_in_the_house(tmp_path: Path, step: str, wrong: str) -> None:
    found = told(tmp_path, f"  a: {step}\n" + END)
    assert len(found) == 1
    assert wrong in found[0]


def test_what_is_not_known_is_not_checked(tmp_path: Path) -> None:
    (tmp_path / "services.yaml").write_text("services: {}")
    steps = (
        "  a: {http: shop, get: /a, next: b, otherwise: z}\n"
        "  b: {identify: people, ask: [order], next: c, otherwise: z}\n"
        "  c: {lookup: stores, by: {city: x}, next: d, otherwise: z}\n"
        "  d: {transfer: {outside: '110'}, otherwise: z}\n"
    )
    assert told(tmp_path, steps + END, names=None) == []


def test_a_table_may_be_looked_up_by_its_columns(tmp_path: Path) -> None:
    files(
        tmp_path,
        a__table__yaml="key: city\nsecret: [pin]\nrows: []",
        b__table__csv="city,street\nParis,Rue 1\n",
    )
    step = "  a: {lookup: %s, by: {city: x}, take: {note: %s}, next: z, otherwise: z}\n" + END
    assert told(tmp_path, step % ("b", "street")) == []
    assert 'unknown column "stret"' in told(tmp_path, step % ("b", "stret"))[0]
    assert 'the column "pin" of "a" is secret' in told(tmp_path, step % ("a", "pin"))[0]


def test_failures_are_counted_by_the_key_of_the_table(tmp_path: Path) -> None:
    files(tmp_path, t__table__yaml="key: order\nrows: [{order: '1', price: '2'}]")
    steps = "  a: {identify: t, ask: [price, order], next: z, otherwise: z}\n"
    step = loaded(tmp_path, steps + END).flows["x"].steps["a"]
    assert getattr(step, "account", None) == "order"
