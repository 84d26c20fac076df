"""One line for each fact, as `key=value`; no digit a caller keyed ever reaches these calls."""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TextIO, cast

import structlog


class _Unfailing:
    """Standard error; a line for which the disk has no room is lost, and takes no call along."""

    def write(self, text: str) -> None:
        """Write it if that can be done."""
        with contextlib.suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        """Have it written, if that can be done."""
        with contextlib.suppress(OSError):
            sys.stderr.flush()


def configure_logging(level: str) -> None:
    """Log to standard error from `level` ("debug", "info", "warning", "error") on."""
    threshold = getattr(logging, level.upper())
    logging.basicConfig(level=max(threshold, logging.INFO), format="%(asctime)s %(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(
                key_order=["timestamp", "level", "event"], bool_as_flag=False
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _Unfailing())),
        cache_logger_on_first_use=True,
    )
