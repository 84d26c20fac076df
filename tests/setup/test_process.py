from __future__ import annotations

import asyncio
import os
import re
import signal
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ivr.asterisk.process import CONTROL_SOCKET, AsteriskProcess, listener, socket_folder
from ivr.asterisk.provision import Toolchain, ensure_asterisk
from ivr.errors import AsteriskUnreachable, IvrError, ServiceFault
from ivr.settings import Settings


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    """The real Asterisk of this machine, fetched if it was not there yet."""
    return ensure_asterisk(Settings(), lambda stage, done: None)


def write_configuration(home: Path, toolchain: Toolchain) -> Path:
    run = home / "run"
    run.mkdir(parents=True)
    folders = {
        "astetcdir": run,
        "astmoddir": toolchain.modules_dir,
        "astvarlibdir": run,
        "astdbdir": run,
        "astkeydir": run,
        "astdatadir": toolchain.data_dir,
        "astagidir": run,
        "astspooldir": run,
        "astrundir": socket_folder(run),
        "astlogdir": run,
    }
    lines = [f"{name} => {folder}" for name, folder in folders.items()]
    (run / "asterisk.conf").write_text("\n".join(["[directories]", *lines, "[options]", ""]))
    (run / "modules.conf").write_text("[modules]\nautoload = no\nload = pbx_config.so\n")
    (run / "extensions.conf").write_text("[nothing]\n")
    (run / "logger.conf").write_text("[logfiles]\nmessages.log => warning,error\n")
    return run / "asterisk.conf"


class Line:
    """One installation of which several services, one after the other, hold the Asterisk."""

    def __init__(self, home: Path, toolchain: Toolchain) -> None:
        self.toolchain = toolchain
        self.conf = write_configuration(home, toolchain)
        self.services: list[AsteriskProcess] = []

    def service(self) -> AsteriskProcess:
        made = AsteriskProcess(self.toolchain, self.conf, self.conf.parent / "console.log")
        self.services.append(made)
        return made


@pytest.fixture
async def line(tmp_path: Path, toolchain: Toolchain) -> AsyncIterator[Line]:
    made = Line(tmp_path, toolchain)
    yield made
    for service in made.services:
        await service.stop(grace=2)


async def test_it_boots_answers_and_ends(line: Line) -> None:
    asterisk = line.service()
    assert await asterisk.start() is False
    assert re.search(r"Asterisk \d\d", await asterisk.command("core show version"))
    pid = asterisk.pid
    assert pid is not None
    assert os.getsid(pid) == pid, "Ctrl-C in the service's terminal must not reach it"
    await asterisk.stop()
    assert asterisk.pid is None
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(AsteriskUnreachable, match="does not answer"):
        await asterisk.command("core show version")
    await asterisk.stop()


async def test_a_service_that_comes_back_adopts_what_still_runs(line: Line) -> None:
    first = line.service()
    await first.start()
    pid = first.pid
    first.release()
    assert first.pid is None
    second = line.service()
    assert await second.start() is True
    assert second.pid == pid
    await second.stop()
    assert listener(line.conf.parent / CONTROL_SOCKET) is None


async def test_a_fresh_start_ends_what_still_runs(line: Line) -> None:
    first = line.service()
    await first.start()
    pid = first.pid
    first.release()
    second = line.service()
    assert await second.start(adopt=False) is False
    assert second.pid != pid
    assert listener(line.conf.parent / CONTROL_SOCKET) == second.pid


async def test_its_death_is_noticed_and_it_can_be_started_again(line: Line) -> None:
    asterisk = line.service()
    await asterisk.start()
    assert await asterisk.ended(within=0) is False
    assert asterisk.pid is not None
    waiting = [asyncio.create_task(asterisk.ended()) for _ in range(2)]
    os.kill(asterisk.pid, signal.SIGKILL)
    assert await asyncio.gather(*waiting) == [True, True]
    assert await asterisk.start() is False


async def test_one_that_is_frozen_is_killed_when_its_grace_is_over(line: Line) -> None:
    asterisk = line.service()
    await asterisk.start()
    pid = asterisk.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(AsteriskUnreachable, match="gave no answer"):
        await asterisk.command("core show version", timeout=0.2)
    await asterisk.stop(grace=0.2)
    assert not Path(f"/proc/{pid}").exists()


async def test_a_failed_start_shows_the_last_lines_of_this_start(line: Line) -> None:
    (line.conf.parent / "console.log").write_text("an older run\n")
    modules = line.conf.with_name("modules.conf")
    modules.write_text("[modules]\nautoload = no\nrequire = pbx_nonesuch.so\n")
    asterisk = line.service()
    with pytest.raises(AsteriskUnreachable) as refused:
        await asterisk.start(timeout=20)
    assert str(refused.value).startswith("Asterisk ended while it started.")
    assert "pbx_nonesuch.so" in str(refused.value)
    assert "an older run" not in str(refused.value)
    assert asterisk.pid is None


async def test_a_program_that_is_not_there_is_told(line: Line) -> None:
    gone = replace(line.toolchain.asterisk, argv_prefix=("/nonexistent/asterisk",))
    line.toolchain = replace(line.toolchain, asterisk=gone)
    with pytest.raises(AsteriskUnreachable, match="cannot be started"):
        await line.service().start()


async def test_a_console_command_cannot_carry_a_second_one(line: Line) -> None:
    with pytest.raises(ServiceFault, match="one printable line"):
        await line.service().command("core show version\ncore stop now")


async def test_a_deep_folder_works(tmp_path: Path, toolchain: Toolchain) -> None:
    line = Line(tmp_path / ("deep" * 30), toolchain)
    asterisk = line.service()
    try:
        await asterisk.start()
        assert "Asterisk" in await asterisk.command("core show version")
    finally:
        await asterisk.stop()


def test_a_short_run_folder_holds_its_own_socket(tmp_path: Path) -> None:
    assert socket_folder(Path("/srv/line/run")) == Path("/srv/line/run")


@pytest.fixture
def short_path() -> Iterator[Path]:
    """pytest's own folders may be too deep themselves for a socket."""
    with tempfile.TemporaryDirectory(prefix="tl") as folder:
        yield Path(folder)


def test_the_socket_of_a_deep_folder_is_private_and_always_at_the_same_place(
    short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short_path))
    deep = short_path / ("deep" * 30)
    folder = socket_folder(deep)
    assert folder.parent == short_path
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert socket_folder(deep) == folder
    assert socket_folder(deep / "other") != folder
    folder.chmod(0o755)
    with pytest.raises(IvrError, match="not a private folder of yours"):
        socket_folder(deep)


def test_a_link_somebody_planted_is_refused(
    short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short_path))
    deep = short_path / ("deep" * 30)
    folder = socket_folder(deep)
    folder.rmdir()
    (short_path / "theirs").mkdir(mode=0o700)
    folder.symlink_to(short_path / "theirs")
    with pytest.raises(IvrError, match="not a private folder of yours"):
        socket_folder(deep)
