"""What every part of a floor file is read with."""

from __future__ import annotations

import re

from ivr.flow.loading.section import Section, as_text

EXTENSION = re.compile(r"[0-9]{2,15}")

_NO_QUOTES = re.compile(r"[^\x00-\x1f\x7f\";\\<>]{1,60}")


def shown(section: Section, key: str, otherwise: str) -> str:
    """A name that people and phones show: no quotes, brackets or semicolons."""
    node = section.node(key)
    text = as_text(node, key, section.problems) if node is not None else None
    if node is None or text is None:
        return otherwise
    if not _NO_QUOTES.fullmatch(text):
        cure = 'at most 60 characters, without " ; \\ < >'
        section.problems.add(node.place, f"{key} cannot be shown on a phone", cure)
        return otherwise
    return text
