"""Customers by the tens of thousands: imported, searched; and the knowledge base.

In SQLite, and with `--postgres` in PostgreSQL: a server that the tests' own set-up finds.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import insert

from acd.customers import Customers
from acd.customers.importing import Import, import_file
from acd.desk import Knowledge
from acd.desk.tables import article_words, articles
from acd.records import Database
from acd.records.words import words

FAMILY = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建文辉"
ENGLISH = """
Ada Bob Carla David Eva Frank Grace Henry Iris Jack Kate Liam Mia Noah Olga Paul Quinn Rosa
Abbott Baker Carter Dalton Ellis Foster Garcia Hughes Ingram Jensen Keller Lopez Mason Nolan
"""
FIRST, LAST = (line.split() for line in ENGLISH.strip().splitlines())
WORDS = """
refund invoice delivery password account contract upgrade warranty repair cancel address payment
退款 发票 快递 密码 账户 合同 升级 保修 维修 取消 地址 付款
"""
TOPICS, CHINESE = (line.split() for line in WORDS.strip().splitlines())


def main(arguments: Sequence[str] = ()) -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--postgres", action="store_true", help="in PostgreSQL instead")
    options.add_argument("--customers", type=int, default=50_000)
    options.add_argument("--articles", type=int, default=5_000)
    options.add_argument("--searches", type=int, default=400)
    told = options.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as until:
        url = f"sqlite+aiosqlite:///{folder}/records.sqlite"
        if told.postgres:
            from tests.databases import running_postgres  # noqa: PLC0415 - brings the tests along

            server = until.enter_context(running_postgres(durable=True))
            url = server.url("ready")
        asyncio.run(_run(told, url, folder))


async def _run(told: argparse.Namespace, url: str, folder: str) -> None:
    database = Database(url)
    kind = url.partition("+")[0]
    dice = random.Random(7)
    people = [_person(dice, number) for number in range(told.customers)]
    file = Path(folder) / "customers.csv"
    _write(file, people)
    await database.engine()
    for name in ("import", "import again"):
        began = time.perf_counter()
        came = await import_file(database, Import(file, "bench", "CN"))
        seconds = time.perf_counter() - began
        print(
            f"customers {name} ({kind}): {came.rows:,} rows in {seconds:.1f} s "
            f"({came.created:,} new, {came.unchanged:,} known, {came.failed} bad)"
        )
    customers = Customers(database, lambda: "CN")
    asked = [_question(dice, people) for _ in range(told.searches)]
    await _measure(f"customers search ({kind})", asked, customers.find)
    await _fill(database, dice, told.articles)
    knowledge = Knowledge(database)
    looked = [
        " ".join(dice.sample(TOPICS, 2))
        if dice.random() < 0.6
        else "".join(dice.sample(CHINESE, 1))
        for _ in range(told.searches)
    ]
    await _measure(f"knowledge search ({kind})", looked, knowledge.search)
    await database.close()


async def _measure(
    name: str, questions: Sequence[str], ask: Callable[[str], Awaitable[Sequence[object]]]
) -> None:
    taken, found = [], 0
    for question in questions:
        began = time.perf_counter()
        found += bool(await ask(question))
        taken.append((time.perf_counter() - began) * 1000)
    cuts = statistics.quantiles(taken, n=100)
    print(
        f"{name}: p50 {cuts[49]:.1f} ms, p95 {cuts[94]:.1f} ms, p99 {cuts[98]:.1f} ms, "
        f"longest {max(taken):.1f} ms; {found} of {len(questions)} found something"
    )


def _person(dice: random.Random, number: int) -> list[str]:
    if dice.random() < 0.5:
        name = dice.choice(FAMILY) + "".join(dice.choices(GIVEN, k=2))
    else:
        name = f"{dice.choice(FIRST)} {dice.choice(LAST)}"
    phone = f"13{dice.choice('5678')}{number:08}"
    email = f"{dice.choice(FIRST)}.{dice.choice(LAST)}{number}@example.org".lower()
    tags = ",".join(dice.sample(("vip", "new", "late", "b2b", "press", "family"), k=2))
    return [name, phone, email, dice.choice(("gold", "silver", "bronze")), tags, "yes"]


def _write(file: Path, people: Sequence[Sequence[str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(("Name", "Phone", "E-mail", "Segment", "Tags", "Consent SMS"))
        writer.writerows(people)


def _question(dice: random.Random, people: Sequence[Sequence[str]]) -> str:
    """What an agent types: a name or half of it, the end of a number, an address, a tag."""
    name, phone, email, _, tags, _ = dice.choice(people)
    ends = (phone, phone[-4:], phone[3:8], email, email[:6], tags.split(",")[0])
    return dice.choice(
        (name, name[:2], name.split()[-1][:4], f"{name[:3]} {phone[-3:]}", *ends, "a")
    )


async def _fill(database: Database, dice: random.Random, count: int) -> None:
    for start in range(0, count, 500):
        rows = [_article(dice, number) for number in range(start, min(count, start + 500))]
        async with database.writing() as connection:
            made = insert(articles).returning(articles.c.id, sort_by_parameter_order=True)
            ids = (await connection.scalars(made, rows)).all()
            found_by = {
                key: {"title": words(row["title"]), "label": [], "text": words(row["body"])}
                for key, row in zip(ids, rows, strict=True)
            }
            await article_words.add(connection, found_by)


def _article(dice: random.Random, number: int) -> dict[str, object]:
    chinese = dice.random() < 0.4
    words = CHINESE if chinese else TOPICS
    filler = "的客户需要先确认身份然后" if chinese else " the customer has to say who they are and "
    body = filler.join(dice.choices(words, k=60))
    title = ("" if chinese else " ").join(dice.sample(words, 3)) + f" {number}"
    plain = {"title": title, "body": body, "language": "zh" if chinese else "en"}
    return {**plain, "tags": [], "updated_at": 0.0, "by": "bench", "version": 1}


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
