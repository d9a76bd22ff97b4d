"""The setting ``spark_tables``: what each place means, and which mistakes are refused before a cluster is started."""

from pathlib import Path

import pytest

from features.errors import UsageError
from pipelines import settings as configuration
from pipelines.sources.base import stage_for_cluster
from pipelines.sources.lakes.cluster_source import cluster_table, open_cluster_source
from pipelines.sources.named.open_sources import open_configured_source


@pytest.mark.parametrize(
    ("given", "place", "kind"),
    [
        ("main.crm.accounts", "main.crm.accounts", ""),
        ("accounts", "accounts", ""),
        ("delta:s3a://lake/tickets", "s3a://lake/tickets", "delta"),
        ("delta:/lake/tickets", "/lake/tickets", "delta"),
        ("parquet:/lake/usage", "/lake/usage", "parquet"),
        ("/lake/usage", "/lake/usage", "parquet"),
        ("abfss://lake@x.dfs.core.windows.net/usage", "abfss://lake@x.dfs.core.windows.net/usage", "parquet"),
    ],
)
def test_what_a_place_means(given: str, place: str, kind: str, tmp_path: Path) -> None:
    found = cluster_table(given, tmp_path)
    assert (found.place, found.format, found.files is not None) == (place, kind, kind == "delta" and "://" not in place)


def test_a_folder_with_a_log_is_a_delta_table(tmp_path: Path) -> None:
    (tmp_path / "tickets" / "_delta_log").mkdir(parents=True)
    assert cluster_table(str(tmp_path / "tickets"), tmp_path).format == "delta"
    assert cluster_table("tickets.parquet", tmp_path).format == "parquet"


def test_the_tables_are_named_and_nothing_is_read(tmp_path: Path) -> None:
    given = {"accounts": "main.crm.accounts", "tickets": "/lake/tickets"}
    settings = configuration.load(engine="spark", spark_tables=given, home=tmp_path)
    source = open_configured_source(settings)
    assert source.tables() == ("accounts", "tickets")
    assert (source.title, source.name) == ("crm", "accounts (main.crm.accounts), tickets (/lake/tickets)")
    assert settings.source_text == "accounts (main.crm.accounts) and tickets (/lake/tickets)"
    more = settings.model_copy(update={"spark_tables": {**given, "usage_daily": "/lake/usage"}})
    assert more.source_text == "accounts (main.crm.accounts) and 2 more tables"
    staged = stage_for_cluster(source, source.tables(), tmp_path)
    assert [(table.name, table.label, table.files) for table in staged] == [
        ("accounts", "main.crm.accounts", ()),
        ("tickets", "/lake/tickets", ()),
    ]


def test_a_source_on_the_command_line_wins_and_two_in_a_file_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "rescue.toml"
    monkeypatch.setenv("RESCUE_CONFIG", str(file))
    file.write_text('[spark_tables]\naccounts = "main.crm.accounts"\n', encoding="utf-8")
    assert configuration.load(data="elsewhere").source_text == "elsewhere"
    file.write_text('data = "here"\n[spark_tables]\naccounts = "main.crm.accounts"\n', encoding="utf-8")
    with pytest.raises(UsageError, match="tables of a cluster \\(spark_tables\\) and another source \\(data\\)"):
        configuration.load()


def test_mistakes_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"spark_tables cannot have 'acounts'; .*accounts"):
        open_cluster_source({"acounts": "main.crm.accounts"}, lambda: None)
    with pytest.raises(UsageError, match="spark_tables says nothing of accounts"):
        open_cluster_source({"accounts": " "}, lambda: None)
    source = open_cluster_source({"accounts": "main.crm.accounts"}, lambda: None)
    with pytest.raises(UsageError, match='read by a cluster: set engine = "spark"'):
        source.stage(["accounts"], tmp_path)
