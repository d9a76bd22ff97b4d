"""The queue of every revision that was ever in use is upgraded with its rows, and is then worked with."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, func, select, text
from support.nights.night_factory import flag_of, names, record_of, run
from support.worlds.earlier_queues import QUEUES, REVISIONS, load_revision

from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.cases.sla_timers import run_timers
from serving.policy.state.queue_state import Decision
from serving.store import Store
from serving.store.migrations import FOLDER, HEAD, current_revision
from serving.store.queries.case_queries import case_history
from serving.store.queries.night_queries import queue_state
from serving.store.schema import METADATA
from serving.store.tables import Case, FrozenHandoff, NightRow

KEPT = ("accounts", "cases", "case_events", "handoffs", "health_adjustments", "members", "nights", "outbox", "scores",
        "squads", "streaks", "users", "tokens", "saved_views", "sign_ins", "attempts", "incidents", "signals",
        "hand_overs", "absences", "policy_versions", "holdout_units", "saved_policies", "replay_jobs",
        "account_contacts", "attachments", "case_tasks", "contact_log", "mentions", "external_records", "account_risks",
        "digests", "message_preferences", "used_requests")  # fmt: skip
"""Tables whose rows every upgrade keeps."""


def rows_by_table(store: Store) -> Counter[str]:
    schema = MetaData()
    schema.reflect(store.engine)
    with store.engine.connect() as connection:
        counted = {
            name: connection.scalar(select(func.count()).select_from(table)) for name, table in schema.tables.items()
        }
    return Counter({name: counted[name] for name in KEPT if name in counted})


def test_every_revision_but_the_newest_ones_has_a_queue() -> None:
    """A new revision gets its queue (`tests/fixtures/README.md`) with its code; between the others there is no gap."""
    known = sorted(path.name[:4] for path in FOLDER.glob("versions/0*.py"))
    assert known[: len(REVISIONS)] == REVISIONS
    assert len(REVISIONS) >= 25
    assert sorted(path.name for path in QUEUES.glob("*.postgresql.sql.xz")) == [
        f"{revision}.postgresql.sql.xz" for revision in REVISIONS
    ]


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_queue_of_a_revision_is_upgraded_and_worked_with(revision: str, new_url: Callable[..., str]) -> None:
    url = new_url(migrated=False)
    load_revision(revision, url)
    with Store(url) as store:
        before = rows_by_table(store)
        assert before["cases"] >= 4
        assert before["case_events"] >= 13
        store.migrate()
        assert rows_by_table(store) & before == before, "an upgrade loses no row"
        with store.engine.connect() as connection:
            assert current_revision(connection) == HEAD
            assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        _check_contents(store)
        _work(store)


def _check_contents(store: Store) -> None:
    """Every case has its history and its frozen hand-off."""
    with store.reading() as session:
        cases = session.scalars(select(Case)).all()
        for case in cases:
            history = case_history(session, case.id)
            assert history[0].kind == "opened"
        contents = session.scalars(select(FrozenHandoff.content)).all()
        assert len(contents) >= len(cases)
        for content in contents:
            assert json.loads(content)["account_id"]  # the tests of the time froze short texts in place of packages


def _work(store: Store) -> None:
    """The timers run, a person goes on with a case, and the next night is recorded."""
    run_timers(store)
    with store.reading() as session:
        case = session.scalars(select(Case).where(Case.closed_at.is_(None)).order_by(Case.id)).first()
        newest = session.scalar(select(func.max(NightRow.as_of)))
    assert case is not None
    assert newest is not None
    Cases(store).comment(case.id, Actor("ada", Role.ADMIN, frozenset({case.squad})), text="after the upgrade")
    _next_night(store, newest + timedelta(days=1))
    with store.reading() as session:
        assert case_history(session, case.id)[-1].comment == "after the upgrade"
        assert session.scalar(text("SELECT count(*) FROM nights WHERE status = 'recorded'")) == 3


def _next_night(store: Store, night: date) -> None:
    with store.reading() as session:
        assert queue_state(session, night).open_cases
    ids = names(6)
    run(store, record_of(ids, Decision(as_of=night, policy_version="p2", flags=(flag_of(ids[4], 1, night),))))
