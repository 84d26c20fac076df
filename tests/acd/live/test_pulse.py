"""Who may be taken to be with us: what a store carries out late proves nothing."""

from __future__ import annotations

from typing import Any

from acd.live.pulse import Patience, Watch

PATIENCE = Patience(island=2.0, quiet=0.9, lost=10.0)
BEAT = PATIENCE.beat


def beats(n: int, **more: Any) -> dict[str, dict[str, Any]]:
    """What n2 says in its n-th beat, when the one before was answered."""
    return {"n2": {"n": n, "answered": n - 1, **more}}


def watched(until: int, **more: Any) -> Watch:
    """A watch of n1 that looked at each of so many beats of n2, the last at `until * BEAT`."""
    watch = Watch("n1", PATIENCE)
    for n in range(1, until + 1):
        watch.heard(beats(n, **more), set(), n * BEAT, n * BEAT)
    return watch


def test_a_node_that_beats_and_is_answered_is_with_us() -> None:
    watch = watched(5)
    assert watch.vouched("n2", 5 * BEAT)
    assert watch.vouched("n2", 6 * BEAT)
    # Its beat 4, which was answered, cannot have been made before we looked the third time.
    limit = 3 * BEAT + PATIENCE.island - BEAT
    assert watch.vouched("n2", limit - 0.01)
    assert not watch.vouched("n2", limit)


def test_a_node_never_heard_of_is_not() -> None:
    assert not watched(0).vouched("n2", 0.0)
    assert not watched(1).vouched("n2", BEAT), "nobody knows how old the only beat is"


def test_a_beat_that_a_frozen_store_carries_out_late_is_no_proof() -> None:
    watch = watched(5)
    # The store was frozen: n2 has given up waiting for an answer to beat 6, and is alone by now.
    thaw = 5 * BEAT + 1.9
    watch.missed()
    watch.heard({"n2": {"n": 6, "answered": 5}}, set(), thaw, thaw - 1.0)
    assert watch.condition("n2", thaw) == "here", "the patient view"
    assert not watch.vouched("n2", thaw)
    watch.heard({"n2": {"n": 6, "answered": 5}}, set(), thaw + BEAT, thaw + BEAT)
    assert not watch.vouched("n2", thaw + BEAT)
    watch.heard(beats(7), set(), thaw + 2 * BEAT, thaw + 2 * BEAT)
    assert not watch.vouched("n2", thaw + 2 * BEAT), "beat 6 may be from before the freeze"
    watch.heard(beats(8), set(), thaw + 3 * BEAT, thaw + 3 * BEAT)
    assert watch.vouched("n2", thaw + 3 * BEAT)


def test_a_node_that_says_it_is_alone_is_not_with_us_before_it_says_otherwise() -> None:
    watch = watched(5)
    watch.heard(beats(6, alone=True), set(), 6 * BEAT, 6 * BEAT)
    assert not watch.vouched("n2", 6 * BEAT)
    watch.heard(beats(7), set(), 7 * BEAT, 7 * BEAT)
    assert not watch.vouched("n2", 7 * BEAT)
    watch.heard(beats(8), set(), 8 * BEAT, 8 * BEAT)
    assert watch.vouched("n2", 8 * BEAT)


def test_another_life_of_a_node_begins_to_count_anew() -> None:
    watch = watched(5)
    later = 5 * BEAT + 3.0
    for n in (1, 2):
        watch.heard(beats(n), set(), later + n * BEAT, later + n * BEAT)
    assert not watch.vouched("n2", later + 2 * BEAT), "the first beat may be three seconds old"
    watch.heard(beats(3), set(), later + 3 * BEAT, later + 3 * BEAT)
    assert watch.vouched("n2", later + 3 * BEAT)
