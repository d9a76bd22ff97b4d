"""Whether a known end of a contract is news for a case that contains one already.

A cancellation that is withdrawn and given again a month later is another cancellation, and so is the end of another
contract, although the alarm has the same name. A corrected date is none: our copy knows of that end since before. So an
end is identified by when our copy learned of it: one that became known after the night that raised the alarm is new.
"""

from collections.abc import Iterable
from datetime import date

from serving.contracts import Alarm, AlarmKind
from serving.policy.detection.account_table import AccountTable, Numbers
from serving.policy.detection.contract_alarms import day_after

KNOWN_IN = {AlarmKind.CANCELLATION: "cancellation_known_in", AlarmKind.PARTIAL_LOSS: "partial_loss_known_in"}
"""By alarm: the column with the days until our copy learned of the end, negative in the past."""


def ending_nights(alarms: Iterable[str], night: date) -> dict[str, date]:
    """The ends of contracts among these alarms, each with the night that raises them."""
    return {code: night for code in alarms if Alarm.parse(code).kind in KNOWN_IN}


class ContractEndings:
    """When our copy learned of the end that each account's alarms are about."""

    def __init__(self, accounts: AccountTable, as_of: date) -> None:
        self._place, self._as_of = accounts.place, as_of
        self._known: dict[str, Numbers] = {
            Alarm(kind).code: accounts.numbers(column) for kind, column in KNOWN_IN.items()
        }

    def is_new(self, account: str, code: str, raised_on: date | None) -> bool:
        """Whether the alarm is an end that was not known yet on the night ``raised_on``, which raised the same alarm.

        Always false of other alarms, and where one of the two days is not known.
        """
        place = self._place.get(account)
        if raised_on is None or place is None or code not in self._known:
            return False
        known_on = day_after(self._as_of, self._known[code][place])
        return known_on is not None and known_on >= raised_on
