"""`rescue deliver --check` and `--test`: whether a channel works, before the first case depends on it."""

from pathlib import Path

import pytest
from support.nights.local_receivers import smtp_receiver
from support.vendors.fake_paging import FakePagerDuty
from support.vendors.fake_slack import FakeSlack
from support.vendors.fake_workflows import FakeCamunda8
from typer.testing import CliRunner

from features.errors import UsageError
from pipelines.cli import app


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "rescue.toml"
    monkeypatch.setenv("RESCUE_CONFIG", str(file))
    return file


def deliver(*arguments: str) -> tuple[int, str]:
    found = CliRunner().invoke(app.app, ["deliver", *arguments])
    if isinstance(found.exception, UsageError):
        return 2, str(found.exception)
    return found.exit_code, found.output


def test_a_test_message_goes_through_one_channel(settings: Path) -> None:
    slack, pager, camunda = FakeSlack(), FakePagerDuty(), FakeCamunda8()
    with slack.running(), pager.running(), camunda.running(), smtp_receiver() as mailbox:
        settings.write_text(
            f"""
            [channels.team]
            kind = "slack_app"
            channel = "C012AB3CD"
            token = "{slack.token}"
            api = "{slack.url}/api"
            allow = ["127.0.0.1"]
            [channels.pager]
            kind = "pagerduty"
            routing_key = "canary-integration-key"
            api = "{pager.url}"
            allow = ["127.0.0.1"]
            [channels.process]
            kind = "camunda"
            url = "{camunda.url}"
            process = "rescue"
            token = "{camunda.token}"
            allow = ["127.0.0.1"]
            [channels.mail]
            kind = "email"
            host = "127.0.0.1"
            port = {mailbox.port}
            sender = "rescue@team.example"
            security = "none"
            """
        )
        assert deliver("--test", "team") == (0, "team took the test message.\n")
        assert deliver("--test", "pager") == (0, "pager took the test message.\n")
        assert deliver("--test", "process")[1].endswith("a test creates nothing there.\n")
        assert deliver("--test", "mail", "--to", "ann@team.example") == (0, "mail took the test message.\n")
        status, said = deliver("--test", "mail")
        assert (status, "no recipients" in said) == (1, True)
        assert "deliver --test team" in slack.top()[0]["text"]
        assert [alert["state"] for alert in pager.alerts.values()] == ["resolved"]
        assert camunda.instances == []
        assert [message["To"] for message in mailbox.messages] == ["ann@team.example"]
        status, said = deliver("--check")
        assert (status, "team: Slack lets us in (as rescue in Team)." in said) == (0, True)
        slack.token = "xoxb-another"
        status, said = deliver("--test", "team")
        assert (status, "the token is wrong" in said, "canary" in said) == (1, True, False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--test", "tem"), "There is no channel 'tem'; did you mean 'team'?"),
        (("--to", "ann@team.example"), "--to needs --test"),
    ],
)
def test_a_wrong_option_is_a_sentence(settings: Path, arguments: tuple[str, ...], said: str) -> None:
    settings.write_text('[channels.team]\nkind = "file"\nfolder = "/nowhere"\n')
    status, text = deliver(*arguments)
    assert (status, said in text) == (2, True)
