"""Somebody else's program that has the database to itself for a while: ``locker.py FILE SECONDS``."""

import contextlib
import sqlite3
import sys
import time

with contextlib.closing(
    sqlite3.connect(f"file:{sys.argv[1]}?mode=rw", uri=True, isolation_level=None, timeout=10)
) as connection:
    connection.execute("begin exclusive")
    time.sleep(float(sys.argv[2]))
    connection.execute("rollback")
