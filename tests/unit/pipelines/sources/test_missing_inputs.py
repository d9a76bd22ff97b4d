"""An export that a mapping reads and that is gone is a problem of the data where earlier nights had it."""

from pathlib import Path

import pytest

from features.errors import DataGateError, UsageError
from pipelines.settings import Settings
from pipelines.sources.validated_source import validate_source


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A source without the table that the query of invoices reads."""
    source, mapping = tmp_path / "source", tmp_path / "mapping"
    source.mkdir()
    mapping.mkdir()
    (source / "firms.csv").write_text("id,since\nA1,2025-01-01\n", "utf-8")
    (mapping / "accounts.sql").write_text('SELECT "id" AS account_id, "since" AS created_at FROM firms', "utf-8")
    bills = 'SELECT "id" AS invoice_id, "firm" AS account_id, "day" AS issued_at, "sum" AS amount FROM bills'
    (mapping / "invoices.sql").write_text(bills, "utf-8")
    return Settings(data=str(source), mapping=mapping, home=tmp_path / "home")


def test_a_new_mapping_that_reads_no_table_is_wrong_usage(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the source has no table 'bills'"):
        validate_source(settings, tmp_path / "scratch", [{"accounts": 1}])


def test_an_export_that_is_gone_stops_the_night_as_data(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(DataGateError, match=r"no table 'bills'.*remove the query invoices.sql and accept it .* = 0\."):
        validate_source(settings, tmp_path / "scratch", [{"accounts": 1, "invoices": 9}])
