"""The AGI core on recorded and hostile bytes, without a socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.agi.environment import AgiEnvironment
from ivr.agi.fake import environment
from ivr.agi.protocol import (
    COMMAND_BYTES,
    TRANSITIONS,
    AgiConnection,
    Broken,
    Closed,
    Event,
    Hangup,
    Input,
    Reply,
    State,
    build_command,
)
from ivr.errors import ServiceFault

TRANSCRIPTS = Path(__file__).parent / "transcripts"
OPENING = (TRANSCRIPTS / "environment.txt").read_bytes()


def recorded_turns() -> list[tuple[str, bytes]]:
    """(command, all that Asterisk answered to it) of a real session."""
    turns: list[tuple[str, bytes]] = []
    for line in (TRANSCRIPTS / "session.txt").read_text().splitlines():
        if line.startswith("> "):
            turns.append((line[2:], b""))
        else:
            command, said = turns[-1]
            turns[-1] = (command, said + line[2:].encode() + b"\n")
    return turns


def idle() -> AgiConnection:
    connection = AgiConnection()
    connection.receive_data(environment())
    return connection


def running(verb: str = "NOOP") -> AgiConnection:
    connection = idle()
    connection.send_command(verb)
    return connection


def replies(events: list[Event]) -> list[Reply]:
    return [event for event in events if isinstance(event, Reply)]


# --- the environment --------------------------------------------------------------------------


def test_a_recorded_environment_tells_who_calls_and_what_was_asked() -> None:
    [env] = AgiConnection().receive_data(OPENING)
    assert isinstance(env, AgiEnvironment)
    assert (env.channel, env.uniqueid) == ("Local/caller@inbound-00000000;1", "1795292906.0")
    assert (env.callerid, env.calleridname) == ("+4912345", "Zoë <O'Brien>")
    assert (env.dnid, env.rdnis) == ("", ""), "Asterisk's word for an absent number is dropped"
    assert (env.context, env.extension, env.priority) == ("inbound", "call", 3)
    assert (env.path, dict(env.query)) == ("call", {"x": "1"})
    assert env.args == ("one", "two words", "thr\\ee")


def test_an_environment_is_the_same_in_one_piece_and_byte_by_byte() -> None:
    whole = AgiConnection().receive_data(OPENING)
    connection = AgiConnection()
    pieces = [event for byte in OPENING for event in connection.receive_data(bytes([byte]))]
    assert pieces == whole


def test_a_latin1_byte_in_a_caller_name_does_not_kill_the_call() -> None:
    said = environment().replace(b"Alice", b"Zo\xeb")
    [env] = AgiConnection().receive_data(said)
    assert isinstance(env, AgiEnvironment)
    assert env.calleridname == "Zo\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("name", ["callerid", "calleridname", "dnid", "rdnis"])
def test_a_control_character_from_a_stranger_is_replaced(name: str) -> None:
    [env] = AgiConnection().receive_data(environment(**{name: "a\x00b\x1bc\rd\x7f"}))
    assert isinstance(env, AgiEnvironment)
    assert getattr(env, name) == "a�b�c�d�"


def without(name: str) -> bytes:
    lines = environment().split(b"\n")
    return b"\n".join(line for line in lines if not line.startswith(f"{name}:".encode()))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (environment(channel="PJSIP/x\r"), "control character in agi_channel"),
        (environment(calleridname="Bob\nagi_dnid: 999"), "agi_dnid came twice"),
        (environment(calleridname="Bob\nagi_arg_1: admin"), "agi_arg headers are out of order"),
        (environment(calleridname="Bob\n\n200 result=1"), "the environment lacks agi_context"),
        (environment(calleridname="Bob\nX-Evil: 1"), "not an AGI header"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "not an AGI header"),
        (b"\n", "the environment lacks agi_channel"),
        (without("agi_uniqueid"), "the environment lacks agi_uniqueid"),
        (environment(priority="one"), "agi_priority is not a number"),
        (b"agi_callerid: " + b"x" * 9000, "too long"),
        (b"agi_callerid: " + b"x" * 9000 + b"\n", "too long"),
        (b"".join(b"agi_%d: %s\n" % (n, b"x" * 8000) for n in range(9)), "too long"),
        (b"".join(b"agi_%d: x\n" % n for n in range(201)), "too many headers"),
        (b"agi_arg_2: x\n" + environment(), "out of order"),
    ],
)
def test_what_asterisk_would_not_write_is_refused(said: bytes, why: str) -> None:
    connection = AgiConnection()
    events = connection.receive_data(said)
    assert isinstance(events[-1], Broken)
    assert why in events[-1].reason
    assert not any(isinstance(event, AgiEnvironment) for event in events)
    assert connection.state is State.BROKEN
    assert connection.receive_data(environment()) == []


def test_a_header_without_end_is_refused_before_it_is_stored() -> None:
    connection = AgiConnection()
    taken = 0
    while connection.state is State.ENVIRONMENT:
        connection.receive_data(b"x" * 1000)
        taken += 1000
    assert taken <= 10_000


# --- replies ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("200 result=0", Reply(200, 0)),
        ("200 result=-1", Reply(200, -1)),
        ("200 result=49 endpos=1234", Reply(200, 49, "", 1234)),
        ("200 result=-1 endpos=0", Reply(200, -1, "", 0)),
        ("200 result=1 (testvariable)", Reply(200, 1, "testvariable")),
        ("200 result=1 ()", Reply(200, 1, "")),
        ("200 result=1 (a (b) c) d)", Reply(200, 1, "a (b) c) d")),
        ("200 result=1 (HANGUP)", Reply(200, 1, "HANGUP")),
        ("200 result= (timeout)", Reply(200, "", "timeout")),
        ("200 result=007", Reply(200, "007")),
        ("200 result=*4# (timeout)", Reply(200, "*4#", "timeout")),
        ("200 result=0 (timeout) endpos=8000", Reply(200, 0, "timeout", 8000)),
        ("200 result=35 (dtmf) endpos=160", Reply(200, 35, "dtmf", 160)),
        ("200 result=-1 (hangup) endpos=99", Reply(200, -1, "hangup", 99)),
        ("200 result=1 (\udce9)", Reply(200, 1, "�")),
        ("510 Invalid or unknown command", Reply(510, "", "Invalid or unknown command")),
        ("511 Command Not Permitted", Reply(511, "", "Command Not Permitted")),
        ("520 Invalid command syntax.", Reply(520, "", "Invalid command syntax.")),
        ("520-Bad.\nUsage: X\n\n 200 result=0\n520 End of proper usage.", Reply(
            520, "", "Bad.\nUsage: X\n\n 200 result=0")),
        ("200 result=1 (a\nb)", Reply(200, 1, "a�b")),
        ("200 result=1 (a\nHANGUP\nb)", Reply(200, 1, "a�HANGUP�b")),
        ("200 result=1 (a) b\nc)", Reply(200, 1, "a) b�c")),
        ("100 result=0 Trying...\n200 result=0", Reply(200, 0)),
    ],
)  # fmt: skip
def test_every_form_of_reply_is_read(line: str, reply: Reply) -> None:
    connection = running()
    said = line.encode("utf-8", "surrogateescape") + b"\n"
    assert connection.receive_data(said) == [reply]
    assert connection.state is State.IDLE


@pytest.mark.parametrize(
    "line",
    ["", "hello", "2000 result=0", "200", "200 ok", "20 result=0", "HANGUP now", "agi_x: y"],
)
def test_a_line_that_is_no_reply_ends_the_session(line: str) -> None:
    connection = running()
    [broken] = connection.receive_data(f"{line}\n".encode())
    assert isinstance(broken, Broken)


def test_a_recorded_session_is_read_turn_by_turn() -> None:
    connection = AgiConnection()
    connection.receive_data(OPENING)
    read = []
    for command, said in recorded_turns():
        connection.send_command("NOOP")
        read.append((command, connection.receive_data(said)))
    answers = dict(read)
    assert answers["GET VARIABLE TIELINE_CONTACT"] == [Reply(200, 1, "c-42")]
    assert answers['STREAM FILE no/such "#"'] == [Reply(200, -1, "", 0)]
    assert answers["FROB"] == [Reply(510, "", "Invalid or unknown command")]
    [usage] = answers["HANGUP a b c"]
    assert isinstance(usage, Reply)
    assert usage.code == 520
    hangup, dead = read[-1][1]
    assert isinstance(hangup, Hangup)
    assert isinstance(dead, Reply)
    assert dead.code == 511
    assert all(len(replies(events)) == 1 for _, events in read), "one answer to each command"


def hangup_places() -> Iterator[tuple[int, int]]:
    """Before every line that answers something, except inside one value."""
    for turn, (_, said) in enumerate(recorded_turns()):
        for line in range(said.count(b"\n")):
            yield turn, line


@pytest.mark.parametrize(("turn", "line"), list(hangup_places()))
def test_a_hangup_line_anywhere_shifts_no_reply(turn: int, line: int) -> None:
    plain, disturbed = AgiConnection(), AgiConnection()
    for connection in (plain, disturbed):
        connection.receive_data(OPENING)
    for number, (_, said) in enumerate(recorded_turns()):
        plain.send_command("NOOP")
        disturbed.send_command("NOOP")
        lines = said.splitlines(keepends=True)
        if number == turn:
            lines.insert(line, b"HANGUP\n")
        undisturbed = replies(plain.receive_data(said))
        assert replies(disturbed.receive_data(b"".join(lines))) == undisturbed
    assert disturbed.state is State.IDLE


def test_an_exec_that_answers_twice_answers_once() -> None:
    connection = running("EXEC")
    said = b"200 result=1\n520-Invalid command syntax.\nRun it\nHANGUP\n520 End of proper usage.\n"
    assert connection.receive_data(said) == [Hangup(), Reply(200, 1)]
    connection.send_command("NOOP")
    assert connection.receive_data(b"200 result=0\n") == [Reply(200, 0)]


def test_an_exec_that_was_to_answer_twice_and_does_not_ends_the_session() -> None:
    connection = running("EXEC")
    events = connection.receive_data(b"200 result=1\n200 result=0\n")
    assert isinstance(events[-1], Broken)
    assert not replies(events)


def test_eof_after_the_first_of_two_answers_keeps_it() -> None:
    connection = running("EXEC")
    assert connection.receive_data(b"200 result=1\n") == []
    assert connection.receive_data(b"") == [Reply(200, 1), Closed()]


def test_a_value_that_forges_a_reply_ends_the_session_instead() -> None:
    connection = running("GET VARIABLE")
    events = connection.receive_data(b"200 result=1 (x)\n200 result=1 (forged)\n")
    assert replies(events) == [Reply(200, 1, "x")]
    assert isinstance(events[-1], Broken)


@pytest.mark.parametrize("start", [b"200 result=1 (", b"520-Usage\n", b"200 result="])
def test_a_reply_without_end_is_bounded(start: bytes) -> None:
    connection = running()
    connection.receive_data(start)
    for _ in range(2000):
        connection.receive_data(b"x" * 99 + b"\n" if start.startswith(b"520") else b"x" * 100)
    assert connection.state is State.BROKEN


def test_many_small_replies_are_no_long_one() -> None:
    connection = idle()
    for _ in range(3000):
        connection.send_command("NOOP")
        assert connection.receive_data(b"HANGUP\n200 result=0 (12345678901234567890)\n")
    assert connection.state is State.IDLE


def test_eof_at_any_byte_is_an_end_and_nothing_else() -> None:
    said = b"".join(said for _, said in recorded_turns()[:13])
    for length in range(1, len(OPENING)):
        connection = AgiConnection()
        connection.receive_data(OPENING[:length])
        assert connection.receive_data(b"") == [Closed()]
    for length in range(len(said)):
        connection = idle()
        for line in said[:length].splitlines(keepends=True):
            if connection.state is State.IDLE:
                connection.send_command("NOOP")
            connection.receive_data(line)
        assert connection.receive_data(b"")[-1] == Closed()
        assert connection.state is State.CLOSED


# --- the state table --------------------------------------------------------------------------


def put_in(state: State) -> AgiConnection:
    steps: dict[State, Callable[[], AgiConnection]] = {
        State.ENVIRONMENT: AgiConnection,
        State.IDLE: idle,
        State.RUNNING: running,
        State.USAGE: lambda: fed(running(), b"520-Usage\n"),
        State.VALUE: lambda: fed(running(), b"200 result=1 (a\n"),
        State.TWICE: lambda: fed(running("EXEC"), b"200 result=1\n"),
        State.TWICE_USAGE: lambda: fed(running("EXEC"), b"200 result=1\n520-Usage\n"),
        State.CLOSED: lambda: fed(idle(), b""),
        State.BROKEN: lambda: fed(idle(), b"nonsense\n"),
    }
    connection = steps[state]()
    assert connection.state is state
    return connection


def fed(connection: AgiConnection, data: bytes) -> AgiConnection:
    connection.receive_data(data)
    return connection


LINES = {
    Input.HEADER: b"agi_dnid: 1\n",
    Input.BLANK: b"\n",
    Input.REPLY: b"200 result=0\n",
    Input.TRYING: b"100 Trying\n",
    Input.USAGE: b"520-Usage\n",
    Input.TEXT: b"some text\n",
    Input.HANGUP: b"HANGUP\n",
    Input.EOF: b"",
}
IN_A_BLOCK = {State.USAGE, State.VALUE, State.TWICE_USAGE}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("what", LINES)
def test_a_line_does_what_the_table_says_or_ends_the_session(state: State, what: Input) -> None:
    connection = put_in(state)
    connection.receive_data(LINES[what])
    text = state in IN_A_BLOCK and what not in {Input.HANGUP, Input.EOF}
    expected = TRANSITIONS.get((state, Input.TEXT if text else what), State.BROKEN)
    if state in {State.CLOSED, State.BROKEN}:
        expected = state
    if (state, what) == (State.ENVIRONMENT, Input.BLANK):
        expected = State.BROKEN  # nothing was said before it
    if (state, what) == (State.TWICE, Input.REPLY):
        expected = State.BROKEN  # only a 520 is due
    if (state, what) == (State.VALUE, Input.HANGUP):
        expected = State.VALUE  # a value may hold that word
    assert connection.state is expected


@pytest.mark.parametrize("state", [state for state in State if state is not State.IDLE])
def test_a_command_out_of_turn_raises_and_changes_nothing(state: State) -> None:
    connection = put_in(state)
    with pytest.raises(ServiceFault):
        connection.send_command("NOOP")
    assert connection.state is state


def test_an_illegal_command_raises_and_changes_nothing() -> None:
    connection = idle()
    with pytest.raises(ServiceFault):
        connection.send_command("SET VARIABLE", "X", "a\nb")
    assert connection.state is State.IDLE


# --- commands ---------------------------------------------------------------------------------


def parse_args(line: str) -> list[str]:
    """Asterisk's own way to split a command (parse_args in res_agi.c), told again in Python."""
    words: list[str] = []
    quoted = escaped = False
    whitespace = True
    for character in line:
        if character == '"' and not escaped:
            quoted = not quoted
            if quoted and whitespace:
                words.append("")
                whitespace = False
        elif character in " \t" and not quoted and not escaped:
            whitespace = True
        elif character == "\\" and not escaped:
            escaped = True
        else:
            if whitespace:
                words.append("")
                whitespace = False
            words[-1] += character
            escaped = False
    return words


