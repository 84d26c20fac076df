"""The flow language as JSON Schema (draft 7), for completion and mistakes while somebody types.

Editors attach a schema to a folder. Files there that are no flows (tables, scenarios, the floor,
calendars, services, guidance) are let through unseen, by what their first keys are.
"""

from __future__ import annotations

from typing import Any

from ivr.flow.grammar import BLOCKS, FIELDS, STEPS, Block
from ivr.flow.grammar.head import FLOW
from ivr.flow.grammar.kinds import reference

Json = dict[str, Any]

TITLE = "A Tieline flow"
_TEXT = {"type": ["string", "number", "boolean"]}
_OTHERS = (
    *("queues", "agents", "calendars", "services", "databases", "sms", "outside"),
    *("chats", "scripts"),
)
"""First keys of files beside the flows, which no flow has without `flow`."""


def schema() -> Json:
    """The whole language; the same on every call."""
    definitions = {each.name: _block(each) for each in BLOCKS if each is not FLOW}
    definitions |= {_step_name(each): _block(each) for each in STEPS}
    definitions |= {each.name: _block(each) for each in FIELDS.values()}
    definitions |= {
        "step": {"anyOf": [dict(reference(_step_name(each))) for each in STEPS]},
        "field": {"anyOf": [dict(reference(each.name)) for each in FIELDS.values()]},
        "speech": _one_or_more({"anyOf": [_TEXT, dict(reference("piece"))]}),
        "escalation": _one_or_more(dict(reference("speech"))),
    }
    definitions["step"]["description"] = "A step: one verb, its options and its ways out."
    definitions["field"]["description"] = "A field of the flow, by its type."
    definitions["speech"]["description"] = "Words to say."
    definitions["escalation"]["description"] = "Words for the first, second, ... time."
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": TITLE,
        "if": {
            "anyOf": [
                {"required": ["scenarios"]},
                {"required": ["rows"]},
                {
                    "not": {"required": ["flow"]},
                    "anyOf": [{"required": [key]} for key in _OTHERS],
                },
            ]
        },
        "then": {},
        "else": _block(FLOW),
        "definitions": definitions,
    }


def _step_name(block: Block) -> str:
    return f"step-{block.name}"


def _one_or_more(of: Json) -> Json:
    return {"anyOf": [*of.get("anyOf", [of]), {"type": "array", "items": of}]}


def _block(block: Block) -> Json:
    properties: Json = {}
    patterns: Json = {}
    for key in block.keys:
        into, name = (patterns, key.pattern) if key.pattern else (properties, key.name)
        into[name] = {**key.kind.schema, "description": _description(block, key.name)}
    found: Json = {
        "type": "object",
        "description": block.about,
        "properties": properties,
        "additionalProperties": False,
    }
    if patterns:
        found["patternProperties"] = patterns
    required = [key.name for key in block.keys if key.required]
    if required:
        found["required"] = required
    return found


def _description(block: Block, name: str) -> str:
    key = next(each for each in block.keys if each.name == name)
    about = key.about[:1].upper() + key.about[1:]
    if key.kind.low is not None:
        about += f" ({key.kind.words})"
    return f"{about}. Default: {key.default}." if key.default else f"{about}."
