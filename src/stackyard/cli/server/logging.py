"""Logging of the server's processes: one form for our lines and those of libraries, on standard error.

Secrets are kept out by rules at the last step, whoever wrote the line: fields with telling names, API tokens, passwords
in addresses, AWS keys.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from stackyard.settings import Settings

HIDDEN = "(hidden)"
_TELLING = re.compile(
    r"password|passwd|secret|token|authorization|cookie|api_?key|database_url|conn_str", re.IGNORECASE
)
_SHAPES = re.compile(
    r"\bsy_[A-Za-z0-9_-]{16,}"  # our own tokens
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"  # AWS access keys
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # user:password in an address
    r"|(?<=[Bb]earer )[^\s'\"]+"
)
_QUIET = ("httpx", "httpcore", "botocore", "boto3", "urllib3", "asyncio", "procrastinate", "uvicorn")


def configure_logging(settings: Settings) -> None:
    """Set up structlog and the standard library's logging for this process."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # As text and before hiding: tracebacks quote values, too. Local variables are never shown.
                structlog.processors.format_exc_info,
                hide_secrets,
                _renderer(settings),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(
        settings.log_level.upper() if settings.log_level.upper() in logging.getLevelNamesMapping() else "INFO"
    )
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _renderer(settings: Settings) -> Any:
    if settings.log_json:
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
    )


def hide_secrets(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what nobody may read in a log."""
    return {key: HIDDEN if _TELLING.search(key) else hidden(value) for key, value in event.items()}


def hidden(value: Any) -> Any:
    """A value without the secrets that can be told by their shape; what is no plain value becomes text."""
    if isinstance(value, dict):
        return {k: HIDDEN if _TELLING.search(str(k)) else hidden(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [hidden(item) for item in value]
    if isinstance(value, bool | int | float) or value is None:
        return value
    return _SHAPES.sub(HIDDEN, str(value))
