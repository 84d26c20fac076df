"""What callers and readers are told: whether words, keys and messages fit together."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.backends.names import Names
from tests.flow.checking import END, HEAD, loaded, noted, told


@pytest.mark.parametrize(("sign", "room"), [("a", 1530), ("好", 670)])
def test_a_text_message_has_an_end(tmp_path: Path, sign: str, room: int) -> None:
    step = "  a: {sms: '1234', text: '%s', next: z, otherwise: z}\n"
    assert told(tmp_path, step % (sign * room) + END) == []
    assert "takes 11 parts" in told(tmp_path, step % (sign * (room + 1)) + END)[0]


def test_a_message_with_a_code_holds_it(tmp_path: Path) -> None:
    step = "  a: {identify: code, to: '1', text: 'Your code: %s', next: z, otherwise: z}\n"
    assert told(tmp_path, step % "{{ code }}" + END) == []
    assert "the code itself is not in this message" in told(tmp_path, step % "1" + END)[0]


@pytest.mark.parametrize(
    ("menu", "notes"),
    [
        ('"Bills, press 1. Cards, 2."', []),
        ('"Bills, press one. Cards, press two."', []),
        ('"Bills, press 1."', ["nothing tells callers of key 2"]),
        ('"Bills, press 1. Cards, 2. Loans, press 3."', ["the words say key 3"]),
        ('"Room 12 is on floor 5. Press 1 or 2."', []),
        ('"{{ reason }}, press 1."', []),
    ],
)
def test_the_words_of_a_menu_and_its_keys_agree(
    tmp_path: Path, menu: str, notes: list[str]
) -> None:
    steps = f'  a: {{menu: {menu}, "1": z, "2": z, otherwise: z}}\n'
    found = noted(tmp_path, steps + END)
    assert len(found) == len(notes)
    assert all(each.startswith(note) for each, note in zip(found, notes, strict=True))


def test_a_menu_has_something_to_choose_at_any_hour(tmp_path: Path) -> None:
    menu = '  a: {menu: x, "1": {label: x, hours: desk, next: z}, %sotherwise: z}\n'
    assert "nothing to choose" in told(tmp_path, menu % "" + END)[0]
    assert told(tmp_path, menu % '"2": {label: y, next: z}, ' + END) == []
    opened = "  a: {hours: desk, open: b, closed: z}\n" + (menu % "").replace("  a:", "  b:")
    assert told(tmp_path, opened + END) == []


def test_options_with_labels_need_no_words(tmp_path: Path) -> None:
    labels = '  a: {menu: Hello., "1": {label: x, next: z}, "2": %s, otherwise: z}\n'
    assert noted(tmp_path, labels % "{say: y, next: z}" + END) == []
    assert noted(tmp_path, labels % "z" + END) == ["nothing tells callers of key 2"]


@pytest.mark.parametrize(
    ("also", "mistakes"),
    [
        ("[invoices]", []),
        ("[Bills]", []),
        ("cards", ['the answer "cards" means key 2 already']),
        ('"2"', ['the answer "2" means key 2 already']),
        ('"9"', ['the answer "9" means key 9 already']),
        ("[loans.]", ['the answer "Loans" means key 1 already']),
    ],
)
def test_a_written_answer_means_one_option(tmp_path: Path, also: str, mistakes: list[str]) -> None:
    menu = (
        f'  a: {{menu: x, "1": {{label: bills, also: {also}, next: z}}, '
        '"2": {label: cards, also: Loans, next: z}, otherwise: z}\n'
    )
    found = [each.split(": ", 2)[-1] for each in told(tmp_path, menu + END)]
    assert [each[each.index("the answer") :] for each in found] == mistakes


def test_times_are_offered_during_a_calendar_of_the_flow(tmp_path: Path) -> None:
    step = "  a: {book: shop, field: visit, during: %s, next: z, otherwise: z}\n"
    assert told(tmp_path, step % "desk" + END) == []
    assert 'unknown calendar "dek"' in told(tmp_path, step % "dek" + END)[0]


def test_every_language_has_its_own_words(tmp_path: Path) -> None:
    head = HEAD.replace("collects:", "languages: [en, zh]\ncollects:")
    head = "\n".join(line.replace(", say: Order.", "") for line in head.splitlines())
    for word in ("PIN.", "Price.", "Note."):
        head = head.replace(f", say: {word}", "")
    head += "\n"
    menu = '  a: {menu: {en: "Bills 1, cards 2.", zh: "%s"}, "1": z, "2": z, otherwise: z}\n'
    end = "  z: {hangup: {en: Bye., zh: 再见。}}\n"
    assert noted(tmp_path, menu % "账单请按1，卡请按2。" + end, head) == []
    assert noted(tmp_path, menu % "账单请按一，卡请按二。" + end, head) == []
    assert noted(tmp_path, menu % "账单请按1，贷款请按3。" + end, head) == [
        "the words say key 3, which does nothing here (zh)",
        "nothing tells callers of key 2 (zh)",
    ]


def test_a_menu_says_something(tmp_path: Path) -> None:
    assert "says nothing" in told(tmp_path, '  a: {menu: [], "1": z, otherwise: z}\n' + END)[0]
    assert told(tmp_path, '  a: {menu: [], "1": {label: x, next: z}, otherwise: z}\n' + END) == []


def test_a_field_that_nothing_uses_is_noted(tmp_path: Path) -> None:
    head = HEAD + "  idle: {type: text}\n"
    library = loaded(tmp_path, "  a: {collect: pin, next: z, otherwise: z}\n" + END, head)
    assert [each.message for each in library.notes] == [
        'nothing compares or sends the secret "pin"',
        'nothing uses the field "idle"',
    ]


def test_the_point_of_an_amount_is_no_other_key(tmp_path: Path) -> None:
    step = "  a: {collect: price, %snext: z, otherwise: z}\n"
    assert "the point of an amount" in told(tmp_path, step % "finish: '*', " + END)[0]


def test_text_messages_without_a_gateway_are_noted_once(tmp_path: Path) -> None:
    step = "  a: {sms: '1234', text: x, next: b, otherwise: z}\n"
    steps = step + step.replace("a:", "b:").replace("next: b", "next: z") + END
    assert noted(tmp_path, steps) == []
    (tmp_path / "y.yaml").write_text(
        (tmp_path / "x.yaml").read_text().replace("flow: x", "flow: y")
    )
    (tmp_path / "y.yaml").write_text((tmp_path / "y.yaml").read_text().replace("4000", "4001"))
    notes = loaded(tmp_path, steps, names=Names()).notes
    assert [
        str(each).split(" (", maxsplit=1)[0] for each in notes if "pin" not in each.message
    ] == [f"{tmp_path}/services.yaml:1:1: text messages are kept and not sent: there is no gateway"]


def test_a_key_cannot_mean_two_things(tmp_path: Path) -> None:
    head = HEAD + 'keys: {"9": back, "8": help}\n'
    steps = "  a: {collect: order, next: %s, otherwise: z}\n  %s: {say: x, next: z}\n" + END
    assert "as well" in told(tmp_path, steps % ("back", "back"), head)[0]
    assert told(tmp_path, steps % ("back", "back")) == []
    assert told(tmp_path, steps % ("other", "other"), head) == []


def test_a_key_for_help_needs_words(tmp_path: Path) -> None:
    head = HEAD + 'keys: {"8": help}\n'
    step = "  a: {collect: order, %snext: z, otherwise: z}\n" + END
    assert noted(tmp_path, step % "", head) == [
        "this key says nothing: no question has words for `help`"
    ]
    assert noted(tmp_path, step % "help: Ask away., ", head) == []
