"""The policy of a night: rules and hypothesis are stored once a version, which ignores the hypothesis."""

from datetime import date, timedelta

from sqlalchemy import select
from support.nights.night_factory import NIGHT, NOW, RULES, accounts_of, names, scores_of, take
from support.nights.policy_factory import POLICY

from serving.nights.night_lease import Night
from serving.nights.record_night import NightRecord, record_night
from serving.policy.definition.policy_file import Policy
from serving.policy.definition.policy_schema import PolicyFile
from serving.policy.state.queue_state import Decision
from serving.store import Store
from serving.store.policy_tables import PolicyVersionRow


def record(store: Store, as_of: date, version: str, rules: PolicyFile) -> None:
    now = NOW + (as_of - NIGHT)
    night = take(store, as_of, now)
    assert isinstance(night, Night)
    content = NightRecord(Decision(as_of, version), rules, scores_of(names(2), as_of), accounts_of(names(2)), {})
    record_night(store, night, content, now=now)


def test_a_version_has_its_nights_its_rules_and_the_newest_hypothesis(store: Store) -> None:
    first = RULES.model_copy(update={"hypothesis": "Faster."})
    for day, version, rules in ((0, "a", first), (1, "a", RULES), (2, "b", RULES), (3, "a", RULES)):
        record(store, NIGHT + timedelta(days=day), version, rules)
    with store.reading() as session:
        rows = {row.version: row for row in session.scalars(select(PolicyVersionRow))}
    assert (rows["a"].first_night, rows["a"].last_night) == (NIGHT, NIGHT + timedelta(days=3))
    assert rows["a"].hypothesis == "Faster."  # a later night without one does not take it away
    assert (rows["b"].first_night, rows["b"].hypothesis) == (NIGHT + timedelta(days=2), None)
    assert PolicyFile.model_validate(rows["a"].rules).squads == RULES.squads


def test_the_hypothesis_is_no_part_of_the_version() -> None:
    plain = Policy.parse(POLICY)
    assert Policy.parse(f'hypothesis = "Calls help."\n{POLICY}').version == plain.version
    assert Policy.parse(POLICY.replace("enter = 0.5", "enter = 0.4")).version != plain.version
