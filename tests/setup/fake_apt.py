"""A machine whose apt is a handful of shell scripts, and packages that are plain archives."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

LOADER = "usr/lib/x86_64-linux-gnu/ld-linux-test.so.2"

_SCRIPTS = {
    "apt-get": r"""
echo "apt-get $*" >> "$FAKE/log"
case "$*" in
*indextargets*) cat "$FAKE/targets" ;;
*update*)
    cp "$APT_CONFIG" "$FAKE/used.conf"
    if [ -e "$FAKE/broken" ]; then
        touch "$(dirname "$APT_CONFIG")/state/lists/mirror_Packages"
        echo "E: The repository 'http://elsewhere.test' has no Release file." >&2; exit 100
    fi
    if [ -e "$FAKE/offline" ]; then
        echo "E: Temporary failure resolving 'mirror.test'" >&2; exit 100
    fi ;;
*print-uris*) cat "$FAKE/uris" ;;
*download*)
    fd=$(echo "$*" | sed 's/.*Status-Fd=\([0-9]*\).*/\1/')
    printf 'dlstatus:%s:Retrieving\n' 1:40.5 2:100 >&"$fd"
    while [ "$1" != download ]; do shift; done; shift
    for name in "$@"; do
        if [ -e "$FAKE/debs/$name" ]; then cp "$FAKE/debs/$name" "./${name}_1_amd64.deb"
        else echo "E: Unable to locate package $name" >&2; exit 100; fi
    done ;;
esac
""",
    "apt-cache": r"""
echo "apt-cache $* ${APT_CONFIG:+private}" >> "$FAKE/log"
file="$FAKE/candidate${APT_CONFIG:+-private}"
echo "$2:"
echo "  Installed: (none)"
echo "  Candidate: $(cat "$file" 2>/dev/null || echo '(none)')"
""",
    "apt-config": r"""
if [ "$1" = dump ]; then
    echo 'Acquire::http::Proxy "http://proxy.test:3142";'
    echo 'APT::Update::Post-Invoke:: "touch /danger";'
else
    echo "P0='/etc/apt/sources.list'"; echo "P1='/etc/apt/sources.list.d/'"
fi
""",
    "dpkg": "echo amd64",
    "dpkg-deb": 'cat "$2"',
}


class Machine:
    """What the fake apt knows; `bin` goes first on PATH and `folder` into $FAKE."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir(parents=True)
        (folder / "debs").mkdir()
        self.targets("http://mirror.test/debian/|bookworm|main")
        for name, text in _SCRIPTS.items():
            self.program(self.bin / name, text)
        self.package("libc6", {LOADER: 'shift 2; exec "$@"'})

    def program(self, file: Path, text: str) -> None:
        file.write_text(f"#!/bin/bash\n{text}\n")
        file.chmod(0o755)

    def targets(self, *lines: str) -> None:
        (self.folder / "targets").write_text("".join(f"{line}\n" for line in lines))

    def offers(self, version: str, *, fresh: bool = False) -> None:
        (self.folder / ("candidate-private" if fresh else "candidate")).write_text(version)

    def package(self, name: str, programs: dict[str, str]) -> None:
        with tarfile.open(self.folder / "debs" / name, "w") as archive:
            for path, text in programs.items():
                content = f"#!/bin/bash\n{text}\n".encode()
                info = tarfile.TarInfo(f"./{path}")
                info.size, info.mode = len(content), 0o755
                archive.addfile(info, io.BytesIO(content))
        names = sorted(deb.name for deb in (self.folder / "debs").iterdir())
        uris = "".join(f"'http://mirror.test/{n}.deb' {n}_1%3a1_amd64.deb 1000000\n" for n in names)
        (self.folder / "uris").write_text(uris)

    def asterisk(self, version: str, *, modules: bool = True) -> None:
        so = "usr/lib/x86_64-linux-gnu/asterisk/modules"
        files = {"usr/sbin/asterisk": f"echo Asterisk {version}"}
        if modules:
            files |= {f"{so}/res_pjsip.so": "", f"{so}/res_agi.so": ""}
        files |= {"usr/share/asterisk/documentation/core-en_US.xml": ""}
        files |= {"usr/share/asterisk/sounds/en_US_f/digits/1.wav": ""}
        files |= {"usr/share/doc/asterisk/README": ""}
        self.package("asterisk", files)

    def espeak(self) -> None:
        data = "usr/lib/x86_64-linux-gnu/espeak-ng-data/phontab"
        say = 'echo "eSpeak NG text-to-speech: 1.52.0  Data at: $ESPEAK_DATA_PATH"'
        self.package("espeak-ng", {"usr/bin/espeak-ng": say, data: ""})

    @property
    def log(self) -> str:
        file = self.folder / "log"
        return file.read_text() if file.exists() else ""
