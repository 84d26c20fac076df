"""The document says what is served, and every reference in it leads somewhere."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

from ivr.errors import ServiceFault
from ivr.web.openapi import document
from ivr.web.roles import ALL
from ivr.web.routes import PUBLIC, Call, Model, Query, Raw, Route


@dataclass(frozen=True)
class Leaf:
    green: bool


@dataclass(frozen=True)
class Tree:
    name: str
    leaves: tuple[Leaf, ...]


class Seed(Model):
    kind: str


class Season(Query):
    month: int
    year: int = 2026


async def nothing(call: Call) -> None:
    return None


ROUTES = (
    Route("GET", "/api/trees/{tree}", nothing, roles=ALL, summary="One", gives=Tree, query=Season),
    Route("GET", "/api/trees", nothing, roles=ALL, summary="All", gives=list[Tree]),
    Route("POST", "/api/trees", nothing, roles=ALL, summary="Plant", takes=Seed, gives=Tree,
          status=201),
    Route("DELETE", "/api/trees/{tree}", nothing, roles=ALL, summary="Fell"),
    Route("POST", "/api/post", nothing, roles=PUBLIC, summary="Post", takes=Raw(("text/csv",))),
)  # fmt: skip


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if "$ref" in part else []
        return own + [each for value in part.values() for each in references(value)]
    return [each for value in part for each in references(value)] if isinstance(part, list) else []


def sound(told: dict[str, Any]) -> None:
    """What OpenAPI 3.1 asks of a document, as far as ours uses it."""
    json.dumps(told)
    assert re.fullmatch(r"3\.1\.\d+", told["openapi"])
    assert {"title", "version"} <= told["info"].keys()
    names = [each["operationId"] for path in told["paths"].values() for each in path.values()]
    assert len(names) == len(set(names))
    for path, operations in told["paths"].items():
        assert path.startswith("/")
        for method, each in operations.items():
            assert method in {"get", "post", "put", "patch", "delete"}
            assert each["responses"]
            for status, answer in each["responses"].items():
                assert re.fullmatch(r"[1-5]\d\d|default", status)
                assert answer["description"]
            declared = {p["name"] for p in each.get("parameters", ()) if p["in"] == "path"}
            assert declared == set(re.findall(r"\{(\w+)\}", path))
            for parameter in each.get("parameters", ()):
                assert parameter["schema"] is not None
                assert parameter["in"] != "path" or parameter["required"]
            if "requestBody" in each:
                assert each["requestBody"]["content"]
            for needed in each["security"]:
                assert needed.keys() <= told["components"]["securitySchemes"].keys()
    for reference in references(told):
        assert reference.startswith("#/components/schemas/")
        assert reference.rsplit("/", 1)[1] in told["components"]["schemas"], reference


def test_the_document_is_sound_and_complete() -> None:
    told = document(ROUTES, "1.0", "http://127.0.0.1")
    sound(told)
    served = {(route.path, route.method.lower()) for route in ROUTES}
    assert served == {(path, each) for path, found in told["paths"].items() for each in found}
    one = told["paths"]["/api/trees/{tree}"]["get"]
    assert one["responses"]["200"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Tree"
    }
    assert {each["name"]: each["required"] for each in one["parameters"]} == {
        "tree": True,
        "month": True,
        "year": False,
    }
    assert told["paths"]["/api/trees"]["post"]["responses"]["201"]
    assert told["paths"]["/api/trees/{tree}"]["delete"]["responses"]["204"]
    assert told["paths"]["/api/post"]["post"]["security"] == []


def test_two_shapes_of_one_name_are_a_mistake() -> None:
    other = type("Leaf", (Model,), {"__annotations__": {"red": int}})
    routes = (*ROUTES, Route("GET", "/api/x", nothing, roles=ALL, summary="X", gives=list[other]))
    with pytest.raises(ServiceFault, match="Leaf"):
        document(routes, "1.0", "http://127.0.0.1")
