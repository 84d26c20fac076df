from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ivr import resources
from ivr.errors import ServiceFault

CHECKOUT = Path(__file__).parents[2]
SHIPPED = ("asterisk-config", "flows", "sounds")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_a_checkout_serves_the_files_people_edit() -> None:
    assert resources.asterisk_templates() == CHECKOUT / "asterisk-config"
    assert resources.flows_dir() == CHECKOUT / "flows"
    assert resources.sounds_dir() == CHECKOUT / "sounds"


def test_a_wheel_carries_every_shipped_file(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    shipped = [f for name in SHIPPED for f in (CHECKOUT / name).rglob("*") if f.is_file()]
    assert shipped
    assert {f"ivr/_data/{file.relative_to(CHECKOUT)}" for file in shipped} <= inside
    assert {"ivr/settings.py", "acd/__init__.py"} <= inside
    assert not [name for name in inside if name.startswith(("tests/", "benchmarks/"))]


def test_an_installed_wheel_finds_its_own_files(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    (site / "flows").mkdir()  # somebody else's folder beside the package
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "from ivr.resources import asterisk_templates, flows_dir, sounds_dir\n"
        "print(asterisk_templates(), flows_dir(), sounds_dir(), sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == [str(site / "ivr/_data" / name) for name in SHIPPED]


def test_a_broken_installation_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "ivr")
    with pytest.raises(ServiceFault, match="lacks its flows folder"):
        resources.flows_dir()