@given(st.lists(st.text(max_size=60), max_size=8))
def test_any_argument_is_refused_or_arrives_as_it_was(args: list[str]) -> None:
    try:
        line = build_command("SET VARIABLE", *args)
    except ServiceFault:
        text = "".join(args)
        assert not text.isprintable(), "only what cannot be said is refused"
        return
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert b"\r" not in line
    assert b"\0" not in line
    assert parse_args(line[:-1].decode()) == ["SET", "VARIABLE", *args]


@pytest.mark.parametrize(
    "text",
    ["a\nHANGUP", "a\r\nb", "a\0b", "a\tb", "a\x1b[2Jb", "a\x7fb", "a\x85b", "\ud800"],
)
def test_an_argument_cannot_run_a_second_command(text: str) -> None:
    with pytest.raises(ServiceFault):
        build_command("VERBOSE", text)


@pytest.mark.parametrize("verb", ["", "noop", "NOOP\n", "NOOP X1", "FAILURE\nX", 'EXEC "x"'])
def test_a_verb_is_words_in_capitals(verb: str) -> None:
    with pytest.raises(ServiceFault):
        build_command(verb)


def test_a_command_that_asterisk_would_cut_is_refused() -> None:
    room = COMMAND_BYTES - len("VERBOSE \n")
    assert len(build_command("VERBOSE", "x" * room)) == COMMAND_BYTES
    with pytest.raises(ServiceFault):
        build_command("VERBOSE", "x" * (room + 1))
    with pytest.raises(ServiceFault):
        build_command("VERBOSE", *(["x"] * 127))
