"""Sources with names on the command line and in rescue.toml."""

from pathlib import Path

import pytest

from features.errors import UsageError
from pipelines import settings as configuration
from pipelines.setting_sections.source_settings import SourceSettings


@pytest.fixture
def toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "rescue.toml"
    monkeypatch.setenv("RESCUE_CONFIG", str(file))
    file.write_text(
        '[sources.crm]\ndata = "crm"\nschema = "sales"\n[sources.desk]\ndata = "desk"\nmapping = "zendesk/fivetran"\n'
    )
    return file


def test_the_file_names_sources(toml: Path) -> None:
    loaded = configuration.load()
    assert {name: it.data for name, it in loaded.sources.items()} == {"crm": "crm", "desk": "desk"}
    assert loaded.sources["crm"].db_schema == "sales"
    assert loaded.source_text == "crm (crm), desk (desk)"


def test_the_command_line_changes_one_place_and_keeps_the_others(toml: Path) -> None:
    loaded = configuration.load(data=["desk=other"])
    assert list(loaded.sources.items()) == [
        ("crm", SourceSettings.model_validate({"data": "crm", "schema": "sales"})),
        ("desk", SourceSettings.model_validate({"data": "other", "mapping": "zendesk/fivetran"})),
    ]


def test_the_command_line_adds_a_source_after_those_of_the_file(toml: Path) -> None:
    loaded = configuration.load(data=["more=third", "desk=other"], mapping=["more=hubspot/dlt"])
    assert {name: it.data for name, it in loaded.sources.items()} == {"crm": "crm", "desk": "other", "more": "third"}
    assert list(loaded.sources) == ["crm", "desk", "more"]
    assert str(loaded.sources["more"].mapping) == "hubspot/dlt"


def test_a_mapping_on_the_command_line_keeps_the_sources(toml: Path) -> None:
    loaded = configuration.load(mapping=["crm=hubspot/dlt"])
    assert {name: str(it.mapping) for name, it in loaded.sources.items()} == {
        "crm": "hubspot/dlt",
        "desk": "zendesk/fivetran",
    }


def test_sources_given_in_code_are_the_only_ones(toml: Path) -> None:
    loaded = configuration.load(sources={"more": {"data": "third"}})
    assert {name: it.data for name, it in loaded.sources.items()} == {"more": "third"}


def test_one_source_on_the_command_line_is_the_only_one(toml: Path) -> None:
    loaded = configuration.load(data=["folder"])
    assert (loaded.data, loaded.sources) == ("folder", {})


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (["a", "b"], "--data is given 2 times, and a and b have no name"),
        (["crm=a", "b"], "--data is given 2 times, and b has no name"),
        (["crm=a", "crm=b"], "names the source 'crm' twice"),
        (["main=a"], "cannot be called 'main'"),
        (["CRM=a"], "use lower-case letters"),
    ],
)
def test_sources_without_clear_names_are_refused(data: list[str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        configuration.load(data=data)


def test_a_mapping_of_a_source_without_a_name_is_refused() -> None:
    with pytest.raises(UsageError, match="--mapping names the source 'crm'"):
        configuration.load(data=["folder"], mapping=["crm=zendesk/fivetran"])


def test_one_source_and_several_in_a_file_are_refused(toml: Path) -> None:
    toml.write_text('data = "folder"\n[sources.crm]\ndata = "crm"\n')
    with pytest.raises(UsageError, match="keep one of both"):
        configuration.load()


def test_an_existing_path_with_an_equals_sign_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "day=1").mkdir()
    assert configuration.load(data=["day=1"]).data == "day=1"


def test_a_url_with_a_query_is_no_name() -> None:
    url = "postgresql://host/db?options=-csearch_path=x"
    assert configuration.load(data=[url]).data == url


def test_a_wrong_key_or_value_of_a_source_is_named(toml: Path) -> None:
    toml.write_text('[sources.crm]\ndata = "crm"\nmaping = "x"\n')
    with pytest.raises(UsageError, match=r"no setting sources\.crm\.maping; did you mean 'mapping'"):
        configuration.load()
    toml.write_text('[sources.crm]\ndata = "crm"\nmatch_by = ["domian"]\n')
    with pytest.raises(UsageError, match="match_by cannot be 'domian'; did you mean 'domain'"):
        configuration.load()
