"""The headers every answer has: a browser is told to run nothing but our own files."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from ivr.web.addresses import Outside

CORS_SECONDS: Final = 600
CONTENT: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_FIXED: Final = {
    "Content-Security-Policy": CONTENT,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def for_every_answer(response: web.StreamResponse, request: web.Request, outside: Outside) -> None:
    """Add what is missing: a handler that set one of these knows why."""
    for name, value in _FIXED.items():
        response.headers.setdefault(name, value)
    if outside.secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    response.headers["Server"] = "Tieline"
