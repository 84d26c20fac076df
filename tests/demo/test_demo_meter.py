"""The level meter, and the figures that are summed up from what it hears."""

from __future__ import annotations

import math

import pytest

from ivr.demo.ear import FRAME, tone
from ivr.demo.figures import Figures, milliseconds, spread
from ivr.demo.meter import BLOCKS, LOUDEST, PLAIN_BLOCKS, QUIETEST, Meter, strip

SILENCE = bytes(2 * FRAME)


def a_frame(hertz: float = 500.0, dbfs: float = -14.0) -> bytes:
    return tone(hertz, 0.02, dbfs)


def test_silence_is_blank_and_full_loudness_is_a_full_block() -> None:
    assert strip([-math.inf, QUIETEST - 1, LOUDEST, 0.0]) == "  ██"
    assert strip([QUIETEST, LOUDEST], PLAIN_BLOCKS) == ".@"


def test_a_louder_sound_never_draws_a_lower_block() -> None:
    heights = [BLOCKS.index(strip([level])) for level in range(-90, 1)]
    assert heights == sorted(heights)
    assert set(heights) == set(range(len(BLOCKS)))


def test_a_sample_is_the_loudest_since_the_last_one() -> None:
    meter = Meter(0.0, width=3)
    meter.feed(a_frame(dbfs=-30.0), 0.02)
    meter.feed(a_frame(dbfs=-14.0), 0.04)
    meter.feed(SILENCE, 0.06)
    assert meter.sample() == pytest.approx(-14.0, abs=0.2)
    assert meter.sample() == -math.inf
    assert list(meter.levels)[1:] == [pytest.approx(-14.0, abs=0.2), -math.inf]


def test_two_packets_at_once_do_not_make_a_sound_earlier_than_it_came() -> None:
    meter = Meter(100.0)
    meter.feed(a_frame() + a_frame(), 100.5)
    assert meter.first_sound == pytest.approx(0.48)
    assert meter.arrived(0.48) == pytest.approx(0.5)


def test_a_sound_that_comes_packet_by_packet_arrived_when_it_began() -> None:
    meter = Meter(0.0)
    for number in range(1, 4):
        meter.feed(a_frame(), number * 0.02)
    assert meter.first_sound == pytest.approx(0.02)
    assert meter.arrived(0.02) == pytest.approx(0.02)


def test_a_figure_has_no_more_digits_than_were_measured() -> None:
    assert milliseconds(0.0844) == "84 ms"
    assert milliseconds(9.8) == "9,800 ms"
    assert milliseconds(12.34) == "12.3 s"


def test_the_worst_is_told_beside_the_median() -> None:
    assert spread([0.02]) == "20 ms"
    assert spread([0.03, 0.01, 0.5]) == "median 30 ms, worst 500 ms of 3"


def test_what_was_not_measured_is_left_out_of_the_summary() -> None:
    figures = Figures(calls=3, answered={"a", "b"}, first_words=[0.025])
    assert figures.rows() == [
        ("calls", "3, 2 answered by a person"),
        ("dialling → first word", "25 ms"),
        ("sound heard in RTP", "0.0 s by callers, 0.0 s by agents"),
    ]
    figures.answered.add("c")
    assert figures.rows()[0][1].startswith("3, all answered")
