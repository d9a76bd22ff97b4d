"""Money of two currencies becomes comparable with the rates of the settings, and unknown without one."""

from datetime import date

from support.worlds.factories import Story

from features.succession.succession import succession_at
from pipelines.setting_sections.currency_settings import CurrencySettings
from pipelines.sources.currency_conversion import convert_currencies

NIGHT = date(2026, 3, 1)
EUR = CurrencySettings(code="EUR", rates={"USD": 0.5})


def story() -> Story:
    story = Story().accounts("euro", "dollar", "franc", "none")
    for account, currency in (("euro", "EUR"), ("dollar", "usd"), ("franc", "CHF"), ("none", None)):
        story.subscription(account, "2025-01-01", arr=100.0, currency=currency)
    return story


def revenue(setting: CurrencySettings | None) -> tuple[dict[str, tuple[float | None, str | None]], tuple[str, ...]]:
    history = story().history()
    without_rate = convert_currencies(history, setting)
    rows = succession_at(history, NIGHT).to_pylist()
    return {row["account_id"]: (row["revenue"], row["currency"]) for row in rows}, without_rate


def test_amounts_are_converted_and_unknown_without_a_rate() -> None:
    assert revenue(EUR) == (
        {"dollar": (50.0, "EUR"), "euro": (100.0, "EUR"), "franc": (None, "CHF"), "none": (100.0, "EUR")},
        ("CHF",),
    )


def test_without_the_setting_amounts_stay_as_they_are() -> None:
    shown, without_rate = revenue(None)
    assert (shown["dollar"], shown["none"]) == ((100.0, "usd"), (100.0, None))
    assert without_rate == ("EUR", "USD")


def test_invoices_are_converted_too() -> None:
    history = Story().account("A").invoice("A", "2026-02-01", 8.0, currency="USD").history()
    convert_currencies(history, EUR)
    assert history.query("SELECT amount, currency FROM invoices").to_pylist() == [{"amount": 4.0, "currency": "EUR"}]
