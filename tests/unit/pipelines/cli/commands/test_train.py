"""What ``rescue promote`` prints, also where the gate was overridden, and how a wrong risk is refused."""

import pytest
from typer.testing import CliRunner

from features.errors import UsageError
from models.promotion.gate import Check, Promotion
from pipelines.cli.app import app
from pipelines.training import promotion

FEW = {"accounts_with_event": 3, "rows": 200, "needed": 10}
REFUSED = Promotion("churn", "2", "1", (Check("enough_events", False, FEW),))
PASSED = Promotion("churn", "2", "1", (Check("enough_events", True, FEW),))


@pytest.mark.parametrize(
    ("decision", "given", "code", "text"),
    [
        (REFUSED, [], 1, "churn: version 2 stays challenger."),
        (PASSED, [], 0, "churn: version 2 is now champion, in place of version 1:"),
        (
            REFUSED,
            ["--override", "--reason", "new market"],
            0,
            "churn: version 2 is now champion, although the gate refused it: new market",
        ),
    ],
)
def test_the_last_line_says_which_version_is_champion(
    monkeypatch: pytest.MonkeyPatch, decision: Promotion, given: list[str], code: int, text: str
) -> None:
    promoted = decision.promoted or bool(given)
    monkeypatch.setattr(promotion, "promote_version", lambda *args, **named: (decision, promoted))
    found = CliRunner().invoke(app, ["promote", "churn", *given])
    assert found.exit_code == code
    assert text in " ".join(found.stdout.split())
    assert ("stays challenger" in found.stdout) == (not promoted)


@pytest.mark.parametrize(
    "arguments",
    [("promote", "churns"), ("rollback", "churns"), ("train", "--risk", "churns"), ("backtest", "--risk", "churns")],
)
def test_a_wrong_risk_is_refused_with_the_nearest_name_before_anything_is_read(arguments: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match=r"There is no risk 'churns'; did you mean 'churn'\? Allowed: .*escalation"):
        CliRunner().invoke(app, [*arguments], catch_exceptions=False)


def test_a_risk_of_the_settings_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESCUE_RISKS__ESCALATION__KIND", "none")
    with pytest.raises(UsageError, match="There is no risk 'escalation'; allowed: churn"):
        CliRunner().invoke(app, ["rollback", "escalation"], catch_exceptions=False)


def test_an_override_without_a_reason_is_refused() -> None:
    with pytest.raises(UsageError, match="--override needs --reason"):
        CliRunner().invoke(app, ["promote", "churn", "--override"], catch_exceptions=False)
