"""What runs in the background: each of these functions is called in a worker process, in an application context."""

import csv
import json
import os
import time
import urllib.request
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from flask import current_app

import autocron
import database

MONTH = 30 * 24 * 3600
PRUNE_CRON = os.environ.get("SHOP_PRUNE_CRON", "0 3 * * *")  # every night at 3


class PriceListError(Exception):
    """The uploaded file is no price list. Its message is shown to whoever uploaded it."""


@autocron.delay(ttl=MONTH, timeout=300)
def import_prices(import_id: int) -> dict[str, Any]:
    """Read an uploaded file into the table of products.

    Should its process be killed it runs again, so it replaces what a first run may have left.
    """
    try:
        with upload_path(import_id).open(encoding="utf-8-sig", newline="") as lines:
            products = list(read_products(lines))
        database.replace_products(import_id, products)
        if current_app.config["NOTIFY_URL"]:
            notice = tell_of_new_prices(import_id, len(products))
            database.note_job(import_id, "notice", notice.uuid)
    finally:
        discard = discard_file.options(seconds=current_app.config["KEEP_FILES"])(import_id)
        database.note_job(import_id, "discard", discard.uuid)
    return {"rows": len(products), "process": os.getpid()}


@autocron.delay(retries=5, backoff="exponential", timeout=30, ttl=MONTH, unique=True)
def tell_of_new_prices(import_id: int, rows: int) -> dict[str, Any]:
    """Call the address that wants to know. Others' servers are down at times: an error makes it run again, later."""
    body = json.dumps({"import": import_id, "rows": rows}).encode()
    request = urllib.request.Request(current_app.config["NOTIFY_URL"], data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as response:
        return {"answer": response.status, "process": os.getpid()}


@autocron.delay(ttl=MONTH, unique=True)
def discard_file(import_id: int) -> dict[str, Any]:
    """Called with a delay: for a while an uploaded file can be had back."""
    upload_path(import_id).unlink(missing_ok=True)
    return {"process": os.getpid()}


@autocron.cron(PRUNE_CRON, dialect="unix")
def prune_imports() -> dict[str, Any]:
    """Remove imports that are a month old, and whatever file was left behind."""
    removed = database.remove_imports_older_than(days=current_app.config["KEEP_IMPORTS"])
    for import_id in removed:
        upload_path(import_id).unlink(missing_ok=True)
    return {"removed": removed, "process": os.getpid()}


@autocron.delay
def build_report(title: str, seconds: float = 0.0) -> dict[str, object]:
    """Count what the shop sells. ``seconds`` is how long the report takes at least."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 0.1))
    products = sum(database.count_products(row["id"]) for row in database.imports())
    print(f"worker {os.getpid()} has built the report {title!r}")
    return {"title": title, "products": products, "pid": os.getpid()}


@autocron.cron("*/5 * * * * *", dialect="unix")  # every five seconds
def heartbeat() -> None:
    print(f"worker {os.getpid()} is alive")


def upload_path(import_id: int) -> Path:
    folder: Path = current_app.config["UPLOADS"]
    return folder / f"{import_id}.csv"


def read_products(lines: Iterable[str]) -> Iterator[database.Product]:
    """The rows of a CSV file with the columns sku, name and price. Raises PriceListError naming line and value."""
    reader = csv.DictReader(lines)
    if missing := {"sku", "name", "price"} - set(reader.fieldnames or ()):
        raise PriceListError(f"there is no column {' and no column '.join(sorted(missing))} in its first line")
    for row in reader:
        yield row["sku"], row["name"], cents(row["price"], reader.line_num)


def cents(text: str | None, line: int) -> int:
    try:
        price = Decimal(text or "")
        if 0 <= price < 10**9:
            return round(price * 100)
    except InvalidOperation:
        pass
    raise PriceListError(f"line {line}: {text!r} is no price")
