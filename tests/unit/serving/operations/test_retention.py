"""Erasure takes texts and leaves counts and the record; pruning leaves a night a week; a dump gives every row back."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import MetaData, func, select, text
from sqlalchemy.exc import DBAPIError
from support.nights.handoff_factory import FLAG, facts
from support.nights.night_factory import NOW
from support.web.web_people import settled

from features.errors import UsageError
from serving.cases.cases import Cases
from serving.cases.permissions import SYSTEM
from serving.handoff.build_package import build_package
from serving.handoff.package import Handoff
from serving.handoff.render import html, markdown
from serving.operations.append_only import unlocked
from serving.operations.erase import _without_answer, erase_account, erase_from_report
from serving.operations.erase_handoff import ERASED, erase_from_handoff
from serving.operations.prune import prune_queue
from serving.operations.table_dump import dump_tables, load_tables
from serving.store import Store
from serving.store.exchange import Message
from serving.store.operations_tables import ErasureRow
from serving.store.queries.handover_queries import answer_texts
from serving.store.tables import Account, Case, CaseEvent, FrozenHandoff, NightRow, Score

CANARIES = ("Nordlicht", "Logistik", "canary-comment")


@pytest.fixture
def queue(store: Store) -> Store:
    """Four cases with hand-offs; the first one was worked."""
    north, _ = settled(store, 2)
    with store.transaction() as session:
        account = session.get_one(Account, session.get_one(Case, north[0]).account_id)
        account.name, account.search = "Nordlicht Logistik", "nordlicht logistik a000000"
    cases = Cases(store, clock=lambda: NOW)
    cases.comment(north[0], SYSTEM, text="canary-comment about Nordlicht Logistik")
    with store.transaction() as session:
        account_id = session.get_one(Case, north[0]).account_id
        data = {"headline": "Nordlicht Logistik may leave", "account_id": account_id, "squad": "north"}
        own = {"id": "m", "channel": "crm", "kind": "case.opened", "case_id": north[0], "status": "pending"}
        times = {"attempts": 0, "created_at": NOW, "next_at": NOW}
        session.add(Message(**own, **times, payload={"data": data, "timestamp": "x"}))
    return store


def everything(store: Store) -> dict[str, list[str]]:
    schema = MetaData()
    schema.reflect(store.engine)
    with store.engine.connect() as connection:
        return {
            name: sorted(str(sorted(row.items(), key=str)) for row in connection.execute(select(table)).mappings())
            for name, table in schema.tables.items()
        }


def test_erasure_leaves_counts_and_the_record_and_no_text(queue: Store) -> None:
    with queue.reading() as session:
        account_id = session.scalar(select(Account.account_id).where(Account.name == "Nordlicht Logistik"))
        before = session.scalar(select(func.count()).select_from(CaseEvent))
        events = session.execute(
            select(CaseEvent.id, CaseEvent.kind, CaseEvent.actor, CaseEvent.at).order_by(CaseEvent.id)
        ).all()
    assert account_id is not None
    changed = erase_account(queue, account_id, "dpo")
    assert (changed["accounts"], changed["cases"], changed["handoffs"], changed["outbox"]) == (1, 1, 1, 1)
    with queue.reading() as session:
        case = session.scalars(select(Case).where(Case.account_id == account_id)).one()
        account = session.get_one(Account, account_id)
        frozen = session.scalars(select(FrozenHandoff).where(FrozenHandoff.case_id == case.id)).one()
        comments = session.scalars(select(CaseEvent.comment).where(CaseEvent.case_id == case.id)).all()
        assert session.scalar(select(func.count()).select_from(CaseEvent)) == before
        assert (
            session.execute(
                select(CaseEvent.id, CaseEvent.kind, CaseEvent.actor, CaseEvent.at).order_by(CaseEvent.id)
            ).all()
            == events
        )
        assert session.execute(select(ErasureRow.account_id, ErasureRow.actor)).all() == [(account_id, "dpo")]
        message = session.get_one(Message, "m")
        assert (message.status, message.payload["data"]["squad"]) == ("dead", "north")
        own = [account.name, account.search, case.headline, frozen.content, str(comments), json.dumps(message.payload)]
    assert not [canary for canary in CANARIES for text_ in own if canary.lower() in str(text_).lower()]
    erased = Handoff.model_validate_json(frozen.content)  # pages still show it
    assert ERASED in html(erased) + markdown(erased)


def test_a_handoff_loses_what_is_the_customers_and_keeps_what_is_generic() -> None:
    package = build_package(FLAG, facts())
    before = json.loads(package.to_json())
    before["account"] |= {"owner": "ines", "region": "eu"}  # they look like codes
    before["tickets"][0]["subject"] = "broken"
    before["account"]["url"] = "https://crm.example/ines"
    before["playbook"]["why"] = "Selected for Nordlicht"
    before["case"]["routing"] |= {"unserved_region": "eu", "text": "No squad serves eu: neutral"}
    erased = erase_from_handoff(before, "Nordlicht")
    text_ = json.dumps(erased, ensure_ascii=False)
    own = [package.headline, package.account.name, *package.why_now, *package.changes]
    own += [item.quote for item in package.evidence] + [ticket.subject for ticket in package.tickets]
    own += [ticket.last_words for ticket in package.tickets]
    own += [reason.sentence for card in package.risks for reason in card.reasons]
    generic = {trigger.message for trigger in package.case.triggers}  # of the policy, and also a part of "why now"
    assert len([part for part in own if part]) > 10
    assert not [part for part in own if part and part not in generic and part in text_]
    words = ('"ines"', "crm.example", "Nordlicht", '"eu"', "serves eu", '"broken"')
    assert not [word for word in words if word in text_]
    assert erased["case"]["routing"]["text"] == f"No squad serves {ERASED}: neutral"
    for key in ("binding", "currency", "usage", "health", "invoices", "gaps", "contract", "tickets_open"):
        assert erased[key] == before[key], key
    for card, same in zip(erased["risks"], before["risks"], strict=True):
        assert [card[key] for key in ("title", "base_rate", "probability", "curve", "quality")] == [
            same[key] for key in ("title", "base_rate", "probability", "curve", "quality")
        ]
    assert (erased["playbook"]["title"], erased["playbook"]["steps"]) == (
        before["playbook"]["title"], before["playbook"]["steps"],
    )  # fmt: skip
    assert [ticket["ticket_id"] for ticket in erased["tickets"]] == [ticket.ticket_id for ticket in package.tickets]
    shown = Handoff.model_validate(erased)
    assert html(shown)
    assert package.playbook.title in markdown(shown)


def test_a_handoff_of_the_first_schema_loses_its_texts() -> None:
    file = Path(__file__).parents[3] / "golden" / "handoff_1_0" / "package.json"
    before = json.loads(file.read_text(encoding="utf-8"))
    erased = erase_from_handoff(before, None)
    assert erased["play"]["steps"] == before["play"]["steps"]
    names = [before["account"]["name"], before["account"]["owner"], before["headline"]]
    assert not [name for name in names if name and name in json.dumps(erased, ensure_ascii=False)]
    assert ERASED in markdown(Handoff.model_validate(erased))


def test_answers_of_a_form_stay_readable() -> None:
    day_, empty = {"label": "Until", "kind": "date", "value": "2026-01-01"}, {"label": "Why", "kind": "text"}
    answers = {"until": _without_answer(day_), "why": _without_answer({**empty, "value": None})}
    assert answer_texts(answers) == (("Until", ERASED), ("Why", "–"))


def test_the_door_closes_behind_the_erasure(queue: Store) -> None:
    with queue.reading() as session:
        account_id = session.scalar(select(Account.account_id).limit(1))
    erase_account(queue, str(account_id), "dpo")
    for table in ("case_events", "handoffs"):
        with pytest.raises(DBAPIError, match="append-only"), queue.engine.begin() as connection:
            connection.execute(text(f"DELETE FROM {table}"))


def test_a_failed_erasure_changes_nothing(queue: Store) -> None:
    before = everything(queue)
    with pytest.raises(RuntimeError), queue.transaction() as session, unlocked(session, ["case_events"]):
        session.execute(text("DELETE FROM case_events"))
        raise RuntimeError
    assert everything(queue) == before
    with pytest.raises(DBAPIError, match="append-only"), queue.engine.begin() as connection:
        connection.execute(text("DELETE FROM case_events"))
    with pytest.raises(UsageError, match="did you mean"):
        erase_account(queue, "a00000", "dpo")


def test_a_report_loses_the_entries_of_the_account_only() -> None:
    report = {
        "queue": [
            {
                "account_id": "a1",
                "name": "Acme",
                "owner": "kim",
                "reasons": {"churn": ["Acme is angry"]},
                "risk": "churn",
                "priority": 3.0,
            },
            {"account_id": "a2", "name": "Other", "owner": "kim", "reasons": {"churn": ["like Acme"]}},
        ]
    }
    erased = erase_from_report(report, "a1", "Acme")
    assert erased["queue"][0] == {
        "account_id": "a1", "name": ERASED, "owner": ERASED, "reasons": {"churn": [ERASED]}, "risk": "churn",
        "priority": 3.0,
    }  # fmt: skip
    assert erased["queue"][1] == {
        "account_id": "a2", "name": "Other", "owner": "kim", "reasons": {"churn": [f"like {ERASED}"]},
    }  # fmt: skip


def test_pruning_leaves_a_night_a_week_and_all_cases(queue: Store) -> None:
    first = date(2025, 1, 1)
    with queue.transaction() as session:
        for day in range(60):
            as_of = first + timedelta(days=day)
            session.add(NightRow(as_of=as_of, run_id="r", epoch=1, status="recorded", lease_until=NOW, started_at=NOW))
            session.add(
                Score(as_of=as_of, risk="churn", account_id="a1", probability=0.1, rank_score=0.1, model_version="1")
            )
    keep = NOW - timedelta(days=30)  # 30 of the 60 nights are older
    limit = NOW.replace(year=2025, month=1, day=31)
    counted = prune_queue(queue, NOW - limit, NOW, dry_run=True)
    removed = prune_queue(queue, NOW - limit, NOW)
    assert counted == removed
    assert keep > limit
    with queue.reading() as session:
        left = list(session.scalars(select(Score.as_of).where(Score.account_id == "a1").order_by(Score.as_of)))
        assert session.scalar(select(func.count()).select_from(Case)) == 4
    old = [day for day in left if day < limit.date()]
    assert [day.isoweekday() for day in old[:-1]] == [7] * (len(old) - 1)
    assert removed["scores"] == 30 - len(old)
    assert len([day for day in left if day >= limit.date()]) == 30
    assert prune_queue(queue, NOW - limit, NOW)["scores"] == 0


def test_a_dump_gives_every_row_back(queue: Store, new_url: Callable[..., str], tmp_path: Path) -> None:
    dump_tables(queue, tmp_path / "dump.gz")
    with Store(new_url(migrated=False)) as other:
        assert load_tables(other, tmp_path / "dump.gz") > 20
        assert everything(other) == everything(queue)
        Cases(other, clock=lambda: NOW).comment(next(iter(other_cases(other))), SYSTEM, text="numbers go on")
        with pytest.raises(UsageError, match="holds a queue already"):
            load_tables(other, tmp_path / "dump.gz")


def other_cases(store: Store) -> list[str]:
    with store.reading() as session:
        return list(session.scalars(select(Case.id)))
