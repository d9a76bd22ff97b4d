"""The entries of the contract fit together, and are all that a module needs to know of a table."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from features.contract import TABLES, Column, ColumnType, Table

DESIGN = {
    "accounts": "account_id* parent_id type name segment industry region owner source record_id url created_at* "
    "known_at",
    "subscriptions": "subscription_id* account_id* plan seats arr currency replaces product auto_renew started_at* "
    "renews_at ended_at source record_id url known_at",
    "health_scores": "account_id* measured_at* score* source record_id url known_at",
    "metrics": "account_id* metric* measured_at* value* source known_at",
    "tickets": "ticket_id* account_id* opened_at* channel category priority group subject body merged_into source "
    "record_id url known_at",
    "ticket_events": "ticket_id* occurred_at* kind* value actor group event_id known_at",
    "usage_daily": "account_id* day* feature* user_id events* users minutes known_at",
    "invoices": "invoice_id* account_id* issued_at* due_at paid_at amount* currency status source record_id url "
    "known_at",
    "contacts": "contact_id* account_id* name role email phone left_at known_at",
    "links": "account_id* system* external_id url known_at",
    "outcomes": "account_id* risk* action* verdict decided_at* holdout draw_probability draw known_at",
}
"""The columns by table, required ones with a star."""

KEYS = {"health_scores": "account_id measured_at source", "metrics": "account_id metric measured_at source"}


@pytest.mark.parametrize("name", DESIGN)
def test_a_table_has_the_columns_of_the_design(name: str) -> None:
    columns = " ".join(f"{column.name}{'*' if column.required else ''}" for column in TABLES[name].columns)
    assert columns == DESIGN[name]


def test_there_are_no_other_tables() -> None:
    assert set(TABLES) == set(DESIGN)


@pytest.mark.parametrize("name", KEYS)
def test_two_sources_may_measure_at_one_instant(name: str) -> None:
    assert TABLES[name].key == tuple(KEYS[name].split())


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_an_entry_is_consistent(table: Table) -> None:
    named = [*table.key, *table.future_times, *table.scheduled, *([table.own_id] if table.own_id else [])]
    named += [column for period in table.periods for column in (period.start, period.end)]
    named += [table.event_time] if table.event_time else []
    assert set(named) <= set(table.names)
    assert set(table.scheduled) <= set(table.future_times)
    assert "known_at" in table.names
    assert table.title and table.cost
    assert table.parent is None or table.parent.column in table.required
    assert not table.starts_observation or table.event_time


def test_a_table_comes_after_its_parent() -> None:
    names = list(TABLES)
    parents = [(name, table.parent.table) for name, table in TABLES.items() if table.parent]
    assert all(names.index(parent) < names.index(name) for name, parent in parents)


def test_only_accounts_belong_to_nothing() -> None:
    assert [table.name for table in TABLES.values() if table.parent is None] == ["accounts"]


def test_what_happens_on_a_day_is_known_when_it_is_over() -> None:
    assert [table.name for table in TABLES.values() if table.by_day] == ["usage_daily"]


def test_a_column_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match="accounts has no column 'arr'"):
        TABLES["accounts"].column("arr")
    assert TABLES["accounts"].column("industry") == Column("industry", ColumnType.TEXT)


def test_importing_the_contract_is_cheap() -> None:
    heavy = "duckdb", "pandas", "numpy", "pyarrow"
    code = f"import sys, features.contract; sys.exit(sum(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def table_names(node: ast.AST) -> set[object]:
    """The names of tables that are elements or keys of a literal."""
    parts = node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else []
    parts = node.keys if isinstance(node, ast.Dict) else parts
    return {part.value for part in parts if isinstance(part, ast.Constant) and part.value in TABLES}


def test_no_module_lists_tables_beside_the_contract(root: Path) -> None:
    """Three names of tables in one literal are a property of tables that is declared elsewhere."""
    allowed = (
        "features/contract/",
        "pipelines/simulator/",
        "serving/nights/person_handoff.py",  # there they are fields of a hand-off
    )
    listed = [
        f"{path.relative_to(root)}:{node.lineno}"
        for package in ("features", "models", "serving", "pipelines")
        for path in (root / package).rglob("*.py")
        if not str(path.relative_to(root)).startswith(allowed)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if len(table_names(node)) > 2
    ]
    assert listed == []
