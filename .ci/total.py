"""Add up the reports of the test suites named as arguments: the last line `make test-all` prints."""

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree


def read(report: Path) -> Counter[str]:
    counts: Counter[str] = Counter()
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        for key in ("tests", "failures", "errors", "skipped"):
            counts[key] += int(suite.get(key, 0))
    return counts


def main(names: list[str]) -> int:
    total: Counter[str] = Counter()
    missing = []
    for name in names:
        try:
            total += read(Path(".reports", f"{name}.xml"))
        except (OSError, ElementTree.ParseError):
            missing.append(name)
    if missing:
        print("no result from:", ", ".join(missing))
    failed = total["failures"] + total["errors"]
    passed = max(total["tests"] - failed - total["skipped"], 0)
    skipped = f", {total['skipped']} skipped" if total["skipped"] else ""
    print(f"{passed} passed, {failed} failed{skipped}")
    return 1 if missing or failed else 0


sys.exit(main(sys.argv[1:]))
