"""What the program says while it runs: lines for people, or JSON for a collector of logs; no secrets in either."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

FORMS = ("text", "json")
_SECRET = re.compile(
    r"""\b(be_[0-9a-f]{8}_|sk-|sk_|xox[a-z]-|ghp_|AIza|AKIA)[\w-]{8,}   # our own tokens, keys of providers
      | (?<=\bBearer[ ])[\w.~+/=-]{8,} | (?<=\bBasic[ ])[\w+/=]{8,}      # of headers
      | (?<=://)[^\s/@:]*:[^\s/@]+(?=@)                                   # user and password of an address
      | (?<=password=)[^\s&'"]+ | (?<=api_key=)[^\s&'"]+ | (?<=token=)[^\s&'"]+""",
    re.VERBOSE | re.IGNORECASE,
)


def redacted(text: str) -> str:
    """Return a text without what looks like a secret: the second line, for what a library may say."""
    return _SECRET.sub("***", text)


class Text(logging.Formatter):
    """`LEVEL logger: message`."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return a line, and the trace of an exception."""
        return redacted(super().format(record))


class Lines(logging.Formatter):
    """One JSON object a line: `at` (UTC), `level`, `logger`, `message`, and `error` with the trace of an exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told = {"at": at, "level": record.levelname, "logger": record.name, "message": redacted(record.getMessage())}
        if record.exc_info:
            told["error"] = redacted(self.formatException(record.exc_info))
        return json.dumps(told)


def configure(form: str = "text", level: int = logging.WARNING) -> None:
    """Have everything said on stderr in one of the FORMS, that of libraries too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines() if form == "json" else Text())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    if form == "json":
        logging.getLogger("breakeven").setLevel(logging.INFO)
    for name in ("apscheduler", "urllib3"):  # a job that waits for its turn, or one more connection, is no news
        logging.getLogger(name).setLevel(logging.ERROR)
