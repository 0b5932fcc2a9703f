"""Logs: JSON lines on stderr, each with the run id and the settlement date that it is about."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final

from reingest.log_context import log_context

ROOT: Final = "reingest"


class JsonLines(logging.Formatter):
    """One JSON object a record: time, level, logger, message, run id, settlement date, and a traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line: dict[str, str] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **log_context(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class _Stderr(logging.StreamHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Writes to whatever stderr is now, so that a stream replaced later is respected."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def configure_logs(level: str) -> None:
    """Send the package's log records of this level and above to stderr; other packages' from WARNING on."""
    handler = _Stderr()
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    # Another's handlers stay; ours of an earlier command line in this process does not.
    root.handlers = [other for other in root.handlers if not isinstance(other, _Stderr)] + [handler]
    logging.getLogger(ROOT).setLevel(level)
