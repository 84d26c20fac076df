from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest

from ivr.asterisk import apt, provision
from ivr.asterisk.apt import ProvisionError, Target, archive_mirrors
from ivr.asterisk.provision import (
    PREFERRED,
    RUN_TOOLS,
    ensure_asterisk,
    ensure_tools,
    find_asterisk,
    find_tool,
)
from ivr.asterisk.toolbox import LAYOUT, PROGRAMS, Toolbox, numbers
from ivr.settings import Settings
from tests.setup.fake_apt import Machine


def quiet(stage: str, done: float | None) -> None:
    """Progress nobody looks at."""


def leftovers(settings: Settings) -> list[Path]:
    return [path for path in (settings.cache / "tools").iterdir() if path.name != ".lock"]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1:22.10.1+dfsg+~cs6.17.60671434-1", (22, 10, 1)),
        ("22.10.1", (22, 10, 1)),
        ("certified/20.7-cert5", (20, 7)),
        ("20", (20,)),
        ("", ()),
        ("unknown", ()),
    ],
)
def test_a_version_is_read_however_it_is_written(version: str, expected: tuple[int, ...]) -> None:
    assert numbers(version) == expected


def test_the_mirror_of_the_release_itself_is_chosen() -> None:
    targets = [
        Target("http://a.test/debian-security/", "bookworm-security", "main"),
        Target("http://b.test/extra/", "nodistro", "main"),
        Target("http://c.test/debian/", "bookworm", "contrib"),
        Target("http://d.test/debian/", "bookworm", "main"),
        Target("http://d.test/debian/", "bookworm", "main"),
        Target("http://e.test/debian/", "testing", "main"),
    ]
    assert archive_mirrors(targets, "bookworm") == [
        "http://d.test/debian/",
        "http://e.test/debian/",
    ]


def test_what_is_missing_is_unpacked_once_and_found_ever_after(
    machine: Machine, settings: Settings
) -> None:
    assert find_asterisk(settings) is None
    stages: list[tuple[str, float | None]] = []
    chain = ensure_asterisk(settings, lambda stage, done: stages.append((stage, done)))
    assert chain.version == (22, 10, 1)
    assert chain.is_preferred
    assert chain.asterisk.origin == "Debian forky"
    assert (chain.modules_dir / "res_pjsip.so").is_file()
    assert (chain.data_dir / "documentation").is_dir()
    assert [folder.name for folder in chain.sounds_dirs] == ["en_US_f"]
    done = subprocess.run([*chain.command, "-V"], check=True, capture_output=True, text=True)
    assert done.stdout == "Asterisk 22.10.1\n"
    fractions = [share for _, share in stages if share is not None]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert "Downloading asterisk and espeak-ng (3 packages, 3 MB)" in dict(stages)

    before = machine.log
    assert ensure_asterisk(settings, quiet) == chain
    assert machine.log == before


def test_espeak_is_told_where_its_data_is(machine: Machine, settings: Settings) -> None:
    tool = ensure_tools(settings, ["espeak-ng"], quiet)["espeak-ng"]
    said = subprocess.check_output([*tool.argv_prefix, "--version"], env=tool.environment())
    assert f"Data at: {tool.root}/usr/lib/x86_64-linux-gnu" in said.decode()


def test_apt_keeps_the_proxy_and_the_mirror_but_runs_no_hooks(
    machine: Machine, settings: Settings, tmp_path: Path
) -> None:
    ensure_asterisk(settings, quiet)
    used = (machine.folder / "used.conf").read_text()
    assert 'Acquire::http::Proxy "http://proxy.test:3142";' in used
    assert "Post-Invoke" not in used
    assert 'Dir::Etc::sourceparts "/dev/null";' in used
    assert 'Acquire::Check-Valid-Until "false";' in used


def test_pages_for_people_are_left_out(machine: Machine, settings: Settings) -> None:
    root = ensure_asterisk(settings, quiet).asterisk.root
    assert not (root / "usr/share/doc/asterisk/README").exists()


