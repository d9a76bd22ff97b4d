"""The sentences about an uplift model: whether it is used, why, and what it would take."""

from datetime import date

import pytest

from serving.night_report.effect_report import DifferenceReport
from serving.night_report.uplift_report import UpliftCode, UpliftReport
from serving.night_report.uplift_text import uplift_details, uplift_line


def report(code: UpliftCode, **changes: object) -> UpliftReport:
    facts: dict[str, object] = {
        "risk": "churn",
        "code": code,
        "version": "3",
        "until": date(2026, 7, 1),
        "worked": 1200,
        "held_out": 310,
        "lead": DifferenceReport(value=1.84, low=0.2, high=3.4),
        "detectable": 2.3,
        "accounts_needed": 2500,
        "columns": {"usage_recency_days": 0.05, "segment = small": -0.02, "tickets_open": 0.01, "seats": 0.01},
    }
    return UpliftReport.model_validate({**facts, **changes})


PLAIN = "so the priority uses plain risk (probability × save rate)"


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            report("better"),
            "Ranking by uplift is better than by risk: of 100 accounts, 1.8 more events are prevented (95% interval "
            "+0.2 to +3.4; 1,200 selected and 310 held-out accounts, known before 1 Jul 2026).",
        ),
        (
            report("not_better", lead=DifferenceReport(value=-0.4, low=-1.3, high=0.5)),
            "Ranking by uplift is not shown to be better than by risk: of 100 accounts, 0.4 fewer events are prevented "
            "(95% interval -1.3 to +0.5; 1,200 selected and 310 held-out accounts, known before 1 Jul 2026), "
            f"{PLAIN}.",
        ),
        (
            report("same_for_all"),
            f"1,200 selected and 310 held-out accounts do not show whom a rescue helps more than others, {PLAIN}.",
        ),
        (
            UpliftReport(risk="churn", code="too_few_units", worked=70, held_out=12, needed=50, needed_events=10),
            "An uplift model needs 50 settled accounts and 10 events in each group, and 70 selected and 12 held-out "
            f"accounts are settled, {PLAIN}.",
        ),
        (
            UpliftReport(risk="churn", code="no_model"),
            f"There is no uplift model yet (`rescue train --uplift`), {PLAIN}.",
        ),
        (
            UpliftReport(risk="churn", code="unavailable", text="The file was altered."),
            f"The uplift model cannot be used, {PLAIN}: The file was altered.",
        ),
    ],
)
def test_every_verdict_is_one_sentence(found: UpliftReport, sentence: str) -> None:
    assert uplift_line(found) == sentence


def test_details_name_what_the_effect_depends_on_and_what_is_missing() -> None:
    assert uplift_details(report("better", text="Version 3, the last one verified here, is used.")) == (
        "The effect of a rescue depends on days since the last use (+), customer segment = small (−), tickets open now "
        "(+) and 1 more. Version 3, the last one verified here, is used."
    )
    assert uplift_details(report("not_better")).endswith(
        "So many accounts show a lead of 2.3 events or more with a probability of 80%. The present lead needs 2,500 "
        "settled accounts."
    )
    assert uplift_details(UpliftReport(risk="churn", code="no_model")) == ""
