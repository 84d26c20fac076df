"""What an agent's phone shows of a caller, and the wait of a call as JSON.

The caller name is all that a desk phone has: queue, who, verified or not, reason. The context
header carries the same and the public fields as `name=value` pairs, percent-encoded, so that no
value can begin a second header whatever a caller or a database put into it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from acd import codec
from acd.records.contact import Json
from ivr.flow.actions import Queue, Value

NAME_LIMIT = 80
"""Longer display names are cut by most phones, and some refuse them."""
CONTEXT_LIMIT = 600
"""Keeps the INVITE below 1,300 bytes, where SIP over UDP becomes unreliable (RFC 3261, 18.1.1)."""

# Unicode's categories: controls, surrogates, line and paragraph separators; formats leave no gap.
_BLANKS = {"Cc": " ", "Cs": " ", "Zl": " ", "Zp": " ", "Cf": ""}


@dataclass(frozen=True, slots=True)
class CallerCard:
    """Caller name, context header, and the whisper's sound file ("" for none)."""

    caller_name: str
    context: str
    whisper: str = ""


def plain(text: str, limit: int) -> str:
    """`text` on one line without controls, quotes or invisible marks, at most `limit` characters.

    Marks such as "from here on right to left" would rearrange what stands around a caller's name.
    """
    kept = "".join(_BLANKS.get(unicodedata.category(each), each) for each in text)
    return " ".join(kept.replace('"', "'").replace("\\", "/").split())[:limit].rstrip()


def caller_card(
    queue_title: str, who: str, verified: bool, reason: str, facts: Mapping[str, Value]
) -> CallerCard:
    """The card of one caller; `facts` are public fields only."""
    # A caller who calls herself "Mei, verified" must not look like one who is.
    claimed = who.replace(",", " ")
    parts = [queue_title, claimed, "verified" if verified else "not verified", reason]
    name = ", ".join(part for part in (plain(part, 40) for part in parts) if part)
    own: dict[str, Value] = {
        "queue": queue_title,
        "who": who,
        "verified": verified,
        "reason": reason,
    }
    # A field of that name, which a caller may have keyed, must not replace what we vouch for.
    return CallerCard(plain(name, NAME_LIMIT), context_header(own | dict(facts) | own))


def context_header(pairs: Mapping[str, Value]) -> str:
    """`a=1;b=two%20words`: whole pairs only, up to the limit; empty values are left out."""
    header = ""
    for key, value in pairs.items():
        text = _text(value)
        if not text:
            continue
        pair = f"{quote(key, safe='')}={quote(plain(text, 120), safe='+.-_:')}"
        longer = f"{header};{pair}" if header else pair
        if len(longer) > CONTEXT_LIMIT:
            break
        header = longer
    return header


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def queue_to_json(action: Queue) -> dict[str, Json]:
    """A wait as JSON, to be taken up again after a restart."""
    return codec.encode(action)


def queue_from_json(data: Mapping[str, Json]) -> Queue:
    """Back from `queue_to_json`. Raises ValueError for anything else."""
    wanted: Queue = codec.decode(Queue, data)
    return wanted
