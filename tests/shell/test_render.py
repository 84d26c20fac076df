"""Asterisk's files: of checked values, for their owner's eyes, written only when they changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ivr.asterisk.provision import Tool, Toolchain
from ivr.asterisk.render import AMI_EVENTS, FEATURE_CODES, PhoneAccount, Site, Trunk, render
from ivr.errors import ServiceFault
from ivr.plans import load_plan
from ivr.resources import asterisk_templates
from ivr.settings import load_settings
from ivr.site import build_site
from tests.shell.house import FLOOR, FLOW

Sited = Callable[..., Site]


@pytest.fixture
def sited(tmp_path: Path) -> Sited:
    """The site of a small installation; settings and version as they are given."""
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "line.yaml").write_text(FLOW)
    (flows / "floor.yaml").write_text(FLOOR)

    def build(version: str = "22.10.1", **settings: str) -> Site:
        env = {"TIELINE_HOME": str(tmp_path / "home"), "TIELINE_FLOWS": str(flows)}
        (tmp_path / "tieline.yaml").write_text(settings.pop("yaml", ""))
        chosen = load_settings(env=env | settings, cwd=tmp_path)
        tool = Tool("asterisk", ("asterisk",), {}, version, Path("/"), "test")
        chain = Toolchain(tool, tmp_path / "modules", tmp_path / "share", ())
        plan = load_plan(chosen.flows, chosen.floor)
        return build_site(chosen, chain, plan.floor, plan.numbers)

    return build


def text(site: Site, name: str) -> str:
    return (site.folders.etc / name).read_text()


def section(site: Site, name: str, header: str) -> str:
    """One section of a file, without its header."""
    _, _, rest = text(site, name).partition(f"\n{header}")
    return rest.partition("\n[")[0]


def test_every_template_becomes_a_file_for_its_owner_alone(sited: Sited) -> None:
    site = sited()
    changed = render(site, asterisk_templates())
    names = {path.name.removesuffix(".j2") for path in asterisk_templates().glob("*.j2")}
    assert {path.name for path in changed} == names
    assert {path.name for path in site.folders.etc.iterdir()} == names
    for path in site.folders.etc.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path
    assert site.folders.etc.stat().st_mode & 0o777 == 0o700
    assert (site.folders.messages / "away").stat().st_mode & 0o777 == 0o700


def test_only_what_changed_is_written_again(sited: Sited) -> None:
    site = sited()
    render(site, asterisk_templates())
    before = {path: path.stat().st_ino for path in site.folders.etc.iterdir()}
    assert render(site, asterisk_templates()) == []
    again = replace(site, patience_before_fallback=7)
    assert [path.name for path in render(again, asterisk_templates())] == ["extensions.conf"]
    moved = {path.name for path, inode in before.items() if path.stat().st_ino != inode}
    assert moved == {"extensions.conf"}


def test_a_file_that_came_to_be_readable_by_all_is_closed_again(sited: Sited) -> None:
    site = sited()
    render(site, asterisk_templates())
    secret = site.folders.etc / "manager.conf"
    secret.chmod(0o644)
    render(site, asterisk_templates())
    assert secret.stat().st_mode & 0o777 == 0o600


def test_what_a_killed_service_left_half_written_opens_no_secret(sited: Sited) -> None:
    site = sited()
    site.folders.etc.mkdir(parents=True)
    left = site.folders.etc / "manager.new"
    left.write_text("half")
    left.chmod(0o666)
    render(site, asterisk_templates())
    assert not left.exists()
    assert (site.folders.etc / "manager.conf").stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_no_text_any_more_is_replaced(sited: Sited) -> None:
    site = sited()
    site.folders.etc.mkdir(parents=True)
    (site.folders.etc / "rtp.conf").write_bytes(b"\xff\xfe\x00")
    assert "rtp.conf" in [path.name for path in render(site, asterisk_templates())]


def refused(site: Site) -> None:
    with pytest.raises(ServiceFault, match="plain text"):
        render(site, asterisk_templates())
    assert not site.folders.etc.exists(), "nothing was written"


@pytest.mark.parametrize("value", ["a\rb", "a;b", "a\x00b", "a\x7fb", "a\tb"])
def test_a_value_that_is_more_than_one_plain_line_is_refused(sited: Sited, value: str) -> None:
    refused(replace(sited(), agents=[PhoneAccount("1001", value, "secret")]))


def test_such_a_value_is_refused_wherever_it_stands(sited: Sited) -> None:
    site, value = sited(), "a\nb"
    refused(replace(site, ami_secret=value))
    refused(replace(site, trunks=[Trunk(value, ("192.0.2.1",))]))
    refused(replace(site, numbers=[value]))
    refused(replace(site, folders=replace(site.folders, music=Path("/x") / value)))


def test_every_agent_has_a_phone_with_a_password_of_its_own(sited: Sited) -> None:
    site = sited()
    render(site, asterisk_templates())
    passwords = {agent.password for agent in site.agents}
    assert len(passwords) == len(site.agents) == 2
    pjsip = text(site, "pjsip.conf")
    assert all(pjsip.count(f"password = {word}") == 1 for word in passwords)
    assert 'callerid = "Ana" <1001>' in pjsip
    for path in site.folders.etc.iterdir():
        found = [word for word in passwords if word in path.read_text()]
        assert not found or path.name == "pjsip.conf"


@pytest.mark.parametrize(
    ("bind", "is_open"), [("127.0.0.1", True), ("127.0.0.5", True), ("192.0.2.7", False)]
)
def test_strangers_may_ring_only_on_loopback(sited: Sited, bind: str, is_open: bool) -> None:
    site = sited(TIELINE_BIND=bind)
    render(site, asterisk_templates())
    assert site.open_line is is_open
    assert ("[anonymous](line)" in text(site, "pjsip.conf")) is is_open
    assert f"bind = {bind}:5060" in text(site, "pjsip.conf")


def test_a_trunk_is_known_by_its_addresses_and_dialled_at_the_first_that_is_one(
    sited: Sited,
) -> None:
    trunks = "trunks:\n  carrier: [192.0.2.0/28, 192.0.2.200]\nfallback_number: '+4930999'\n"
    site = sited(yaml=trunks)
    render(site, asterisk_templates())
    pjsip = text(site, "pjsip.conf")
    assert "match = 192.0.2.0/28" in pjsip
    assert "match = 192.0.2.200" in pjsip
    assert pjsip.count("contact = sip:") == 1
    assert "contact = sip:192.0.2.200" in pjsip
    assert "Dial(PJSIP/+4930999@trunk-carrier,60)" in text(site, "extensions.conf")


def test_without_a_fallback_number_zero_leads_to_a_message(sited: Sited) -> None:
    site = sited()
    render(site, asterisk_templates())
    assert "exten => 0,1,Goto(1,1)" in text(site, "extensions.conf")


@pytest.mark.parametrize(
    ("version", "by_name"),
    [
        ("20.9.3", False),
        ("20.10.0", True),
        ("21.4.0", False),
        ("21.5.0", True),
        ("22.0.0", True),
        ("23.1.0", True),
        ("18.26.4", False),
    ],
)
def test_ami_filters_are_written_as_the_release_reads_them(
    sited: Sited, version: str, by_name: bool
) -> None:
    site = sited(version)
    render(site, asterisk_templates())
    manager = text(site, "manager.conf")
    for event in AMI_EVENTS:
        assert (f"eventfilter(action(include),name({event})" in manager) is by_name
        assert (f"eventfilter = Event: {event}\n" in manager) is not by_name


def test_every_feature_code_and_number_has_its_place_in_the_dialplan(sited: Sited) -> None:
    site = sited()
    render(site, asterisk_templates())
    agents = section(site, "extensions.conf", "[agents]")
    for code in FEATURE_CODES:
        assert f"exten => {code},1," in agents
    assert "exten => _*43X,1," in agents
    assert "exten => 4900,1,Goto(enter,4900,1)" in agents
    transferred = section(site, "extensions.conf", "[transferred]")
    for target in ("1001", "1002", "4101", "4102"):
        assert f"exten => {target},1," in transferred
    assert "exten => 4900" not in transferred


def test_nothing_but_loopback_hears_manager_and_agi(sited: Sited) -> None:
    site = sited(TIELINE_BIND="192.0.2.7")
    render(site, asterisk_templates())
    assert "bindaddr = 127.0.0.1" in text(site, "manager.conf")
    dialplan = text(site, "extensions.conf")
    assert dialplan.count("agi://") == dialplan.count("agi://127.0.0.1:")
