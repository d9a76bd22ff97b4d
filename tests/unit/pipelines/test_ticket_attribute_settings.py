"""A company's own columns of tickets: declared in the settings or in a mapping, and known to conditions."""

from pathlib import Path

import pytest

from features.contract import TABLES, TICKETS, declare_ticket_columns
from features.errors import UsageError
from pipelines import settings as configuration
from pipelines.extensions.load_extensions import own_features
from pipelines.setting_sections.ticket_attribute_settings import attributes_of_mapping
from serving.policy.definition.tickets.ticket_filter import ticket_columns


@pytest.fixture(autouse=True)
def _contract_as_before() -> object:
    yield
    declare_ticket_columns(())


def mapping(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "tickets.sql").write_text("SELECT 1")
    (folder / "mapping.toml").write_text(text)
    return folder


def test_the_settings_win_over_the_mapping_and_conditions_know_both(tmp_path: Path) -> None:
    given = mapping(tmp_path / "m", "[ticket_attributes.symptom]\n[ticket_attributes.size]\nkind = 'number'\n")
    settings = configuration.load(mapping=given, ticket_attributes={"symptom": {"column": "u_symptom"}})
    assert [(it.name, it.kind.value, it.changing) for it in settings.declared_ticket_columns] == [
        ("size", "DOUBLE", True),
        ("u_symptom", "VARCHAR", True),
    ]
    own_features(settings)
    assert ticket_columns()["u_symptom"] == ("u_symptom", "text")
    assert ticket_columns()["size"] == ("size", "number")
    own_features(configuration.load())
    assert TABLES["tickets"].columns == TICKETS.columns


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[ticket_attributes.symptom]\nconstnat = true\n", "did you mean 'constant'"),
        ("[ticket_attributes.symptom]\nkind = 'date'\n", "the setting ticket_attributes.symptom.kind"),
        ("ticket_attributes = 3\n", "ticket_attributes holds tables"),
    ],
)
def test_a_mistake_in_a_mapping_is_one_sentence_that_names_the_file(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=r"mapping\.toml") as caught:
        attributes_of_mapping(mapping(tmp_path / "m", text))
    assert sentence in str(caught.value)


@pytest.mark.parametrize("attributes", [{"priority": {}}, {"hour": {"column": "opened_hour"}}])
def test_a_column_of_the_contract_cannot_be_declared(attributes: dict[str, dict[str, str]]) -> None:
    with pytest.raises(UsageError, match="the contract has it"):
        configuration.load(ticket_attributes=attributes)
