"""The labels by the slowest honest road: for one account and one cutoff, read the rules aloud over plain rows."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from features.labels.labels import LabelRule
from support.labels.contract_oracle import MOMENT, Book, Contract, Version


def churn(
    versions: Sequence[Version],
    account: str,
    cutoff: date,
    rule: LabelRule,
    until: date,
    group: Mapping[str, str],
) -> tuple[str, datetime | None]:
    """What the label says (``not eligible``, ``unknown``, ``event``, ``none``) and when it happened."""
    opened = datetime.combine(cutoff, datetime.min.time())

    def book(instant: datetime) -> Book:
        return Book(versions, account, instant, rule.grace, group)

    if book(opened).status != "running":
        return "not eligible", None
    lead_over = opened + timedelta(days=rule.lead)
    closed = lead_over + timedelta(days=rule.horizon)
    matures = closed + timedelta(days=rule.grace)
    if matures >= datetime.combine(until, datetime.min.time()):
        return "unknown", None
    learned = sorted({version.known for version in versions})
    decisions = [
        at
        for at in learned
        if opened <= at <= closed and _decides(book(at), book(at + MOMENT), versions, account)
        if not any(_undone(book(at + MOMENT), book(later + MOMENT)) for later in learned if at < later <= matures)
    ]
    early = [at for at in decisions if at <= lead_over]
    if early:
        return "unknown", early[0]
    return ("event", decisions[0]) if decisions else ("none", None)


def _decides(before: Book, after: Book, versions: Sequence[Version], account: str) -> bool:
    """Whether what became known at this instant is that the account leaves."""
    if before.status != "running":
        return False
    own = any(it.known == before.instant and it.account == account and it.ended for it in versions)
    return after.status == "leaving" or (after.status == "left" and own)


def _undone(decided: Book, later: Book) -> bool:
    """Whether the stay that was to end runs on, by something that was learned since."""
    leaves_at = decided.leaves_at
    if leaves_at is None:
        return False
    anchor = min(decided.instant - MOMENT, leaves_at)
    ours = {it.subscription for it in decided.versions if it.known < decided.instant}
    for stay in later.stays():
        if min(it.starts for it in stay) <= anchor and any(it.ends is None or it.ends >= anchor for it in stay):
            return any(it.ends is None or it.moved for it in stay) or _runs_on(stay, ours)
    return False


def _runs_on(stay: Sequence[Contract], ours: set[str]) -> bool:
    """Whether a contract that was not known then ends later than all that were."""
    new = [it.ends for it in stay if it.name not in ours and it.ends]
    old = [it.ends for it in stay if it.name in ours and it.ends]
    return bool(new and old) and max(new) > max(old)
