"""Money in one currency: amounts of a source converted with the rates of the settings.

Amounts in two currencies cannot be compared, and features, priorities and pages all compare them. So the tables with
money are converted once, right after validation, and nothing above knows of rates. An amount in a currency without a
rate is unknown and keeps its currency. Without the setting, every amount stays as it is.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from features.contract import TABLES
from pipelines.setting_sections.currency_settings import CurrencySettings

if TYPE_CHECKING:
    from features.history.history import History

MONEY_COLUMNS = ("arr", "amount")
"""The columns that hold money, in the tables that have a currency."""


def convert_currencies(history: History, setting: CurrencySettings | None) -> tuple[str, ...]:
    """Bring the money of a history into the currency of the settings; returns the currencies that have no rate."""
    rows: Counter[str] = Counter()
    for name, table in TABLES.items():
        if name not in history.present or "currency" not in table.names:
            continue
        used = history.query(f"SELECT upper(currency) AS code, count(*) AS rows FROM {name} GROUP BY ALL ORDER BY code")
        counts = {row["code"]: row["rows"] for row in used.to_pylist() if row["code"]}
        rows.update(counts)
        if setting is not None:
            _convert(
                history, name, [column for column in MONEY_COLUMNS if column in table.names], setting, list(counts)
            )
    if setting is None:
        return tuple(sorted(code for code, _ in rows.most_common()[1:]))
    return tuple(sorted(code for code in rows if setting.rate_of(code) is None))


def _convert(history: History, name: str, columns: list[str], setting: CurrencySettings, codes: list[str]) -> None:
    """Replace a relation by a view in which money is in the setting's currency."""
    rates = {code: setting.rate_of(code) for code in codes}
    whens = " ".join(f"WHEN '{code}' THEN {rate!r}" for code, rate in rates.items() if rate is not None)
    rate = f"CASE upper(coalesce(currency, '{setting.code}')) WHEN '{setting.code}' THEN 1.0 {whens} END"
    money = ", ".join(f"{column} * ({rate}) AS {column}" for column in columns)
    code = f"CASE WHEN ({rate}) IS NULL THEN currency ELSE '{setting.code}' END AS currency"
    history.replace_columns(name, f"{money}, {code}")
