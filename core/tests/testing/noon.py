"""When the tests of collected jobs begin."""

from datetime import UTC, datetime

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
