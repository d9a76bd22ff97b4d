"""Upgrades keep the data of every earlier revision on both databases, and a failed upgrade changes nothing."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, event, inspect, select, text
from sqlalchemy.exc import DBAPIError
from support.worlds.earlier_home import EarlierHome, load_queue, unpack_home

from serving.cases.cases import Cases
from serving.cases.permissions import SYSTEM
from serving.paths.durations import Duration
from serving.store import Store
from serving.store.decision_tables import EnrolmentRow, HeldOutRow, HoldoutUnitRow, SetAside
from serving.store.exchange import Message
from serving.store.migrations import FOLDER, HEAD, SchemaTooNewError, current_revision
from serving.store.policy_tables import PolicyVersionRow
from serving.store.queries.case_queries import case_history
from serving.store.queries.night_queries import queue_state
from serving.store.queries.outcome_queries import enrolled_units
from serving.store.schema import METADATA
from serving.store.tables import Account, Case, CaseScore, FrozenHandoff, NightRow


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> EarlierHome:
    return unpack_home("0006", tmp_path_factory.mktemp("earlier"))


@pytest.fixture
def old_queue(earlier: EarlierHome, new_url: Callable[..., str]) -> Iterator[Store]:
    """The queue of revision 0006 in the database under test."""
    yield from opened(earlier, new_url(migrated=False))


@pytest.fixture
def held_out_queue(tmp_path: Path, new_url: Callable[..., str]) -> Iterator[Store]:
    """The queue of revision 0008, of a policy with a hold-out, in the database under test."""
    yield from opened(unpack_home("0008", tmp_path), new_url(migrated=False))


def opened(home: EarlierHome, url: str) -> Iterator[Store]:
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).write_bytes((home.home / "rescue.db").read_bytes())
    else:
        load_queue(home.queue_sql, url)
    with Store(url) as store:
        yield store


def content(store: Store) -> dict[str, list[str]]:
    """Every row of every table, in any revision; values that are null and the order of columns do not count."""
    schema = MetaData()
    schema.reflect(store.engine)
    with store.engine.connect() as connection:
        return {
            name: sorted(_as_text(row) for row in connection.execute(select(table)).mappings())
            for name, table in schema.tables.items()
        }


def _as_text(row: Mapping[str, Any]) -> str:
    return str(sorted((name, value) for name, value in row.items() if value is not None))


def old_cases(store: Store) -> list[dict[str, Any]]:
    with store.engine.connect() as connection:
        return [dict(row) for row in connection.execute(text("SELECT * FROM cases ORDER BY id")).mappings()]


def as_json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def test_migrations_create_the_tables_that_the_code_uses(store: Store) -> None:
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_the_code_uses_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_migrating_twice_changes_nothing(new_url: Callable[..., str]) -> None:
    with Store(new_url(migrated=False)) as store:
        store.migrate()
        store.migrate()
        with store.engine.connect() as connection:
            assert current_revision(connection) == HEAD


def test_a_database_of_a_newer_version_is_refused(store: Store) -> None:
    with store.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNewError, match="upgrade Rescue first"):
        store.migrate()


def test_an_upgraded_queue_has_the_same_schema_as_a_new_one(old_queue: Store) -> None:
    old_queue.migrate()
    with old_queue.engine.connect() as connection:
        assert current_revision(connection) == HEAD
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    indexes = inspect(old_queue.engine).get_indexes("cases")
    assert not [index for index in indexes if "by_churn" in str(index["name"])]


def test_the_probabilities_of_a_case_become_rows(old_queue: Store) -> None:
    before = old_cases(old_queue)
    old_queue.migrate()
    with old_queue.reading() as session:
        cases = {case.id: case for case in session.scalars(select(Case))}
        assert len(cases) == len(before) > 20
        for row in before:
            case = cases[row["id"]]
            assert case.probabilities == as_json(row["probabilities"])
            assert case.escalation_path == as_json(row["ladder"])
            assert case.escalate_after == as_json(row["hand_on_hours"])
            assert Duration.parse(case.respond_within) == Duration(row["respond_hours"])
            assert Duration.parse(case.resolve_within) == Duration(row["resolve_hours"])
            assert (case.tier, case.priority, case.version) == (row["rung"], row["priority"], row["version"])
        for score in session.scalars(select(CaseScore)):
            case = cases[score.case_id]
            assert (score.priority, score.is_open) == (case.priority, case.closed_at is None)
        assert {case.tier for case in cases.values()} == {0, 1, 2}


def test_records_messages_and_codes_have_the_present_names(old_queue: Store) -> None:
    before = content(old_queue)
    old_queue.migrate()
    after = content(old_queue)
    unchanged = ("accounts", "scores", "handoffs", "health_adjustments", "members", "users", "saved_views")
    for table in (*unchanged, "streaks", "held_out", "waiting"):
        assert after[table] == before[table], table
    renamed = {"'handed_on'": "'escalated'", "'rung':": "'tier':"}
    for old, new in renamed.items():
        assert sum(old in row for row in before["case_events"]) > 0
        assert not any(old in row for row in after["case_events"])
        assert sum(new in row for row in after["case_events"]) == sum(old in row for row in before["case_events"])
    with old_queue.reading() as session:
        kinds = {(row.kind, row.payload["type"]) for row in session.scalars(select(Message))}
        assert kinds == {(kind, kind) for kind in ("case.opened", "case.escalated", "case.breached")}
        codes = set(session.scalars(select(SetAside.code).where(SetAside.kind == "suppressed")))
        assert codes == {"open_case", "cooling_down"}


def test_nights_and_cases_get_the_policy_version_of_their_handoffs(old_queue: Store) -> None:
    with old_queue.engine.connect() as connection:
        nights = connection.execute(text("SELECT as_of, status, content_hash, report FROM nights ORDER BY 1")).all()
    old_queue.migrate()
    with old_queue.engine.connect() as connection:
        assert connection.execute(text("SELECT as_of, status, content_hash, report FROM nights ORDER BY 1")).all() == (
            nights
        )
    with old_queue.reading() as session:
        handoffs = session.scalars(select(FrozenHandoff).order_by(FrozenHandoff.as_of.desc())).all()
        first = {frozen.case_id: json.loads(frozen.content) for frozen in handoffs}
        for case in session.scalars(select(Case)):
            binding, raised = first[case.id]["binding"], first[case.id].get("case", {})
            assert case.policy_version == binding["policy_version"]
            assert case.skill == (raised.get("routing", {}).get("skill") or None)
        for night in session.scalars(select(NightRow).where(NightRow.status == "recorded")):
            versions = {
                json.loads(row.content)["binding"]["policy_version"] for row in handoffs if row.as_of == night.as_of
            }
            assert {night.policy_version} == (versions or {None})
        stored = {row.version: row for row in session.scalars(select(PolicyVersionRow))}
        assert set(stored) == {case.policy_version for case in session.scalars(select(Case))}
        for version, row in stored.items():
            opened = [case.opened_on for case in session.scalars(select(Case)) if case.policy_version == version]
            assert (row.first_night, row.last_night, row.rules) == (min(opened), max(opened), None)


def test_the_reporting_view_has_a_row_for_each_case(old_queue: Store) -> None:
    old_queue.migrate()
    with old_queue.reading() as session:
        cases = {case.id: case for case in session.scalars(select(Case))}
        rows = session.execute(text("SELECT case_id, hours_to_resolve, outcome, escalations FROM path_report")).all()
        assert {row.case_id for row in rows} == set(cases)
        for row in rows:
            case = cases[row.case_id]
            kinds = [event.kind for event in case_history(session, case.id)]
            assert row.escalations == kinds.count("escalated")
            assert row.outcome == (case.state if case.closed_at else None)
            if case.closed_at:
                hours = (case.closed_at - case.opened_at).total_seconds() / 3600
                assert row.hours_to_resolve == pytest.approx(hours, abs=1e-3)
        assert any(row.hours_to_resolve for row in rows)


def test_cases_get_alarms_a_lane_and_figures(old_queue: Store) -> None:
    before = old_cases(old_queue)
    old_queue.migrate()
    with old_queue.reading() as session:
        for row in before:
            case, account = session.get_one(Case, row["id"]), session.get_one(Account, row["account_id"])
            alarms = {f"risk:{row['risk']}", *(f"trigger:{name}" for name in as_json(row["triggers"]))}
            assert {code: alarm.raised_on for code, alarm in case.alarms.items()} == dict.fromkeys(
                alarms, case.raised_on
            )
            assert (case.lane, case.live_on, case.group_members) == ("at_risk", case.raised_on, [])
            assert (case.revenue, case.renews_on) == (account.arr, account.renews_on)
            assert case.at_stake == (None if account.arr is None else row["at_stake"])
            escalations = [event.at for event in case_history(session, case.id) if event.kind == "escalated"]
            assert case.tier_since == max(escalations, default=case.opened_at)
            assert (case.resolved, case.closure, case.settled_on) == (None, None, None)
        assert {row.account_id for row in session.scalars(select(HoldoutUnitRow))} == set(
            session.scalars(select(HeldOutRow.account_id))
        )


def test_units_that_were_worked_or_held_out_before_never_count(held_out_queue: Store) -> None:
    before = content(held_out_queue)
    held_out_queue.migrate()
    after = content(held_out_queue)
    changed = {"alembic_version", "cases", "nights", "squads"}  # the policy version of a night becomes a column
    assert {name: after[name] for name in before if name not in changed} == {
        name: rows for name, rows in before.items() if name not in changed
    }
    with held_out_queue.engine.connect() as connection:
        assert current_revision(connection) == HEAD
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    with held_out_queue.reading() as session:
        units = dict(tuple(row) for row in session.execute(select(HoldoutUnitRow.account_id, HoldoutUnitRow.unit)))
        held = {units[account] for account in session.scalars(select(HeldOutRow.account_id))}
        worked = {units[account] for account in session.scalars(select(Case.account_id))}
        rows = session.scalars(select(EnrolmentRow)).all()
        assert len(worked) > 10 and len(held) > 5
        assert {row.unit for row in rows} == held | worked
        assert {row.unit for row in rows if row.held_out} == held
        assert {(row.salt, row.share, row.expected_value) for row in rows} == {("", None, None)}
        for risk in {row.risk for row in rows}:
            assert enrolled_units(session, risk) == []
        assert {unit for _, unit in queue_state(session, rows[0].as_of).enrolled} == held | worked


def test_without_a_holdout_nobody_is_marked(held_out_queue: Store) -> None:
    with held_out_queue.engine.begin() as connection:
        connection.execute(text("DELETE FROM held_out"))
    held_out_queue.migrate()
    with held_out_queue.reading() as session:
        assert session.scalars(select(EnrolmentRow)).all() == []


def test_the_record_is_still_append_only(old_queue: Store) -> None:
    old_queue.migrate()
    for statement in ("DELETE FROM case_events", "UPDATE case_events SET actor = 'nobody'"):
        with pytest.raises(DBAPIError, match="append-only"), old_queue.transaction() as session:
            session.execute(text(statement))


def test_people_go_on_with_an_upgraded_queue(old_queue: Store) -> None:
    old_queue.migrate()
    cases = Cases(old_queue)
    taken = cases.take_next(None, SYSTEM)
    assert taken is not None
    with old_queue.reading() as session:
        snoozed = session.scalars(select(Case).where(Case.state == "snoozed")).one()
        saved = session.scalars(select(Case).where(Case.state == "saved")).one()
    assert cases.wake(snoozed.id, SYSTEM).state == "claimed"
    assert cases.reopen(saved.id, SYSTEM, reason="They called again").state == "claimed"
    assert cases.undo(taken.id, SYSTEM).state == "new"
    with old_queue.reading() as session:
        scores = session.scalars(select(CaseScore).where(CaseScore.case_id == saved.id)).all()
        assert {score.is_open for score in scores} == {True}
        assert case_history(session, saved.id)[-1].kind == "reopen"


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.soak)])
def test_an_upgrade_interrupted_at_a_statement_changes_nothing(old_queue: Store, step: int) -> None:
    before = content(old_queue)
    statement = 0
    while _is_interrupted(old_queue, statement):
        assert content(old_queue) == before
        statement += step
    assert statement > 20
    with old_queue.engine.connect() as connection:
        assert current_revision(connection) == HEAD


def _is_interrupted(store: Store, statement: int) -> bool:
    """Upgrade, and let the statement of that number fail, counting from 0; False once no statement is left to fail."""
    numbers = itertools.count()

    def fail(*_call: object) -> None:
        if next(numbers) == statement:
            raise InterruptedError

    event.listen(store.engine, "before_cursor_execute", fail)
    try:
        store.migrate()
    except InterruptedError:
        return True
    finally:
        event.remove(store.engine, "before_cursor_execute", fail)
    return False
