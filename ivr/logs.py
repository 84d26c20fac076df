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


class _Structured(logging.Handler):
    """What libraries log, such as Alembic of the tables it makes, in lines like our own."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass it on."""
        level = min(logging.CRITICAL, max(logging.DEBUG, record.levelno // 10 * 10))
        more = {"exc_info": record.exc_info} if record.exc_info else {}
        told = structlog.get_logger(record.name)
        told.log(level, record.getMessage(), logger=record.name, **more)


def configure_logging(level: str) -> None:
    """Log to standard error from `level` ("debug", "info", "warning", "error") on."""
    threshold = getattr(logging, level.upper())
    root = logging.getLogger()
    root.setLevel(max(threshold, logging.INFO))
    if not any(isinstance(each, _Structured) for each in root.handlers):
        root.addHandler(_Structured())
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