def test_packages_only_install_scripts_want_are_not_fetched(
    machine: Machine, settings: Settings
) -> None:
    machine.package("perl-base", {"usr/bin/perl": ""})
    machine.package("libperl5.42", {"usr/lib/libperl.so": ""})
    root = ensure_asterisk(settings, quiet).asterisk.root
    assert not (root / "usr/bin/perl").exists()
    assert "perl" not in machine.log


def test_two_set_ups_at_once_build_once(machine: Machine, settings: Settings) -> None:
    stages: list[str] = []
    waiting = threading.Event()

    def second(stage: str, _: float | None) -> None:
        stages.append(stage)
        waiting.set()

    thread = threading.Thread(target=ensure_tools, args=(settings, RUN_TOOLS, second))
    box = Toolbox(settings.cache)
    with box.turn(quiet):
        thread.start()
        assert waiting.wait(10)
        box.build(RUN_TOOLS, lambda _: apt.Sources("here", ("deb x",)), quiet)
    thread.join(10)
    assert stages == ["Waiting for another set-up to finish", "Ready"]
    assert machine.log.count("apt-get update") == 1


def test_a_set_up_that_fails_leaves_nothing_and_the_next_one_succeeds(
    machine: Machine, settings: Settings
) -> None:
    (machine.folder / "offline").touch()
    with pytest.raises(ProvisionError, match=r"Debian forky.*resolving.*on the network\?"):
        ensure_asterisk(settings, quiet)
    assert leftovers(settings) == []
    assert find_asterisk(settings) is None
    (machine.folder / "offline").unlink()
    assert ensure_asterisk(settings, quiet).version == PREFERRED


def test_a_program_that_does_not_run_is_never_published(
    machine: Machine, settings: Settings
) -> None:
    machine.package("asterisk", {"usr/sbin/asterisk": "exit 1"})
    with pytest.raises(ProvisionError, match="asterisk was unpacked but does not run"):
        ensure_asterisk(settings, quiet)
    assert leftovers(settings) == []


def test_a_package_that_cannot_be_had_is_named(machine: Machine, settings: Settings) -> None:
    (machine.folder / "debs/libc6").unlink()
    with pytest.raises(ProvisionError, match="Unable to locate package libc6"):
        ensure_asterisk(settings, quiet)
    assert leftovers(settings) == []


def test_a_half_built_folder_is_never_used_and_is_cleared(
    machine: Machine, settings: Settings
) -> None:
    chain = ensure_asterisk(settings, quiet)
    folder = chain.asterisk.root.parent
    folder.rename(folder.parent / ".building-abandoned")
    assert find_asterisk(settings) is None
    ensure_asterisk(settings, quiet)
    assert leftovers(settings) == [folder]


@pytest.mark.parametrize(
    "manifest", ["{", '{"layout": 0}', "[]", f'{{"layout": {LAYOUT}, "machine": "vax"}}']
)
def test_a_folder_of_another_kind_is_not_used(
    machine: Machine, settings: Settings, manifest: str
) -> None:
    folder = ensure_asterisk(settings, quiet).asterisk.root.parent
    (folder / "tieline.json").write_text(manifest)
    assert find_asterisk(settings) is None
    assert ensure_asterisk(settings, quiet).asterisk.root.parent == folder


