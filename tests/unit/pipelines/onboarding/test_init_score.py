"""The score sheet of ``rescue init``: how many columns it finds, and that none is wrong."""

from pathlib import Path

import pytest
from support.export_folders import FOLDERS

from pipelines.onboarding.propose import SourceProposal, propose_sources


def proposed(folder: Path, files: dict[str, str]) -> SourceProposal:
    source = folder / "source"
    source.mkdir()
    for name, text in files.items():
        (source / name).write_text(text)
    (proposal,) = propose_sources({"source": str(source)}, folder / "scratch")
    return proposal


@pytest.mark.parametrize("name", FOLDERS)
def test_every_column_of_an_export_is_found(name: str, tmp_path: Path) -> None:
    files, truth = FOLDERS[name]
    proposal = proposed(tmp_path, dict(files))
    assert proposal.proposed is not None
    found = {made.target: {it.target: it.column for it in made.columns} for made in proposal.proposed.tables}

    assert {table: {key: found.get(table, {}).get(key) for key in columns} for table, columns in truth.items()} == truth


@pytest.mark.shared
@pytest.mark.parametrize(
    "vendor",
    [
        *("zendesk", "jira", "mixpanel"),
        *(
            pytest.param(name, marks=pytest.mark.soak)
            for name in ("salesforce", "hubspot", "stripe", "pendo", "intercom")
        ),
    ],
)
def test_a_vendors_system_is_recognised(vendor: str, shared_data: Path, tmp_path: Path) -> None:
    from pipelines.onboarding.profile_tables import profile_source
    from pipelines.onboarding.vendor_choice import find_vendor
    from pipelines.sources import open_source

    seeds = shared_data / "connectors" / f"fivetran_dbt_{vendor}" / "integration_tests" / "seeds"
    tables, failures = profile_source(open_source(str(seeds)), tmp_path)
    match = find_vendor(tables)
    assert match is not None
    assert (match.mapping, failures) == (f"{vendor}/fivetran", {})


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fightchurn_crm6", {"accounts": "account", "subscriptions": "subscription", "usage_daily": "event_daily"}),
        ("online_retail", {"accounts": "online_retail"}),
    ],
)
def test_the_shared_data_sets_are_proposed_with_warnings(
    name: str, expected: dict[str, str], shared_data: Path, tmp_path: Path
) -> None:
    (proposal,) = propose_sources({"source": str(shared_data / name)}, tmp_path)
    assert proposal.proposed is not None
    made = {it.target: it.table for it in proposal.proposed.tables if it.target != "crosswalk"}
    assert made == expected
    assert any(it.notes for it in proposal.proposed.tables)
