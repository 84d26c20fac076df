"""Any text in a field: refused, or one action whose field reads back as it was."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.asterisk.fence import Ask, fields_out, message_in
from ivr.errors import ServiceFault
from tests.ami.manager import parse_action

texts = st.text(max_size=80)


def wire(name: str, **fields: object) -> bytes | None:
    """What would be sent, or None when it is refused."""

    async def render() -> bytes | None:
        try:
            return str(Ask(name, fields)).encode()  # type: ignore[arg-type]  # any text at all
        except ServiceFault:
            return None

    return asyncio.run(render())


def separate(line: str) -> list[str]:
    """How Asterisk splits a Variable line (__ast_app_separate_args in app.c), in Python."""
    parts, depth, bracket, quote, literal = [""], 0, 0, False, False
    for character in line:
        if literal:
            literal = False
        elif character == "\\":
            literal = True
            continue
        elif character == '"':
            quote = not quote
            continue
        elif character == "," and not (depth or bracket or quote):
            parts.append("")
            continue
        else:
            depth = max(0, depth + (character == "(") - (character == ")"))
            bracket = max(0, bracket + (character == "[") - (character == "]"))
        parts[-1] += character
    return parts


@settings(max_examples=60)
@given(texts, st.lists(texts, max_size=3))
def test_any_value_is_refused_or_arrives_as_it_was(value: str, several: list[str]) -> None:
    raw = wire("Setvar", Value=value, Header=several)
    if raw is None:
        assert not (value + "".join(several)).isprintable()
        return
    assert raw.endswith(b"\r\n\r\n")
    assert raw.count(b"\r\n\r\n") == 1
    action = parse_action(raw[:-4])
    assert action.pop("ActionID")
    expected = {"Action": ["Setvar"], "Value": [value]} | ({"Header": several} if several else {})
    assert action == expected


@given(texts)
def test_any_variable_is_refused_or_arrives_as_the_only_one(value: str) -> None:
    try:
        lines = fields_out("Originate", {"Variable": {"A": value}})["Variable"]
    except ServiceFault:
        assert not value.isprintable()
        return
    assert [separate(line) for line in lines] == [[f"A={value}"]]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_error(raw: bytes) -> None:
    message = message_in(b"Event: X\r\nValue: " + raw.replace(b"\r\n", b""))
    assert message is not None
    assert all(ord(character) >= 32 or character == "\t" for character in message.value)
