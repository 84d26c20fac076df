"""Customers in China, at a time that stands still until it is moved."""

from __future__ import annotations

import pytest

from acd.customers import Audit, Consents, Customers, Links
from acd.records import Database

T0 = 1_760_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def region() -> str:
    return "CN"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def customers(database: Database, clock: Clock) -> Customers:
    return Customers(database, region, clock)


@pytest.fixture
def links(database: Database, clock: Clock) -> Links:
    return Links(database, region, clock)


@pytest.fixture
def consents(database: Database, clock: Clock) -> Consents:
    return Consents(database, region, clock)


@pytest.fixture
def audit(database: Database, clock: Clock) -> Audit:
    return Audit(database, clock)
