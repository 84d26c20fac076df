"""What a node makes of the stream: each word once, and a picture that can be told after a gap."""

from __future__ import annotations

from pathlib import Path

import pytest

from acd import model as m
from acd.engine import Engine
from acd.errors import JournalDamaged
from acd.live.access import MemoryAccess
from acd.live.entry import Noted, Origin, Word, word_from
from acd.live.jump import missed
from acd.live.memory import House
from acd.live.pulse import Patience, Watch
from acd.live.replica import Replica
from tests.acd.live.floor import FLOOR
from tests.acd.live.nodes import NodeAtWork, until


def said(number: int, call: str, sender: str = "a") -> Word:
    event = m.CallQueued(1.0, call, call.partition(".")[0], "sales", {}, 0, 1.0)
    return Word(event, Origin("n1", sender, number))


@pytest.fixture
def replica() -> Replica:
    made = Replica()
    made.apply(1, 1.0, Word(m.FloorLoaded(1.0, FLOOR)))
    return made


def calls(replica: Replica) -> list[str]:
    return sorted(row.call for row in replica.engine.calls_view(1.0))


def test_a_word_counts_once_and_only_behind_the_one_before_it(replica: Replica) -> None:
    for seq, number in enumerate([1, 1, 3, 2, 3, 2], start=2):
        replica.apply(seq, 1.0, said(number, f"k{number}-n1.1"))
    assert calls(replica) == ["k1-n1.1", "k2-n1.1", "k3-n1.1"]
    assert replica.heard("n1", "a") == 3
    (queue,) = replica.engine.queues_view(1.0)
    assert queue.calls == 3


def test_once_a_node_has_a_new_sender_the_old_one_is_not_heard(replica: Replica) -> None:
    replica.apply(2, 1.0, said(1, "k1-n1.1"))
    replica.apply(3, 1.0, Word(Noted(1.0, "home", "n1"), Origin("n1", "b", 1)))
    replica.apply(4, 1.0, said(2, "k2-n1.1"))
    replica.apply(5, 1.0, said(1, "k3-n1.1"))
    replica.apply(6, 1.0, said(2, "k4-n1.1", sender="b"))
    assert calls(replica) == ["k1-n1.1", "k4-n1.1"]
    assert (replica.heard("n1", "a"), replica.heard("n1", "b")) == (0, 2)


def test_what_was_shared_of_a_contact_goes_when_its_calls_have_ended(replica: Replica) -> None:
    replica.apply(2, 1.0, said(1, "k1-n1.1"))
    replica.apply(3, 1.0, Word(Noted(1.0, "contact", "k1-n1", {"number": "1"})))
    replica.apply(4, 1.0, Word(Noted(1.0, "contact", "k2-n1", {})))
    assert set(replica.notes["contact"]) == {"k1-n1", "k2-n1"}
    replica.apply(5, 1.0, Word(m.CallLeft(1.0, "k1-n1.1")))
    replica.apply(6, 1.0, Word(Noted(1.0, "contact", "k2-n1", {})))
    assert set(replica.notes["contact"]) == {"k2-n1"}


@pytest.mark.parametrize(
    "body",
    [
        {"type": "no such thing"},
        {"type": "Noted", "kind": "place"},
        {"type": "LoggedIn", "at": 1.0, "agent": "1001", "from": "n1"},
        {"type": "LoggedIn", "at": 1.0, "agent": "1001", "from": ["n1", "a", "x"]},
        {"type": "MakeOffer"},
        {},
    ],
)
def test_what_is_no_word_is_said_to_be_damaged(body: dict[str, object]) -> None:
    with pytest.raises(JournalDamaged, match="entry 7"):
        word_from(body, "entry 7")


def test_a_word_comes_back_as_it_went() -> None:
    for word in (said(3, "k1-n1.1"), Word(Noted(2.0, "place", "1001", "n2"))):
        assert word_from(word.body(), "it") == word


# --- what was not seen ---------------------------------------------------------------------------


def floor(*events: m.Event) -> Engine:
    engine = Engine()
    for event in (m.FloorLoaded(1.0, FLOOR), *events):
        engine.handle(event)
    return engine


def test_after_a_gap_the_shell_is_told_what_it_came_to() -> None:
    def queued(call: str) -> m.CallQueued:
        return m.CallQueued(1.0, call, call.partition(".")[0], "sales", {}, 0, 1.0)

    before = floor(m.LoggedIn(1.0, "1001"), *(queued(f"k{n}-n1.1") for n in (1, 2, 3)))
    after = Engine.restore(before.snapshot())
    for event in (
        m.CallLeft(2.0, "k1-n1.1"),
        m.CallLeft(2.0, "k3-n1.1"),
        m.LoggedIn(2.0, "1002"),
        queued("k4-n2.1"),
    ):
        after.handle(event)
    told = list(missed(before, after, lambda contact: contact.endswith("-n1")))
    kinds = [(type(each).__name__, getattr(each, "call", "")) for each in told]
    assert kinds == [
        ("AgentChanged", ""),
        ("CallExits", "k3-n1.1"),
        ("CancelOffer", "k1-n1.1"),
        ("CallExits", "k1-n1.1"),
        ("MakeOffer", "k2-n1.1"),
    ]
    offer = after.offer(after.call("k2-n1.1").offer)  # type: ignore[union-attr, arg-type] # it rings
    assert offer is not None
    assert (told[-1].offer, told[-1].agent) == (offer.offer, "1001")  # type: ignore[union-attr] # see above


async def test_the_next_leader_gives_a_store_the_tail_that_died_with_the_last(
    tmp_path: Path,
) -> None:
    house = House()
    a, b = (NodeAtWork(n, MemoryAccess(house, n, lease=0.3), tmp_path) for n in ("n1", "n2"))
    await a.up()
    await a.send(m.FloorLoaded(a.domain.now(), FLOOR), a.queued("k1-n1.1"))
    await b.up()
    await a.send(a.queued("k2-n1.1"), a.queued("k3-n1.1"))
    await until(lambda: b.domain.status().seq == a.domain.status().seq)
    seq = b.domain.status().seq
    await a.kill()
    for lost in (seq, seq - 1):
        del house.contents.streams["engine"][lost]
    house.contents.last["engine"] = seq - 2
    await until(lambda: b.domain.status().leads)
    await b.send(b.queued("k4-n2.1"))
    found = sorted(row.call for row in b.domain.engine.calls_view(0.0))
    assert found == ["k1-n1.1", "k2-n1.1", "k3-n1.1", "k4-n2.1"]
    again = Replica()
    await again.restore(MemoryAccess(house, "n3").reader())
    assert again.engine.snapshot() == b.domain.engine.snapshot()
    await b.kill()


# --- who is alive --------------------------------------------------------------------------------


def test_silence_is_counted_only_while_one_is_heard_oneself() -> None:
    watch = Watch("n1", Patience(island=2, quiet=1, lost=10))
    watch.heard({"n1": {"n": 1}, "n2": {"n": 1}}, {"n3"}, 0.0)
    assert watch.nodes() == ["n2", "n3"]
    watch.heard({"n2": {"n": 2, "answered": 1}}, {"n3"}, 0.9)
    assert (watch.condition("n2", 1.5), watch.condition("n3", 1.5)) == ("here", "quiet")
    watch.missed()
    watch.heard({"n2": {"n": 3, "answered": 1}}, {"n3"}, 60.0)
    assert (watch.condition("n2", 60.5), watch.condition("n3", 60.5)) == ("here", "here")
    watch.heard({"n2": {"n": 4, "answered": 1}}, {"n3"}, 70.0)
    assert watch.condition("n2", 70.0) == "lost"
