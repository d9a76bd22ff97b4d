"""Short timelines of one account, and what the night does with its case.

The result is drawn with one character a night: ``o`` opened, ``!`` raised again, ``.`` open and unchanged, ``r`` open
and marked as resolved, ``x`` closed by the night, a space for nothing.
"""

from collections.abc import Mapping
from typing import Any

from serving.policy.decision.decide import Policy
from serving.policy.state.queue_state import Decision
from support.nights.policy_factory import POLICY
from support.nights.queue_player import QueuePlayer

FAMILY = POLICY.replace("save_rate = 0.5", 'save_rate = 0.5\nfamily = "rescue"').replace(
    'enter = 0.5\nleave = 0.3\nskill = "support"', 'enter = 0.5\nleave = 0.3\nleave_nights = 1\nfamily = "rescue"'
)
"""The small policy with both risks in one family."""

TRIGGERS = """
[triggers.pile_up]
when = "tickets_open >= 5"
risk = "churn"
raises = "alone"
message = "Many tickets"
"""

RUNNING: Mapping[str, Any] = {"a": "A", "arr": 10_000.0, "contract_status": "running", "renews_in": 200.0}
LEAVING = {**RUNNING, "contract_status": "leaving", "leaves_in": 9.0, "leaving_arr": 10_000.0, "renews_in": None}
LEFT = {**RUNNING, "contract_status": "left", "leaves_in": -1.0, "arr": None, "renews_in": None}
WITHDRAWN = {**RUNNING, "notice_withdrawn_in": -1.0}
CHURN, ESCALATION = {**RUNNING, "p": 0.9}, {**RUNNING, "e": 0.7}
CALM = {**RUNNING, "p": 0.02, "e": 0.02}


def queue(more: str = "", text: str = FAMILY) -> QueuePlayer:
    """An empty queue of the small policy."""
    return QueuePlayer(Policy.parse(text + more))


def drawn(decision: Decision, *, was_open: bool) -> str:
    """What the night did with the only case."""
    if decision.flags:
        return "o"
    if decision.closures:
        return "x"
    if decision.raised_again:
        return "!"
    if decision.live:
        return "r" if decision.live[0].resolved else "."
    assert not was_open
    return " "


def play(player: QueuePlayer, *nights: Mapping[str, Any]) -> str:
    """The nights one after the other, drawn."""
    return "".join(drawn(player.night(row), was_open=bool(player.cases)) for row in nights)


def leaving(*, known_on: int, leaves_in: float = 9.0, on: int = 0) -> dict[str, Any]:
    """A cancellation that our copy learned of on a day; both days are numbers of days after the first night."""
    return {**LEAVING, "leaves_in": leaves_in, "cancellation_known_in": float(known_on - on)}
