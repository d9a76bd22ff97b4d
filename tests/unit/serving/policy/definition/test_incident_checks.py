"""``[incidents.NAME]``: each mistake is one sentence with its line and the nearest name; its words; its version."""

import pytest
from support.nights.policy_factory import policy

from serving.policy.definition.explanation import explain
from serving.policy.definition.policy_file import PolicyError

INCIDENT = """
[incidents.checkout]
when = "kind = 'checkout.failed'"
count = 20
within = "15 minutes"
by = "product"
severity = "high"
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('severity = "high"', 'severity = "hihg"', "there is no severity 'hihg': did you mean 'high'"),
        ('severity = "high"', 'severity = "high"\npath = "outage"', "there is no path 'outage'"),
        ('severity = "high"', 'severity = "high"\nsquad = "kare"', "there is no squad 'kare': did you mean 'care'"),
        ('severity = "high"', 'severity = "high"\nquiet = "5 minutes"', "quiet = 5 minutes has to be at least within"),
        (
            'severity = "high"',
            'severity = "high"\ndistinct = "usr"',
            "no field 'usr' to count the values of: did you mean",
        ),
        ('severity = "high"', 'severty = "high"', "severty is not a known key: did you mean 'severity'"),
        ('severity = "high"', 'severity = "high"\nusers = 0', "users has to be a whole number, at least 1, not 0"),
        ("count = 20", "count = 0", "count has to be at least 1: an incident needs a signal"),
        ('by = "product"', 'by = "prodct"', "no field 'prodct' to group them by: did you mean 'product'"),
        ('by = "product"', 'by = "message"', "no field 'message' to group them by"),
        ("kind =", "knd =", "names the unknown column knd; did you mean kind"),
        ("kind =", "probability_churn =", "the fields of a signal are source, kind"),
        ('"15 minutes"', '"2 working days"', "within cannot be working time"),
        ('"15 minutes"', '"15 minuten"', "did you mean 'minutes'"),
    ],
)
def test_a_mistake_is_one_sentence_with_the_nearest_name(old: str, new: str, message: str) -> None:
    assert old in INCIDENT
    with pytest.raises(PolicyError) as refused:
        policy(INCIDENT.replace(old, new))
    assert message in refused.value.problems[0]
    assert refused.value.problems[0].startswith("policy, line ")


def test_an_incident_in_words() -> None:
    text = explain(policy(INCIDENT))
    assert (
        "Checkout: 20 signals with the same product within 15 minutes where kind = 'checkout.failed'; severity high, "
        "squad care. It ends by itself 30 minutes after its last signal, and signals that come back within 24 hours "
        "open it"
    ) in text
    assert "Incidents" not in explain(policy())


def test_a_policy_without_incidents_keeps_its_version() -> None:
    assert "incidents" not in policy().rules.content()
    assert policy(INCIDENT).version != policy().version
