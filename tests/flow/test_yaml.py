"""The strict reader: nothing is guessed, nothing is lost, nothing takes long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.errors import ConfigError
from ivr.flow.loading.section import Section, as_integer
from ivr.flow.loading.yaml import MAX_BYTES, MAX_PROBLEMS, Mapping, Problems, Scalar, parse


def found(source: str | bytes) -> list[str]:
    problems = Problems()
    parse(source, "x.yaml", problems)
    return [str(problem) for problem in problems.all()]


def values(source: str) -> dict[str, str]:
    problems = Problems()
    root = parse(source, "x.yaml", problems)
    assert not problems.found
    assert isinstance(root, Mapping)
    return {
        key: entry.value.text
        for key, entry in root.entries.items()
        if isinstance(entry.value, Scalar)
    }


@pytest.mark.parametrize("text", ["no", "on", "yes", "0123", "17:30", "1_000", "2026-03-02", "1e3"])
def test_plain_words_digits_and_times_stay_what_was_written(text: str) -> None:
    assert values(f"key: {text}\n{text}: other") == {"key": text, text: "other"}


def test_a_key_that_stands_twice_is_told_with_both_places() -> None:
    assert found("a: 1\nb: 2\na: 3\n") == [
        'x.yaml:3:1: the key "a" stands here twice (it is already on line 1)'
    ]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("a: &x 1\nb: *x\n", "x.yaml:1:4: an anchor, &x"),
        ("a: *x\n", "x.yaml:1:4: an alias, *x"),
        ("a: !!python/object:os.system x\n", "x.yaml:1:4: a tag"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2:1: a second document"),
        ("? [a]\n: 1\n", "x.yaml:1:3: a key that is a list or a mapping"),
        ("a: [1\nb: 2\n", "x.yaml:2:2: not valid YAML"),
        ("a:\n\tb: 1\n", "x.yaml:2:1: a tab; indent with spaces"),
        ("a: 1\n\tb: 2\n", "x.yaml:2:1: a tab; indent with spaces"),
        ('a: 1\nb: "x\nc: 2\n', "x.yaml:2:4: an unclosed quote"),
        ('a: "x\nb: "y"\n', "x.yaml:1:4: an unclosed quote"),
        ("a: {{ b }}\n", "x.yaml:1:5: a key that is a list or a mapping (put words with {{ }}"),
        ("a: b\nc：d\ne: f\n", "x.yaml:3:1: not valid YAML: could not find expected ':' (the sign"),
        ("a: {*: b}\n", "x.yaml:1:6: not valid YAML"),
        ("a: b: c\n", "x.yaml:1:5: not valid YAML"),
        ("a: \x07\n", "x.yaml:1:4: a control character, U+0007"),
        ("a: x\u2028b\n", "x.yaml:1:5: a control character, U+2028"),
        ("", "x.yaml:1:1: the file is empty"),
    ],
)
def test_what_plain_loaders_let_through_is_refused_at_its_place(source: str, told: str) -> None:
    assert found(source)[0].startswith(told)


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("a: {en: Press 1: sales}\n", "1:16"),
        ("a: [note: this: that]\n", "1:15"),
        ("a: {en: Please hold, thank you}\n", "1:22"),
    ],
)
def test_a_sentence_in_braces_is_told_to_be_quoted(source: str, place: str) -> None:
    (told,) = found(source)
    assert told.startswith(f"x.yaml:{place}: ")
    assert told.endswith("(put words that contain a colon or a comma in quotes)")


def test_bytes_that_are_not_utf8_are_told_at_their_place() -> None:
    assert found(b"a: 1\nbc: \xff\n") == ["x.yaml:2:5: not UTF-8 text (save the file as UTF-8)"]


def test_places_count_characters_not_bytes() -> None:
    assert found("{中文: 1, 中文: 2}")[0].startswith("x.yaml:1:9: ")


HOSTILE = {
    "deep lists": "[" * 900_000,
    "deep mappings": "{a: " * 200_000,
    "nested dashes": "- " * 400_000,
    "very many values": "- a\n" * 200_000,
    "the same key for ever": "a: 1\n" * 190_000,
    "an endless string": '"' + "\\" * 900_000,
    "colons": ":" * 900_000,
    "blank": " \n" * 400_000,
    "a billion laughs": "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 5000)),
    "too large": "a" * (MAX_BYTES + 1),
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.usefixtures("untraced")
def test_hostile_files_are_refused_within_a_second(source: str) -> None:
    began = time.process_time()
    assert found(source)
    assert time.process_time() - began < 1


def test_thousands_of_mistakes_are_counted_not_listed() -> None:
    told = found("a: 1\n" * 2000)
    assert len(told) == MAX_PROBLEMS + 1
    assert told[-1].endswith("and 1499 more mistakes")


@given(st.one_of(st.text(max_size=300), st.text("[]{}:,-?&*!|>'\"#% \nab1", max_size=300)))
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_or_refused_with_a_place(source: str) -> None:
    problems = Problems()
    root = parse(source, "x.yaml", problems)
    assert root is not None or problems.found
    assert all(problem.line >= 1 and problem.column >= 1 for problem in problems.found)


def read(source: str) -> tuple[Section, Problems]:
    problems = Problems()
    root = parse(source, "x.yaml", problems)
    assert root is not None
    return Section(root, "the file", problems), problems


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20s", 20),
        ("10m", 600),
        ("1h30m", 5400),
        ("1h2m3s", 3723),
        ("2.5s", 2.5),
        ("0s", 0),
        ("1d", 86400),
    ],
)
def test_durations_carry_their_unit(text: str, seconds: float) -> None:
    section, problems = read(f"a: {text}")
    assert section.duration("a") == seconds
    assert not problems.found


@pytest.mark.parametrize("text", ["20", "s", "", "1m1h", "-5s", "1w", "1s1d", "99999999s"])
def test_what_is_no_duration_is_told_with_its_cure(text: str) -> None:
    section, problems = read(f"a: {text}")
    section.duration("a")
    assert [problem.line for problem in problems.found] == [1]


def test_a_section_tells_unknown_missing_and_wrong_keys_all_at_once() -> None:
    section, problems = read(
        "nmae: x\nsize: many\nkind: huge\nflag: yes\nlist: {}\nnested: {wrap_up: 10}\n"
    )
    with section:
        section.text("name")
        section.text("place")
        section.integer("size", low=1)
        section.choice("kind", ("small", "large"))
        section.boolean("flag", False)
        section.texts("list")
        nested = section.section("nested")
        assert nested is not None
        with nested:
            nested.duration("wrap_up", 5.0)
    with pytest.raises(ConfigError) as refused:
        problems.raise_if_any()
    assert [str(problem) for problem in refused.value.problems] == [
        'x.yaml:1:1: unknown key in the file: "nmae" (did you mean "name"?)',
        'x.yaml:1:1: the file lacks "place"',
        'x.yaml:2:7: "size" must be a whole number, not "many"',
        'x.yaml:3:7: "kind" cannot be "huge" (known: large, small)',
        'x.yaml:4:7: "flag" must be true or false, not "yes"',
        'x.yaml:5:7: an entry of "list" must be text, not a mapping',
        'x.yaml:6:19: "wrap_up" must be a duration, not "10"'
        " (write a number and its unit, such as 20s, 10m or 1h30m)",
    ]


def test_a_number_out_of_bounds_is_told_its_bounds() -> None:
    problems = Problems()
    root = parse("11", "x.yaml", problems)
    assert root is not None
    assert as_integer(root, "a level", problems, low=1, high=10) is None
    assert problems.found[0].cure == "it may be 1 to 10"
