"""Which Tieline the demo plays on, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from acd.model import Floor
from ivr.demo import installation
from ivr.demo.installation import MORNING, free_ports, is_open, running, unlike_shipped
from ivr.floor import FloorPlan
from ivr.plans import Plan, load_plan
from ivr.resources import flows_dir
from ivr.settings import Settings, load_settings


@pytest.fixture(scope="module")
def shipped() -> Plan:
    return load_plan(flows_dir(), flows_dir() / "floor.yaml")


def test_the_script_fits_what_ships(shipped: Plan) -> None:
    assert unlike_shipped(shipped) == ""


def test_a_floor_or_a_flow_of_ones_own_is_left_alone(shipped: Plan, tmp_path: Path) -> None:
    own_floor = replace(shipped, floor=FloorPlan(Floor()))
    assert unlike_shipped(own_floor) == "its floor is not the one of the script"
    for each in flows_dir().glob("*.yaml"):
        text = each.read_text() + ("\n# mine\n" if each.name == "bank.yaml" else "")
        (tmp_path / each.name).write_text(text)
    own_flow = load_plan(tmp_path, tmp_path / "floor.yaml")
    assert unlike_shipped(own_flow) == "its bank is not the one of the script"


def test_the_demo_s_own_morning_finds_the_clinic_open(shipped: Plan) -> None:
    assert is_open(shipped, datetime.fromisoformat(MORNING))
    assert not is_open(shipped, datetime.fromisoformat("2026-03-01T10:00:00+08:00"))


async def test_where_nothing_runs_nothing_is_found(tmp_path: Path) -> None:
    assert await running(Settings(folder=tmp_path)) is None


def test_its_own_settings_are_free_of_the_usual_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIELINE_RECORDS_URL", "sqlite+aiosqlite:////precious.sqlite")
    monkeypatch.setenv("TIELINE_FLOWS", "/somewhere/else")
    monkeypatch.setenv("KEPT", "yes")
    usual = Settings(folder=tmp_path, cache=tmp_path / "cache")
    environment = installation._environment(usual, tmp_path / "demo")
    settings = load_settings(env=environment, cwd=tmp_path / "demo")
    assert environment["KEPT"] == "yes"
    assert "precious" not in settings.records_url
    assert settings.home == tmp_path / "demo" / "home"
    assert (settings.flows, settings.cache) == (flows_dir(), tmp_path / "cache")
    ports = {getattr(settings, name) for name in ("sip_port", "agi_port", "ami_port")}
    assert not ports & {usual.sip_port, usual.agi_port, usual.ami_port}


def test_free_ports_all_differ() -> None:
    ports = free_ports(8)
    assert len(set(ports)) == 8
