"""Who a SIP MESSAGE is from is its address, whatever its sender calls themselves."""

from __future__ import annotations

import pytest

from ivr.texts.by_sip import sender_of


@pytest.mark.parametrize(
    ("told", "number"),
    [
        ("<sip:+8613800138000@192.0.2.1>", "+8613800138000"),
        ("sip:13800138000@carrier.example", "13800138000"),
        ('"Mei Lin" <sip:+8613800138000@192.0.2.1:5060>', "+8613800138000"),
        ('"x sip:+4900000@" <sip:+4911111@evil.example>', "+4911111"),
        ('"a\\" <sip:+4900000@x>" <sip:+4911111@evil.example>', "+4911111"),
        ("x sip:+4900000@y <sip:+4911111@evil.example>", "+4911111"),
        ("<sip:operator@192.0.2.1>", None),
        ("<sip:+4900000@x> <sip:+4911111@y>", None),
        ("", None),
    ],
)
def test_the_sender_is_the_address_and_not_the_name(told: str, number: str | None) -> None:
    assert sender_of(told) == number
