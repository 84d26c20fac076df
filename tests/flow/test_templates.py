"""Templates: what they can say, and what they can never do."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.flow.templates import MAX_OUTPUT, TemplateRefused, compile_condition, compile_text

VALUES = {
    "name": "Mei",
    "account": "12345678",
    "count": 3,
    "yes": True,
    "customer": {"name": "Mei Lin", "tier": "gold", "items": "x"},
}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("plain words", "plain words"),
        ("{{ name }} and {{ customer.name }}", "Mei and Mei Lin"),
        ("{{ account | digits }}", "1 2 3 4 5 6 7 8"),
        ("{{ account | last(4) | digits }}", "5 6 7 8"),
        ("{{ nobody | default('you') }}", "you"),
        ("{{ nobody | default(name) | upper }}", "MEI"),
        ("{{ 10 if customer.tier == 'gold' else 0 }}", "10"),
        ("{{ 'a' ~ count }}", "a3"),
        ("{{ nobody.thing.deeper }}{{ nobody }}", ""),
        ("{{ 'in' if name in ('Mei', 'Tom') else 'out' }}", "in"),
        ("{{ nobody is defined }}", "False"),
        ("{{ customer.items }}", "x"),
        ("{{ customer.keys }}", ""),
        ("{{ name.upper }}", ""),
        ("{{ 'yes' if nobody > 3 else 'no' }}", "no"),
        ("{{ name > 3 }}", ""),
    ],
)
def test_templates_say_what_fields_hold(source: str, words: str) -> None:
    assert compile_text(source).render(VALUES) == words


@pytest.mark.parametrize(
    "source",
    [
        "{{ name() }}",
        "{{ name.upper() }}",
        "{{ ''.__class__ }}",
        "{{ customer['name'] }}",
        "{{ 9 ** 9 }}",
        "{{ 'a' * 1000000 }}",
        "{{ count + 1 }}",
        "{% for x in name %}{{ x }}{% endfor %}",
        "{% set x = 1 %}",
        "{% include 'x' %}",
        "{{ name | map('upper') }}",
        "{{ name | last(name) }}",
        "{{ name | upper(1) }}",
        "{{ range(10) }}",
        "{{ 99999999999999999 }}",
        "{{ '" + "x" * 300 + "' }}",
        "{{ " + "(" * 400 + "1" + ")" * 400 + " }}",
        "{{ " + "not " * 400 + "1 }}",
        "{{ " + " ~ ".join(["name"] * 300) + " }}",
        "{{ name is odd }}",
        "{{",
        "{{ }}",
        "x" * 3000,
    ],
)
def test_what_could_loop_call_or_grow_is_refused(source: str) -> None:
    with pytest.raises(TemplateRefused):
        compile_text(source)


def test_a_refusal_says_what_to_write_instead() -> None:
    with pytest.raises(TemplateRefused) as refused:
        compile_text("{% if vip %}x{% endif %}")
    assert refused.value.cure == "write {{ this if condition else that }}"


def test_output_is_cut_and_control_characters_become_spaces() -> None:
    assert len(compile_text("{{ a }}").render({"a": "x" * 100_000})) == MAX_OUTPUT
    assert (
        compile_text("<{{ a }}>").render({"a": "b\r\nAction: Hangup\x00"}) == "<b Action: Hangup >"
    )


def test_conditions_are_false_where_nothing_can_be_said() -> None:
    assert compile_condition("customer.tier == 'gold' and not nobody").holds(VALUES)
    assert not compile_condition("nobody == 'x'").holds(VALUES)
    assert not compile_condition("nobody < 3").holds(VALUES)
    assert not compile_condition("name < 3").holds(VALUES)


@pytest.mark.parametrize("source", ["{{ a }}", "a }} {{ b", "a) or (b", "", "a b", "{% if a %}"])
def test_a_condition_is_one_expression_without_braces(source: str) -> None:
    with pytest.raises(TemplateRefused):
        compile_condition(source)


def test_names_tell_what_a_template_reads() -> None:
    template = compile_text("{{ a | default(b) }} {{ customer.name if c else 'd' }}")
    assert template.names == {"a", "b", "c", "customer"}


@pytest.mark.usefixtures("untraced")
def test_rendering_takes_microseconds() -> None:
    template = compile_text("{{ name }} {{ account | digits }} {{ 10 if customer.tier else 0 }}")
    template.render(VALUES)
    began = time.process_time()
    for _ in range(1000):
        template.render(VALUES)
    assert time.process_time() - began < 0.2


WORDS = (
    "{{ }} {% %} {# #} a name customer.name ( ) [ ] | ~ . _ digits default('x') if else == and or "
    "not in is defined 'x' 1 , : ** * + - / lambda self super() __class__ for endfor"
)
FRAGMENTS = st.sampled_from(WORDS.split())


@given(st.lists(FRAGMENTS, max_size=25).map(" ".join))
@settings(max_examples=300, deadline=None)
def test_any_template_is_refused_or_runs(source: str) -> None:
    for compiled in (compile_text, compile_condition):
        try:
            template = compiled(source)
        except TemplateRefused:
            continue
        assert len(template.render(VALUES)) <= MAX_OUTPUT
        template.holds({})
