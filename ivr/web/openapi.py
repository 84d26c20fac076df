"""The OpenAPI 3.1 document, made from the routes: what is served is what is written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from ivr.errors import ServiceFault
from ivr.web.problems import TYPE as PROBLEM_TYPE
from ivr.web.routes import Raw, Route

_PART = re.compile(r"\{(\w+)(?::[^{}]*)?\}")
_REF = "#/components/schemas/{model}"

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "What is wrong, and what is right (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
SECURITY: dict[str, Any] = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "tieline",
        "description": "Made by POST /api/session; __Host-tieline over TLS. Whatever changes "
        "something needs the headers Origin and X-Tieline beside it.",
    },
    "token": {"type": "http", "scheme": "bearer", "description": "For machines."},
}


def document(routes: Iterable[Route], version: str, url: str) -> dict[str, Any]:
    """The whole document."""
    schemas: dict[str, Any] = {"Problem": PROBLEM}
    paths: dict[str, dict[str, Any]] = {}
    for route in sorted(routes, key=lambda each: (each.path, each.method)):
        path = _PART.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tieline",
            "version": version,
            "description": "Agents, customers, contacts and the floor. Every action of the desk is "
            "here; what happens is told by the event stream at /api/events.",
        },
        "servers": [{"url": url}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": SECURITY},
    }


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag or _tag(route.path)],
        "responses": _responses(route, schemas),
        "x-roles": sorted(route.roles),
    }
    if route.about:
        told["description"] = route.about
    told["security"] = [] if route.is_public else [{"session": []}, {"token": []}]
    if parameters := _parameters(route, schemas):
        told["parameters"] = parameters
    if route.takes is not None:
        told["requestBody"] = {"required": True, "content": _content(route, schemas)}
    return told


def _content(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    if isinstance(route.takes, Raw):
        return {each: {"schema": dict(route.takes.schema)} for each in route.takes.types}
    return {"application/json": {"schema": _schema(route.takes, "validation", schemas)}}


def _responses(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    refused = {
        "description": "Refused; the body says why",
        "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if route.gives is not None:
        schema = _schema(route.gives, "serialization", schemas)
        good = {"description": "Done", "content": {route.media: {"schema": schema}}}
        return {str(route.status): good, "default": refused}
    if route.media != "application/json":
        return {"200": {"description": "Done", "content": {route.media: {}}}, "default": refused}
    return {"204": {"description": "Done"}, "default": refused}


def _parameters(route: Route, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    parts = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PART.findall(route.path)
    ]
    if route.query is None:
        return parts
    schema = _inline(route.query, schemas)
    required = schema.get("required", ())
    return parts + [
        {"name": name, "in": "query", "required": name in required, "schema": each}
        for name, each in schema.get("properties", {}).items()
    ]


def _inline(kind: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    schema = TypeAdapter(kind).json_schema(mode="validation", ref_template=_REF)
    for name, part in schema.pop("$defs", {}).items():
        _keep(schemas, name, part)
    return schema


def _schema(kind: Any, mode: JsonSchemaMode, schemas: dict[str, Any]) -> dict[str, Any]:
    """The type's schema, its named parts put among the components."""
    schema = TypeAdapter(kind).json_schema(mode=mode, ref_template=_REF)
    for name, part in schema.pop("$defs", {}).items():
        _keep(schemas, name, part)
    title = schema.get("title")
    if not isinstance(title, str) or schema.get("type") != "object":
        return schema
    name = re.sub(r"\W+", "_", title)
    _keep(schemas, name, schema)
    return {"$ref": _REF.format(model=name)}


def _keep(schemas: dict[str, Any], name: str, schema: dict[str, Any]) -> None:
    """One name, one shape: a second one would silently describe the wrong thing."""
    if schemas.setdefault(name, schema) != schema:
        raise ServiceFault(f"two different shapes are called {name}: rename one")


def _tag(path: str) -> str:
    parts = [each for each in path.split("/") if each]
    return parts[1] if len(parts) > 1 and parts[0] == "api" else parts[0] if parts else "pages"
