from __future__ import annotations

import re
import tomllib
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PINS = (CHECKOUT / "constraints.txt").read_text(encoding="utf-8")


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_pin_has_a_hash_and_no_place_is_named() -> None:
    assert "://" not in PINS
    pins = re.split(r"\n(?=\S)", PINS.strip())
    assert all(re.match(r"[a-z0-9-]+==\S+", pin) and "--hash=sha256:" in pin for pin in pins)


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    # Neural voices are 130 MB that no test needs.
    installed = [line for name, extra in extras.items() if name != "piper" for line in extra]
    wanted = [*project["dependencies"], *installed]
    names = {plain(re.split(r"[\[<>=;! ]", line)[0]) for line in wanted} - {"tieline"}
    pinned = {plain(name) for name in re.findall(r"^([\w.-]+)==", PINS, re.MULTILINE)}
    assert names <= pinned
