"""What ``rescue promote`` says is what came of it, also where the gate was overridden."""

import pytest
from typer.testing import CliRunner

from features.errors import UsageError
from models.promotion.gate import Check, Promotion
from pipelines.cli import app
from pipelines.training import promotion

REFUSED = Promotion("churn", "2", "1", (Check("enough events", False, "There are only 3 accounts with an event."),))
PASSED = Promotion("churn", "2", "1", (Check("some margin better", True, "better by AUC."),))


@pytest.mark.parametrize(
    ("verdict", "given", "code", "told"),
    [
        (REFUSED, [], 1, "stays challenger. There are only 3 accounts with an event."),
        (PASSED, [], 0, "is champion now, in place of version 1: better by AUC."),
        (
            REFUSED,
            ["--override", "--reason", "new market"],
            0,
            "is champion now, against the gate's verdict: new market",
        ),
    ],
)
def test_the_last_line_says_who_is_champion(
    monkeypatch: pytest.MonkeyPatch, verdict: Promotion, given: list[str], code: int, told: str
) -> None:
    promoted = verdict.promoted or bool(given)
    monkeypatch.setattr(promotion, "promote_version", lambda *asked, **named: (verdict, promoted))
    found = CliRunner().invoke(app.app, ["promote", "churn", *given])
    assert found.exit_code == code
    assert told in " ".join(found.stdout.split())
    assert ("stays challenger" in found.stdout) == (not promoted)


@pytest.mark.parametrize("command", ["promote", "rollback"])
def test_a_mistyped_risk_is_named_before_any_version_is_looked_for(command: str) -> None:
    with pytest.raises(UsageError, match="There is no risk 'churns': it is churn or escalation"):
        CliRunner().invoke(app.app, [command, "churns"], catch_exceptions=False)


def test_an_override_without_a_reason_is_refused() -> None:
    assert CliRunner().invoke(app.app, ["promote", "churn", "--override"]).exit_code != 0
