"""The desk's files: served as they are, every word in both languages, vendored ones untouched."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from ivr.web.building import DESK
from tests.web.desk_house import DeskHouse
from tests.web.house import FakeDoor, serving

VENDORED = {
    "preact.js": "225d7a773766e6fb2cfcc45274fe41d2059f5782f3f2c4569aa5132a2d3a2902",
    "hooks.js": "5c65ab263688d0805862fd0807c779af02c2799c44fda0873dfcb870d0da70a0",
    "htm.js": "ab33dd3f38059b9be4d5f5350128eefb2356639c4e0bbe9d9e8b3ba75847e9e4",
}
WORDS = [DESK / "words.js", *sorted((DESK / "words").glob("*.js"))]
OURS = [each for each in sorted(DESK.rglob("*.js")) if each.parent.name != "vendor"]


@pytest.mark.parametrize("name", VENDORED)
def test_vendored_libraries_are_those_that_were_looked_at(name: str) -> None:
    assert hashlib.sha256((DESK / "vendor" / name).read_bytes()).hexdigest() == VENDORED[name]


def words(language: str) -> set[str]:
    return {word for file in WORDS for word in words_of(file, language)}


def words_of(file: Path, language: str) -> set[str]:
    text = file.read_text(encoding="utf-8")
    body = text.partition(f"const {language} = {{")[2].partition("\n};")[0]
    found = re.findall(r'(?:^\s*|, )(?:"([\w-]+)"|(\w+)): "', body, re.MULTILINE)
    return {quoted or bare for quoted, bare in found}


def test_every_word_is_there_in_both_languages() -> None:
    assert words("en") == words("zh")
    assert len(words("en")) > 100
    assert len(words("en")) == sum(len(words_of(file, "en")) for file in WORDS)


@pytest.mark.parametrize("file", OURS, ids=lambda file: str(file.relative_to(DESK)))
def test_every_word_that_is_said_is_known_and_nothing_is_put_in_as_html(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    said = set(re.findall(r'\bt\("(\w+)"', text))
    assert said <= words("en")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)
    assert len(text.splitlines()) <= 400


async def test_files_are_served_once_and_nothing_beside_them(house: DeskHouse) -> None:
    async with serving(house.web.server.routes, FakeDoor()) as browser:
        page = await browser.ask("GET", "/desk/")
        assert page.content_type == "text/html"
        again = await browser.ask("GET", "/desk/", headers={"If-None-Match": page.headers["ETag"]})
        assert again.status == 304
        script = await browser.ask("GET", "/desk/parts/bar.js")
        assert script.content_type == "text/javascript"
        for path in ("/desk/../house.py", "/desk/%2e%2e/house.py", "/desk/parts", "/desk/parts/"):
            assert (await browser.ask("GET", path)).status == 404
        for path in ("/", "/desk"):
            front = await browser.ask("GET", path, allow_redirects=False)
            assert (front.status, front.headers["Location"]) == (302, "/desk/")
