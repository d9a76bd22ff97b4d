"""The succession of contracts equals the plain reading of its rules, on histories that nobody would draw."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.labels.contract_oracle import Book, Version, details
from support.worlds.factories import TYPES

from features.contract import TABLES
from features.history.history import History
from features.labels.labels import LabelRule, eligibility
from features.succession.succession import FEW_CUTOFFS, succession_at

START = datetime.fromisoformat("2025-01-01")
SPAN = 120
GRACE = 30
GROUP = {"a": "g", "b": "g", "c": "c"}
NAMES = ("a0", "a1", "a2", "b0", "b1", "c0", "c1")
CHURN = LabelRule("churn", "contract", horizon=14)
ESCALATION = LabelRule("escalation", "event", horizon=14, table="tickets", where="priority = 'high'")

days = st.one_of(st.integers(0, SPAN), st.sampled_from([0, 29, 30, 31, 60, 90]))
instants = st.builds(lambda day, hour: START + timedelta(days=day, hours=hour), days, st.sampled_from([0, 0, 9]))
cutoffs = st.integers(1, SPAN + 60).map(lambda day: (START + timedelta(days=day)).date())

many_cutoffs = st.lists(cutoffs, min_size=FEW_CUTOFFS + 1, max_size=9, unique=True)


@st.composite
def contracts(draw: st.DrawFn) -> list[Version]:
    """Some contracts of three accounts, two of which are a group, each learned in up to three versions."""
    versions = []
    for name in draw(st.sets(st.sampled_from(NAMES))):
        started = draw(instants)
        for lag in sorted(draw(st.sets(st.sampled_from([-20, 0, 10, 30, 45, 61]), min_size=1, max_size=3))):
            ended = draw(st.none() | st.integers(0, 90).map(lambda day, started=started: started + timedelta(day)))
            renews = draw(st.none() | st.integers(0, 90).map(lambda day, started=started: started + timedelta(day)))
            versions.append(
                Version(
                    name,
                    started + timedelta(days=lag),
                    started,
                    ended,
                    account=name[0],
                    replaces=draw(st.sampled_from((None, None, None, *NAMES))),
                    renews=renews,
                    arr=draw(st.sampled_from([None, 100.0, 0.0, 33.3])),
                )
            )
    return versions


def history(versions: list[Version], *, current_state: bool = False) -> History:
    rows = [
        {
            "subscription_id": it.subscription,
            "account_id": it.account,
            "arr": it.arr,
            "replaces": it.replaces,
            "started_at": it.started,
            "renews_at": it.renews,
            "ended_at": it.ended,
            "known_at": it.known,
        }
        for it in versions
    ]
    accounts: list[dict[str, Any]] = [
        {"account_id": name, "parent_id": group, "created_at": START - timedelta(days=99)}
        for name, group in GROUP.items()
    ]
    without = {"known_at"} if current_state else set()
    return History.from_tables(
        {
            "accounts": as_table("accounts", accounts, {"known_at"}),
            "subscriptions": as_table("subscriptions", rows, without),
        }
    )


def as_table(name: str, rows: list[dict[str, Any]], without: set[str]) -> pa.Table:
    fields = [
        pa.field(column.name, TYPES[column.kind]) for column in TABLES[name].columns if column.name not in without
    ]
    return pa.Table.from_pylist(rows, pa.schema(fields))


def as_it_ended(versions: list[Version]) -> list[Version]:
    """The newest version of each contract: the source of the current state."""
    return list({it.subscription: it for it in sorted(versions, key=lambda it: it.known)}.values())


def as_it_was_learned(versions: list[Version]) -> list[Version]:
    """What can be known of a source of the current state: a start when it comes, and an end when it comes."""
    opened = [replace(it, known=it.started, ended=None) for it in versions]
    return [*opened, *(replace(it, known=it.ended) for it in versions if it.ended)]


def check(found: History, versions: list[Version], cutoff: date) -> None:
    rows = {row["account_id"]: row for row in succession_at(found, cutoff).to_pylist()}
    for name in GROUP:
        book = Book(versions, name, datetime.combine(cutoff, datetime.min.time()), GRACE, GROUP)
        expected = details(book)
        del expected["first_end"]
        answer = {key: rows[name][key] for key in expected}
        assert answer.pop("ending_subscriptions") == expected.pop("ending_subscriptions")
        assert answer == pytest.approx(expected)


@settings(max_examples=60, deadline=None)
@given(contracts(), cutoffs)
def test_succession_is_the_plain_reading_of_the_rules(versions: list[Version], cutoff: date) -> None:
    check(history(versions), versions, cutoff)


@settings(max_examples=40, deadline=None)
@given(contracts(), cutoffs)
def test_a_source_of_the_current_state_knows_an_end_when_it_comes(versions: list[Version], cutoff: date) -> None:
    ended = as_it_ended(versions)
    check(history(ended, current_state=True), as_it_was_learned(ended), cutoff)


@settings(max_examples=30, deadline=None)
@given(
    contracts(),
    st.lists(cutoffs, min_size=FEW_CUTOFFS + 1, max_size=9, unique=True),
    st.sampled_from([CHURN, ESCALATION]),
)
def test_a_night_and_a_training_run_agree_on_who_is_eligible(
    versions: list[Version], asked: list[date], rule: LabelRule
) -> None:
    found = history(versions)
    together = eligibility(found, asked, rule)
    alone = pa.concat_tables([eligibility(found, [day], rule) for day in sorted(asked)])
    assert alone.equals(together)
