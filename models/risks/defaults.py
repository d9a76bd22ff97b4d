"""The risks that are predicted unless the settings say otherwise. No other module of the product names one.

A default may have several forms; a source gets the first whose tables it has. Where there are subscriptions a customer
leaves by contract, elsewhere by showing no activity.
"""

from collections.abc import Sequence

from features.labels.label_rule import LabelRule
from models.risks.risk import Risk

CHURN = Risk("churn", LabelRule("churn", "contract", horizon=90, lead=7))
SILENCE = Risk("churn", LabelRule("churn", "silence", horizon=90))
ESCALATION = Risk(
    "escalation", LabelRule("escalation", "event", horizon=14, table="ticket_events", where="kind = 'escalated'")
)

DEFAULTS: Sequence[Risk] = (CHURN, SILENCE, ESCALATION)
