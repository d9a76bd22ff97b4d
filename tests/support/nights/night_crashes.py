"""A night in a process of its own that can be killed at any statement and any commit.

The points are found through events of the database driver, so the code under test does not know them. Children are
forked from a server that has imported everything, so one process for each point is affordable.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sqlalchemy import event, select

from serving.contracts import Flag
from serving.nights.case_updates import case_id
from serving.nights.night_lease import Night, NightHeldError, RecordedNight, StaleNightError, begin_night
from serving.nights.record_night import NightRecord, record_night
from serving.policy.state.case_status import Closure, ClosureCode, ClosureOutcome
from serving.policy.state.queue_state import (
    Decision,
    Exemption,
    HeldOut,
    RaiseCode,
    RaisedAgain,
    RaiseReason,
    Streak,
    Suppressed,
    SuppressionCode,
)
from serving.store import Store
from serving.store.schema import METADATA
from support.nights.night_factory import (
    NIGHT,
    NOW,
    flag_of,
    live_of,
    names,
    next_night,
    package_of,
    record_of,
    run,
    take,
)

os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])  # the fork server preloads nothing it cannot find, in silence
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["support.nights.night_warm", "support.nights.killed_senders", "psycopg"])

IDS = names(6)
SECOND, SECOND_NOW = next_night()
ROSE = RaiseReason(RaiseCode.PROBABILITY, "normal", "normal", 0.6, 0.8)
RUN_DEPENDENT = {
    "nights": {"run_id", "epoch", "lease_until", "started_at", "holder"},
    "case_events": {"id"},
    "handoffs": {"id"},
}
"""What may differ between a clean night and one that was killed: who ran it, and gaps in the numbers."""


def first_night(store: Store) -> None:
    """Two cases: the next night raises one again and lets the other expire."""
    flags = tuple(flag_of(name, rank) for rank, name in enumerate(IDS[:2], 1))
    run(store, record_of(IDS, Decision(as_of=NIGHT, policy_version="p1", flags=flags)))


def second_night() -> NightRecord:
    """A night with every kind of result: opened, raised again, closed, brought up to date, waiting, held out."""
    worse, waits = flag_of(IDS[0], 1, SECOND), flag_of(IDS[4], 3, SECOND)
    new: tuple[Flag, ...] = (flag_of(IDS[2], 1, SECOND), flag_of(IDS[3], 2, SECOND, squad="south"))
    decision = Decision(
        as_of=SECOND,
        policy_version="p1",
        flags=new,
        raised_again=(RaisedAgain(case_id(IDS[0], "churn", NIGHT), worse, ROSE),),
        waiting=(waits,),
        suppressed=(Suppressed(IDS[1], "churn", SuppressionCode.COOLING_DOWN, until=NIGHT + timedelta(days=30)),),
        held_out=(HeldOut(IDS[5], IDS[5], "churn", "enterprise", 0.7, 100.0),),
        exempted=(Exemption(IDS[3], "churn", "strategic"),),
        closures=(_closure(IDS[1]),),
        live=(live_of(case_id(IDS[0], "churn", NIGHT), IDS[0], resolved=ClosureCode.RENEWED, resolved_on=SECOND),),
        holdout_units={IDS[5]: (IDS[5], "enterprise")},
        streaks=(Streak(IDS[0], "churn", 3, 0, True),),
    )
    record = record_of(IDS, decision, channels=("hook", "chat"))
    assert package_of(worse) == record.handoffs[worse.account_id, "churn"]
    return record


def _closure(account: str) -> Closure:
    """The case of that account expires, because its risk has fallen."""
    case = case_id(account, "churn", NIGHT)
    return Closure(case, account, ClosureOutcome.EXPIRED, ClosureCode.RISK_FALLEN, SECOND)


def points(store: Store, reach: Callable[[], None]) -> None:
    """Call ``reach`` before every statement, before every commit, and after it."""
    event.listen(store.engine, "before_cursor_execute", lambda *_: reach())
    event.listen(store.engine, "commit", lambda *_: reach())
    event.listen(store.engine, "checkin", lambda *_: reach())


def run_to_point(url: str, work: Callable[[Store], object], last: int | None = None) -> int:
    """Do the work, killed by the operating system at its point number ``last``; how many points it has."""
    reached = 0

    def reach() -> None:
        nonlocal reached
        if reached == last:
            os.kill(os.getpid(), signal.SIGKILL)
        reached += 1

    with Store(url) as store:
        points(store, reach)
        work(store)
    return reached


def run_second(store: Store) -> None:
    """The second night."""
    run(store, second_night(), SECOND_NOW)


def run_again(store: Store) -> RecordedNight:
    """The second night once more, after the dead run's lease."""
    held = begin_night(store, SECOND, "run-2", now=SECOND_NOW + timedelta(hours=1))
    return held if isinstance(held, RecordedNight) else record_night(store, held, second_night(), now=SECOND_NOW)


def compete(url: str, number: int, said: Any) -> None:
    """One of several processes that all want the second night."""
    with Store(url) as store:
        try:
            held = begin_night(store, SECOND, f"run-{number}", now=SECOND_NOW)
            result = (
                held if isinstance(held, RecordedNight) else record_night(store, held, second_night(), now=SECOND_NOW)
            )
            said.put("already" if result.already else "wrote")
        except NightHeldError:
            said.put("held")


def hold_and_write(url: str, pipe: Connection) -> None:
    """Take the night, be stopped for as long as it pleases the other end, then go on as if nothing had happened."""
    with Store(url) as store:
        night: Night = take(store, SECOND, SECOND_NOW, "sleeper")
        pipe.send("begun")
        pipe.recv()
        try:
            record_night(store, night, second_night(), now=SECOND_NOW)
            pipe.send("wrote")
        except StaleNightError as error:
            pipe.send(str(error))


def dump(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the queue, without the columns that may differ between two runs; events in their order."""
    rows_by_table = {}
    with store.reading() as session:
        for table in METADATA.sorted_tables:
            kept = [column for column in table.columns if column.name not in RUN_DEPENDENT.get(table.name, ())]
            rows = session.execute(select(*kept).order_by(*table.primary_key.columns))
            rows_by_table[table.name] = [tuple(_without_run(value) for value in row) for row in rows]
    return rows_by_table


def _without_run(value: object) -> object:
    """A night's report without the id of its run; any other value as it is."""
    is_report = isinstance(value, dict) and "run_id" in value
    return {key: part for key, part in value.items() if key != "run_id"} if is_report else value


def later(now: datetime = NOW) -> datetime:
    """After any lease that was taken at ``now``."""
    return now + timedelta(hours=1)
