"""Values are recognised however a vendor's system or a company writes them."""

import pytest

from features.contract.vocabularies import (
    ACCOUNT_TYPES,
    ACTORS,
    CURRENCIES,
    EVENT_KINDS,
    INVOICE_STATES,
    PRIORITIES,
    RATINGS,
    STATUSES,
    VOCABULARIES,
)
from features.contract.vocabulary import Vocabulary, normal_form


@pytest.mark.parametrize(
    ("vocabulary", "value", "word"),
    [
        (PRIORITIES, "Blocker", "urgent"),
        (PRIORITIES, "Sev 1", "urgent"),
        (PRIORITIES, "SEV-2: outage", "high"),
        (PRIORITIES, "P1 - Critical", "urgent"),
        (PRIORITIES, "3 - Moderate", "normal"),
        (PRIORITIES, "P4", "low"),
        (PRIORITIES, " Élevée ", "high"),
        (EVENT_KINDS, "Ticket Solved", "solved"),
        (EVENT_KINDS, "SLA Breach", "sla_breached"),
        (EVENT_KINDS, "Re-opened", "reopened"),
        (EVENT_KINDS, "Gelöst", "solved"),
        (ACTORS, "end-user", "customer"),
        (ACTORS, "Admin", "agent"),
        (STATUSES, "Closed", "closed"),
        (STATUSES, "On-hold", "on_hold"),
        (STATUSES, "Waiting for customer", "pending"),
        (RATINGS, "Good", "5"),
        (RATINGS, "bad", "1"),
        (ACCOUNT_TYPES, "Customer - Direct", "customer"),
        (ACCOUNT_TYPES, "Free Trial", "trial"),
        (INVOICE_STATES, "Past due", "open"),
        (INVOICE_STATES, "Cancelled", "void"),
        (CURRENCIES, "eur", "EUR"),
        (CURRENCIES, "€", "EUR"),
        (CURRENCIES, "US$", "USD"),
    ],
)
def test_synonyms_of_common_systems_are_understood(vocabulary: Vocabulary, value: str, word: str) -> None:
    assert vocabulary.read(value) == word


def test_a_value_that_is_not_understood_keeps_its_own_word() -> None:
    assert PRIORITIES.read(" Panic ") == "panic"
    assert CURRENCIES.read("xau") == "XAU"
    assert RATINGS.read("4.5") == "4.5"


def test_a_companys_own_words_win_over_synonyms() -> None:
    own = PRIORITIES.with_words({"Panic!": "urgent", "Critical": "high"})
    assert [own.read(value) for value in ("PANIC", "critical", "blocker")] == ["urgent", "high", "urgent"]


def test_the_nearest_word_is_near() -> None:
    assert PRIORITIES.nearest("urgnt") == "urgent"
    assert INVOICE_STATES.nearest("Opne") == "open"
    assert PRIORITIES.nearest("panic") is None


@pytest.mark.parametrize(
    ("vocabulary", "value", "meaning"),
    [
        (EVENT_KINDS, "eskaliret", "escalated"),
        (EVENT_KINDS, "satisfaction ratings", "csat"),
        (EVENT_KINDS, "created", None),  # alike "rated", and no rating
        (EVENT_KINDS, "unresolved", None),
        (EVENT_KINDS, "cloned", None),
        (INVOICE_STATES, "created", None),  # alike "credited"
        (ACCOUNT_TYPES, "custom", None),
        (ACCOUNT_TYPES, "custmer", "customer"),
    ],
)
def test_a_meaning_is_proposed_only_for_a_misspelled_word(
    vocabulary: Vocabulary, value: str, meaning: str | None
) -> None:
    assert vocabulary.nearest(value) == meaning


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda vocabulary: vocabulary.name)
def test_a_synonym_has_one_meaning_and_is_in_normal_form(vocabulary: Vocabulary) -> None:
    synonyms = [synonym for word, others in vocabulary.synonyms.items() for synonym in (normal_form(word), *others)]
    assert len(synonyms) == len(set(synonyms))
    assert [normal_form(synonym) for synonym in synonyms] == synonyms
    assert all(vocabulary.read(word) == word for word in vocabulary.words)
