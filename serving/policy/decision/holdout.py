"""The hold-out: accounts that the team does not work, so that the effect of its work can be measured.

Each account gets a number from a salted hash. Nothing is random at night, so the same account is held out every night
of an experiment, and a new salt draws a new hold-out. The accounts of a group (``parent_id``) are drawn together,
because they influence each other. An account keeps the unit and the stratum in which it was first known: one that is
acquired or moves to another segment does not change sides. The share can differ by segment (the stratum). The hold-out
is taken out before capacity applies: otherwise it would differ systematically from the accounts that are worked. An
exempted account is worked anyway; that is recorded, because it biases the measurement.
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from serving.policy.definition.case_rules import Holdout
from serving.policy.definition.unknown_names import UNKNOWN
from serving.policy.detection.account_table import AccountTable, Flags
from serving.policy.state.queue_state import HoldoutUnits


def holdout_number(unit: str, salt: str) -> float:
    """The number of a group or account, uniform in [0, 1): it depends only on the unit and the salt."""
    digest = hashlib.sha256(f"{salt}\0{unit}".encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


class HoldoutAssignment:
    """The hold-out over all accounts: the unit and stratum of each, and whether it is held out before exemptions.

    ``known`` are the units of earlier nights; ``new_units`` are those that this night adds.
    """

    def __init__(self, accounts: AccountTable, rule: Holdout | None, known: HoldoutUnits) -> None:
        self._rule = rule
        self._ids, self._known = accounts.account_ids, known
        new = [place for place, account in enumerate(self._ids) if account not in known]
        self._new = _units_of_new(accounts, new, known) if rule is not None else {}
        self.new_units = {self._ids[place]: unit for place, unit in self._new.items()}

    def unit(self, place: int) -> tuple[str, str]:
        """The unit and the stratum of the account at this place, where the policy has a hold-out."""
        return self._known.get(self._ids[place]) or self._new[place]

    def is_held_out(self, place: int) -> bool:
        """Whether the account at this place is drawn for the hold-out."""
        if self._rule is None:
            return False
        return holdout_number(self.unit(place)[0], self._rule.salt) < self.share(place)

    def share(self, place: int) -> float:
        """The probability with which the account at this place is held out; 0 where nobody is."""
        if self._rule is None:
            return 0.0
        return self._rule.by_segment.get(self.unit(place)[1], self._rule.share)

    @property
    def salt(self) -> str:
        """The salt of the draw: it names the experiment; empty where there is none."""
        return self._rule.salt if self._rule else ""


def _units_of_new(accounts: AccountTable, new: Sequence[int], known: HoldoutUnits) -> dict[int, tuple[str, str]]:
    """The unit and stratum of the accounts at these places, which no earlier night has drawn, by place.

    A unit has the stratum of its first account: of those that are known, else of tonight's.
    """
    if not new:
        return {}
    parents, segments = accounts.texts("parent_id"), accounts.texts("segment")
    units = [parent or account for account, parent in zip(accounts.account_ids, parents, strict=True)]
    wanted = {units[place] for place in new}
    strata: dict[str, str] = {}
    for account in sorted(account for account, (unit, _) in known.items() if unit in wanted):
        strata.setdefault(*known[account])
    for unit, segment in zip(units, segments, strict=True):
        if unit in wanted:
            strata.setdefault(unit, segment or UNKNOWN)
    return {place: (units[place], strata[units[place]]) for place in new}


def first_exemption(exempt: Mapping[str, Flags], place: int) -> str | None:
    """The first exemption, in the policy's order, that holds for the account at this place; None where none does."""
    return next((name for name, holds in exempt.items() if np.bool_(holds[place])), None)