def test_too_little_room_is_told_before_anything_is_fetched(
    machine: Machine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ivr.asterisk.toolbox._SPACE_NEEDED", 10**18)
    with pytest.raises(ProvisionError, match="make room, or set `cache`"):
        ensure_asterisk(settings, quiet)
    assert "update" not in machine.log


def system_asterisk(machine: Machine, version: str, *, complete: bool = True) -> Path:
    prefix = machine.folder / "opt"
    sbin = prefix / "sbin"
    modules = prefix / "lib/asterisk/modules"
    for folder in (sbin, modules, prefix / "share/asterisk/documentation"):
        folder.mkdir(parents=True, exist_ok=True)
    machine.program(sbin / "asterisk", f"echo Asterisk {version}")
    if complete:
        (modules / "res_pjsip.so").touch()
        (modules / "res_agi.so").touch()
    return sbin / "asterisk"


def test_a_recent_asterisk_on_the_machine_is_used_as_it_is(
    machine: Machine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = system_asterisk(machine, "20.9.3")
    monkeypatch.setenv("PATH", f"{file.parent}:{machine.bin}:/usr/bin:/bin")
    chain = find_asterisk(settings)
    assert chain is not None
    assert chain.command == (str(file),)
    assert chain.version == (20, 9, 3)
    assert not chain.is_preferred
    assert chain.modules_dir == file.parents[1] / "lib/asterisk/modules"


@pytest.mark.parametrize(("version", "complete"), [("18.10.0", True), ("22.10.1", False)])
def test_an_old_or_incomplete_asterisk_on_the_machine_is_passed_over(
    machine: Machine,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    complete: bool,
) -> None:
    file = system_asterisk(machine, version, complete=complete)
    monkeypatch.setenv("PATH", f"{file.parent}:{machine.bin}:/usr/bin:/bin")
    assert find_asterisk(settings) is None
    assert ensure_asterisk(settings, quiet).asterisk.origin == "Debian forky"


@pytest.mark.parametrize(
    ("version", "complete", "told"),
    [
        ("18.10.0", True, "is release 18.10.0; 20 or later is needed"),
        ("22.10.1", False, "no modules folder with res_pjsip.so and res_agi.so"),
    ],
)
def test_a_named_asterisk_that_cannot_be_used_is_told(
    machine: Machine, tmp_path: Path, version: str, complete: bool, told: str
) -> None:
    named = Settings(folder=tmp_path, asterisk=system_asterisk(machine, version, complete=complete))
    with pytest.raises(ProvisionError, match=told):
        find_asterisk(named)


def test_a_named_asterisk_that_is_not_there_is_told(machine: Machine, tmp_path: Path) -> None:
    with pytest.raises(ProvisionError, match="does not run"):
        ensure_asterisk(Settings(folder=tmp_path, asterisk=tmp_path / "nothing"), quiet)


def test_a_program_on_path_is_preferred_to_fetching_one(
    machine: Machine, settings: Settings
) -> None:
    machine.program(machine.bin / "espeak-ng", "echo eSpeak NG text-to-speech: 1.51")
    tool = ensure_tools(settings, ["espeak-ng"], quiet)["espeak-ng"]
    assert tool.argv_prefix == (str(machine.bin / "espeak-ng"),)
    assert "update" not in machine.log
    machine.program(machine.bin / "espeak-ng", "echo something else")
    assert find_tool(settings, "espeak-ng") is None


def test_the_distribution_is_taken_when_it_offers_a_recent_release(
    machine: Machine, settings: Settings
) -> None:
    machine.offers("1:22.11.0~dfsg-2")
    assert ensure_asterisk(settings, quiet).asterisk.origin == "Debian 12"
    assert "/etc/apt/sources.list.d/" in (machine.folder / "used.conf").read_text()


@pytest.fixture
def ubuntu(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    system = {"ID": "ubuntu", "VERSION_CODENAME": "noble", "PRETTY_NAME": "Ubuntu 24.04"}
    monkeypatch.setattr(provision, "_os_release", lambda: system)
    return machine


def test_elsewhere_the_distributions_own_release_20_will_do(
    ubuntu: Machine, settings: Settings
) -> None:
    ubuntu.offers("1:20.6.0~dfsg-2")
    ubuntu.asterisk("20.6.0")
    chain = ensure_asterisk(settings, quiet)
    assert (chain.version, chain.asterisk.origin) == ((20, 6, 0), "Ubuntu 24.04")


def test_empty_package_lists_are_fetched_before_giving_up(
    ubuntu: Machine, settings: Settings
) -> None:
    ubuntu.offers("1:20.6.0~dfsg-2", fresh=True)
    assert ensure_asterisk(settings, quiet).asterisk.origin == "Ubuntu 24.04"


def test_a_broken_source_of_somebody_else_does_not_hide_the_distribution(
    ubuntu: Machine, settings: Settings
) -> None:
    ubuntu.offers("1:20.6.0~dfsg-2", fresh=True)
    (ubuntu.folder / "broken").touch()
    assert ensure_asterisk(settings, quiet).asterisk.origin == "Ubuntu 24.04"


def test_a_distribution_that_cannot_be_reached_is_told(ubuntu: Machine, settings: Settings) -> None:
    (ubuntu.folder / "offline").touch()
    with pytest.raises(ProvisionError, match=r"Ubuntu 24.04.*on the network\?"):
        ensure_asterisk(settings, quiet)


def test_a_distribution_that_is_too_old_is_told_with_a_way_out(
    ubuntu: Machine, settings: Settings
) -> None:
    ubuntu.offers("1:18.10.0~dfsg-1", fresh=True)
    with pytest.raises(
        ProvisionError, match=r"Ubuntu 24.04 offers Asterisk 18.*setting `asterisk`"
    ):
        ensure_asterisk(settings, quiet)


def test_a_debian_without_its_keyring_uses_its_own_packages(
    machine: Machine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apt, "_KEYRINGS", ())
    with pytest.raises(ProvisionError, match="debian-archive-keyring are needed"):
        ensure_asterisk(settings, quiet)


def test_a_machine_without_apt_is_told_what_to_install(
    machine: Machine, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProvisionError, match=r"no apt.*Install Asterisk 20"):
        ensure_asterisk(settings, quiet)


@pytest.mark.parametrize(
    ("package", "asterisk", "dot"),
    [
        ("libc6", True, True),
        ("libgvc7", True, True),
        ("libcairo2", True, False),
        ("fonts-dejavu-core", True, False),
        ("perl-base", False, False),
    ],
)
def test_a_program_is_unpacked_with_what_it_runs_with(
    package: str, asterisk: bool, dot: bool
) -> None:
    assert PROGRAMS["asterisk"].wants(package) is asterisk
    assert PROGRAMS["dot"].wants(package) is dot


def test_a_browser_runs_on_this_machines_own_libraries_with_fonts_of_its_own(
    machine: Machine, settings: Settings
) -> None:
    """It starts copies of itself: under a loader of its own it would not find itself again."""
    said = 'echo "Chromium 156.0.1"'
    machine.package("chromium", {"usr/lib/chromium/chromium": f'test "$1" = --version && {said}'})
    tool = ensure_tools(settings, ("chromium",), quiet)["chromium"]
    assert tool.version == "156.0.1"
    assert tool.argv_prefix == (str(tool.root / "usr/lib/chromium/chromium"),)
    assert Path(tool.env["FONTCONFIG_FILE"]).read_text().count("usr/share/fonts") == 1
    assert not PROGRAMS["chromium"].wants("libc6")
    assert PROGRAMS["chromium"].wants("libnss3")


DOT = """case "$1" in
-V) echo "dot - graphviz version 14.1.2 (0)" >&2 ;;
-c) echo "made by -c" > "$GVBINDIR/config8" ;;
esac"""


def test_dot_is_finished_once_and_finds_its_plugins(machine: Machine, settings: Settings) -> None:
    root = "usr/lib/x86_64-linux-gnu"
    machine.package("graphviz", {"usr/bin/dot": DOT})
    machine.package("libgvc7", {f"{root}/graphviz/libgvplugin_core.so.8": "x"})
    tool = ensure_tools(settings, ("dot",), quiet)["dot"]
    assert tool.version == "14.1.2"
    assert tool.env["GVBINDIR"] == str(tool.root / root / "graphviz")
    assert (tool.root / root / "graphviz" / "config8").read_text() == "made by -c\n"
