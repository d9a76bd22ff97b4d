"""Features, labels and risks as data frames, a source as it was at a cutoff, and the search for leaks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines import assembly
from pipelines.notebook.data_frames import to_pandas
from pipelines.notebook.notebook_source import NotebookSource

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from features.history.history import History

LEAK_COLUMNS = ("feature", "change", "cutoff", "account_id", "before", "after")


def risk_table(source: NotebookSource) -> pd.DataFrame:
    """One row a risk: its title, the event in words, horizon and lead in days, and the team's capacity."""
    import pandas as pd

    from models.reports.report_pages import describe_event

    rows = [
        {
            "risk": name,
            "title": risk.title,
            "event": describe_event(risk),
            "horizon": risk.label.horizon,
            "lead": risk.label.lead,
            "capacity": risk.capacity,
        }
        for name, risk in source.risks().items()
    ]
    return pd.DataFrame(rows).set_index("risk")


def feature_table(source: NotebookSource) -> pd.DataFrame:
    """One row a feature that the settings ask for: its group, its meaning and its unit."""
    import pandas as pd

    rows = [
        {"feature": feature.name, "group": feature.group, "unit": feature.unit, "meaning": feature.meaning}
        for feature in assembly.all_features(source.settings)
    ]
    return pd.DataFrame(rows).set_index("feature")


def feature_frame(source: NotebookSource, days: Sequence[date], features: Collection[str] | None) -> pd.DataFrame:
    """The features of every account at these days; the columns in the order in which they were asked for."""
    frame = source.frame(days, features)
    return to_pandas(frame if features is None else frame.select(["account_id", "as_of", *features]))


def label_table(source: NotebookSource, risk: str, days: Sequence[date]) -> pd.DataFrame:
    """The label of every eligible account at these days, by default at the cutoffs that a training would use."""
    from features.labels.labels import label
    from pipelines.training.training_data import training_cutoffs

    rule = source.risk(risk).label
    chosen = source.known_days(days, within_data=True) or training_cutoffs(source.history, source.history.until)
    return to_pandas(
        label(source.history, chosen, rule).select(["account_id", "as_of", "event", "unknown", "event_at"])
    )


def cut_source(source: NotebookSource, cutoff: date) -> NotebookSource:
    """The same source with only what was known before ``cutoff``: every other row is gone, in memory."""
    from features.history.history import History

    source.known_days([cutoff])
    history = source.history
    tables = {name: _known_rows(history, name, cutoff) for name in sorted(history.present)}
    validation = replace(source.fit.validation, history=History.from_tables(tables))
    return replace(source, validated=replace(source.fit, validation=validation), frames={})


def _known_rows(history: History, table: str, cutoff: date) -> pa.Table:
    """Every version of a table's rows that was known before the cutoff, without times that lie after it."""
    from features.contract import TABLES
    from features.history.versions import date_literal, known_day

    contract, day = TABLES[table], date_literal(cutoff)
    hidden = () if table in history.versioned else set(contract.future_times) - set(contract.scheduled)
    columns = ", ".join(
        f'CASE WHEN "{name}" < {day} THEN "{name}" END AS "{name}"' if name in hidden else f'"{name}"'
        for name in contract.names
        if name in history.columns[table]
    )
    return history.query(f"SELECT {columns} FROM {table} WHERE {known_day(contract)} < {day}")


def leak_table(source: NotebookSource, days: Sequence[date], accounts: int) -> pd.DataFrame:
    """Every feature whose value at one of these days changes with the future of some accounts."""
    import pandas as pd

    from features.leakage import find_leaks, find_values_of_today

    span = (source.history.until - source.history.first).days
    chosen = source.known_days(days, within_data=True) or [source.history.first + timedelta(days=span // 2)]
    with source.steps.step("leaks", f"Changing the future of {accounts} accounts"):
        tables, features = _tables(source.history, accounts), assembly.all_features(source.settings)
        leaks = find_leaks(tables, features, chosen) + find_values_of_today(tables, features, chosen)
    return pd.DataFrame([vars(leak) for leak in leaks], columns=list(LEAK_COLUMNS))


def simulate_source(folder: Path, accounts: int, months: int, **settings: Any) -> Path:
    """A simulated company in a new folder."""
    from pipelines.simulator import SimulatorSettings, simulate_world

    simulate_world(SimulatorSettings(accounts=accounts, months=months, **settings), folder)
    return folder


def _tables(history: History, accounts: int) -> dict[str, pa.Table]:
    """The accepted rows of the first accounts, in all their versions, by table."""
    from features.contract import TABLES

    chosen = history.accounts.to_pylist()[:accounts]
    own = "account_id IN (SELECT unnest(CAST(? AS VARCHAR[])))"
    tables = {}
    for name in sorted(history.present):
        contract = TABLES[name]
        columns = ", ".join(f'"{column}"' for column in contract.names if column in history.columns[name])
        wanted = own if "account_id" in contract.names else f"ticket_id IN (SELECT ticket_id FROM tickets WHERE {own})"
        tables[name] = history.query(f"SELECT {columns} FROM {name} WHERE {wanted}", [chosen])
    return tables
