"""The flow language in one place: every verb and section, with its keys and what they are for.

The readers in `ivr.flow.loading` accept exactly these keys. Editors get the language as JSON Schema
(`ivr.flow.grammar.schema`), people as docs/reference.md (`ivr.flow.grammar.tables`).
"""

from __future__ import annotations

from collections.abc import Mapping

from ivr.flow.fields import FieldType
from ivr.flow.grammar import asking, doing, elsewhere, head
from ivr.flow.grammar.kinds import Block

__all__ = ["BLOCKS", "CODE", "FIELDS", "STEPS", "VERBS", "Block"]

STEPS: tuple[Block, ...] = (
    doing.SAY,
    asking.MENU,
    asking.COLLECT,
    asking.IDENTIFY,
    asking.CODE,
    asking.JOIN,
    doing.HOURS_STEP,
    doing.BRANCH,
    doing.SET,
    doing.HTTP,
    doing.LOOKUP,
    doing.QUEUE,
    doing.TRANSFER,
    doing.CALLBACK,
    elsewhere.ROOM,
    elsewhere.INVITE,
    elsewhere.SMS,
    doing.VOICEMAIL,
    doing.RECORD,
    asking.SURVEY,
    asking.BOOK,
    doing.RUN,
    doing.RETURN,
    doing.HANGUP,
)
"""Every kind of step; `identify: code` is one of its own."""
VERBS: Mapping[str, Block] = {each.name: each for each in STEPS if each is not asking.CODE}
"""By the word a step begins with."""
CODE = asking.CODE
FIELDS: Mapping[FieldType, Block] = head.FIELDS_BY_TYPE
"""What may be written about a field, by its type."""
BLOCKS: tuple[Block, ...] = (
    head.FLOW,
    head.DEFAULTS,
    head.QUEUE_DEFAULTS,
    head.LANGUAGE,
    head.CALENDAR,
    head.HOLIDAYS,
    head.PIECE,
    asking.OPTION,
    asking.OFFER,
    asking.ROOM_IN,
    asking.QUESTION,
    doing.CASE,
    doing.WAITING,
    doing.TARGET,
    elsewhere.LINK,
)
"""Every other mapping with known keys."""
