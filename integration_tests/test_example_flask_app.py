"""The example application under real servers: its pages, its own database, and the command line beside it."""

from __future__ import annotations

import http.client
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from integration_tests.harness import Ground, Server
from integration_tests.harness.ground import PATIENCE
from integration_tests.harness.jobs import rows

EXAMPLE = Path(__file__).parents[1] / "examples" / "flask_app"
REFRESH = '<meta http-equiv="refresh"'

COMMANDS = {
    "flask run": "-m flask run --port {port}",
    "flask run --debug": "-m flask run --debug --port {port}",
    "gunicorn 2 workers": "-m gunicorn app:create_app() --bind 127.0.0.1:{port} --workers 2",
    "gunicorn --preload": "-m gunicorn app:create_app() --bind 127.0.0.1:{port} --workers 2 --preload",
}


class Shop(Server):
    """The example, with all its data in the ground's home folder."""

    def __init__(self, ground: Ground, name: str = "flask run") -> None:
        ground.copy(EXAMPLE)
        super().__init__(
            ground,
            lambda port: [sys.executable, *COMMANDS[name].format(port=port).split()],
            environment={"SHOP_DATA": str(ground.home), "NO_PROXY": "127.0.0.1"},
        )

    def upload(self, content: bytes, name: str = "list.csv") -> int:
        """The number of the new import, from the address that the form's answer leads to."""
        head = f'--edge\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body = head.encode() + content + b"\r\n--edge--\r\n"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("POST", "/imports", body, {"Content-Type": "multipart/form-data; boundary=edge"})
            response = connection.getresponse()
            text = response.read().decode()
            assert response.status == 303, f"{response.status} {text}\n{self.ground.evidence()}"
            location = response.headers["Location"]
        finally:
            connection.close()
        found = re.fullmatch(r"/imports/(\d+)", location)
        assert found, location
        return int(found[1])

    def facts(self, number: int) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self.get(f"/imports/{number}.json"))
        return facts

    def finished(self, number: int) -> dict[str, Any]:
        """The import's facts once its job has ended."""

        def look() -> dict[str, Any] | None:
            facts = self.facts(number)
            return facts if facts["import"] and facts["import"]["status"] not in ("waiting", "running") else None

        return self.ground.wait_until(look, f"import {number} has ended")

    def products(self, number: int) -> list[tuple[object, ...]]:
        found = rows(self.ground.home / "shop.db", "select * from products where import_id = ? order by sku", number)
        return [(row["sku"], row["name"], row["cents"]) for row in found]


@pytest.mark.parametrize("name", COMMANDS)
def test_an_uploaded_file_is_imported_by_a_worker_into_the_database_of_the_application(ground: Ground, name: str) -> None:
    shop = Shop(ground, name)
    number = shop.upload((EXAMPLE / "prices.csv").read_bytes(), "prices.csv")
    facts = shop.finished(number)
    assert facts["import"]["status"] == "done", facts
    assert facts["import"]["result"]["process"] in {process.pid for process in ground.workers()}
    assert facts["import"]["result"]["rows"] == facts["products"] == 10
    assert ("BK-1001", "Notebook, ruled, A5", 490) in shop.products(number)
    page = shop.get(f"/imports/{number}")
    assert "imported 10 rows" in page
    assert "Notebook, ruled, A5" in page
    assert REFRESH not in page
    assert "imported 10 rows" in shop.get("/")
    assert "tasks.import_prices" in shop.get("/jobs")

    assert shop.get(f"/imports/{number}.csv") == (EXAMPLE / "prices.csv").read_text()
    assert facts["discard"]["status"] == "waiting"  # the file's end, ten minutes from now

    shop.end()
    ground.wait_until_nobody_is_left()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"sku,name,price\na,b,1.00\nc,d,cheap\n", "PriceListError: line 3: 'cheap' is no price"),
        (b"sku,name,price\na,b,-1\n", "PriceListError: line 2: '-1' is no price"),
        (b"sku,name,price\na,b,nan\n", "PriceListError: line 2: 'nan' is no price"),
        (b"sku,name,price\na,b\n", "PriceListError: line 2: None is no price"),
        (b"sku,name\na,b\n", "PriceListError: there is no column price in its first line"),
        (b"", "PriceListError: there is no column name and no column price and no column sku in its first line"),
        (b"\x89PNG\r\n\x1a\n\x00", "UnicodeDecodeError: "),
        (b"sku,name,price\na,b,1\na,c,2\n", "IntegrityError: UNIQUE constraint failed"),
    ],
    ids=lambda value: value.decode("ascii", "replace")[:24] if isinstance(value, bytes) else "",
)
def test_a_file_that_is_no_price_list_leaves_nothing_behind_and_the_page_says_why(
    ground: Ground, content: bytes, reason: str
) -> None:
    shop = Shop(ground)
    number = shop.upload(content)
    facts = shop.finished(number)
    assert facts["import"]["status"] == "error"
    assert facts["import"]["error"].startswith(reason)
    assert shop.products(number) == []
    page = shop.get(f"/imports/{number}").replace("&#39;", "'")
    assert reason in page
    assert REFRESH not in page


def test_the_page_refreshes_itself_while_an_import_waits(ground: Ground) -> None:
    shop = Shop(ground)
    autocron = [sys.executable, "-m", "flask", "autocron"]
    environment = {"SHOP_DATA": str(ground.home)}
    assert ground.run([*autocron, "pause"], environment=environment).returncode == 0
    number = shop.upload((EXAMPLE / "prices.csv").read_bytes())
    for path in (f"/imports/{number}", "/"):
        page = shop.get(path)
        assert "waiting" in page
        assert REFRESH in page
    assert ground.run([*autocron, "resume"], environment=environment).returncode == 0
    assert shop.finished(number)["import"]["status"] == "done"
    assert REFRESH not in shop.get("/")


def test_a_request_without_a_file_and_an_unknown_import_are_refused_in_words(ground: Ground) -> None:
    shop = Shop(ground)
    connection = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=PATIENCE)
    connection.request("POST", "/imports")
    response = connection.getresponse()
    assert (response.status, "Choose a file first." in response.read().decode()) == (400, True)
    connection.close()
    status, text = shop.answer("/imports/77")
    assert (status, "no such import" in text) == (404, True)
