"""Server time of each page of the review app, with 100, 10,000 and 100,000 open cases.

    python benchmarks/review_app.py [--cases 100 10000 100000] [--repeat 50] [--database URL] [--only WORD …]

Queues come from the tests' factory (hand-offs of about 9 KB, two risks, some cases worked and closed, an incident of
forty signals, a saved policy), in SQLite in a temporary folder, or in the empty database of ``--database`` (with one
number of cases). The user sees every squad, which is the most expensive case; each page is also checked to have at most
100 KB. The app runs under uvicorn in this process; the times include the client. ``--only`` measures the pages whose
names contain one of the words. Prints medians in milliseconds as a Markdown table: wall time, and in brackets processor
time, which is the one to compare on a busy machine; then the size of the largest page, and what is above the limits:
150 ms of processor time with up to 10,000 cases, 300 ms for a search at any size. Exits with 1 where something is.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import httpx
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.nights.incident_factory import checkout_policy
from support.nights.night_factory import Clock
from support.web.saved_policies import SOURCE, save_policies
from support.web.web_fixture import LEAD, Site, fresh_store, serve_app
from support.web.web_queue import NOW, fill, work_through

from serving.cases.permissions import Role
from serving.incidents.run_incidents import run_incidents
from serving.signals.signal_fields import Signal
from serving.signals.signal_intake import add_signals
from serving.store import Store
from serving.web import create_app
from serving.web.access import Person
from serving.web.identity.review_settings import ReviewSettings

WORKED, CLOSED = 300, 200
"""Cases that are claimed, contacted, planned or put away, and how many of those are closed."""

LARGEST = 100_000
"""Bytes of a page."""
SIGNALS = 40
LIMIT_MS, LIMITED_CASES, SEARCH_MS = 150, 10_000, 300
"""Each page is this fast with up to so many cases, and a search at every size."""

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
    "weekly": "/weekly",
    "incidents": "/incidents",
    "people": "/people",
    "policy": "/policy",
    "policy, editor": "/policy/edit",
    "policy, a version": "/policy/version/1",
    "preferences": "/preferences",
    "API, list of cases": "/api/v1/cases",
}
"""Each page that is timed, and its address."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, nargs="+", default=[100, 10_000, 100_000])
    parser.add_argument("--repeat", type=int, default=50)
    parser.add_argument("--database", default="", help="URL of an empty database; default: SQLite")
    parser.add_argument("--only", nargs="+", default=[""], help="words in the names of the pages to measure")
    args = parser.parse_args()
    pages = {name: path for name, path in PAGES.items() if any(word in name for word in args.only)}
    sizes: dict[str, int] = {}
    taken = {cases: measured(cases, args.repeat, args.database, pages, sizes) for cases in args.cases}
    print(table(taken, args.repeat))
    print(f"\nLargest page: {max(sizes, key=sizes.__getitem__)}, {max(sizes.values()) / 1000:.0f} KB")
    above = [text for cases, times in taken.items() for text in _above(cases, times)]
    above += [f"{name}: {size:,} bytes" for name, size in sizes.items() if size > LARGEST]
    print("Above the limits: " + ("; ".join(above) or "nothing"))
    sys.exit(bool(above))


def measured(
    cases: int, repeat: int, database: str, pages: Mapping[str, str], sizes: dict[str, int]
) -> dict[str, tuple[float, float]]:
    """Median wall and processor milliseconds of every page on a queue of that many cases; notes its bytes."""
    with tempfile.TemporaryDirectory(prefix="rescue-review-") as folder, filled(Path(folder), cases, database) as store:
        work_through(store, min(WORKED, cases // 2), closed=min(CLOSED, cases // 3))
        save_policies(store)
        send_signals(store, min(SIGNALS, cases))
        clock = Clock(NOW)
        app = create_app(store, ReviewSettings(secure_cookies=False), clock=clock, policy=SOURCE)
        with serve_app(app, clock) as site:
            browser = site.browser(Person("ines", frozenset({Role.ADMIN}), LEAD.squads))
            found = {}
            for name, path in pages.items():
                page = browser.get(path)
                assert page.status_code == 200, (path, page.status_code)
                if not path.startswith("/api/"):
                    sizes[name] = max(sizes.get(name, 0), len(page.content))
                found[name] = median(browser, path, repeat)
            if "queue, first page" in found:
                found["claim, and the queue again"] = claims(site, browser, cases, repeat)
            return found


def send_signals(store: Store, count: int) -> None:
    """Failed checkouts of as many accounts within ten minutes, which are an incident."""
    signals = [
        Signal(
            occurred_at=NOW - timedelta(seconds=600 - number),
            signal_id=f"s{number}",
            source="shop",
            kind="checkout.failed",
            account_id=f"a-{number:06d}",
        )
        for number in range(count)
    ]
    add_signals(store, signals, sender="benchmark", now=NOW)
    run_incidents(store, checkout_policy(), now=NOW)


def _above(cases: int, times: Mapping[str, tuple[float, float]]) -> Iterator[str]:
    """The pages that take longer than is promised."""
    for name, (_, processor) in times.items():
        limit = LIMIT_MS if cases <= LIMITED_CASES else SEARCH_MS if "search" in name else None
        if limit is not None and processor > limit:
            yield f"{name}, {cases:,} cases: {processor:.0f} ms"


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
    """Median times of one page."""
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
