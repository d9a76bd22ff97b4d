"""Features on a slice of a source: leaks of every kind are found, and honest features pass."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from support.worlds.factories import Story

from features.catalogue import ExtensionFile, Feature
from features.contract import declare_tables
from features.definitions.measures import calculate
from features.engine.function_values import FunctionError
from features.frame import build
from features.history.history import History
from pipelines.extensions import (
    ACCOUNT_ID,
    ISSUED,
    KNOWN_AT,
    OPENED,
    RUNNING,
    Stream,
    Table,
    instant,
    source_checks,
    text,
)
from pipelines.extensions.rules import ExtensionError
from pipelines.extensions.source_checks import check_features_on_rows

FILE = "extensions/mine.py"
HELD = Stream("trainings", "trainings", "held_at")
CUTOFF = date(2026, 3, 1)


def feature(measure: object, name: str = "mine") -> Feature:
    file = ExtensionFile(FILE, "0" * 64)
    return Feature(name, measure, "mine", "things", f"{{{name}:num}}", extension=file)  # type: ignore[arg-type]


def story(**versions: str) -> Story:
    """Ten accounts with tickets, invoices that are paid late and contracts that end, over four months."""
    told = Story()
    for place in range(10):
        account = f"a{place}"
        told.account(account, **versions)
        for week in range(16):
            day = date(2026, 1, 1) + timedelta(days=7 * week + place % 5)
            told.ticket(account, str(day), channel="phone" if (place + week) % 3 else "web")
            told.row(
                "invoices",
                invoice_id=f"I{place}-{week}",
                account_id=account,
                issued_at=str(day),
                due_at=str(day + timedelta(days=10)),
                paid_at=str(day + timedelta(days=5 + (3 * place) % 40)),
                amount=100.0,
            )
        ended = {"ended_at": f"2026-04-{place + 1:02}"} if place % 2 else {}
        told.subscription(account, "2025-06-01", renews_at="2026-06-01", arr=1000.0, **ended)
    return told


@pytest.mark.parametrize(
    "measure",
    [
        OPENED.count(28, "channel = 'phone'"),
        OPENED.distinct("channel", 90) / OPENED.count(90),
        ISSUED.total("amount", 60),
        ISSUED.count(90, "due_at < issued_at + INTERVAL 20 DAY"),
        calculate(np.log1p, OPENED.count(90)),
    ],
)
def test_honest_features_pass(measure: object) -> None:
    check_features_on_rows(FILE, [feature(measure)], story().history())


@pytest.mark.parametrize(
    "measure",
    [
        ISSUED.count(90, "paid_at IS NOT NULL"),
        ISSUED.value("epoch(paid_at) - epoch(issued_at)"),
        RUNNING.count(where="ended_at IS NULL"),
        OPENED.count(90, "count(*) OVER (PARTITION BY account_id) > 8"),
    ],
    ids=["a later payment", "how late an invoice will be paid", "an end ahead", "a count of all rows"],
)
def test_a_feature_that_reads_how_things_ended_is_refused(measure: object) -> None:
    with pytest.raises(ExtensionError, match=r"^extensions/mine\.py breaks the rule leak: the feature mine sees "):
        check_features_on_rows(FILE, [feature(measure)], story().history())


def test_the_same_feature_is_honest_where_the_source_keeps_versions() -> None:
    told = story()
    rows = [{**row, "known_at": row["issued_at"], "paid_at": None} for row in told.rows["invoices"]]
    told.rows["invoices"] = rows + [{**row, "known_at": row["paid_at"]} for row in told.rows["invoices"]]
    check_features_on_rows(FILE, [feature(ISSUED.count(90, "paid_at IS NOT NULL"))], told.history())


@pytest.mark.usefixtures("own_contract")
def test_a_time_that_the_author_of_a_table_forgot_to_declare_is_a_leak() -> None:
    columns = (text("id", required=True), ACCOUNT_ID, instant("held_at", required=True), instant("passed_at"), KNOWN_AT)
    table = Table("trainings", title="trainings", cost="?", key=("id",), event_time="held_at", columns=columns)
    told = story()
    for place in range(10):
        for day in range(1, 28):
            passed = {"passed_at": f"2026-03-{day:02}"}
            told.row("trainings", id=f"{place}-{day}", account_id=f"a{place}", held_at=f"2026-02-{day:02}", **passed)
    declare_tables([table])
    history = told.history()
    check_features_on_rows(FILE, [feature(HELD.count(30))], history)
    with pytest.raises(ExtensionError, match="breaks the rule leak"):
        check_features_on_rows(FILE, [feature(HELD.count(30, "passed_at IS NOT NULL"))], history)


def test_functions_that_return_something_else_are_refused() -> None:
    history = story().history()
    wrong = {
        r"returned an array of shape \(2,\) for": lambda counts: np.zeros(2),
        "returned NaN or infinity for": lambda counts: np.log(counts - counts),
        "failed with ZeroDivisionError: division by zero": lambda counts: 1 / 0,
        "failed with ValueError: could not convert string to float": lambda counts: ["a"] * len(counts),
    }
    for sentence, function in wrong.items():
        with pytest.raises(ExtensionError, match=f"breaks the rule values: .*mine.*{sentence}"):
            check_features_on_rows(FILE, [feature(calculate(function, OPENED.count(90)))], history)


def test_a_function_with_a_memory_is_refused() -> None:
    calls: list[int] = []

    def counted(counts: object) -> object:
        calls.append(1)
        return np.asarray(counts) + len(calls)

    with pytest.raises(ExtensionError, match="values: the feature mine has other values when it is computed again"):
        check_features_on_rows(FILE, [feature(calculate(counted, OPENED.count(90)))], story().history())


def test_a_slow_feature_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_checks, "LONGEST_CHECK", 0.001)
    with pytest.raises(ExtensionError, match="breaks the rule time: mine: computing 30 accounts takes longer than"):
        check_features_on_rows(FILE, [feature(OPENED.count(28))], story().history())


def test_a_function_is_called_only_where_everything_is_known() -> None:
    seen: list[float] = []

    def remember(scores: object) -> object:
        seen.extend(np.asarray(scores).tolist())
        return np.asarray(scores) * 2

    history = Story().accounts("a", "b").health("a", "2026-02-01", 40).history()
    measured = feature(calculate(remember, Stream("health_scores", "health_scores", "measured_at").value("score")))
    frame = build(history, [CUTOFF], features=[measured])
    assert frame.column("mine").to_pylist() == [80.0, None] and seen == [40.0]


def test_a_failure_in_a_night_names_file_and_feature() -> None:
    only_some = feature(calculate(lambda counts: np.full(len(counts), np.inf), OPENED.count(90)))
    with pytest.raises(
        FunctionError, match=r"^extensions/mine\.py: the feature mine: its function returned NaN"
    ) as error:
        build(story().history(), [CUTOFF], features=[only_some])
    assert error.value.exit_code == 2


def test_a_source_without_rows_for_a_feature_cannot_say_anything() -> None:
    history = History.from_tables({"accounts": story().tables()["accounts"], "tickets": story().tables()["tickets"]})
    check_features_on_rows(FILE, [feature(ISSUED.count(28))], history)
    assert isinstance(build(history, [CUTOFF], features=[feature(ISSUED.count(28))]), pa.Table)
