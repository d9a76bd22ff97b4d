"""What came of earlier nights: right or wrong, how early, and the team beside the hold-out, by the data."""

from datetime import date, datetime, timedelta

import pyarrow as pa
import pytest
from support.nights.night_factory import NIGHT, names, open_cases

from features.history.history import History
from features.labels.labels import label
from models.risks import CHURN, ESCALATION
from pipelines.monitoring.realised_outcomes import hindsight
from serving.store import Store
from serving.store.overview_queries import came_of, judged
from serving.store.tables import HeldOutRow, NightRow

IDS = names(5)
START, LEFT = datetime.fromisoformat("2025-01-01"), datetime.combine(NIGHT, datetime.min.time()) + timedelta(days=40)


def history(until: date) -> History:
    """Five accounts with a contract each; the first ended forty days after the night."""
    accounts = [{"account_id": name, "created_at": START} for name in IDS]
    terms = [
        {
            "account_id": name,
            "subscription_id": f"s{name}",
            "started_at": START,
            "ended_at": LEFT if not number else None,
        }
        for number, name in enumerate(IDS)
    ]
    seen = [{"account_id": IDS[-1], "invoice_id": "i", "issued_at": datetime.combine(until, datetime.min.time())}]
    tables = {"accounts": accounts, "subscriptions": terms, "invoices": [{**seen[0], "amount": 1.0}]}
    return History.from_tables({name: pa.Table.from_pylist(rows) for name, rows in tables.items()})


def test_cases_are_right_or_wrong_when_their_window_is_over(store: Store) -> None:
    open_cases(store, 4)
    found = hindsight(store, history(date(2026, 9, 1)), {"churn": CHURN, "escalation": ESCALATION})
    churn = found["churn"]
    assert (churn.horizon, churn.cases, churn.settled, churn.happened, churn.lead_days) == (97, 4, 4, 1, 40.0)
    assert churn.effect == "not measurable: of 4 accounts flagged, the policy's [holdout] held out none"
    assert (found["escalation"].horizon, found["escalation"].cases) == (14, 0)


def test_what_is_not_over_is_not_settled(store: Store) -> None:
    open_cases(store, 4)
    churn = hindsight(store, history(NIGHT + timedelta(days=20)), {"churn": CHURN})["churn"]
    assert (churn.cases, churn.settled, churn.lead_days) == (4, 0, None)


def test_the_held_out_stand_beside_the_worked(store: Store) -> None:
    open_cases(store, 4)
    with store.transaction() as session:
        session.add(
            HeldOutRow(as_of=NIGHT, account_id=IDS[4], risk="churn", unit=IDS[4], stratum="", probability=1, priority=1)
        )
    churn = hindsight(store, history(date(2026, 9, 1)), {"churn": CHURN})["churn"]
    assert churn.effect == "not measurable yet, n = 4 worked, 1 held out settled; each needs 30"


@pytest.mark.parametrize("wanted", [[], IDS[:2], [*IDS, "nobody"]])
def test_labels_of_some_accounts_are_those_rows_of_all(wanted: list[str]) -> None:
    known, days = history(date(2026, 9, 1)), [NIGHT, NIGHT + timedelta(days=30)]
    every = label(known, days, CHURN.label).to_pylist()
    some = label(known, days, CHURN.label, accounts=wanted).to_pylist()
    assert some == [row for row in every if row["account_id"] in wanted]
    assert len(every) == 10


def test_the_review_app_judges_by_the_windows_that_the_night_reported(store: Store) -> None:
    open_cases(store, 4)
    told = {"horizon": 20, "cases": 4, "settled": 4, "happened": 1, "lead_days": 9.0, "effect": "…"}
    with store.transaction() as session:
        session.get_one(NightRow, NIGHT).report = {"came_of": {"churn": told}}
    with store.reading() as session:
        horizons = {risk: came.horizon for risk, came in came_of(session).items()}
        over = judged(session, NIGHT + timedelta(days=20), None, horizons)
        early = judged(session, NIGHT + timedelta(days=19), None, horizons)
    assert [(one.risk, one.matured) for one in over] == [("churn", 4)]
    assert [one.matured for one in early] == [0]
