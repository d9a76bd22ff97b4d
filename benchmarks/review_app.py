"""Server time of each page of the review app, with 100, 10,000 and 100,000 open cases.

    python benchmarks/review_app.py [--cases 100 10000 100000] [--repeat 50] [--database URL]

Queues come from the tests' factory (hand-offs of about 9 KB, two risks, some cases worked and closed), in SQLite in a
temporary folder, or in the empty database of ``--database`` (with one number of cases). The user sees every squad,
which is the most expensive case; each page is also checked to have at most 100 KB. The app runs under uvicorn in this
process; the times include the client. Prints medians in milliseconds as a Markdown table: wall time, and in brackets
processor time, which is the one to compare on a busy machine.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.web.web_fixture import LEAD, Site, fresh_store, running
from support.web.web_queue import fill, work_through

from serving.cases.permissions import Role
from serving.store import Store
from serving.web.access import Person

WORKED, CLOSED = 300, 200
"""Cases that are claimed, contacted, planned or put away, and how many of those are closed."""

LARGEST = 100_000
"""Bytes of a page."""

PAGES = {
    "queue, first page": "/queue",
    "queue, page 20": "/queue?page=20",
    "queue by churn risk": "/queue?sort=churn",
    "queue by renewal": "/queue?sort=renewal",
    "queue by segment and renewal window": "/queue?segment=smb&renews=30",
    "queue searched for a name": "/queue?q=amberwood",
    "queue searched for a name, by churn risk": "/queue?q=amberwood&sort=churn",
    "queue searched for a reason": "/queue?q=overdue+invoice",
    "queue searched for nothing there is": "/queue?q=zzzz",
    "queue by churn risk, page 20": "/queue?sort=churn&page=20",
    "board": "/queue?layout=board",
    "my day": "/my-day",
    "queue, closed cases": "/queue?state=closed",
    "waiting list": "/waiting",
    "case": "/case/case000000050",
    "account": "/account/a-000050",
    "accounts": "/accounts",
    "accounts by churn risk": "/accounts?sort=churn",
    "account search": "/accounts?q=wood",
    "account search by segment and owner": "/accounts?q=enterprise&owner=uma.lang",
    "overview": "/overview",
    "API, list of cases": "/api/v1/cases",
}
"""Each page that is timed, and its address."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, nargs="+", default=[100, 10_000, 100_000])
    parser.add_argument("--repeat", type=int, default=50)
    parser.add_argument("--database", default="", help="URL of an empty database; default: SQLite")
    args = parser.parse_args()
    taken = {cases: measured(cases, args.repeat, args.database) for cases in args.cases}
    print(table(taken, args.repeat))


def measured(cases: int, repeat: int, database: str = "") -> dict[str, tuple[float, float]]:
    """Median wall and processor milliseconds of every page on a queue of that many cases."""
    with tempfile.TemporaryDirectory(prefix="rescue-review-") as folder, filled(Path(folder), cases, database) as store:
        work_through(store, min(WORKED, cases // 2), closed=min(CLOSED, cases // 3))
        with running(store) as site:
            browser = site.browser(Person("ada", frozenset({Role.ADMIN}), LEAD.squads))
            found = {name: median(browser, path, repeat) for name, path in PAGES.items()}
            return found | {"claim, and the queue again": claims(site, browser, cases, repeat)}


def filled(folder: Path, cases: int, database: str = "") -> Store:
    """A queue of so many cases, in a file of its own or in this database."""
    if database:
        store = Store(database)
        store.migrate()
        fill(store, cases, nights=2)
        if store.engine.dialect.name == "postgresql":
            with store.transaction() as session:  # as autovacuum does some seconds later
                session.execute(text("ANALYZE"))
        return store
    empty = folder / "empty.db"
    with Store(f"sqlite:///{empty}") as store:
        store.migrate()
    return fresh_store(empty, folder, cases, nights=2)


def median(browser: httpx.Client, path: str, repeat: int) -> tuple[float, float]:
    """Median times of one page, after one that is not counted."""
    page = browser.get(path)
    assert page.status_code == 200, path
    assert len(page.content) <= LARGEST or path.startswith("/api/"), (path, len(page.content))
    return _medians([_timed(lambda: browser.get(path)) for _ in range(repeat)])


def claims(site: Site, browser: httpx.Client, cases: int, repeat: int) -> tuple[float, float]:
    """Median times of claiming a new case from the list, which answers with the list."""
    token = browser.get("/queue").text.split('name="csrf" value="')[1].split('"')[0]

    def claim(number: int) -> httpx.Response:
        form = {"csrf": token, "version": "1", "back": "/queue"}
        return browser.post(f"/case/case{number:09d}/claim", data=form)

    last = cases - 1
    return _medians([_timed(lambda number=last - place: claim(number)) for place in range(min(repeat, cases // 3))])


def _timed(ask: Callable[[], httpx.Response]) -> tuple[float, float]:
    wall, processor = time.perf_counter(), time.process_time()
    assert ask().status_code == 200
    return time.perf_counter() - wall, time.process_time() - processor


def _medians(taken: Sequence[tuple[float, float]]) -> tuple[float, float]:
    wall, processor = zip(*taken, strict=True)
    return 1000 * statistics.median(wall), 1000 * statistics.median(processor)


def table(taken: Mapping[int, Mapping[str, tuple[float, float]]], repeat: int) -> str:
    """Markdown: one row per page, one column per size."""
    sizes = list(taken)
    head = f"| median of {repeat}, ms: wall (processor) | " + " | ".join(f"{cases:,} cases" for cases in sizes) + " |"
    lines = [head, "|---" + "|---:" * len(sizes) + "|"]
    for name in taken[sizes[0]]:
        cells = [f"{taken[cases][name][0]:.0f} ({taken[cases][name][1]:.0f})" for cases in sizes]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
