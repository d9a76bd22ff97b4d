"""What came of earlier nights: right or wrong, how early, and the team beside the hold-out, by the data."""

from datetime import date, datetime, timedelta

import pyarrow as pa
import pytest
from support.nights.night_factory import NIGHT, flag_of, names, next_night, open_cases, record_of, run

from features.history.history import History
from features.labels.labels import label
from models.risks.defaults import CHURN, ESCALATION
from pipelines.monitoring.realised_outcomes import realised_outcomes
from serving.night_report.effect_text import effect_line
from serving.night_report.report_schema import NightReport, RealisedOutcomes
from serving.nights.case_updates import case_id
from serving.policy.state.case_status import Closure, ClosureCode, ClosureOutcome
from serving.policy.state.queue_state import Decision, Enrolment, Exemption, HeldOut
from serving.store import Store
from serving.store.queries import overview_queries
from serving.store.queries.overview_queries import team_outcomes
from serving.store.tables import NightRow

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
    risks = {"churn": CHURN, "escalation": ESCALATION}
    churn, escalation = realised_outcomes(store, history(date(2026, 9, 1)), risks)
    assert (churn.risk, churn.horizon_days, churn.cases, churn.settled) == ("churn", 97, 4, 4)
    assert (churn.events, churn.median_lead_days) == (1, 40.0)
    text = "Not measurable yet: no account of the nights before took part in the draw of who is held out."
    assert effect_line(churn.effect) == text
    assert (escalation.risk, escalation.horizon_days, escalation.cases) == ("escalation", 14, 0)


def test_what_is_not_over_is_not_settled(store: Store) -> None:
    open_cases(store, 4)
    (churn,) = realised_outcomes(store, history(NIGHT + timedelta(days=20)), {"churn": CHURN})
    assert (churn.cases, churn.settled, churn.median_lead_days) == (4, 0, None)


def test_cases_of_cancellations_and_lost_parts_are_counted_apart(store: Store) -> None:
    alarms = (("risk:churn",), ("cancellation", "risk:escalation"), ("partial_loss",), ("partial_loss", "risk:churn"))
    flags = [flag_of(name, alarms=codes) for name, codes in zip(IDS, alarms, strict=False)]
    closure = Closure(case_id(IDS[1], "churn", NIGHT), IDS[1], ClosureOutcome.LOST, ClosureCode.LEFT, NIGHT)
    run(store, record_of(IDS, Decision(NIGHT, "p1", flags=tuple(flags))))
    later, now = next_night()
    run(store, record_of(IDS, Decision(later, "p1", closures=(closure,))), now)
    (churn,) = realised_outcomes(store, history(date(2026, 9, 1)), {"churn": CHURN})
    assert (churn.cases, churn.settled, churn.events) == (2, 2, 1)
    assert (churn.cancellations, churn.cancellations_saved, churn.cancellations_lost) == (1, 0, 1)


def test_a_held_out_account_that_cancels_stays_in_its_group(store: Store) -> None:
    held = HeldOut(IDS[0], IDS[0], "churn", "", 0.7, 1.0)
    arms = {IDS[0]: True, IDS[1]: False}
    enrolments = tuple(
        Enrolment("s1", name, "churn", name, "", 0.2, held_out, 0.7, 1000.0, 210.0) for name, held_out in arms.items()
    )
    decision = Decision(NIGHT, "p1", flags=(flag_of(IDS[1]),), held_out=(held,), enrolments=enrolments)
    run(store, record_of(IDS, decision))
    later, now = next_night()
    exempt = (Exemption(IDS[0], "churn", "cancellation"),)
    flag = flag_of(IDS[0], as_of=later, alarms=("cancellation",))
    run(store, record_of(IDS, Decision(later, "p1", flags=(flag,), exempted=exempt)), now)
    (churn,) = realised_outcomes(store, history(date(2026, 9, 1)), {"churn": CHURN})
    assert churn.effect is not None
    assert (churn.effect.worked.accounts, churn.effect.held_out.accounts, churn.effect.held_out.events) == (1, 1, 1)


@pytest.mark.parametrize("wanted", [[], IDS[:2], [*IDS, "nobody"]])
def test_labels_of_some_accounts_are_those_rows_of_all(wanted: list[str]) -> None:
    known, days = history(date(2026, 9, 1)), [NIGHT, NIGHT + timedelta(days=30)]
    every = label(known, days, CHURN.label).to_pylist()
    some = label(known, days, CHURN.label, accounts=wanted).to_pylist()
    assert some == [row for row in every if row["account_id"] in wanted]
    assert len(every) == 10


def test_the_review_app_judges_by_the_windows_that_the_night_reported(store: Store) -> None:
    open_cases(store, 4)
    outcomes = RealisedOutcomes(
        risk="churn", horizon_days=20, cases=4, settled=4, events=1, median_lead_days=9.0, effect=None
    )
    report = NightReport(as_of=NIGHT, run_id="run", realised_outcomes=(outcomes,))
    with store.transaction() as session:
        session.get_one(NightRow, NIGHT).report = report.to_json()
    with store.reading() as session:
        horizons = {risk: row.horizon_days for risk, row in overview_queries.realised_outcomes(session).items()}
        over = team_outcomes(session, NIGHT + timedelta(days=20), None, horizons)
        early = team_outcomes(session, NIGHT + timedelta(days=19), None, horizons)
    assert [(one.risk, one.matured) for one in over] == [("churn", 4)]
    assert [one.matured for one in early] == [0]
