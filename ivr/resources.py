"""Where the files shipped beside the code are: in a wheel, or in a checkout.

A wheel carries them in `ivr/_data`; a checkout (also one installed with `pip install -e`) has them
at the top level, where people edit them.
"""

from __future__ import annotations

from pathlib import Path

from ivr.errors import ServiceFault

_PACKAGE = Path(__file__).resolve().parent


def asterisk_templates() -> Path:
    """The folder of `*.conf.j2` templates."""
    return _shipped("asterisk-config")


def sounds_dir() -> Path:
    """The folder of recorded prompts, one sub-folder for each language."""
    return _shipped("sounds")


def flows_dir() -> Path:
    """The folder of the flows that come with Tieline."""
    return _shipped("flows")


def _shipped(name: str) -> Path:
    # The wheel's own copy first: beside an installed package, a folder called `flows` may be
    # anyone's.
    for folder in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise ServiceFault(f"this installation lacks its {name} folder: install Tieline again")
