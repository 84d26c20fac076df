"""Failed sign-ins, counted so that guessing does not pay and nobody is locked out by others.

Few are allowed for one name from one address, more for one name from everywhere (somebody guesses
from many machines) and for one address (somebody tries one password with many names). A try counts
before it is compared: a thousand at the same moment are a thousand. An address counts as the place
it is at (`acd.people.places`).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from acd.people.model import TooManyTries
from acd.people.places import place_of
from acd.people.rows import digest
from acd.people.tables import sign_ins

WINDOW: Final = 15 * 60.0
SAME_NAME_AND_ADDRESS: Final = 5
SAME_NAME: Final = 30
SAME_ADDRESS: Final = 30


async def admit(connection: AsyncConnection, name: str, address: str, at: float) -> list[str]:
    """Count one try; the subjects it was counted for. Raises `TooManyTries`."""
    place = place_of(address)
    subjects = {
        digest(f"both:{name}\0{place}"): SAME_NAME_AND_ADDRESS,
        digest(f"name:{name}"): SAME_NAME,
    }
    if address:
        subjects[digest(f"address:{place}")] = SAME_ADDRESS
    if connection.dialect.name == "postgresql":
        # Rows that others are about to add are not seen: one try of a subject after the other.
        turn = text("SELECT pg_advisory_xact_lock(hashtextextended(:subject, 0))")
        for subject in sorted(subjects):
            await connection.execute(turn, {"subject": subject})
    await connection.execute(delete(sign_ins).where(sign_ins.c.at < at - WINDOW))
    for subject, most in subjects.items():
        own = sign_ins.c.subject == subject
        count, first = (
            await connection.execute(select(func.count(), func.min(sign_ins.c.at)).where(own))
        ).one()
        if count >= most:
            raise TooManyTries(max(1.0, first + WINDOW - at))
    await connection.execute(insert(sign_ins), [{"subject": each, "at": at} for each in subjects])
    return list(subjects)


async def forgive(connection: AsyncConnection, subjects: list[str], at: float) -> None:
    """It was the right password: this try, and those before from the same place, count no more."""
    await connection.execute(delete(sign_ins).where(sign_ins.c.subject == subjects[0]))
    for subject in subjects[1:]:
        one = select(sign_ins.c.id).where(sign_ins.c.subject == subject, sign_ins.c.at == at)
        await connection.execute(delete(sign_ins).where(sign_ins.c.id.in_(one.limit(1))))
