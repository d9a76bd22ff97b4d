"""``rescue users`` and the section ``[review]``: passwords never on the command line, secrets never in a message."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from features.errors import UsageError
from pipelines import settings as configuration
from pipelines.cli.app import app
from serving.cases.permissions import Role
from serving.store import Store
from serving.web.identity import users

PASSWORD = "correct horse battery staple"


def rescue(home: Path, *words: str, typed: str = "") -> str:
    """Run the command; what it printed."""
    done = CliRunner().invoke(app, ["users", *words, "--home", str(home)], input=typed)
    assert done.exception is None, done.exception
    return done.stdout


def test_users_are_kept_from_the_command_line(tmp_path: Path) -> None:
    assert "There are no users." in rescue(tmp_path, "list")
    added = rescue(tmp_path, "add", "ann", "--role", "lead", "--squad", "north", typed=f"{PASSWORD}\n")
    assert "ann is added" in added
    assert "changed" in rescue(tmp_path, "add", "ann", "--role", "lead", "--squad", "south", typed=f"{PASSWORD}\n")
    token = rescue(tmp_path, "token", "ann", "--label", "crm").strip()
    listed = rescue(tmp_path, "list")
    assert "south" in listed
    assert PASSWORD not in added + listed
    with Store(f"sqlite:///{tmp_path / 'rescue.db'}") as store:
        assert users.authenticate(store, "ann", PASSWORD, None) is not None
        rescue(tmp_path, "disable", "ann")
        assert users.authenticate(store, "ann", PASSWORD, None) is None
    assert token.startswith("rescue_")
    assert token not in rescue(tmp_path, "list")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("add", "ann", "--role", "boss"), "There is no role 'boss'"),
        (("add", "ann", "--role", "lead"), "12 to 200 characters"),
        (("add", "rescue", "--role", "lead", "--no-password"), "choose another"),
        (("disable", "eve"), "There is no user 'eve'"),
    ],
)
def test_wrong_use_is_one_sentence(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    done = CliRunner().invoke(app, ["users", *words, "--home", str(tmp_path)], input="short\n")
    assert isinstance(done.exception, UsageError)
    assert says in str(done.exception)


def test_the_providers_secret_comes_from_the_environment_and_is_never_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "rescue.toml"
    file.write_text('[review]\nauth = "oidc"\noidc_issuer = "https://id.example"\noidc_client_id = "rescue"\n')
    monkeypatch.setenv("RESCUE_CONFIG", str(file))
    with pytest.raises(UsageError, match="oidc_client_secret"):
        configuration.load()
    monkeypatch.setenv("RESCUE_REVIEW__OIDC_CLIENT_SECRET", "canary-secret")
    monkeypatch.setenv("RESCUE_REVIEW__ROLES", '{"cs-leads": "lead"}')
    found = configuration.load()
    assert found.review.roles == {"cs-leads": Role.LEAD}
    assert found.review.oidc_client_secret is not None
    assert "canary-secret" not in repr(found) + found.model_dump_json()
    monkeypatch.setenv("RESCUE_REVIEW__AUTH", "canary-wrong")
    with pytest.raises(UsageError) as refused:
        configuration.load()
    assert "canary-secret" not in str(refused.value)
