"""Invalid settings are refused before anything is read, in one sentence."""

from datetime import date
from pathlib import Path

import pytest

from features.errors import UsageError
from features.validation.rules import Rule
from pipelines import settings


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"memory": "4potatoes"}, "'4potatoes' is no size of memory"),
        ({"memory": "1MiB"}, "'1MiB' is too little memory: 512MiB is the least"),
        ({"engine": "sprak"}, "The setting engine cannot be 'sprak'; did you mean 'spark'"),
        ({"tolerance": 2}, r"The setting tolerance.default must be a share from 0 to 1, not 2\.0"),
        (
            {"tolerance": {"invoises": 0.1}},
            "'invoises' is neither a table nor a rule; did you mean 'invoices'",
        ),
        ({"timezone": "Europe/Berln"}, "The setting timezone cannot be 'Europe/Berln'; did you mean 'Europe/Berlin'"),
        ({"stale_after": -1}, "The setting stale_after has to be at least 0, not -1"),
        ({"stale_after": "many"}, "The setting stale_after has to be a whole number, not 'many'"),
        ({"stale_after": 1.5}, "The setting stale_after has to be a whole number, not 1.5"),
        ({"currency": {"code": "EUR", "rates": {"USD": "x"}}}, "currency.rates.USD has to be a number, not 'x'"),
        ({"stale_afer": 1}, "There is no setting stale_afer; did you mean 'stale_after'"),
        ({"words": {"priorty": {}}}, r"There is no section \[words.priorty\]; did you mean 'priority'"),
        ({"words": {"priority": {"Panic": "urgnt"}}}, "cannot mean 'urgnt'; did you mean 'urgent'"),
        ({"currency": {"code": "EUR", "rate": {}}}, "There is no setting currency.rate; did you mean 'rates'"),
        ({"currency": "Euro"}, "The setting currency.code has to be a code of three capital letters, such as EUR"),
        ({"home": 3}, "The setting home has to be a path, written as a text, not 3"),
        (
            {"currency": {"code": "EUR", "rates": {"USD": 0}}},
            "The setting currency.rates.USD has to be more than 0, not 0",
        ),
        (
            {"risks": {"late": {"kind": "overdu", "horizon": 60, "dayz": 3, "activ": 9}}},
            "The risk late has no kind 'overdu'; did you mean 'overdue'.* no setting 'dayz'; did you mean 'days'"
            ".* no setting 'activ'; did you mean 'active'",
        ),
        ({"risks": {"late": {"kind": "overdue", "horizon": 60, "share": 1}}}, "of kind overdue has no setting 'share'"),
        ({"risks": {"late": {"horzon": 60}}}, "The risk late has no setting 'horzon'; did you mean 'horizon'"),
        ({"risks": {"late": {"kind": "overdue", "horizon": "soon"}}}, "The risk late needs whole days"),
        ({"risks": {"less": {"kind": "decrease", "horizon": 9, "share": 2}}}, "The share of the risk less is 2"),
        ({"databse": "x"}, "There is no setting databse; did you mean 'database'"),
    ],
)
def test_an_invalid_setting_is_named(given: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        settings.load(**given)


def test_a_mistake_in_a_risk_names_the_file_and_every_wrong_word(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "rescue.toml"
    file.write_text('[risks.late]\nkind = "overdue"\nhorizon = 60\ndayz = 3\n')
    monkeypatch.setenv("RESCUE_CONFIG", str(file))
    with pytest.raises(UsageError, match=r"rescue\.toml: The risk late of kind overdue has no setting 'dayz'") as found:
        settings.load()
    assert found.value.exit_code == 2


def test_a_risk_whose_kind_the_mapping_or_an_extension_gives_is_accepted() -> None:
    given = {"paid_late": {"days": 3, "learner": "own"}, "trainings": {"kind": "event", "table": "own", "horizon": 9}}
    assert settings.load(risks=given).risks == given


def test_the_environment_is_checked_in_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESCUE_MEMORY", "much")
    with pytest.raises(UsageError, match="'much' is no size of memory"):
        settings.load()


def test_money_and_limits_are_read_from_the_file_and_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "rescue.toml"
    file.write_text(
        'timezone = "Europe/Berlin"\ncompetitors = ["Acme"]\nno_dates = [2999-01-01]\n[tolerance]\ninvoices = 0.2\n'
        'default = 0.1\n[tolerance.tickets]\nunknown_account = 0.4\n[currency]\ncode = "EUR"\n'
        "[currency.rates]\nUSD = 0.9\n"
    )
    monkeypatch.setenv("RESCUE_CONFIG", str(file))
    loaded = settings.load()
    assert (loaded.timezone, loaded.stale_after, loaded.competitors) == ("Europe/Berlin", 3, ("Acme",))
    assert loaded.no_dates == (date(2999, 1, 1),)
    limits = loaded.row_tolerance
    assert (limits.default, limits.of_table("invoices"), limits.of_table("usage_daily")) == (0.1, 0.2, 0.1)
    assert limits.of_rule("tickets", Rule.UNKNOWN_ACCOUNT) == 0.4
    assert loaded.currency is not None
    assert [loaded.currency.rate_of(code) for code in (None, "EUR", "usd", "CHF")] == [1.0, 1.0, 0.9, None]
    monkeypatch.setenv("RESCUE_CURRENCY", "CHF")
    currency = settings.load().currency
    assert currency is not None
    assert currency.code == "CHF"
