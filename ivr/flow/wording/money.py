"""Currencies by ISO 4217: those that every language has names for; the code is said of others."""

from __future__ import annotations

from collections.abc import Mapping

PLACES = 2
"""Decimal places of most currencies, and of one that is not known."""

_USUAL = (
    *("AUD", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "IDR", "INR", "MYR"),
    *("NOK", "NZD", "PLN", "SEK", "SGD", "THB", "TWD", "USD"),
)
CURRENCIES: Mapping[str, int] = {
    **dict.fromkeys(_USUAL, PLACES),
    **{"JPY": 0, "KRW": 0, "VND": 0, "KWD": 3},
}
"""Code to decimal places."""
